"""What a send costs, so that tries that are not worth it are left out: a version of the engine's policy, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
