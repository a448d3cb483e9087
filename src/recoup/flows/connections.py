"""Merchants' own connections to processors, as other flows read them."""

from uuid import UUID

from recoup.flows.world import World
from recoup.store.cards.connections import ProcessorConnection, find_connection, merchant_connections


async def connection_of(world: World, route: str) -> ProcessorConnection | None:
    """None for a route that is no merchant's own."""
    async with world.db.connection() as connection:
        return await find_connection(connection, route)


async def connections_of(world: World, merchant_id: UUID) -> list[ProcessorConnection]:
    """The oldest first, with those that wait or were disconnected."""
    async with world.db.connection() as connection:
        return await merchant_connections(connection, merchant_id)
