"""/engine: who decides when declined payments are tried again, the rescue engine or the fixed
schedule. Source: decision 0044."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kernel.money import UNITS_MAX
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import field_rules
from recoup.kit.api.body import named_as_here, rule
from recoup.kit.api.field_rules import Limits, Wrong
from recoup.kit.api.wire import Cents, Moment, Shape, Text, UnusedMid
from recoup.kit.terms import described
from recoup.policies.rules.terms import ScopeKind
from recoup.rescue.api.payment import read_own
from recoup.switches.flows import sites
from recoup.terms.rules import arm_terms
from recoup.terms.rules.arm_terms import CURRENCIES_MAX, Terms
from recoup.uplift.flows import arms
from recoup.uplift.flows.arms import ArmsChange, Standing

Mode = Annotated[arm_terms.Mode, described(Terms, "mode")]
Share = Annotated[int, described(Terms, "share")]
Holdout = Annotated[int, described(Terms, "holdout")]
Explore = Annotated[int, described(Terms, "explore")]
_Bounds = Annotated[dict[str, Cents], Meta(max_length=CURRENCIES_MAX)]
ExploreMax = Annotated[
    _Bounds,
    Meta(
        description="By currency, the largest amount for random choices, in minor units. Empty: "
        "any amount; "
        "otherwise none in currencies that are missing here."
    ),
]


_PERCENT = rule(
    field_rules.within(-(10**6), 10**6)
)  # the reader that every way in shares refuses what is none


def _bounds(value: Any, limits: Limits) -> dict[str, int] | Wrong:
    """Minor units by currency."""
    if not isinstance(value, dict):
        return Wrong("must be an object in braces: {…}")
    if len(value) > limits.high or any(
        type(units) is not int or not 0 <= units <= UNITS_MAX for units in value.values()
    ):
        return Wrong(
            f"must name at most {limits.high} currencies, each with a whole number of minor units: "
            f'{{"USD": 50000}}'
        )
    return {name.upper(): units for name, units in value.items()}


class EngineBody(Shape):
    """Settings of the merchant or of one site. Missing fields stay unchanged."""

    mode: Mode
    site_id: UUID | None = None
    """Without it: of all sites without settings of their own."""
    share: Annotated[Share, Meta(extra=_PERCENT)] | None = None
    holdout: Annotated[Holdout, Meta(extra=_PERCENT)] | None = None
    explore: Annotated[Explore, Meta(extra=_PERCENT)] | None = None
    explore_max: Annotated[ExploreMax, Meta(extra=rule(_bounds))] | None = None
    mid: UnusedMid = None


class EngineChange(Shape):
    """The latest change of the settings."""

    at: Moment
    by: Annotated[str, Meta(examples=["api:pk_test_1"])]
    """`api`, `user` or `operator`, with an id."""


class EngineInForce(Shape):
    """What retry policies leave of the settings."""

    mode: Mode
    share: Share
    by: list[ScopeKind]
    """Whose policies say less, the widest first."""


class EngineSettings(Shape):
    """Settings of the merchant or of one site, for new orders."""

    site_id: UUID | None
    """Null: of all sites without settings of their own."""
    name: str
    """Name of the site; empty for the merchant."""
    mode: Mode
    share: Share
    holdout: Holdout
    explore: Explore
    explore_max: ExploreMax
    in_force: EngineInForce | None
    """What retry policies leave of `mode` and `share` for new orders. Null: all of it."""
    last_change: EngineChange | None
    """Null if never changed."""


class EngineStop(Shape):
    """While it lasts, the fixed schedule applies to every order, open ones included."""

    all_merchants: bool
    """True: the operator's, for all merchants."""
    at: Moment
    by: str
    why: str


class EngineTraining(Shape):
    """What the nightly training found."""

    at: Moment
    result: Literal["taken", "candidate", "not_better", "too_little", "failed"]
    """`taken`: a better model, in use since then. `candidate`: a better model that waits for the
    operator. `too_little`: too few attempts to learn from."""


