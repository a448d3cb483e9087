"""By which chance an order with an arm is advanced: the engine's lower bound, or the prior of its kind of decline.

Pure. Where the engine only watches, or cannot be asked, the prior decides as it does for orders without an arm. In each
arm the model's own chance is kept beside, so that closed orders of all of them can vouch for it.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from recoup.rules.money.advance_bounds import Bounds, held
from recoup.rules.money.collection import CURRENT_COLLECTION
from recoup.rules.rescue.advance import AdvanceInputs
from recoup.rules.rescue.advance_by_bounds import BoundedInputs, advance_by_bounds, foreseen_by_model
from recoup.rules.rescue.advance_by_model import AskedModel
from recoup.rules.rescue.arm_terms import Arm, Known
from recoup.rules.rescue.arms import FALLBACKS, EngineAtHand, why_not
from recoup.rules.rescue.engine.lower_bound import Collected
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.evidence import Decision


class Judged(NamedTuple):
    """A decision with the features that it was made from, and what is kept of the arm beside it."""

    decision: Decision
    features: dict[str, Any]
    arm: dict[str, Any] | None = None


def advance_by_prior(inputs: AdvanceInputs, bounds: Bounds | None) -> Judged:
    """Of an order that no model is asked about."""
    given = BoundedInputs(inputs, None, held(bounds, "prior"))
    return Judged(advance_by_bounds(given, CURRENT_COLLECTION, None), given.features())


def advance_by_arm(
    arm: Arm, known: Known, given: AskedModel, bounds: Bounds | None, engine: EngineAtHand
) -> tuple[Judged, Judged | None]:
    """What holds, and what the engine would have said where it only watches."""
    about: dict[str, Any] = {"arm": arm, **known.to_dict(), "part": "decides"}
    why, engines = why_not(known, engine), None
    if not why:
        assert engine.model is not None
        try:
            foreseen = foreseen_by_model(given, CURRENT_COLLECTION, engine.model)
            about["chance"] = round(foreseen.mean, 6)
            if arm in ("engine", "shadow"):
                engines = _by_engine(given, bounds, engine.model, foreseen)
        except (ArithmeticError, LookupError, ValueError):  # the model's numbers
            why = "failed"
    fallback = why if arm in ("engine", "shadow") else ""
    if engines is not None and arm == "engine":
        return engines._replace(arm=about), None
    if fallback:
        about["fallback"] = fallback
    done = advance_by_prior(given.asked, bounds)
    *reasons, last = done.decision.reasons
    words = (FALLBACKS[fallback], "The chance to collect is a rough prior.") if fallback else ()
    prior = Judged(replace(done.decision, reasons=(*reasons, *words, last)), done.features, about)
    return prior, engines._replace(arm=about | {"part": "watches"}) if engines is not None else None


def _by_engine(given: AskedModel, bounds: Bounds | None, model: Model, foreseen: Collected) -> Judged:
    inputs = BoundedInputs(given.asked, given, held(bounds, "model"))
    return Judged(advance_by_bounds(inputs, CURRENT_COLLECTION, model, foreseen), inputs.features())
