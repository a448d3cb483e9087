"""Decision whether the operator takes the risk of an order, by a chance that closed orders vouch
for. Pure and replayable.

The chance is the model's lower bound, or the prior of the kind of decline, but never more than what
was surely collected of orders like it; and orders from such a chance on must lose no more than is
allowed. A model that too few closed orders vouch for advances nothing; a prior without them stays
the rough one that it is. Where the engine only watches, or cannot be asked, the prior decides; the
model's own chance is kept beside in each arm, so that closed orders of all arms can vouch for it.
Another way of deciding is another version in another file.

Source: decision 0079.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, NamedTuple

from recoup.kernel.problem import Figure, Sentence
from recoup.orders.rules.decision import Alternative, Decision
from recoup.policies.rules.policy import group_of
from recoup.rescue.rules.arms import FALLBACKS, EngineAtHand, why_not
from recoup.rescue.rules.model import Charge, Collected, Model
from recoup.risk.rules.advance import AdvanceInputs, LossTest, judged, loss_at
from recoup.terms.rules.advance_bounds import (
    PAYERS_MIN,
    TENTHS,
    WEEKS_MIN,
    WHOLE,
    Bounds,
    HeldBounds,
    held,
    tenth_of,
)
from recoup.terms.rules.arm_terms import Arm, Known
from recoup.terms.rules.collection import (
    CURRENT_COLLECTION,
    PERIOD,
    CollectionPolicy,
    chance_of,
    next_charge,
)

ADVANCE_BY_BOUNDS_VERSION: Final = "advance-3"
TOO_FEW, LOSSES = "too_few_closed", "loss_of_such_orders"
_PERCENT: Final = WHOLE // 100


@dataclass(frozen=True, slots=True)
class _Chance:
    """Chances in basis points: what was foreseen, and what of it the model or the prior risks by
    itself."""

    foreseen: int
    risked: int
    words: tuple[str, ...]
    note: str


def advance_by_bounds(
    given: AdvanceInputs,
    policy: CollectionPolicy,
    model: Model | None,
    foreseen: Collected | None = None,
) -> Decision:
    """Verdict `approve_now` or `decline_at_once`. The last reason says what would have changed it.
    `model` is there where `given.facts` are. `foreseen`: as `foreseen_by_model` gave it, where the
    caller has it already."""
    bounds = given.bounds
    chance = _chance(given, policy, model, foreseen)
    tenth = tenth_of(chance.foreseen)
    known = bounds is not None and bounds.table.is_known(tenth)
    risked = (
        min(chance.risked, bounds.table.collected[tenth])
        if bounds is not None and known
        else chance.risked
    )
    test = loss_at(given, risked)
    versions = {
        "decider": ADVANCE_BY_BOUNDS_VERSION,
        "policy": policy.version,
        "knowledge": given.knowledge,
        "model": model.name if model is not None and given.facts is not None else None,
        "bounds": bounds.name if bounds is not None else None,
    }
    refused = _refused(given, tenth, test)
    words = (*chance.words, *_vouched(bounds, tenth, test, given.units))
    decision = judged(given, test, versions, chance.note, words, refused)
    taken = "collect_later" if decision.verdict == "approve_now" else "decline"
    others = (*decision.alternatives, Alternative("decline", None, "Take no risk."))
    return replace(decision, alternatives=others, taken=taken)


def foreseen_by_model(given: AdvanceInputs, policy: CollectionPolicy, model: Model) -> Collected:
    """Chance that the charges of the collection's plan bring the money; zero where waiting does not
    cure the decline."""
    assert given.facts is not None
    reading = given.reading
    if reading.terminal or group_of(reading) is None and given.out_at is None:
        return Collected(0.0, 0.0, 0)
    return model.collected(charges_of(given, policy), given.facts, given.utc_offset)


def charges_of(given: AdvanceInputs, policy: CollectionPolicy) -> list[Charge]:
    """Charges that the collection would send until its end, were each declined as the last one. An
    attempt that is out comes first: its silence is no good sign, so that its chance is at most the
    policy's for such a one."""
    charges = [Charge(given.out_at, policy.out_chance / 10_000)] if given.out_at else []
    last, made = given.now, 0
    while (
        due := next_charge(
            given.reading,
            policy,
            made=made,
            last=last,
            now=last,
            until=given.now + PERIOD,
            utc_offset=given.utc_offset,
        )
    ) is not None:
        charges.append(Charge(due))
        last, made = due, made + 1
    return charges


