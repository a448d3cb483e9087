"""An attempt that somebody asked for outside the plan: who, for what, the plan before, and the
gate's word. Pure.

What is asked for is done at the next moment that the card's gate allows; nobody's request passes
the gate. Another way of deciding is another version in another file; this one then stays for
replays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from recoup.kernel.problem import noted
from recoup.kernel.stored import Stored
from recoup.kernel.time import BusinessTime
from recoup.networks.limits import Refused
from recoup.networks.tables import KNOWLEDGE_VERSION
from recoup.orders.rules.decision import Alternative, Decision, Verdict

BY_HAND_VERSION: Final = "by_hand-1"
Request = Literal[
    "attempt_now", "new_card", "renewed_card", "customer_answer", "sandbox_answer", "charge_now"
]


@dataclass(frozen=True, slots=True)
class PlanBefore:
    """The attempt that was planned when somebody asked. `decision_id`: by which it was planned."""

    due_at: datetime
    ladder: str
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class GateWord:
    """Answer of the card's gate: `rule` is empty where it allowed the send, else until when the
    rule stands, None for good."""

    rule: str = ""
    until: datetime | None = None

    @classmethod
    def of(cls, word: object) -> "GateWord":
        return cls(word.rule_id, word.until) if isinstance(word, Refused) else cls()


@dataclass(frozen=True, slots=True)
class HandInput(Stored):
    """The inputs of one decision. `actor` as the order log names them: by id, never by name.
    `stopped`: the merchant wants no further attempts. `gate`: None where only the send asks it, for
    it may be another card's."""

    request: Request
    actor: str
    now: datetime
    before: PlanBefore | None = None
    gate: GateWord | None = None
    stopped: bool = False
    knowledge: str = KNOWLEDGE_VERSION


def decide_by_hand(asked: HandInput) -> Decision:
    """Verdict `attempt_now`, its plan this moment; `wait` where the merchant wants no attempts."""
    verdict: Verdict = "wait" if asked.stopped else "attempt_now"
    plan = () if asked.stopped else (BusinessTime(asked.now.astimezone(UTC)),)
    reasons = (
        _STOPPED if asked.stopped else _ASKED[asked.request],
        f"The plan before was {noted(asked.before.due_at)}."
        if asked.before
        else "Nothing was planned before.",
        _gate_words(asked.gate),
        "Without the request the plan before would stand."
        if asked.before
        else "Without the request nothing would be tried.",
    )
    rules = (
        asked.request,
        "plan_before" if asked.before else "nothing_planned",
        _gate_rule(asked.gate),
        *(["attempts_stopped"] if asked.stopped else []),
    )
    versions = {
        "decider": BY_HAND_VERSION,
        "policy": None,
        "knowledge": asked.knowledge,
        "model": None,
    }
    others = (Alternative("plan_before", None, "The plan as it was."),) if asked.before else ()
    return Decision(verdict, plan, None, reasons, rules, versions, others)


_STOPPED: Final = "Nothing is tried: the attempts are stopped."
_ASKED: Final[Mapping[Request, str]] = {
    "attempt_now": "A person brought the next attempt forward: it is made now.",
    "new_card": "The merchant gave a new card: it is tried now.",
    "renewed_card": "The issuer gave a new card: it is tried now.",
    "customer_answer": "The customer answered what they were asked: the card is tried now.",
    "sandbox_answer": "The operator of the sandbox asked for an attempt now.",
    "charge_now": "The operator of the sandbox asked for the charge now.",
}


def _gate_words(word: GateWord | None) -> str:
    if word is None:
        return "The card's limits are checked when it is sent."
    if not word.rule:
        return "The card's limits allowed it when it was asked for."
    if word.until is None:
        return "The card's limits allowed no attempt at all when it was asked for."
    return f"The card's limits allowed no attempt before {noted(word.until)} when it was asked for."


def _gate_rule(word: GateWord | None) -> str:
    if word is None:
        return "gate_not_asked"
    return "gate_refuses" if word.rule else "gate_allows"
