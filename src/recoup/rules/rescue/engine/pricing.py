"""What a send costs, so that tries that are not worth it are left out: a version of the engine's policy, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from recoup.rules.rescue.engine.belief import believed, ground_of, mended, seen
from recoup.rules.rescue.engine.chances import (
    expected,
    hours_of,
    local_day,
    money_row,
    refused,
)
from recoup.rules.rescue.engine.facts import Look
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.evidence import Decision, Evidence

_MINIMUM: Final = 1


@dataclass(frozen=True, slots=True)
class Pricing:
    """`least_chance`: what a try has to add to the chance of recovery at least: wear of the card's allowance, of the
    issuer's and the customer's patience. `send_units`: the processor's fee, in minor units. `harm`: the share of the
    amount that each send from `harm_from` on costs. `sends_max`: of one order."""

    version: str
    least_chance: float = 0.03
    send_units: int = 12
    harm: float = 0.0
    harm_from: int = 5
    sends_max: int = 20

    def prices(self, sends: int, units: int) -> list[float]:
        """Of the sends that may still follow `sends` of them, in order, each as a chance to recover the amount."""
        fee = self.send_units / max(units, _MINIMUM)
        return [
            self.least_chance + fee + (self.harm if number >= self.harm_from else 0.0)
            for number in range(sends + 1, self.sends_max + 1)
        ]


ENGINE_1: Final = Pricing("engine-policy-1")
PRICINGS: Final[Mapping[str, Pricing]] = {one.version: one for one in (ENGINE_1,)}


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
