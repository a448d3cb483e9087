"""How somebody likes their list of orders, and the views that they save. People database."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from recoup.store.write.people import lock_user

_ADD: Final = """
INSERT INTO saved_views (user_id, merchant_id, view_id, name, query, shared_in)
SELECT $1, $2, $3, $4, $5, $7 WHERE (SELECT count(*) FROM saved_views WHERE user_id = $1 AND merchant_id = $2) < $6
"""
_CHANGE: Final = """
UPDATE saved_views SET name = coalesce($4, name), query = coalesce($5, query)
WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3
"""
_SHARE: Final = "UPDATE saved_views SET shared_in = $4 WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3"


async def lock_shared(tx: asyncpg.Connection, merchant_id: UUID) -> None:
    """What is shared at this merchant is counted and shared one by one until the transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"shared-views:{merchant_id}")


async def save_zone(connection: asyncpg.Connection, user_id: UUID, zone: str) -> None:
    sql = "INSERT INTO list_habits (user_id, zone) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET zone = $2"
    await connection.execute(sql, user_id, zone)


async def save_columns(connection: asyncpg.Connection, user_id: UUID, columns: list[str]) -> None:
    sql = "INSERT INTO list_habits (user_id, columns) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET columns = $2"
    await connection.execute(sql, user_id, columns)


async def add_view(
    tx: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str, query: str, most: int,
    shared_in: str | None,
) -> bool:  # fmt: skip
    """False when there are `most` already: they are saved one by one. Raises: KeyTaken for a name that another view
    has."""
    await lock_user(tx, user_id)
    done = await tx.execute(_ADD, user_id, merchant_id, view_id, name, query, most, shared_in)
    return bool(done == "INSERT 0 1")


async def change_view(
    tx: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID, name: str | None, query: str | None
) -> None:
    """None leaves as it is. Raises: KeyTaken."""
    await tx.execute(_CHANGE, user_id, merchant_id, view_id, name, query)


async def share_view(
    tx: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID, shared_in: str | None
) -> None:
    await tx.execute(_SHARE, user_id, merchant_id, view_id, shared_in)


async def delete_views(connection: asyncpg.Connection, merchant_id: UUID, view_ids: Sequence[UUID]) -> None:
    """Whose ever they are."""
    sql = "DELETE FROM saved_views WHERE merchant_id = $1 AND view_id = ANY($2::uuid[])"
    await connection.execute(sql, merchant_id, view_ids)


async def delete_view(connection: asyncpg.Connection, user_id: UUID, merchant_id: UUID, view_id: UUID) -> None:
    sql = "DELETE FROM saved_views WHERE user_id = $1 AND merchant_id = $2 AND view_id = $3"
    await connection.execute(sql, user_id, merchant_id, view_id)
