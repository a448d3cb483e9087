"""Damaged pages of the database: those that still are; those that are read again are forgotten."""

from datetime import timedelta
from typing import Final

from recoup.db.operation.damaged_pages import DamagedPage, damaged_pages, forget_page, is_mended
from recoup.kit.world import World

UNMET: Final = timedelta(days=1)


async def still_damaged(world: World) -> list[DamagedPage]:
    return [page for page in await damaged_pages(world.db.reader) if not await _over(world, page)]


async def forget_mended(world: World) -> None:
    for page in await damaged_pages(world.db.reader):
        if await _over(world, page):
            await forget_page(world.db.alone, page.file, page.block)


async def _over(world: World, page: DamagedPage) -> bool:
    async with world.db.apart() as connection:
        return await is_mended(connection, page, world.clocks.wall() - UNMET)
