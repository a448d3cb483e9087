"""What a revoked mandate stops, and what a transmission says of mandates."""

from uuid import UUID

from recoup.flows.locked import Orders
from recoup.flows.world import World
from recoup.kernel.scope import Scope
from recoup.moves.order.mandate import close_revocation, note_transmitted, stop_by_mandate
from recoup.rules.network.stops import is_revoked
from recoup.store.cards.mandates import (
    cards_of_payer,
    correct_mandates,
    open_orders_of,
    orders_of_card,
    revoked_card,
)
from recoup.store.orders.transmissions import Touched, Transmission
from recoup.store.pool import retrying


async def stop_orders(world: World, orders: Orders, merchant_id: UUID, change_id: UUID) -> None:
    """Due work `mandate`: every order under way that belongs to what was revoked ends, one by one. Safe to run again;
    what is not found here is stopped when its attempt is due."""
    async with world.db.connection() as connection:
        card = await revoked_card(connection, merchant_id, change_id)
        found: list[UUID] = []
        if card is not None:
            by_card = await orders_of_card(connection, merchant_id, card.card_id) if card.card_id else []
            found = await open_orders_of(connection, merchant_id, by_card, card.payer_id, card.pan_id)
    for order_id in found:
        await orders.run(stop_by_mandate, (merchant_id, order_id), cards=True)
    async with world.db.transaction() as tx:
        await close_revocation(tx, merchant_id, change_id)


async def mandates_transmitted(
    world: World, orders: Orders, row: Transmission, touched: list[Touched], scope: Scope, *, declined: bool
) -> None:
    """A payment that the merchant processed itself may say that a mandate was revoked, or be a new one; it is kept with
    the newest order of each card that it may be. Safe to run again, and with what it says now."""

    async def correct() -> None:
        async with world.db.transaction() as tx:
            await correct_mandates(tx, row.merchant_id, row.transmit_id, "revoked" if declined else "renewed")

    await retrying(correct)
    if not (is_revoked(row.code_source, row.code) if declined else not row.is_mit and row.units > 0):
        return
    found = [one.order_id for one in touched if one.same_order] if declined else []
    if not found and row.payer_id is not None and row.last4:
        async with world.db.connection() as connection:
            cards = await cards_of_payer(connection, row.merchant_id, row.payer_id, row.last4, row.bin)
        found = [card.order_id for card in cards]
    for order_id in found:
        work = lambda change: note_transmitted(change, row, declined=declined)  # noqa: E731
        await orders.run(work, (row.merchant_id, order_id), scope, cards=True)
