"""The card orders' due work: one function for each kind."""

from uuid import UUID

from recoup.orders.rules.snapshot import Order
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.answer_deadline import unresolved
from recoup.rescue.moves.capture import end_window
from recoup.rescue.moves.challenge import time_out
from recoup.rescue.moves.ending import expire, release
from recoup.rescue.moves.start import start_order


async def start(orders: Orders, key: tuple[UUID, UUID]) -> None:
    await orders.run(start_order, key, cards=True)


async def let_expire(orders: Orders, key: tuple[UUID, UUID]) -> None:
    await orders.run(expire, key)


async def give_up(orders: Orders, key: tuple[UUID, UUID], *, caller_waits: bool = False) -> Order:
    """The customer cannot wait any longer. Answers the order as it stands from here on.
    `caller_waits`: it is their answer."""
    return await orders.run(lambda change: unresolved(change, caller_waits=caller_waits), key)


async def end_challenge(orders: Orders, key: tuple[UUID, UUID]) -> None:
    await orders.run(time_out, key)


async def end_capture_window(orders: Orders, key: tuple[UUID, UUID]) -> None:
    await orders.run(end_window, key)


async def release_hold(orders: Orders, key: tuple[UUID, UUID]) -> None:
    await orders.run(release, key)
