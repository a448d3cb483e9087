"""The model's chance that a plan recovers an order, whoever made the plan."""

from dataclasses import replace
from typing import Final

from recoup.engine.belief import believed, ground_of, seen
from recoup.engine.instants import at_instants
from recoup.engine.model import Model
from recoup.orders.rules.decision import Decision
from recoup.rescue.rules.evidence import Evidence
from recoup.rescue.rules.facts import Look, hours_of

_SENDS_MAX: Final = 20


def expected_under(plan: Decision, evidence: Evidence, model: Model) -> float:
    """The chance, from 0 to 1, to six places, that one of the plan's attempts is approved, each of
    those before being declined as the last payment was. `evidence.facts` are there."""
    facts = evidence.facts
    assert facts is not None
    instants = [evidence.now] if plan.verdict == "attempt_now" else []
    ground = ground_of(model, facts, evidence.utc_offset)
    belief, fails = believed(ground, facts), 1.0
    answer = facts.tries[-1].answer if facts.tries else facts.first.answer
    for number, when in enumerate([*instants, *plan.plan][:_SENDS_MAX], start=facts.next_number):
        asked = replace(belief, before=belief.before.at_try(number))
        (candidate,) = at_instants(ground, asked, [hours_of(when)])
        fails *= 1.0 - candidate.chance
        belief = seen(ground, belief, Look(when, answer, number))
    return round(1.0 - fails, 6)
