"""The oracle: who knows every parameter of the world and none of its draws, so how far any policy
could get."""

from typing import Final

from recoup_lab.compare.seam import (
    PRICE_OF_CERTAINTY,
    Attempt,
    Briefing,
    Choice,
    Known,
    SendAt,
    Stop,
    WorldOracle,
    is_hard,
)

_OWN_WORTH_LEAST: Final = 0.005


class OracleArm:
    def __init__(self, briefing: Briefing) -> None:
        self.oracle = _of(briefing)
        least = briefing.least_chance
        self.worth = max(briefing.hello.costs.harm, _OWN_WORTH_LEAST) if least is None else least

    def decide(self, known: Known) -> Choice:
        if is_hard(known.reading):
            return Stop("hard_decline")
        failed = [attempt.at for attempt in known.attempts]
        at = self.oracle.next_send(known.order.order_id, known.earliest, failed, self.worth)
        return Stop("worth_no_send") if at is None else SendAt(max(at, known.earliest))

    def hear(self, known: Known, attempt: Attempt) -> None:
        """Ignores the attempt: the oracle is given all attempts each time."""


def first_price(briefing: Briefing, sends: float) -> float:
    """The price where the search for a mean number of sends begins."""
    return max(_of(briefing).worth_of(sends) * PRICE_OF_CERTAINTY, 1e-3)


def _of(briefing: Briefing) -> WorldOracle:
    assert briefing.oracle is not None
    return briefing.oracle()
