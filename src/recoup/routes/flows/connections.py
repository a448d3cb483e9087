"""Merchants' own connections to processors, as other flows read them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.kit.world import World
from recoup.routes.store.connections import (
    ProcessorConnection,
    find_connection,
    merchant_connections,
)
from recoup.routes.store.processor_notices import NoticeCounts, notice_counts

NOTICES_SHOWN: Final = timedelta(days=7)


async def connection_of(world: World, route: str) -> ProcessorConnection | None:
    """The connection of a route; None for a route that is no merchant's own."""
    return await find_connection(world.db, route)


async def connections_of(world: World, merchant_id: UUID) -> list[ProcessorConnection]:
    """The oldest first, with those that wait or were disconnected."""
    return await merchant_connections(world.db, merchant_id)


async def notices_of(world: World, routes: Sequence[str]) -> dict[str, NoticeCounts]:
    """Notices of each route in the last seven days, not broken down by merchant."""
    counts = await notice_counts(world.db, world.clocks.wall() - NOTICES_SHOWN)
    return {name: counts.get(name) or NoticeCounts(name, 0, 0, 0, 0, None) for name in routes}
