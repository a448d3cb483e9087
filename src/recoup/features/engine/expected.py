"""The model's chance that a plan recovers an order, whoever made the plan."""

from typing import Final

from recoup.features.engine.belief import believed, ground_of, mended, seen
from recoup.features.engine.chances import expected, local_day, money_row, refused
from recoup.features.engine.model import Model
from recoup.rules.rescue.evidence import Decision, Evidence
from recoup.rules.rescue.facts import Look, hours_of

_SENDS_MAX: Final = 20


def expected_under(plan: Decision, evidence: Evidence, model: Model) -> float:
    """From 0 to 1, to six places: that one of its tries is approved, each of those before being declined as the last
    payment was. `evidence.facts` are there."""
    facts = evidence.facts
    assert facts is not None
    instants = [evidence.now] if plan.verdict == "attempt_now" else []
    ground = ground_of(model, facts, evidence.utc_offset)
    belief, fails = believed(ground, facts), 1.0
    answer = facts.tries[-1].answer if facts.tries else facts.first.answer
    for number, when in enumerate([*instants, *plan.plan][:_SENDS_MAX], start=facts.next_number):
        at, rhythms, before = hours_of(when), belief.rhythms, belief.before.at_try(number)
        day = local_day(ground, at)
        money = expected(rhythms, belief.by_days(day), money_row(ground, before, at))
        chance = mended(ground, belief.holds, at) * (1.0 - refused(ground, before, at)) * money
        fails *= 1.0 - chance
        belief = seen(ground, belief, Look(when, answer, number))
    return round(1.0 - fails, 6)
