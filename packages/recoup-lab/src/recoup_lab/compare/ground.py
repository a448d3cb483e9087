"""Facts known of a world before any arm is played: its past, its declined payments, who paid with
which card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from recoup.networks.limits import LOOKBACK, binds_for_ever
from recoup_lab.compare.gate import CardSends, send_of
from recoup_lab.compare.readings import note_unlisted, read, reading_of
from recoup_lab.compare.sample import sample_of
from recoup_lab.compare.seam import WorldOracle
from recoup_lab.world.port import Hello, HistoryRow, World, WorldBroke, WorldOrder

_HISTORY_PAGE: Final = 5_000
_HISTORY_MAX: Final = 5_000_000
_ORDERS_PAGE: Final = 1_000
_ORDERS_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Ground:
    """Ground of one world, opened once; each arm is played on it under names of its own.

    `orders` stand in the order in which they came in; `customer_of[i]` numbers the customer of
    order i from 0. `cards`: the sends of the past that the gate still counts, by card number.
    `oracle`, `forget`: see source. `unlisted`: codes met so far that no list has. `sample`: as
    `sample_of`. `approvals`: see news; empty until an arm listens.
    """

    seed: int
    world: World
    hello: Hello
    history: Sequence[HistoryRow]
    orders: Sequence[WorldOrder]
    customer_of: Sequence[int]
    cards: Mapping[str, CardSends]
    oracle: Callable[[], WorldOracle] | None = None
    forget: Callable[[str], None] = lambda arm: None
    unlisted: set[str] = field(default_factory=set)
    sample: Sequence[int] | None = None
    approvals: list[tuple[datetime, int]] = field(default_factory=list)


def survey(
    world: World,
    seed: int,
    oracle: Callable[[], WorldOracle] | None = None,
    forget: Callable[[str], None] = lambda arm: None,
) -> Ground:
    """Raises: WorldBroke."""
    hello = world.hello()
    history = history_of(world)
    orders = _orders(world, hello)
    numbers: dict[str, int] = {}
    customer_of = [numbers.setdefault(order.customer_id, len(numbers)) for order in orders]
    return Ground(
        seed,
        world,
        hello,
        history,
        orders,
        customer_of,
        _past_sends(hello, history, orders),
        oracle,
        forget,
        _unlisted(history, orders),
        sample_of(seed, orders),
    )


def _unlisted(history: Sequence[HistoryRow], orders: Sequence[WorldOrder]) -> set[str]:
    names: set[str] = set()
    for row in history:
        if not row.approved:
            note_unlisted(names, row.card.scheme, reading_of(row))
    for order in orders:
        reading = read(
            order.card.scheme, order.scheme_code, order.advice_code, order.declined_at.date()
        )
        note_unlisted(names, order.card.scheme, reading)
    return names


def history_of(world: World) -> list[HistoryRow]:
    rows: list[HistoryRow] = []
    after: str | None = None
    for _ in range(_HISTORY_MAX // _HISTORY_PAGE):
        page, after = world.history(after, _HISTORY_PAGE)
        rows += page
        if after is None:
            return rows
    raise WorldBroke(f"The world's history has more than {_HISTORY_MAX:,} rows, or does not end.")


def _orders(world: World, hello: Hello) -> list[WorldOrder]:
    """All at once: an arm is told of each when it comes in."""
    orders: dict[str, WorldOrder] = {}
    for _ in range(_ORDERS_MAX // _ORDERS_PAGE):
        page, more = world.orders(hello.until + timedelta(seconds=1), _ORDERS_PAGE)
        for one in page:
            if one.order_id in orders:
                raise WorldBroke(f"The world gave the order {one.order_id} twice.")
            orders[one.order_id] = one
        if not more:
            break
        if not page:
            raise WorldBroke("The world announced more orders, but gave none.")
    if not orders:
        raise WorldBroke("The world has no declined payments.")
    return sorted(orders.values(), key=lambda order: (order.declined_at, order.order_id))


def _past_sends(
    hello: Hello, history: Sequence[HistoryRow], orders: Sequence[WorldOrder]
) -> dict[str, CardSends]:
    scheme_of = {order.card.number: order.card.scheme for order in orders}
    cards = {number: CardSends(scheme) for number, scheme in scheme_of.items()}
    oldest = hello.now - LOOKBACK
    for row in sorted(history, key=lambda one: one.at):
        card = cards.get(row.card.number)
        if card is None:
            continue
        reading = (
            None
            if row.approved
            else read(card.scheme, row.scheme_code, row.advice_code, row.at.date())
        )
        send = send_of(row, row.at, reading, declined=not row.approved)
        if row.at > oldest or binds_for_ever(card.scheme, send):
            card.add(send)
    return cards
