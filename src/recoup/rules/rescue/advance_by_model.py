"""What the engine is asked about an advance: the order's facts, and the charges of the collection's plan. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from recoup.rules.money.collection import PERIOD, CollectionPolicy, next_charge
from recoup.rules.rescue.advance import AdvanceInputs
from recoup.rules.rescue.engine.facts import Facts
from recoup.rules.rescue.engine.lower_bound import Charge

_MORE: Final = ("facts", "utc_offset", "out_at")


@dataclass(frozen=True, slots=True)
class AskedModel:
    """The inputs of one decision. `facts`: of the order as the engine knows it. `utc_offset`: minutes east of UTC at
    the card holder. `out_at`: when the try was sent whose answer is not known; None where none is out."""

    asked: AdvanceInputs
    facts: Facts
    utc_offset: int
    out_at: datetime | None = None

    def features(self) -> dict[str, Any]:
        return self.asked.features() | {
            "facts": self.facts.features(),
            "utc_offset": self.utc_offset,
            "out_at": self.out_at.isoformat() if self.out_at else None,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "AskedModel":
        asked = AdvanceInputs.from_dict({name: value for name, value in plain.items() if name not in _MORE})
        out_at = datetime.fromisoformat(plain["out_at"]) if plain["out_at"] else None
        return cls(asked, Facts.from_dict(plain["facts"]), plain["utc_offset"], out_at)


def charges_of(given: AskedModel, policy: CollectionPolicy) -> list[Charge]:
    """What the collection would send until its end, were each declined as the last one. A try that is out comes first:
    its silence is no good sign, so that its chance is at most the policy's for such a one."""
    asked = given.asked
    found = [Charge(given.out_at, policy.out_chance / 10_000)] if given.out_at else []
    last, made = asked.now, 0
    while (
        due := next_charge(
            asked.reading, policy, made=made, last=last, now=last, until=asked.now + PERIOD, utc_offset=given.utc_offset
        )
    ) is not None:
        found.append(Charge(due))
        last, made = due, made + 1
    return found
