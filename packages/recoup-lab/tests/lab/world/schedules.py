"""Fixed schedules played against the world, with the network limits kept, and what can be recovered
at all."""

from collections.abc import Mapping, Sequence
from typing import Final

from recoup_lab.world.judge import counts_as_breach
from recoup_lab.world.oracle import Oracle
from recoup_lab.world.orders import Order, as_instant
from recoup_lab.world.port import WorldAnswer, WorldCard, WorldCharge
from recoup_lab.world.world import LabWorld

HOUR: Final = 3_600
DAY: Final = 24 * HOUR
SCHEDULES: Final[Mapping[str, Sequence[int]]] = {
    "next day": [DAY],
    "three daily": [DAY, 2 * DAY, 3 * DAY],
    "4 in 21 days": [(21 * DAY - HOUR) * place // 4 for place in (1, 2, 3, 4)],
    "8 in 2 weeks": [(14 * DAY - HOUR) * place // 8 for place in range(1, 9)],
    "every 36 h": [36 * HOUR * place for place in range(1, 20)],
}
# Percent of all declined orders. Source: docs on the synthetic world's published base rates.
BANDS: Final[Mapping[str, tuple[float, float]]] = {
    "next day": (7, 12),
    "three daily": (12, 20),
    "4 in 21 days": (28, 36),
    "8 in 2 weeks": (36, 46),
    "every 36 h": (48, 56),
    "oracle": (52, 62),
    "ever approvable": (62, 70),
}
_STOPS: Final = frozenset({"04", "07", "12", "14", "15", "41", "43", "46", "57", "R0", "R1", "R3"})


def send(
    world: LabWorld, arm: str, order: Order, number: int, at: int, card: WorldCard
) -> WorldAnswer | None:
    """None where the network forbids it."""
    book = world.book(arm)
    if counts_as_breach(
        world.card_book(book, card.number, at), card.scheme, order.payment.amount, at
    ):
        return None
    name, payment = f"{order.payment.order_id}/{number}", order.payment
    made = WorldCharge(
        name, payment.order_id, as_instant(at), payment.amount, payment.currency, "shop", card
    )
    return world.charge(arm, [made])[0]


def play(
    world: LabWorld, arm: str, offsets: Sequence[int], orders: Sequence[Order] | None = None
) -> float:
    """Percent recovered."""
    orders = world.all_orders if orders is None else orders
    won = 0
    for order in orders:
        for number, offset in enumerate(offsets):
            at = order.declined_at + offset
            answer = (
                send(world, arm, order, number, at, order.payment.card)
                if at < order.expires_at
                else None
            )
            if answer is not None and (answer.state == "approved" or answer.scheme_code in _STOPS):
                won += answer.state == "approved"
                break
    return 100 * won / len(orders)


def play_oracle(world: LabWorld, sends: float, orders: Sequence[Order]) -> tuple[float, float]:
    """Percent recovered, and sends of an order on average."""
    oracle = Oracle(world)
    worth = oracle.worth_of(sends)
    won = made = 0
    for order in orders:
        for number, (instant, _) in enumerate(oracle.plan(order.payment.order_id, worth)):
            at = int(instant.timestamp())
            renewed = order.card.next is not None and order.card.signal_at <= at
            card = order.card.next.face if renewed and order.card.next else order.payment.card
            answer = send(world, "oracle", order, number, at, card)
            made += answer is not None
            if answer is not None and answer.state == "approved":
                won += 1
                break
    return 100 * won / len(orders), made / len(orders)


def ever_approvable(world: LabWorld, orders: Sequence[Order]) -> float:
    """Percent to which a single send, at some time of the window, would be approved."""
    return 100 * sum(_ever(world, order) for order in orders) / len(orders)


def _ever(world: LabWorld, order: Order) -> bool:
    for at in range(order.declined_at + HOUR, order.expires_at, 3 * HOUR):
        card = (
            order.card.next
            if order.card.next is not None and order.card.signal_at <= at
            else order.card
        )
        if world.bank.answer(card, card.face, order.payment.amount, at).cause is None:
            return True
    return False
