"""Assignment of an order to its decider, the engine or the fixed schedule, and what is stored of
it. Pure.

A customer keeps their place among all customers for good, by a keyed hash. The comparison group is
cut off at one end of the line and the engine's share at the other: each may grow or shrink without
moving anybody between them. An order keeps the arm that it came into, and the terms of that day.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from recoup.kernel.problem import Sentence
from recoup.orders.rules.decision import Decision
from recoup.policies.rules.in_force import InForce
from recoup.policies.rules.policy import CURRENT, ENGINE_2
from recoup.rescue.rules.decide import decide as by_schedule
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.model import Model
from recoup.rescue.rules.model_standing import WHY_NONE
from recoup.rescue.rules.sentences import at_card_holder
from recoup.terms.rules.arm_terms import Arm, Known, Terms

KINDS: Final = ("mit_managed", "mit_sync")  # where a customer waits, nothing is planned
_ADVANCED: Final = (
    "cit_web",
    "cit_callcenter",
)  # but the order may be advanced, by the engine's chance
_DRAWS: Final = 1 << 53
_OF_NUMBERS: Final = (ArithmeticError, LookupError, ValueError)  # what a model's may lead to


@dataclass(frozen=True, slots=True)
class EngineAtHand:
    """The engine as a transaction has it: the model in use, or why there is none: `model_standing`.
    `keyed`: a keyed hash of a text."""

    model: Model | None
    why_none: str
    keyed: Callable[[str], bytes]


class DecisionRecord(NamedTuple):
    """A decision with what it was made from, and what is kept of the arm beside it."""

    decision: Decision
    evidence: Evidence
    arm: dict[str, Any]


def has_arm(kind: str, cit_unresolved: str) -> bool:
    """True when the engine may be asked about an order of that kind. `cit_unresolved`: the
    merchant's setting."""
    return kind in KINDS or kind in _ADVANCED and cit_unresolved == "advance"


def why_not(known: Known, engine: EngineAtHand) -> str:
    """Reason the engine cannot be asked, as `FALLBACKS` names it; empty: it can."""
    return "stopped" if known.stopped else engine.why_none if engine.model is None else ""


def decide_by_arm(
    arm: Arm, known: Known, evidence: Evidence, engine: EngineAtHand, within: InForce | None = None
) -> tuple[DecisionRecord, DecisionRecord | None]:
    """Decides by the order's arm; returns what is done, and what the engine would have done where
    it only watches. `evidence.facts` are there: whoever decides, each arm's decider can be asked
    later with what is stored. `within`: the policies set for the order hold in every arm."""
    evidence, number = _drawing(evidence, known.terms, engine)
    engines, fallback = (
        _engines(evidence, known, engine, within) if arm in ("engine", "shadow") else (None, "")
    )
    # The schedule has not planned what has come due here: it is asked as after the last decline.
    asked = replace(evidence, due_at=None)
    scheduled = by_schedule(asked, CURRENT, within)
    about: dict[str, Any] = {"arm": arm, **known.to_dict(), "number": number, "part": "decides"}
    about["model"] = engine.model.name if engine.model is not None and not known.stopped else None
    if number == 1 and evidence.due_at is None and engine.model is not None:
        with suppress(*_OF_NUMBERS):
            about["chance"] = engine.model.expected_under(scheduled, evidence)
    if engines is not None and arm == "engine":
        return DecisionRecord(engines, evidence, about), None
    if fallback:
        about["fallback"] = fallback
    *why, last = scheduled.reasons
    words = _words(arm, known, engines, fallback, evidence)
    done = DecisionRecord(replace(scheduled, reasons=(*why, *words, last)), asked, about)
    return done, DecisionRecord(
        engines, evidence, about | {"part": "watches"}
    ) if engines is not None else None


def _drawing(evidence: Evidence, terms: Terms, engine: EngineAtHand) -> tuple[Evidence, int]:
    """The evidence with the draw in it, which is the same however often one decision is requested,
    and the decision's number."""
    assert evidence.facts is not None
    number = len(evidence.attempts) + 1
    due = evidence.due_at.isoformat() if evidence.due_at else ""
    model = engine.model.name if engine.model is not None else ""
    digest = engine.keyed(f"{number}/{due}/{model}")
    draw = (int.from_bytes(digest[:8], "big") >> 11) / _DRAWS
    explore = terms.explored(evidence.units, evidence.currency)
    return replace(evidence, facts=replace(evidence.facts, explore=explore, draw=draw)), number


def _engines(
    evidence: Evidence, known: Known, engine: EngineAtHand, within: InForce | None
) -> tuple[Decision | None, str]:
    """The engine's decision; or None, and why."""
    if why := why_not(known, engine):
        return None, why
    assert engine.model is not None
    try:
        return engine.model.decide(evidence, ENGINE_2, within), ""
    except _OF_NUMBERS:  # the order goes on
        return None, "failed"


def _words(
    arm: Arm, known: Known, engines: Decision | None, fallback: str, evidence: Evidence
) -> tuple[str, ...]:
    terms = known.terms
    if fallback:
        return (FALLBACKS[fallback],)
    if arm == "holdout":
        words = (
            "This customer was assigned at random to the comparison group ({0} %), so the "
            "fixed schedule decided."
        )
        return (Sentence(words, terms.holdout),)
    if arm == "ladder" and known.share is not None:
        words = (
            "The retry policy leaves the engine {0} % of the customers, where {1} % are set; for "
            "this one, the "
            "fixed schedule applies."
        )
        return (Sentence(words, known.share, terms.share),)
    if arm == "ladder":
        words = (
            "The engine decides for {0} % of the customers; for this one, the fixed schedule "
            "applies."
        )
        return (Sentence(words, terms.share),)
    if engines is None:
        return ()
    words = "The fixed schedule {0} decided; the engine was in shadow mode."
    if terms.mode == "share":
        words = "The fixed schedule {0} decided; the retry policy lets the engine watch only."
    its_own: str = "It would have planned no try."
    if engines.verdict == "attempt_now":
        its_own = "It would have tried the card now."
    elif engines.next_attempt_at:
        at = at_card_holder(engines.next_attempt_at, evidence)
        its_own = Sentence("Its own next attempt would have been {0}.", at)
    return Sentence(words, CURRENT.version), its_own


FALLBACKS: Final[dict[str, str]] = {
    **{str(why): words for why, words in WHY_NONE.items()},
    "stopped": "The engine is stopped, so the fixed schedule applies.",
    "failed": "The engine could not decide with this model, so the fixed schedule applies.",
}
