"""By which chance an order with an arm is advanced: the engine's lower bound, or the prior of its kind of decline.

Pure. Where the engine only watches, or cannot be asked, the prior decides as it does for orders without an arm.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from recoup.rules.money.collection import CURRENT_COLLECTION
from recoup.rules.rescue.advance import advance
from recoup.rules.rescue.advance_by_model import AskedModel, advance_by_model
from recoup.rules.rescue.arms import FALLBACKS, Arm, EngineAtHand, Known, why_not
from recoup.rules.rescue.evidence import Decision


class Judged(NamedTuple):
    """A decision with the features that it was made from, and what is kept of the arm beside it."""

    decision: Decision
    features: dict[str, Any]
    arm: dict[str, Any] | None = None


def advance_by_arm(arm: Arm, known: Known, given: AskedModel, engine: EngineAtHand) -> tuple[Judged, Judged | None]:
    """What holds, and what the engine would have said where it only watches."""
    about: dict[str, Any] = {"arm": arm, **known.terms.told(), "part": "decides"}
    engines, fallback = _engines(given, known, engine) if arm in ("engine", "shadow") else (None, "")
    if engines is not None and arm == "engine":
        return Judged(engines, given.features(), about), None
    if fallback:
        about["fallback"] = fallback
    done = advance(given.asked, CURRENT_COLLECTION)
    *why, last = done.reasons
    words = (FALLBACKS[fallback], "The chance to collect is a rough prior.") if fallback else ()
    prior = Judged(replace(done, reasons=(*why, *words, last)), given.asked.features(), about)
    return prior, Judged(engines, given.features(), about | {"part": "watches"}) if engines is not None else None


def _engines(given: AskedModel, known: Known, engine: EngineAtHand) -> tuple[Decision | None, str]:
    """The engine's decision; or None, and why."""
    if why := why_not(known, engine):
        return None, why
    assert engine.model is not None
    try:
        return advance_by_model(given, CURRENT_COLLECTION, engine.model), ""
    except (ArithmeticError, LookupError, ValueError):  # the model's numbers
        return None, "failed"
