"""Exports, as the person who asked for them sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

LISTED_MAX: Final = 50
_MINE: Final = """
SELECT * FROM exports WHERE merchant_id = $1 AND user_id = $2 ORDER BY asked_at DESC, export_id LIMIT $3
"""
_ONE: Final = "SELECT * FROM exports WHERE merchant_id = $1 AND user_id = $2 AND export_id = $3"
_RUNNING: Final = """
SELECT count(*) FROM exports WHERE state = 'working' AND beat_at > $3 AND (merchant_id, export_id) <> ($1, $2)
"""
_LIVING: Final = "SELECT export_id, run_no FROM exports WHERE state IN ('working', 'ready') AND export_id = ANY($1)"


async def exports_of(connection: asyncpg.Connection, merchant_id: UUID, user_id: UUID) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_MINE, merchant_id, user_id, LISTED_MAX)  # type: ignore[no-any-return]


async def find_export(
    connection: asyncpg.Connection, merchant_id: UUID, user_id: UUID, export_id: UUID
) -> asyncpg.Record | None:
    """None for another person's or merchant's."""
    return await connection.fetchrow(_ONE, merchant_id, user_id, export_id)


async def others_running(connection: asyncpg.Connection, key: tuple[UUID, UUID], since: datetime) -> int:
    """Of all merchants, as far as they were heard of since then."""
    found: int = await connection.fetchval(_RUNNING, *key, since)
    return found


async def living(connection: asyncpg.Connection, export_ids: Sequence[UUID]) -> set[tuple[UUID, int]]:
    """(export, run) of those among them whose file is being written or may be fetched."""
    return {(row["export_id"], row["run_no"]) for row in await connection.fetch(_LIVING, list(export_ids))}
