"""The world's own book of an arm: what was sent, what the networks count, what was recovered, and
the score."""

from bisect import bisect_right, insort
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from recoup_lab.world.answers import Standing
from recoup_lab.world.orders import Order
from recoup_lab.world.parameters import Costs
from recoup_lab.world.paydays import DAY
from recoup_lab.world.port import Scheme, Score, WorldAnswer

MONTH: Final = 30 * DAY
FREE_SENDS: Final = 4  # beyond these each send harms an order that is not recovered
# How many sends a window may hold, the declined payment among them. Source: network-limits.csv,
# worldwide rows.
_SAME_AMOUNT: Final[dict[Scheme, int]] = {"visa": 20, "mastercard": 35, "amex": 20}
_MASTERCARD_DAY: Final = 10
_VISA_STOPS: Final = frozenset(
    {"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"}
)
_ADVICE_STOPS: Final = frozenset({"03", "21"})


@dataclass(slots=True)
class CardBook:
    """Sends of one card number, each instant sorted. `stopped_at`: since when the network forbids
    each further one."""

    all: list[int] = field(default_factory=list)
    by_amount: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    stopped_at: int | None = None
    came_in: int = 0  # how many of the card's declined payments have been counted


@dataclass(slots=True)
class OrderBook:
    last_at: int
    sends: int = 0
    recovered_at: int | None = None


@dataclass(slots=True)
class Book:
    """All that one arm did."""

    cards: dict[str, CardBook] = field(default_factory=dict)
    orders: dict[int, OrderBook] = field(default_factory=dict)
    answers: dict[str, WorldAnswer] = field(default_factory=dict)
    standings: dict[int, Standing] = field(default_factory=dict)
    spent: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    attempts: int = 0
    breaches: int = 0

    def order(self, order: Order) -> OrderBook:
        book = self.orders.get(order.number)
        if book is None:
            book = self.orders[order.number] = OrderBook(order.declined_at)
        return book


def counts_as_breach(book: CardBook, scheme: Scheme, amount: int, at: int) -> bool:
    """Whether a send at that instant goes beyond what its network allows."""
    if (
        book.stopped_at is not None
        and at >= book.stopped_at
        and (scheme != "mastercard" or at < book.stopped_at + MONTH)
    ):
        return True
    if _within(book.by_amount[amount], at, MONTH) >= _SAME_AMOUNT[scheme]:
        return True
    return scheme == "mastercard" and _within(book.all, at, DAY) >= _MASTERCARD_DAY


def note_send(
    book: CardBook, scheme: Scheme, amount: int, at: int, code: str | None, advice: str | None
) -> None:
    insort(book.all, at)
    insort(book.by_amount[amount], at)
    stops = (
        code in _VISA_STOPS
        if scheme == "visa"
        else scheme == "mastercard" and advice in _ADVICE_STOPS
    )
    if stops and (book.stopped_at is None or scheme == "mastercard"):
        book.stopped_at = max(at, book.stopped_at or at)


def _within(sends: list[int], at: int, span: int) -> int:
    """How many lie in (at − span, at]."""
    return bisect_right(sends, at) - bisect_right(sends, at - span)


def score(book: Book, orders: list[Order], costs: Costs) -> Score:
    total = sum(order.payment.amount for order in orders)
    won, harm, days = 0, 0.0, []
    for order in orders:
        kept = book.orders.get(order.number)
        if kept is None:
            continue
        if kept.recovered_at is not None:
            won += order.payment.amount
            days.append((kept.recovered_at - order.declined_at) / DAY)
        else:
            harm += order.payment.amount * costs.harm * max(0, kept.sends - FREE_SENDS)
    days.sort()
    middle = len(days) // 2
    median = (
        None
        if not days
        else days[middle]
        if len(days) % 2
        else (days[middle - 1] + days[middle]) / 2
    )
    net = won - book.attempts * costs.send - book.breaches * costs.excess - harm
    return Score(
        orders=len(orders),
        recovered=len(days),
        amount_share=won / total if total else 0.0,
        attempts=book.attempts,
        breaches=book.breaches,
        net_share=net / total if total else 0.0,
        days_median=median,
    )
