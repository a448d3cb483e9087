"""The risk check of payments whose customer waits. Source: decision 0063."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue import field_rules
from recoup.doors.rescue.body import rule
from recoup.doors.rescue.wire import Moment, Shape
from recoup.rules.risk.terms import HOLDOUT_MAX

RiskModeName = Annotated[
    Literal["off", "shadow", "share"],
    Meta(
        description="`off`: no estimate is made. `shadow`: what it would have done is stored. `share`: it decides for "
        "its share of the customers."
    ),
]
Share = Annotated[int, Meta(ge=0, le=100, description="Percentage of customers for whom the check decides.")]
Holdout = Annotated[
    int,
    Meta(
        ge=0, le=HOLDOUT_MAX, description="Percentage of customers in the comparison group; with `share` at most 100."
    ),
]
Margin = Annotated[
    int, Meta(ge=1, le=100, description="What a declined genuine sale costs, as a percentage of its amount.")
]
_PERCENT = rule(field_rules.within(-(10**6), 10**6))  # the reader that every way in shares refuses what is none


class RiskBody(Shape, kw_only=True):
    """Settings of the risk check. Missing fields stay unchanged."""

    mode: RiskModeName | None = None
    share: Annotated[Share, Meta(extra=_PERCENT)] | None = None
    holdout: Annotated[Holdout, Meta(extra=_PERCENT)] | None = None
    margin: Annotated[Margin, Meta(extra=_PERCENT)] | None = None
    mid: Annotated[UUID | None, Meta(description="Optional; not used.")] = None


class RiskChanged(Shape, kw_only=True):
    """The latest change of the settings."""

    at: Moment
    by: str


class RiskWeights(Shape, kw_only=True):
    """Weights that were learned from outcomes of this installation's payments. The scores are mean log losses of the
    held-out payments; lower is better."""

    version: int
    name: str
    at: Moment
    payments: Annotated[int, Meta(description="That they were learned from.")]
    frauds: int
    held_payments: int | None
    held_frauds: int | None
    score: float | None
    compared_score: Annotated[float | None, Meta(description="Of the weights before, on the same payments.")]


class RiskCheck(Shape, kw_only=True):
    """The merchant's settings, and the weights in use."""

    mode: RiskModeName
    share: Share
    holdout: Holdout
    margin: Margin
    last_change: Annotated[RiskChanged | None, Meta(description="Null if never changed.")]
    weights: Annotated[RiskWeights | None, Meta(description="Null: those that come with Recoup.")]
    success: bool = True
