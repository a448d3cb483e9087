"""Exports, as the person who asked for them sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, statement


class Run(NamedTuple):
    merchant_id: UUID
    export_id: UUID
    run_no: int


LISTED_MAX: Final = 50
_MINE: Final = """
SELECT * FROM exports WHERE merchant_id = $1 AND user_id = $2 ORDER BY asked_at DESC, export_id LIMIT $3
"""
_ONE: Final = "SELECT * FROM exports WHERE merchant_id = $1 AND user_id = $2 AND export_id = $3"
_RUNNING: Final = """
SELECT count(*) FROM exports WHERE state = 'working' AND beat_at > $3 AND (merchant_id, export_id) <> ($1, $2)
"""


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


@statement(MERCHANT, """
SELECT merchant_id, export_id, run_no FROM exports WHERE state IN ('working', 'ready') AND export_id = ANY($1)
""")  # fmt: skip
async def _living(db: Read, export_ids: Sequence[UUID]) -> list[Run]: ...


async def living(db: Read, export_ids: Sequence[UUID]) -> set[Run]:
    """Those of them whose file is being written or may be fetched."""
    return set(await _living(db, export_ids))


@statement(MERCHANT, "SELECT count(*) = 1 FROM exports WHERE export_id = $1")
async def is_only_one(db: Read, export_id: UUID) -> bool:
    """Whether no other merchant chose the same id."""
