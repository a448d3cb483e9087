"""Search texts that older rules made are made again, some at a time, while everybody goes on."""

from typing import Final

from recoup.desk.store.order_folding import fold_some
from recoup.kit.world import World

FOLDED_AT_ONCE: Final = 500


async def fold_again(world: World) -> int:
    async with world.db.transaction() as tx:
        return await fold_some(tx, FOLDED_AT_ONCE)
