"""The people database hears of a merchant of this world, so that its people and its partner's can
see it."""

from uuid import UUID

from recoup.kit.world import World
from recoup.merchants.store.partners import lock_who_is, who_is
from recoup.onboarding.store.applications import merchant_that_applied
from recoup.orders.moves.due import done_with
from recoup.people.store.people import save_heirs, save_merchant, save_partner


async def register(world: World, merchant_id: UUID) -> None:
    """Due work `register_merchant`; may be repeated. A name that changes meanwhile is saved by the
    next run. Who owns the merchant that applied for this one owns it, too."""
    merchant = await who_is(world.db, merchant_id)
    applicant_id = await merchant_that_applied(world.db, merchant_id)
    if merchant is None:
        return
    async with world.people.transaction() as connection:
        if merchant.partner_id:
            await save_partner(
                connection, merchant.partner_id, merchant.partner_name or "", world.clocks.wall()
            )
        await save_merchant(connection, merchant_id, world.name, merchant.partner_id, merchant.name)
        if applicant_id:
            await save_heirs(connection, applicant_id, merchant_id, world.clocks.wall(), world.name)
    async with world.db.transaction() as tx:
        if await lock_who_is(tx, merchant_id) == merchant:
            await done_with(tx, merchant_id, "register_merchant", merchant_id)
