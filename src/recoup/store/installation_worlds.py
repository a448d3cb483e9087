"""The worlds of an installation, as its people's database knows them."""

from datetime import datetime

import asyncpg

_NOTE = "INSERT INTO installation_worlds (name, since) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def note_world(connection: asyncpg.Connection, name: str, now: datetime) -> None:
    await connection.execute(_NOTE, name, now)


async def installation_worlds(connection: asyncpg.Connection) -> set[str]:
    return {row["name"] for row in await connection.fetch("SELECT name FROM installation_worlds")}
