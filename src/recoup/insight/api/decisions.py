"""GET /orders/{id}/decisions: what was decided about an order, why, and what would have changed it.
Source: decision 0042."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta

from recoup.insight.flows.explain import LIMIT_MAX, Explanation, explain_order
from recoup.insight.rules.what_if_sentences import WhatIf, sentence_of
from recoup.kernel.ids import LOWEST
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.wire import Moment, Shape, iso_or_null
from recoup.orders.rules.decision import Verdict

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
        Meta(
            description="Versions of the retry policies that it was made within, the widest first: "
            "`merchant/14`."
        ),
    ]
    knowledge: Annotated[str | None, Meta(description="Edition of the networks' rules and codes.")]
    model: Annotated[str | None, Meta(description="Null where a fixed rule decided.")]
    bounds: Annotated[
        str | None,
        Meta(
            description="Of a decision about an advance: the version of what closed orders show. "
            "Null: none yet."
        ),
    ]


class DecisionArm(Shape, kw_only=True):
    """The comparison that the order belongs to."""

    arm: Annotated[
        Literal["engine", "ladder", "holdout", "shadow"],
        Meta(description="`ladder`: the fixed schedule."),
    ]
    settings_version: int | None
    share: Annotated[
        int | None, Meta(description="Percentage of customers for whom the engine decided.")
    ]
    holdout: Annotated[
        int | None, Meta(description="Percentage of customers in the comparison group.")
    ]
    explore: Annotated[int | None, Meta(description="Percentage of decisions made at random.")]


class DecisionAlternative(Shape, kw_only=True):
    """One way that was open."""

    name: str
    chance: Annotated[
        Chance | None, Meta(description="The model's chance of an approval; null: not known.")
    ]
    at: Moment | None
    price: Annotated[
        float | None, Meta(description="Its worth after the cost of its attempts, as a chance.")
    ]
    probability: Annotated[
        Chance | None, Meta(description="With which it was chosen; null: not drawn from.")
    ]
    taken: bool


class DecisionWhatIf(Shape, kw_only=True):
    """The decision made again with one input changed: what would have been planned, not what the
    bank would answer."""

    change: str
    text: str
    verdict: Verdict
    next_attempt_at: Moment | None
    tries: Annotated[int, Meta(ge=0, description="Planned in all.")]
    chance: Annotated[Chance | None, Meta(description="The model's chance of the next attempt.")]
    differs: Annotated[bool, Meta(description="False: the decision would have been the same.")]


class DecisionTerm(Shape, kw_only=True):
    """One thing that raises or lowers the model's chance, found by taking it away."""

    group: Literal["payer", "issuer", "code", "tries", "hour", "day"]
    logit: Annotated[
        float, Meta(description="Difference in log-odds; above 0 it raises the chance.")
    ]
    without: Annotated[Chance, Meta(description="The model's chance without it.")]


class DecisionShown(Shape, kw_only=True):
    """One decision."""

    id: UUID
    at: Moment
    verdict: Verdict
    reasons: list[str]
    rules: list[str]
    plan: list[Moment]
    versions: DecisionVersions
    arm: DecisionArm | None
    alternatives: list[DecisionAlternative]
    rests_on: Annotated[
        list[str],
        Meta(
            description="Counts, terms of the chance, worth and cost, the allowance, the editions "
            "of rules and model. "
            "Counts are your own."
        ),
    ]
    terms: Annotated[list[DecisionTerm], Meta(description="The weightiest first, at most three.")]
    what_if: list[DecisionWhatIf]
    repeats: Annotated[
        bool | None,
        Meta(
            description="Whether the stored inputs give the stored decision again, computed for "
            "this response. "
            "Null: its model is not available."
        ),
    ]


class Decisions(Shape, kw_only=True):
    """A page of decisions."""

    data: list[DecisionShown]
    next: Annotated[UUID | None, Meta(description="Send it as `after`; null after the last one.")]
    has_more: bool
    success: bool = True


_TEXT: Final = (
    "Every decision about the order, oldest first: its reasons, what they rest on, versions, "
    "alternatives with their "
    "chances, and `whatIf`: the decision made again with one input changed. It says what would "
    "have been planned, not "
    "what the bank would have answered. `repeats` is computed for the response: the stored inputs "
    "give the stored "
    "decision again."
)
api: Final = Api(group="Orders", scope="orders")


@api(
    "GET /v1/orders/{id}/decisions",
    verb="orders decisions",
    text=_TEXT,
    query=DecisionQuery,
    problems=("not_found",),
)
@api.example("the first five", {"limit": 5})
async def get_decisions(call: Call) -> Decisions:
    """Decisions about an order."""
    order_id, query = call.object_id(), call.parameters(DecisionQuery)
    page = await explain_order(
        call.services.world,
        call.scope.merchant_id,
        order_id,
        query.after or LOWEST,
        query.limit,
    )
    data = [_shown(explanation) for explanation in page.explanations]
    return Decisions(data=data, next=data[-1].id if page.has_more else None, has_more=page.has_more)


def _shown(explanation: Explanation) -> DecisionShown:
    decision = explanation.decision
    return DecisionShown.of(
        decision,
        id=decision.decision_id,
        plan=[_moment(at) for at in decision.plan],
        versions=DecisionVersions(
            **{
                name: decision.versions.get(name)
                for name in ("decider", "policy", "policies", "knowledge", "model", "bounds")
            }
        ),
        arm=_arm(decision.arm) if decision.arm is not None and "arm" in decision.arm else None,
        alternatives=[_alternative(way, decision.taken) for way in decision.alternatives],
        rests_on=[str(sentence) for sentence in explanation.rests_on],
        terms=[
            DecisionTerm(
                group=term.group, logit=round(term.logit, 4), without=round(term.without, 6)
            )
            for term in explanation.terms
        ],
        what_if=[_what_if(what_if) for what_if in explanation.what_ifs],
        repeats=explanation.repeats,
    )


def _arm(arm: dict[str, Any]) -> DecisionArm:
    """The arm for one order. What is kept beside it is for the comparison of arms."""
    return DecisionArm(
        arm=arm["arm"],
        settings_version=arm.get("version"),
        share=arm.get("share"),
        holdout=arm.get("holdout"),
        explore=arm.get("explore"),
    )


def _alternative(way: dict[str, Any], taken: str | None) -> DecisionAlternative:
    return DecisionAlternative(
        name=way["name"],
        chance=way.get("chance"),
        at=_moment(way["at"]) if way.get("at") else None,
        price=way.get("price"),
        probability=way.get("probability"),
        taken=way["name"] == taken,
    )


def _what_if(what_if: WhatIf) -> DecisionWhatIf:
    return DecisionWhatIf.of(
        what_if, text=str(sentence_of(what_if)), next_attempt_at=iso_or_null(what_if.next_at)
    )


def _moment(text: str) -> str:
    return iso(datetime.fromisoformat(text))
