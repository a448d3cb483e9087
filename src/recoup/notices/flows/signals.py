"""A network's signal that a card was just approved elsewhere. It is evidence: what follows from it
is decided under the lock of each order, and the worker sends what is due, as ever.

Nothing of a signal is kept but how many came; what it brought forward stands in the order's
decision. The same signal again finds the attempt due, or an answer that is newer than the approval.
"""

from uuid import UUID

from recoup.cards.flows.joined_cards import names_of
from recoup.cards.store.stored_methods import find_method
from recoup.db.statement import Read
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import WallTime
from recoup.kit.world import World
from recoup.merchants.flows.cells import ask_each
from recoup.notices.rules import SIGNALS, Signal
from recoup.processors.gateways.port import Processor
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.signal import approved_elsewhere
from recoup.rescue.store.card_updates import (
    ORDERS_MAX,
    OrderOfCard,
    orders_of_cards,
    with_a_plan,
)
from recoup.routes.flows.signed_notices import read_signed
from recoup.routes.store.processor_notices import AtDoor, count_notice, methods_of


async def take_signal(
    world: World, orders: Orders, route: str, body: bytes, signature: str, request_id: str
) -> str:
    """Answers the signal's id. Who sends signals does not learn which cards are held here.

    Raises: Problem no_such_path, too_large, unauthenticated, malformed, invalid, unavailable.
    """
    processor = world.processors.get(route)
    if processor is None:
        raise Problem(
            "no_such_path", "There is no such route.", "Check the name of the processor's route."
        )
    signal = await read_signed(world, SIGNALS, route, body, signature)
    became = await _consider(world, orders, route, processor, signal, request_id)
    async with world.db.transaction() as tx:
        await count_notice(tx, f"{route}/signals", world.clocks.wall(), became)
    return signal.signal_id


async def _consider(
    world: World, orders: Orders, route: str, processor: Processor, signal: Signal, request_id: str
) -> AtDoor:
    async def names(cell: World) -> list[UUID]:
        async with cell.db.connection() as connection:
            return await _cards(connection, cell, route, processor, signal)

    async def planned(cell: World) -> list[OrderOfCard]:
        return await with_a_plan(cell.db, known) if known else []

    named = await ask_each(world, names)
    cards = {card_id for _, of_cell in named.said for card_id in of_cell}
    known = await orders_of_cards(world.db, list(cards)) if cards else []
    plans = await ask_each(world, planned)
    waiting = [(cell, order) for cell, orders_there in plans.said for order in orders_there]
    taken = False
    for cell, known_order in sorted(waiting, key=lambda row: row[1].order_id)[:ORDERS_MAX]:
        scope = Scope(known_order.merchant_id, Actor("processor", route), request_id)
        cell.standing.check()
        taken |= await orders.at(cell).run(
            lambda change: approved_elsewhere(change, orders.policy, WallTime(signal.approved_at)),
            (known_order.merchant_id, known_order.order_id),
            scope,
            cards=True,
        )
    named.check()
    plans.check()
    return "taken" if taken else "repeated" if known else "not_ours"


async def _cards(
    db: Read, world: World, route: str, processor: Processor, signal: Signal
) -> list[UUID]:
    names = list(names_of(world, processor, signal.account_reference, signal.fingerprint))
    methods = await methods_of(db, route, signal.method, None) if signal.method else []
    for method in methods:
        card_id = await find_method(db, method.merchant_id, method.method_id)
        names += [card_id] if card_id else []
    return names
