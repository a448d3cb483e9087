"""State of a merchant's system while an arm is played: each order's and each card's."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from recoup.networks.codes import Reading
from recoup.networks.limits import Send
from recoup_lab.compare.gate import CardSends
from recoup_lab.compare.seam import Attempt, Known, SendAt
from recoup_lab.world.port import WorldCard, WorldCharge, WorldOrder

# stopped: the arm wants no further send, until a network tells news of the card. ended: nothing
# follows.
Standing = Literal["open", "stopped", "approved", "ended"]


@dataclass(slots=True)
class OrderState:
    """`turn` counts what was planned: an event of an earlier turn is void. `sends_max`: where the
    budget sets one. `asked` is the decision whose send is due or out. `unanswered`: the charge
    whose outcome is unknown; `counted`: the last send as the gate counts it, `sent_place` its place
    among all sends."""

    number: int
    order: WorldOrder
    card: WorldCard
    customer: int
    sends_max: int | None
    standing: Standing = "open"
    turn: int = 0
    decision: int = 0
    charges: int = 0
    charged_at: datetime | None = None
    declines: list[Reading] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    asked: tuple[Known, SendAt] | None = None
    unanswered: WorldCharge | None = None
    counted: Send | None = None
    sent_place: int = -1
    times_asked_again: int = 0
    not_processed: int = 0

    @property
    def sends_left(self) -> int | None:
        return None if self.sends_max is None else self.sends_max - len(self.attempts)


@dataclass(slots=True)
class CardState:
    """`orders`: those that came in and are neither approved nor ended."""

    counted: CardSends
    orders: list[OrderState] = field(default_factory=list)
    closed: bool = False


class Event(NamedTuple):
    """Something due of an order; of two at the same moment the one planned first comes first."""

    at: datetime
    place: int
    kind: Literal["arrival", "send", "ask_again"]
    state: OrderState
    turn: int
