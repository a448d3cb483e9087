"""Damaged pages of the database that are read again are forgotten."""

from datetime import timedelta
from typing import Final

from recoup.db.operation.damaged_pages import damaged_pages, forget_page, is_mended
from recoup.kit.world import World

UNMET: Final = timedelta(days=1)


async def look_at_damage(world: World) -> None:
    long_ago = world.clocks.wall() - UNMET
    for page in await damaged_pages(world.db.reader):
        async with world.db.apart() as connection:
            is_over = await is_mended(connection, page, long_ago)
        if is_over:
            await forget_page(world.db.alone, page.file, page.block)
