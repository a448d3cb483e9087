"""Who decides about an order, the engine or the fixed schedule, and what is stored of it. Pure.

A customer keeps their place among all customers for good, by a keyed hash. The comparison group is cut off at one end
of the line and the engine's share at the other: each may grow or shrink without moving anybody between them. An order
keeps the arm that it came into, and the terms of that day.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.policies.in_force import InForce
from recoup.rules.policies.terms import ARMS, ScopeKind
from recoup.rules.rescue.decide import decide as by_schedule
from recoup.rules.rescue.engine.decide import decide as by_engine
from recoup.rules.rescue.engine.expected import expected_under
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.pricing import ENGINE_1
from recoup.rules.rescue.engine.standing import WHY_NONE
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.policy import CURRENT
from recoup.rules.rescue.sentences import at_card_holder

Arm = Literal["engine", "ladder", "holdout", "shadow"]
Mode = Literal["inherit", "off", "shadow", "share"]
MODES: Final[tuple[Mode, ...]] = ("inherit", "off", "shadow", "share")
KINDS: Final = ("mit_managed", "mit_sync")  # where a customer waits, nothing is planned
_ADVANCED: Final = ("cit_web", "cit_callcenter")  # but the order may be advanced, by the engine's chance
HOLDOUT_MAX: Final = 50
EXPLORE_MAX: Final = 20
CURRENCIES_MAX: Final = 30
WHY_CHARS_MAX: Final = 256
PLACES: Final = 10_000
_PERCENT: Final = PLACES // 100
_DRAWS: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Terms:
    """One line of a merchant's settings; percents. `explore_max`: by currency, the units above which nothing is drawn;
    where it is empty, no amount is too high, else none of a currency that it does not name is drawn."""

    version: int
    mode: Mode = "off"
    share: int = 0
    holdout: int = 0
    explore: int = 0
    explore_max: Mapping[str, int] | None = None

    def explored(self, units: int, currency: str) -> float:
        """The share of such an order's decisions that are drawn."""
        bounds = self.explore_max or {}
        return 0.0 if bounds and units > bounds.get(currency, 0) else self.explore / 100

    def to_dict(self) -> dict[str, Any]:
        """As a decision stores it."""
        return {"version": self.version, "share": self.share, "holdout": self.holdout, "explore": self.explore}


@dataclass(frozen=True, slots=True)
class Known:
    """What an order with an arm is decided with, beside its evidence. `stopped`: somebody has stopped the engine.
    `share`: what retry policies left of the share when the order came in; None: all of it."""

    terms: Terms
    stopped: bool = False
    share: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As a decision stores it."""
        return self.terms.to_dict() | ({} if self.share is None else {"share": self.share})


@dataclass(frozen=True, slots=True)
class EngineAtHand:
    """The engine as a transaction has it: the model in use, or why there is none: `engine.standing`.
    `keyed`: a keyed hash of a text."""

    model: Model | None
    why_none: str
    keyed: Callable[[str], bytes]


class DecisionRecord(NamedTuple):
    """A decision with what it was made from, and what is kept of the arm beside it."""

    decision: Decision
    evidence: Evidence
    arm: dict[str, Any]


def check_terms(terms: Terms) -> Terms:
    """Raises: Problem(invalid) naming the field."""
    for name, value, highest in (
        ("share", terms.share, 100),
        ("holdout", terms.holdout, HOLDOUT_MAX),
        ("explore", terms.explore, EXPLORE_MAX),
    ):
        if not 0 <= value <= highest:
            raise Problem(
                "invalid", Sentence("The field {0} must be from 0 to {1} percent.", name, highest), field=name
            )
    if terms.mode not in MODES:
        raise Problem("invalid", Sentence("The field mode must be one of {0}.", ", ".join(MODES)), field="mode")
    if terms.share + terms.holdout > 100:
        cure = Sentence(
            "With a comparison group of {0} % the share is at most {1} %.", terms.holdout, 100 - terms.holdout
        )
        raise Problem("invalid", "The share and the comparison group together exceed 100 %.", field="share", cure=cure)
    bounds = terms.explore_max or {}
    unknown = next((asset for asset in bounds if asset not in EXPONENTS), None)
    if unknown is not None:
        raise Problem(
            "invalid",
            Sentence("The currency {0} is not an ISO 4217 code like USD.", repr(unknown[:8])),
            field="exploreMax",
        )
    if len(bounds) > CURRENCIES_MAX or any(units < 0 for units in bounds.values()):
        message = Sentence("The field exploreMax names at most {0} currencies, each with an amount.", CURRENCIES_MAX)
        raise Problem("invalid", message, field="exploreMax")
    return terms


def place_of(digest: bytes) -> int:
    """A customer's place, from 0 up to PLACES."""
    return int.from_bytes(digest[:8], "big") % PLACES


def arm_of(terms: Terms, place: int) -> Arm | None:
    if terms.mode == "shadow":
        return "shadow"
    if terms.mode != "share":
        return None
    if place < terms.holdout * _PERCENT:
        return "holdout"
    return "engine" if place >= PLACES - terms.share * _PERCENT else "ladder"


def engine_decides(within: InForce, place: int) -> bool:
    """Whether retry policies leave a customer to the engine that decides for all others."""
    return arm_of(narrowed(Terms(0, "share", 100), within), place) == "engine"


