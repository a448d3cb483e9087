"""What is written about disputes beside their orders: notes, the contract, notices that somebody has dealt with."""

from typing import Any
from uuid import UUID

import asyncpg

_LOCK = "SELECT FROM disputes WHERE merchant_id = $1 AND dispute_id = $2 FOR NO KEY UPDATE"
_NOTE = """
INSERT INTO dispute_notes (merchant_id, note_id, dispute_id, text, actor, business_at)
SELECT $1, $2, $3, $4, $5, $6
WHERE (SELECT count(*) FROM dispute_notes WHERE merchant_id = $1 AND dispute_id = $3) < $7
RETURNING note_id
"""
_FILE = """
INSERT INTO dispute_files (merchant_id, file_id, dispute_id, name, media_type, bytes, sha256, sealed, actor,
  business_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10
WHERE (SELECT count(*) FROM dispute_files WHERE merchant_id = $1 AND dispute_id = $3) < $11
RETURNING file_id
"""
_SAME = "SELECT file_id FROM dispute_files WHERE merchant_id = $1 AND dispute_id = $2 AND sha256 = $3"
_TERMS = """
INSERT INTO dispute_terms (merchant_id, terms_id, asset, valid_from, service_borne_by, fee_units, fee_borne_by,
  block_cards, actor, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (merchant_id, asset, valid_from) DO NOTHING RETURNING terms_id
"""
_SETTLE = """
UPDATE dispute_notices SET state = 'settled', why = $4
WHERE merchant_id = $1 AND route = $2 AND notice_id = $3 AND state = 'unmatched' RETURNING notice_id
"""


async def insert_note(
    connection: asyncpg.Connection, merchant_id: UUID, note_id: UUID, dispute_id: UUID, text: str, actor: str,
    business_at: Any, notes_max: int,
) -> bool:  # fmt: skip
    """False when the dispute has as many as it may: they are written one by one."""
    await connection.execute(_LOCK, merchant_id, dispute_id)
    made = await connection.fetchval(_NOTE, merchant_id, note_id, dispute_id, text, actor, business_at, notes_max)
    return made is not None


async def insert_file(
    connection: asyncpg.Connection, merchant_id: UUID, dispute_id: UUID, file_id: UUID, name: str, media_type: str,
    size: int, sha256: bytes, sealed: bytes, actor: str, business_at: Any, files_max: int,
) -> UUID | None:  # fmt: skip
    """Its id, or that of the same bytes that are there; None when the dispute has as many as it may: they are written
    one by one."""
    await connection.execute(_LOCK, merchant_id, dispute_id)
    same: UUID | None = await connection.fetchval(_SAME, merchant_id, dispute_id, sha256)
    return same or await connection.fetchval(_FILE, merchant_id, file_id, dispute_id, name, media_type, size, sha256,
                                             sealed, actor, business_at, files_max)  # fmt: skip


async def insert_terms(connection: asyncpg.Connection, *values: Any) -> bool:
    """False when terms of that currency begin at that instant already."""
    return await connection.fetchval(_TERMS, *values) is not None


async def settle_notice(
    connection: asyncpg.Connection, merchant_id: UUID, route: str, notice_id: str, why: str
) -> bool:
    """Somebody has dealt with it. False when it does not wait."""
    return await connection.fetchval(_SETTLE, merchant_id, route, notice_id, why) is not None
