"""`retry-2`: the product's own decider with its fixed policy, asked as the product asks it for a
managed MIT."""

from recoup.kit.slots import offset_minutes
from recoup.networks.codes import Reading
from recoup.policies.rules.policy import RETRY_2
from recoup.rescue.rules.arms import DecisionRecord
from recoup.rescue.rules.decide import decide
from recoup.rescue.rules.evidence import Evidence, tried
from recoup_lab.compare.arms.new_card import NewCards
from recoup_lab.compare.seam import Attempt, Choice, Known, SendAt, Stop


class Retry2:
    def __init__(self) -> None:
        self.new_cards = NewCards()

    def decide(self, known: Known) -> Choice:
        settled = self.new_cards.settled(known)
        if settled is not None:
            return settled
        order = known.order
        offset = order.utc_offset_minutes
        evidence = Evidence(
            kind="managed_mit",
            reading=known.reading,
            first_declined_at=order.declined_at,
            started_at=order.declined_at,
            now=known.earliest,
            expires_at=order.expires_at,
            units=order.amount,
            currency=order.currency,
            attempts=tried(answered(known), [attempt.at for attempt in known.attempts]),
            funding=known.card.funding,
            utc_offset=offset_minutes(None, order.country) if offset is None else offset,
        )
        decision = decide(evidence, RETRY_2)
        at = decision.next_attempt_at
        arm = {
            "arm": "ladder",
            "share": 0,
            "holdout": 0,
            "explore": 0,
            "number": len(known.attempts) + 1,
        }
        record = DecisionRecord(decision, evidence, arm | {"part": "decides"})
        if at is None:
            return Stop(decision.rules[0], record=record)
        return SendAt(max(at, known.earliest), record=record)

    def hear(self, known: Known, attempt: Attempt) -> None:
        self.new_cards.note(known)


def answered(known: Known) -> list[Reading]:
    """Readings that the attempts answered: after an unknown outcome still the decline before."""
    readings = [known.declines[0]]
    for attempt in known.attempts:
        readings.append(attempt.reading or readings[-1])
    return readings
