"""The desk of refunds that are late, stuck or owed for long: what a person decides about one of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.flows.external_call import SURELY_KNOWN, may_be_forgotten
from recoup.flows.locked import Orders
from recoup.flows.refunds.send import processor_for
from recoup.flows.world import World
from recoup.gateways.cards.port import Counterpart
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.moves.change import Change
from recoup.moves.modification import by_hand as refund_desk
from recoup.moves.pace import WORRY_AFTER_TRIES
from recoup.store.read.refund_desk import DeskRow, read_desk
from recoup.store.read.refunds import order_of_refund

NOTE_MAX: Final = 300
# A page is read in a world without a processor too.
WINDOW_OF_NOBODY: Final = timedelta(days=30)
ACTIONS: Final = ("again", "propose", "confirm", "refuse")


async def waiting_refunds(world: World, merchant_id: UUID, now: datetime, *, clear: bool) -> list[DeskRow]:
    """What is stuck first, then the oldest; `now` is business time. Customers' data is masked unless `clear`."""
    known: tuple[Counterpart, ...] = (*world.processors.values(), *world.channels.values())
    window = min((one.idempotency_window for one in known), default=WINDOW_OF_NOBODY)
    forgotten_before = first_id_of(world.clocks.wall() - window + SURELY_KNOWN)
    async with world.db.connection() as connection:
        return await read_desk(connection, merchant_id, now, WORRY_AFTER_TRIES, forgotten_before, clear=clear)


async def decide(world: World, orders: Orders, scope: Scope, refund_id: UUID, action: str, note: str = "") -> str:
    """The refund's state after it. Who may do what is the door's to know.

    Raises: Problem not_found, wrong_state, forbidden, invalid.
    """
    async with world.db.connection() as connection:
        order_id = await order_of_refund(connection, scope.merchant_id, refund_id)
    if order_id is None:
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    actor, note = scope.actor.text(), " ".join(note.split())[:NOTE_MAX]

    def forgotten(change: Change) -> bool:
        refund = next((one for one in change.order.refunds if one.refund_id == refund_id), None)
        return (
            refund is not None
            and not refund.never_left
            and may_be_forgotten(world, processor_for(world, change.order, refund_id), refund.wire_id)
        )

    works: dict[str, Callable[[Change], str]] = {
        "again": lambda change: refund_desk.try_again(change, refund_id, actor),
        "propose": lambda c: refund_desk.propose_by_hand(c, refund_id, actor, note, forgotten=forgotten(c)),
        "confirm": lambda c: refund_desk.confirm_by_hand(c, refund_id, actor, forgotten=forgotten(c)),
        "refuse": lambda c: refund_desk.refuse(c, refund_id, note, forgotten=forgotten(c)),
    }
    if action not in works:
        raise Problem(
            "invalid", "There is no such action.", field="action", cure="Use one of the buttons beside the refund."
        )
    return await orders.run(works[action], (scope.merchant_id, order_id), scope)
