"""What may be forgotten is forgotten: card codes after an hour, log-in tokens that have run out, signatures whose time
is over."""

from recoup.kernel.world import World
from recoup.store.write.signatures import forget_signatures
from recoup.store.write.tidy import forget_expired_tokens
from recoup.store.write.vault import forget_codes


async def tidy(world: World) -> int:
    async with world.db.connection() as connection:
        wall = world.clocks.wall()
        await forget_codes(connection, wall)
        await forget_expired_tokens(connection, wall)
        await forget_signatures(connection, wall)
    return 0
