"""Interface of an arm of a comparison: a decider that gets what a merchant knows at a moment, and
answers when to send next, or that nothing more is to be sent.

A fixed schedule, the product's schedules and a learning engine are plugged in here alike; whatever
they answer, the network gate stands before the send.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, Protocol

from recoup.networks.codes import Reading
from recoup.networks.limits import Send
from recoup.rescue.rules.arms import DecisionRecord
from recoup_lab.world.port import Hello, HistoryRow, WorldCard, WorldOrder


class Attempt(NamedTuple):
    """A send of the order. `reading`: of its decline."""

    at: datetime
    state: Literal["approved", "declined", "unknown"]
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Known:
    """Knowledge that a merchant has of an order at the moment `earliest`, before which nothing can
    be sent.

    `card` is the order's card as it is known now, which a network may have told anew since the
    decline. `declines` are the readings of the payment that came in and of each declined attempt,
    oldest first. `card_sends` are the card's known sends over all its orders, as the gate counts
    them; `card_orders` its open orders, this one included. `sends_left`: where the budget sets a
    number. `decision` counts this order's decisions from 1. Only to be read.
    """

    earliest: datetime
    order: WorldOrder
    card: WorldCard
    declines: Sequence[Reading]
    attempts: Sequence[Attempt]
    card_sends: Sequence[Send]
    card_orders: Sequence[WorldOrder]
    sends_left: int | None
    decision: int

    @property
    def reading(self) -> Reading:
        """The last decline."""
        return self.declines[-1]


class Candidate(NamedTuple):
    """An answer that was open: `at` is None for stopping. `propensity`: the chance with which it
    could be drawn."""

    at: datetime | None
    chance: float | None = None
    price: float | None = None
    propensity: float | None = None


class SendAt(NamedTuple):
    """`record`: of the product's decider, what the product would store."""

    at: datetime
    propensity: float | None = None
    candidates: tuple[Candidate, ...] = ()
    record: DecisionRecord | None = None


class Stop(NamedTuple):
    """Answer that nothing more is sent, unless a network tells news of the card. `record`: as of
    `SendAt`."""

    why: str
    candidates: tuple[Candidate, ...] = ()
    record: DecisionRecord | None = None


Choice = SendAt | Stop


class Arm(Protocol):
    def decide(self, known: Known) -> Choice:
        """The same knowledge gives the same answer. What it answers before `known.earliest` is sent
        then."""

    def hear(self, known: Known, attempt: Attempt) -> None:
        """The answer to a send that was decided with `known`; for those that learn as they go."""


class WorldOracle(Protocol):
    """Knowledge of its orders that a world in this process can tell, and no merchant has."""

    def next_send(
        self, order_id: str, earliest: datetime, failed: Sequence[datetime], worth: float
    ) -> datetime | None:
        """The next send after those at `failed`; None where no send has a chance of `worth`."""

    def worth_of(self, sends: float) -> float:
        """The worth with which orders get about so many sends on average."""


PRICE_OF_CERTAINTY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Briefing:
    """Briefing that an arm is made of. `price`: what a send has to be worth, if the order is worth
    `PRICE_OF_CERTAINTY`; None: the arm's own. `policy`, `explore`, `holdout`: as given to the
    command, for arms that understand them. `oracle`: of a world in this process; made when it is
    first asked for."""

    hello: Hello
    history: Sequence[HistoryRow]
    seed: int
    price: float | None = None
    policy: Mapping[str, Any] | None = None
    explore: float | None = None
    holdout: float | None = None
    oracle: Callable[[], WorldOracle] | None = None

    @property
    def least_chance(self) -> float | None:
        """The price as the chance that a send has to be the one that is approved."""
        return None if self.price is None else self.price / PRICE_OF_CERTAINTY


def is_hard(reading: Reading) -> bool:
    """True when no waiting cures it and no network wants to see it again. No comparator retries
    it."""
    return reading.terminal or reading.retry == "never"
