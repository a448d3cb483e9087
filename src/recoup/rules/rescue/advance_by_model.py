"""Whether the operator takes the risk of an order, by the engine's chance that its customer pays. Pure and replayable.

As `advance`, but for the chance: not the prior of a kind of decline, but the lower bound of the model's chance that the
charges of the collection's plan bring the money. Another way of deciding is another version in another file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from recoup.rules.money.collection import PERIOD, CollectionPolicy, next_charge
from recoup.rules.rescue.advance import AdvanceInputs, judged, loss_at
from recoup.rules.rescue.engine.facts import Facts
from recoup.rules.rescue.engine.lower_bound import Charge, Collected, collected
from recoup.rules.rescue.engine.model import Model
from recoup.rules.rescue.engine.words import outside
from recoup.rules.rescue.evidence import Decision
from recoup.rules.rescue.policy import group_of
from recoup.rules.rescue.verdict import Alternative

ADVANCE_BY_MODEL_VERSION: Final = "advance-2"
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
        """JSON-able, without personal data; `from_dict` gives the same inputs back."""
        return self.asked.features() | {
            "facts": self.facts.to_dict(),
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
            asked.reading,
            policy,
            made=made,
            last=last,
            now=last,
            until=asked.now + PERIOD,
            utc_offset=given.utc_offset,
        )
    ) is not None:
        found.append(Charge(due))
        last, made = due, made + 1
    return found


def advance_by_model(given: AskedModel, policy: CollectionPolicy, model: Model) -> Decision:
    """Verdict `approve_now` or `decline_at_once`. The last reason says what would have changed it."""
    asked = given.asked
    chance = Collected(0.0, 0.0, 0)
    if not asked.reading.terminal and (group_of(asked.reading) is not None or given.out_at is not None):
        chance = collected(charges_of(given, policy), given.facts, given.utc_offset, model)
    test = loss_at(asked, int(chance.lower * 10_000))
    versions = {
        "decider": ADVANCE_BY_MODEL_VERSION,
        "policy": policy.version,
        "knowledge": asked.knowledge,
        "model": model.name,
    }
    words = (
        f"The chance is the lower bound of the model's own, {chance.mean:.1%}; answers that it rests on:"
        f" {chance.known}.",
        *outside(given.facts, asked.now, model),
    )
    note = "Approve now and collect by plan; the lower bound of the model's chance."
    decision = judged(asked, test, versions, note, words)
    taken = "collect_later" if decision.verdict == "approve_now" else "decline"
    others = (*decision.alternatives, Alternative("decline", None, "Take no risk."))
    return replace(decision, alternatives=others, taken=taken)
