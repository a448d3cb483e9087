"""A merchant that was made in this world is told to the people database, so that its people can see it."""

from uuid import UUID

from recoup.kernel.world import World
from recoup.moves.applications import is_known
from recoup.store.pool import Database
from recoup.store.read.merchants import load_merchant_names
from recoup.store.write.people import save_heirs, save_merchant, save_partner


async def register_merchant(world: World, merchant_id: UUID) -> None:
    """May be repeated. Whoever owns the merchant that applied owns the new one too."""
    people: Database = world.extra["people"]
    async with world.db.connection() as connection:
        row = await load_merchant_names(connection, merchant_id)
    if row is not None:
        now = world.clocks.wall()
        async with people.transaction() as tx:
            if row["partner_id"] is not None:
                await save_partner(tx, row["partner_id"], row["partner_name"] or "Partner", now)
            await save_merchant(tx, merchant_id, world.name, row["partner_id"], row["name"])
            if row["applicant_id"] is not None:
                await save_heirs(tx, row["applicant_id"], merchant_id, now)
    async with world.db.transaction() as tx:
        await is_known(tx, merchant_id)
