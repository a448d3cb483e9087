"""/engine/risk: whether the risk check decides about payments whose customer waits. Source:
decision 0063."""

from typing import Annotated, Final

from msgspec import Meta

from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import field_rules
from recoup.kit.api.body import named_as_here, rule
from recoup.kit.api.wire import Moment, Shape, UnusedMid
from recoup.kit.terms import described
from recoup.rescue.api.payment import read_own
from recoup.risk.flows import risk
from recoup.risk.flows.risk_versions import risk_in_use
from recoup.terms.rules.terms import RiskMode, RiskTerms

RiskModeName = Annotated[RiskMode, described(RiskTerms, "mode")]
Share = Annotated[int, described(RiskTerms, "share")]
Holdout = Annotated[int, described(RiskTerms, "holdout")]
Margin = Annotated[int, described(RiskTerms, "margin")]
_PERCENT = rule(
    field_rules.within(-(10**6), 10**6)
)  # the reader that every way in shares refuses what is none


class RiskBody(Shape):
    """Settings of the risk check. Missing fields stay unchanged."""

    mode: RiskModeName | None = None
    share: Annotated[Share, Meta(extra=_PERCENT)] | None = None
    holdout: Annotated[Holdout, Meta(extra=_PERCENT)] | None = None
    margin: Annotated[Margin, Meta(extra=_PERCENT)] | None = None
    mid: UnusedMid = None


class RiskChanged(Shape):
    """The latest change of the settings."""

    at: Moment
    by: str


class RiskWeights(Shape):
    """Weights that were learned from outcomes of this installation's payments. The scores are mean
    log losses of the held-out payments; lower is better."""

    version: int
    name: str
    at: Moment
    payments: int
    """That they were learned from."""
    frauds: int
    held_payments: int | None
    held_frauds: int | None
    score: float | None
    compared_score: float | None
    """Of the weights before, on the same payments."""


class RiskCheck(Shape):
    """The merchant's settings, and the weights in use."""

    mode: RiskModeName
    share: Share
    holdout: Holdout
    margin: Margin
    last_change: RiskChanged | None
    """Null if never changed."""
    weights: RiskWeights | None
    """Null: those that come with Recoup."""
    success: bool = True


api: Final = Api(group="Settings", scope="merchants")


@api("GET /v1/engine/risk")
async def read(call: Call) -> RiskCheck:
    """Settings of the risk check. Whether it decides about payments whose customer waits, and the
    weights in use."""
    world = call.services.world
    row = await risk.newest_risk(world, call.scope.merchant_id)
    terms, learned = row.terms if row is not None else RiskTerms(), await risk_in_use(world)
    return RiskCheck.of(
        terms,
        last_change=RiskChanged(at=iso(row.changed_at), by=row.changed_by)
        if row is not None
        else None,
        weights=RiskWeights.of(learned, version=learned.version_no, at=iso(learned.made_at))
        if learned is not None and learned.payments
        else None,
    )


@api("PUT /v1/engine/risk", body=RiskBody, problems=("not_found",))
@api.example("half of the customers", {"mode": "share", "share": 50, "holdout": 10})
@api.example("it only watches", {"mode": "shadow"})
async def change(call: Call) -> RiskCheck:
    """Set the risk check. For payments that come from now on. Missing fields stay unchanged.
    Customers are assigned at random, once and for all."""
    body = read_own(call, RiskBody)
    with named_as_here():
        wanted = risk.RiskChange(body.mode, body.share, body.holdout, body.margin)
        await risk.set_risk(call.services.world, call.scope, wanted)
    call.services.merchants.forget(call.scope.merchant_id)
    return await read(call)