def _chance(
    given: AdvanceInputs, policy: CollectionPolicy, model: Model | None, foreseen: Collected | None
) -> _Chance:
    if given.facts is None or model is None:
        prior = chance_of(given.reading, policy, out=given.occasion == "unresolved")
        return _Chance(prior, prior, (), "Approve now and collect by plan; a rough prior.")
    chances = foreseen or foreseen_by_model(given, policy, model)
    words = (
        f"The chance is the lower bound of the model's own, {chances.mean:.1%}; "
        f"answers that it rests on: {chances.known}.",
        *model.outside(given.facts, given.now),
    )
    note = "Approve now and collect by plan; the lower bound of the model's chance."
    return _Chance(int(chances.mean * WHOLE), int(chances.lower * WHOLE), words, note)


def _refused(given: AdvanceInputs, tenth: int, test: LossTest) -> str:
    """Reason closed orders speak against it, as `judged` names it; empty: they do not."""
    bounds = given.bounds
    known = bounds is not None and bounds.table.is_known(tenth)
    if given.facts is not None and (not known or bounds is None or bounds.is_stale(given.now)):
        return TOO_FEW
    if bounds is None or not known:
        return ""
    least = bounds.table.least_tenth(_allowed(test, given.units))
    return "" if least is not None and tenth >= least else LOSSES


def _vouched(bounds: HeldBounds | None, tenth: int, test: LossTest, units: int) -> tuple[str, ...]:
    low, high = tenth * 100 // TENTHS, (tenth + 1) * 100 // TENTHS
    if bounds is None or not bounds.table.is_known(tenth):
        payers, weeks = (
            (bounds.table.payers[tenth], bounds.table.weeks[tenth])
            if bounds is not None
            else (0, 0)
        )
        words = (
            "Of orders with a chance of {0} to {1} %, the time to pay is over for {2} customers in "
            "{3} weeks; "
            "{4} in {5} are needed."
        )
        return (Sentence(words, low, high, payers, weeks, PAYERS_MIN, WEEKS_MIN),)
    table = bounds.table
    words = (
        "Of such orders whose time to pay is over, at least {0} % of the amount was collected "
        "(version {1}, {2})."
    )
    until: date = bounds.until
    collected_words = Sentence(words, _percent(table.collected[tenth]), bounds.version, until)
    words = (
        "Orders with a chance of {0} % or more lose at most {1} % of the amount; {2} % is "
        "allowed with the fee."
    )
    return collected_words, Sentence(
        words, low, _percent(table.lost_from[tenth]), _percent(_allowed(test, units))
    )


def _allowed(test: LossTest, units: int) -> int:
    """Allowed loss in basis points of the amount, rounded down."""
    return test.allowed * WHOLE // units


def _percent(points: int) -> str:
    return Figure(f"{points / _PERCENT:.4g}")


class Judged(NamedTuple):
    """A decision with the features that it was made from, and what is kept of the arm beside it."""

    decision: Decision
    features: dict[str, Any]
    arm: dict[str, Any] | None = None


def advance_by_prior(inputs: AdvanceInputs, bounds: Bounds | None) -> Judged:
    """Judges an order that no model is asked about."""
    given = inputs.by_prior(held(bounds, "prior"))
    return Judged(advance_by_bounds(given, CURRENT_COLLECTION, None), given.features())


def advance_by_arm(
    arm: Arm, known: Known, given: AdvanceInputs, bounds: Bounds | None, engine: EngineAtHand
) -> tuple[Judged, Judged | None]:
    """The judgement that holds, and the engine's where it only watches."""
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
    done = advance_by_prior(given, bounds)
    *reasons, last = done.decision.reasons
    words = (FALLBACKS[fallback], "The chance to collect is a rough prior.") if fallback else ()
    prior = Judged(replace(done.decision, reasons=(*reasons, *words, last)), done.features, about)
    return prior, engines._replace(arm=about | {"part": "watches"}) if engines is not None else None


def _by_engine(
    given: AdvanceInputs, bounds: Bounds | None, model: Model, foreseen: Collected
) -> Judged:
    inputs = replace(given, bounds=held(bounds, "model"))
    return Judged(advance_by_bounds(inputs, CURRENT_COLLECTION, model, foreseen), inputs.features())
