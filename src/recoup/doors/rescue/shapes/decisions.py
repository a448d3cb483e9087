"""Decisions about an order, and what would have been decided otherwise. Source: decision 0042."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.wire import Moment, Shape
from recoup.flows.insight.explain import LIMIT_MAX

Chance = Annotated[float, Meta(ge=0, le=1, description="From 0 to 1.")]


class DecisionQuery(Shape, kw_only=True):
    """From where, and how many."""

    after: Annotated[UUID | None, Meta(description="`next` of the previous response.")] = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 10


class DecisionVersions(Shape, kw_only=True):
    """What decided, each by its version."""

    decider: str | None
    policy: str | None
    policies: Annotated[
        str | None,
        Meta(description="Versions of the retry policies that it was made within, the widest first: `merchant/14`."),
    ]
    knowledge: Annotated[str | None, Meta(description="Edition of the networks' rules and codes.")]
    model: Annotated[str | None, Meta(description="Null where a fixed rule decided.")]
    bounds: Annotated[
        str | None,
        Meta(description="Of a decision about an advance: the version of what closed orders show. Null: none yet."),
    ]


class DecisionArm(Shape, kw_only=True):
    """The comparison that the order belongs to."""

    arm: Annotated[str, Meta(description="`engine`, `ladder` (the fixed schedule), `holdout` or `shadow`.")]
    settings_version: int | None
    share: Annotated[int | None, Meta(description="Percentage of customers for whom the engine decided.")]
    holdout: Annotated[int | None, Meta(description="Percentage of customers in the comparison group.")]
    explore: Annotated[int | None, Meta(description="Percentage of decisions made at random.")]


class DecisionAlternative(Shape, kw_only=True):
    """One way that was open."""

    name: str
    chance: Annotated[Chance | None, Meta(description="The model's chance of an approval; null: not known.")]
    at: Moment | None
    price: Annotated[float | None, Meta(description="Its worth after the cost of its sends, as a chance.")]
    probability: Annotated[Chance | None, Meta(description="With which it was chosen; null: not drawn from.")]
    taken: bool


class DecisionWhatIf(Shape, kw_only=True):
    """The decision made again with one input changed: what would have been planned, not what the bank would answer."""

    change: str
    text: str
    verdict: str
    next_attempt_at: Moment | None
    tries: Annotated[int, Meta(ge=0, description="Planned in all.")]
    chance: Annotated[Chance | None, Meta(description="The model's chance of the next try.")]
    differs: Annotated[bool, Meta(description="False: the decision would have been the same.")]


class DecisionTerm(Shape, kw_only=True):
    """One thing that raises or lowers the model's chance, found by taking it away."""

    group: Literal["payer", "issuer", "code", "tries", "hour", "day"]
    logit: Annotated[float, Meta(description="Difference in log-odds; above 0 it raises the chance.")]
    without: Annotated[Chance, Meta(description="The model's chance without it.")]


class DecisionShown(Shape, kw_only=True):
    """One decision."""

    id: UUID
    at: Moment
    verdict: str
    reasons: list[str]
    rules: list[str]
    plan: list[Moment]
    versions: DecisionVersions
    arm: DecisionArm | None
    alternatives: list[DecisionAlternative]
    rests_on: Annotated[
        list[str],
        Meta(
            description="Counts, terms of the chance, worth and cost, the allowance, the editions of rules and model. "
            "Counts are your own."
        ),
    ]
    terms: Annotated[list[DecisionTerm], Meta(description="The weightiest first, at most three.")]
    what_if: list[DecisionWhatIf]
    repeats: Annotated[
        bool | None,
        Meta(
            description="Whether the stored inputs give the stored decision again, computed for this response. "
            "Null: its model is not available."
        ),
    ]


class Decisions(Shape, kw_only=True):
    """A page of decisions."""

    data: list[DecisionShown]
    next: Annotated[UUID | None, Meta(description="Send it as `after`; null after the last one.")]
    has_more: bool
    success: bool = True