class Engine(Shape):
    """The merchant's settings, then those of each site."""

    data: list[EngineSettings]
    model: Annotated[str | None, Meta(examples=["model-5f0c1d2ab9e4"])]
    """The model in use."""
    why_none: str
    """Why no model is in use; otherwise empty."""
    stops: list[EngineStop]
    last_training: EngineTraining | None
    """Null: none yet."""
    success: bool = True


class EngineStopBody(Shape):
    """Why the engine is stopped."""

    why: Annotated[Text, Meta(min_length=1)]
    """Shown on the page of the engine."""
    mid: UnusedMid = None


class EngineResumeBody(Shape):
    """No field is required."""

    mid: UnusedMid = None


api: Final = Api(group="Settings", scope="merchants")


@api("GET /v1/engine")
async def read(call: Call) -> Engine:
    """Settings of the rescue engine. Who decides about new orders, for the merchant and each site;
    the model in use; and whether the engine is stopped."""
    world, merchant_id = call.services.world, call.scope.merchant_id
    standing = await arms.read_arms(world, merchant_id, await arms.clock_of(world, merchant_id))
    trained = standing.trained
    places = [
        (None, ""),
        *((site.site_id, site.name) for site in await sites.list_all(world, call.scope)),
    ]
    return Engine(
        data=[_settings(standing, site_id, name) for site_id, name in places],
        model=standing.model,
        why_none=standing.why_none,
        stops=[
            EngineStop(
                all_merchants=stop.merchant_id is None,
                at=iso(stop.stopped_at),
                by=stop.actor,
                why=stop.why,
            )
            for stop in standing.stops
        ],
        last_training=EngineTraining(at=iso(trained.ended_at), result=trained.result)
        if trained
        else None,
    )


@api("PUT /v1/engine", body=EngineBody, problems=("not_found",))
@api.example("shadow mode", {"mode": "shadow"})
@api.example(
    "half of the customers",
    {"mode": "share", "share": 50, "holdout": 10, "exploreMax": {"USD": 50000}},
)
async def change(call: Call) -> Engine:
    """Set who decides about declined payments. For the merchant or one site, for new orders.
    Missing fields stay unchanged. Customers are assigned at random, once and for all: a customer in
    the comparison group stays there when the share changes."""
    body = read_own(call, EngineBody)
    arms_change = ArmsChange(body.mode, body.share, body.holdout, body.explore, body.explore_max)
    with named_as_here():
        await arms.set_arms(
            call.services.world, call.scope, body.site_id, arms_change, needs_model=True
        )
    call.services.merchants.forget(call.scope.merchant_id)
    return await read(call)


@api("POST /v1/engine/stop", body=EngineStopBody)
@api.example("a reason", {"why": "too many attempts"})
async def stop(call: Call) -> Engine:
    """Stop the rescue engine. The fixed schedule applies at once, also to open orders. The settings
    stay."""
    body = read_own(call, EngineStopBody)
    with named_as_here():
        await arms.stop(call.services.world, call.scope, body.why)
    return await read(call)


@api("POST /v1/engine/resume", body=EngineResumeBody, body_optional=True)
async def resume(call: Call) -> Engine:
    """Start the rescue engine again. Ends the merchant's own stop; only the operator can end the
    operator's."""
    read_own(call, EngineResumeBody)
    await arms.resume(call.services.world, call.scope)
    return await read(call)


def _settings(standing: Standing, site_id: Any, name: str) -> EngineSettings:
    terms, row, left = standing.own(site_id), standing.changed.get(site_id), standing.cut(site_id)
    return EngineSettings.of(
        terms,
        site_id=site_id,
        name=name,
        explore_max=dict(terms.explore_max or {}),
        in_force=EngineInForce(mode=left.terms.mode, share=left.terms.share, by=list(left.by))
        if left
        else None,
        last_change=EngineChange(at=iso(row.changed_at), by=row.changed_by)
        if row is not None
        else None,
    )
