"""The desk of refunds that are late, stuck or owed for long: what a person decides about one of
them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.orders.flows.external_call import SURELY_KNOWN, may_be_forgotten
from recoup.orders.moves.change import Change
from recoup.orders.moves.pace import ATTENTION_AFTER_TRIES
from recoup.orders.store.waiting_modifications import WaitingModification, waiting_modifications
from recoup.processors.gateways.port import Counterpart
from recoup.refunds.flows.send import processor_for
from recoup.refunds.moves import by_hand
from recoup.refunds.store.refunds import order_of_modification
from recoup.rescue.flows.locked import Orders

NOTE_MAX: Final = 300
# A page is read in a world without a processor too.
WINDOW_OF_NOBODY: Final = timedelta(days=30)
ACTIONS: Final = ("again", "propose", "confirm", "refuse")


async def waiting_refunds(
    world: World, merchant_id: UUID, now: datetime, *, clear: bool
) -> list[WaitingModification]:
    """Refunds that wait, stuck ones first, then the oldest; `now` is business time. Customers' data
    is masked unless `clear`."""
    own = world.routes.visible(world.processors, merchant_id)
    known: tuple[Counterpart, ...] = (
        *(world.processors[name] for name in own),
        *world.channels.values(),
    )
    window = min((processor.idempotency_window for processor in known), default=WINDOW_OF_NOBODY)
    forgotten_before = first_id_of(world.clocks.wall() - window + SURELY_KNOWN)
    return await waiting_modifications(
        world.db, merchant_id, now, ATTENTION_AFTER_TRIES, forgotten_before, clear=clear
    )


async def decide(
    world: World, orders: Orders, scope: Scope, modification_id: UUID, action: str, note: str = ""
) -> str:
    """The refund's state after it. Who may do what is the door's to know.

    Raises: Problem not_found, wrong_state, forbidden, invalid.
    """
    order_id = await order_of_modification(world.db, scope.merchant_id, modification_id)
    if order_id is None:
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    actor, note = scope.actor.text(), " ".join(note.split())[:NOTE_MAX]

    def forgotten(change: Change) -> bool:
        modification = next(
            (
                modification
                for modification in change.order.modifications
                if modification.modification_id == modification_id
            ),
            None,
        )
        return (
            modification is not None
            and not modification.never_left
            and may_be_forgotten(
                world, processor_for(world, change.order, modification_id), modification.wire_id
            )
        )

    works: dict[str, Callable[[Change], str]] = {
        "again": lambda change: by_hand.try_again(change, modification_id, actor),
        "propose": lambda c: by_hand.propose_by_hand(
            c, modification_id, actor, note, forgotten=forgotten(c)
        ),
        "confirm": lambda c: by_hand.confirm_by_hand(
            c, modification_id, actor, forgotten=forgotten(c)
        ),
        "refuse": lambda c: by_hand.refuse(c, modification_id, note, forgotten=forgotten(c)),
    }
    if action not in works:
        raise invalid(
            "There is no such action.", "action", "Use one of the buttons beside the refund."
        )
    return await orders.run(works[action], (scope.merchant_id, order_id), scope)
