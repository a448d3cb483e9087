"""Uploads and the answers of their rows."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

Copy = tuple[str, str, bool, int, str]  # order id, transaction id, declined, amount, currency
_BY_CONTENT = """
SELECT * FROM uploads WHERE merchant_id = $1 AND kind = $2 AND content_mac = $3 AND state <> 'stopped'
"""
_LIST = """
SELECT * FROM uploads
WHERE merchant_id = $1 AND ($2::uuid IS NULL OR upload_id < $2) AND ($3::text IS NULL OR kind = $3)
ORDER BY upload_id DESC LIMIT $4
"""
_ROWS = """
SELECT row_no, line_no, sequence, external_id, subject_id, state, status, code, errors, warning FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND row_no > $3 ORDER BY row_no LIMIT $4
"""
_REFUSED = """
SELECT row_no, line_no, sequence, external_id, subject_id, state, status, code, errors, warning FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND row_no > $3 AND state = 'refused' ORDER BY row_no LIMIT $4
"""
_TRANSMITTED = """
SELECT k.*, t.transmit_id
FROM unnest($2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::text[])
  AS k (external_id, transaction_id, is_declined, units, asset)
CROSS JOIN LATERAL (SELECT transmit_id FROM transmissions t
  WHERE t.merchant_id = $1 AND t.external_id = k.external_id AND t.transaction_id = k.transaction_id
    AND t.is_declined = k.is_declined AND t.units = k.units AND t.asset = k.asset LIMIT 1) t
"""


async def upload_by_content(
    connection: asyncpg.Connection, merchant_id: UUID, kind: str, content_mac: bytes
) -> asyncpg.Record | None:
    return await connection.fetchrow(_BY_CONTENT, merchant_id, kind, content_mac)


async def find_upload(connection: asyncpg.Connection, merchant_id: UUID, upload_id: UUID) -> asyncpg.Record | None:
    sql = "SELECT * FROM uploads WHERE merchant_id = $1 AND upload_id = $2"
    return await connection.fetchrow(sql, merchant_id, upload_id)


async def list_uploads(
    connection: asyncpg.Connection, merchant_id: UUID, *, kind: str | None, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LIST, merchant_id, after, kind, limit)  # type: ignore[no-any-return]


async def upload_rows(
    connection: asyncpg.Connection, key: tuple[UUID, UUID], *, after: int, limit: int, refused: bool = False
) -> list[asyncpg.Record]:
    """In the file's order."""
    return await connection.fetch(_REFUSED if refused else _ROWS, *key, after, limit)  # type: ignore[no-any-return]


async def transmitted_before(
    connection: asyncpg.Connection, merchant_id: UUID, told: Sequence[Copy]
) -> dict[Copy, UUID]:
    """A transmission of each that came before. What has no transaction id is no copy of anything."""
    columns = [list(column) for column in zip(*(one for one in told if one[1]), strict=True)]
    rows = await connection.fetch(_TRANSMITTED, merchant_id, *columns) if columns else []
    return {(r["external_id"], r["transaction_id"], r["is_declined"], r["units"], r["asset"]): r["transmit_id"]
            for r in rows}  # fmt: skip
