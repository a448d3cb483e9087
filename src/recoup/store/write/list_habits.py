"""How somebody likes their list of orders, and the views that they save. People database."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from recoup.store.write.people import lock_user

_ADD: Final = """
INSERT INTO saved_views (user_id, merchant_id, view_id, name, query)
SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM saved_views WHERE user_id = $1 AND merchant_id = $2) < $6
"""
_CHANGE: Final = """
UPDATE saved_views SET name = coalesce($4, name), query = coalesce($5, query)
WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3
"""


async def save_zone(connection: asyncpg.Connection, user_id: UUID, zone: str) -> None:
    sql = "INSERT INTO list_habits (user_id, zone) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET zone = $2"
    await connection.execute(sql, user_id, zone)


async def save_columns(connection: asyncpg.Connection, user_id: UUID, columns: list[str]) -> None:
    sql = "INSERT INTO list_habits (user_id, columns) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET columns = $2"
    await connection.execute(sql, user_id, columns)


async def add_view(
    tx: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str, query: str, most: int
) -> bool:
    """False when there are `most` already: they are saved one by one. Raises: KeyTaken for a name that another view
    has."""
    await lock_user(tx, user_id)
    done = await tx.execute(_ADD, user_id, merchant_id, view_id, name, query, most)
    return bool(done == "INSERT 0 1")


async def change_view(
    connection: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str | None, query: str | None
) -> bool:
    """None leaves as it is; False when there is no such view. Raises: KeyTaken."""
    done = await connection.execute(_CHANGE, user_id, merchant_id, view_id, name, query)
    return bool(done == "UPDATE 1")


async def delete_views(connection: asyncpg.Connection, merchant_id: UUID, view_ids: Sequence[UUID]) -> None:
    """Whose ever they are."""
    sql = "DELETE FROM saved_views WHERE merchant_id = $1 AND view_id = ANY($2::uuid[])"
    await connection.execute(sql, merchant_id, view_ids)


async def delete_view(connection: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID) -> None:
    sql = "DELETE FROM saved_views WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3"
    await connection.execute(sql, user_id, merchant_id, view_id)