def narrowed(terms: Terms, within: InForce | None) -> Terms:
    """What retry policies leave of the settings, for a new order."""
    if within is None or terms.mode == "inherit":
        return terms
    mode = min(terms.mode, within.arm, key=ARMS.index)
    share = terms.share if mode != "share" or within.share is None else min(terms.share, within.share)
    return replace(terms, mode=mode, share=share)


class Left(NamedTuple):
    """What retry policies leave of the settings `of`."""

    terms: Terms
    of: Terms

    def assigned(self, place: int) -> dict[str, Any]:
        """What a new order keeps; its share where less than all of it is left."""
        share = self.terms.share if self.terms.mode == "share" and self.terms.share < self.of.share else None
        return {"arm": arm_of(self.terms, place), "arm_version": self.of.version, "arm_share": share}


class Cut(NamedTuple):
    """What retry policies leave of the settings `of`. `by`: whose, the widest first."""

    terms: Terms
    of: Terms
    by: tuple[ScopeKind, ...]


def cut(terms: Terms, within: InForce | None) -> Cut | None:
    """None: they leave all of it."""
    left = narrowed(terms, within)
    if within is None or left == terms:
        return None
    line = "mode" if left.mode != terms.mode else "share"
    alone = [(part.scope, narrowed(terms, InForce((part,)))) for part in within.parts]
    return Cut(left, terms, tuple(scope for scope, one in alone if getattr(one, line) != getattr(terms, line)))


def has_arm(kind: str, cit_unresolved: str) -> bool:
    """Whether the engine may be asked about an order of that kind. `cit_unresolved`: the merchant's setting."""
    return kind in KINDS or kind in _ADVANCED and cit_unresolved == "advance"


def why_not(known: Known, engine: EngineAtHand) -> str:
    """Why the engine cannot be asked, as `FALLBACKS` names it; empty: it can."""
    return "stopped" if known.stopped else engine.why_none if engine.model is None else ""


def decide_by_arm(
    arm: Arm, known: Known, evidence: Evidence, engine: EngineAtHand, within: InForce | None = None
) -> tuple[DecisionRecord, DecisionRecord | None]:
    """What is done, and what the engine would have done where it only watches. `evidence.facts` are there: whoever
    decides, each arm's decider can be asked later with what is stored. `within`: the policies set for the order hold in
    every arm."""
    evidence, number = _drawing(evidence, known.terms, engine)
    engines, fallback = _engines(evidence, known, engine, within) if arm in ("engine", "shadow") else (None, "")
    # The schedule has not planned what has come due here: it is asked as after the last decline.
    asked = replace(evidence, due_at=None)
    scheduled = by_schedule(asked, CURRENT, within)
    about: dict[str, Any] = {"arm": arm, **known.to_dict(), "number": number, "part": "decides"}
    about["model"] = _model_of(known, engine)
    if number == 1 and evidence.due_at is None and engine.model is not None:
        about["chance"] = expected_under(scheduled, evidence, engine.model)
    if engines is not None and arm == "engine":
        return DecisionRecord(engines, evidence, about), None
    if fallback:
        about["fallback"] = fallback
    *why, last = scheduled.reasons
    words = _words(arm, known, engines, fallback, evidence)
    done = DecisionRecord(replace(scheduled, reasons=(*why, *words, last)), asked, about)
    return done, DecisionRecord(engines, evidence, about | {"part": "watches"}) if engines is not None else None


def _model_of(known: Known, engine: EngineAtHand) -> str | None:
    """By which the engine decides here, or would have: so that it can be asked later about what the schedule did."""
    return engine.model.name if engine.model is not None and not known.stopped else None


def _drawing(evidence: Evidence, terms: Terms, engine: EngineAtHand) -> tuple[Evidence, int]:
    """With the draw in it, which is the same however often one decision is asked for; and the decision's number."""
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
        return by_engine(evidence, ENGINE_1, engine.model, within), ""
    except (ArithmeticError, LookupError, ValueError):  # the model's numbers: the order goes on
        return None, "failed"


def _words(arm: Arm, known: Known, engines: Decision | None, fallback: str, evidence: Evidence) -> tuple[str, ...]:
    terms = known.terms
    if fallback:
        return (FALLBACKS[fallback],)
    if arm == "holdout":
        return (
            Sentence(
                "This customer was assigned at random to the comparison group ({0} %), so the fixed schedule decided.",
                terms.holdout,
            ),
        )
    if arm == "ladder" and known.share is not None:
        return (
            Sentence(
                "The retry policy leaves the engine {0} % of the customers, where {1} % are set; for this one, the "
                "fixed schedule applies.",
                known.share,
                terms.share,
            ),
        )
    if arm == "ladder":
        return (
            Sentence(
                "The engine decides for {0} % of the customers; for this one, the fixed schedule applies.", terms.share
            ),
        )
    if engines is None:
        return ()
    watched = Sentence(
        "The fixed schedule {0} decided; the retry policy lets the engine watch only."
        if terms.mode == "share"
        else "The fixed schedule {0} decided; the engine was in shadow mode.",
        CURRENT.version,
    )
    at = engines.next_attempt_at
    if engines.verdict == "attempt_now":
        return (watched, "It would have tried the card now.")
    return (
        watched,
        Sentence("Its own next try would have been {0}.", at_card_holder(at, evidence))
        if at
        else "It would have planned no try.",
    )


FALLBACKS: Final[dict[str, str]] = {
    **{str(why): words for why, words in WHY_NONE.items()},
    "stopped": "The engine is stopped, so the fixed schedule applies.",
    "failed": "The engine could not decide with this model, so the fixed schedule applies.",
}
