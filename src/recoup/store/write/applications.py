"""Rows of applications, their documents and their log. Wall time throughout."""

from typing import Any, Final
from uuid import UUID

import asyncpg

_LOCK: Final = """
SELECT * FROM applications WHERE application_id = $1 AND ($2::text IS NULL OR owner_kind = $2 AND owner_id = $3)
FOR UPDATE
"""
_ADD: Final = "INSERT INTO applications SELECT * FROM jsonb_populate_record(NULL::applications, $1)"
_SAVE: Final = """
UPDATE applications a SET status = i.status, version = i.version, form = i.form, external_id = i.external_id,
  reason = i.reason, note = i.note, changed_at = i.changed_at, submitted_at = i.submitted_at,
  decided_at = i.decided_at, decided_by = i.decided_by, ended_at = i.ended_at
FROM jsonb_populate_record(NULL::applications, $1) i WHERE a.application_id = i.application_id
"""
_LOG: Final = """
INSERT INTO application_log (application_id, seq, happening, src, dst, reason, note, document_id, actor, request_id, at)
SELECT application_id, seq, happening, src, dst, reason, note, document_id, actor, request_id, at
FROM jsonb_populate_record(NULL::application_log, $1)
"""
_DOCUMENT: Final = """
INSERT INTO application_documents (document_id, application_id, kind, name, media_type, bytes, sha256, sealed, added_by,
  added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""
_CLOSER: Final = "INSERT INTO closers (merchant_id) VALUES ($1) ON CONFLICT DO NOTHING"


async def lock_application(
    tx: asyncpg.Connection, application_id: UUID, owner: tuple[str, UUID] | None
) -> dict[str, Any] | None:
    """Whoever holds it moves it; others wait. `owner` None: the operator."""
    row = await tx.fetchrow(_LOCK, application_id, *(owner or (None, None)))
    return dict(row) if row is not None else None


async def add_application(tx: asyncpg.Connection, row: dict[str, Any]) -> None:
    await tx.execute(_ADD, row)


async def save_application(tx: asyncpg.Connection, row: dict[str, Any]) -> None:
    """Under its lock."""
    await tx.execute(_SAVE, row)


async def add_log_line(tx: asyncpg.Connection, row: dict[str, Any]) -> None:
    await tx.execute(_LOG, row)


async def open_feed(tx: asyncpg.Connection, merchant_id: UUID) -> None:
    """So that what is told before there is a merchant is numbered too."""
    await tx.execute(_CLOSER, merchant_id)


async def add_document(tx: asyncpg.Connection, row: dict[str, Any]) -> None:
    await tx.execute(_DOCUMENT, *(row[name] for name in (
        "document_id", "application_id", "kind", "name", "media_type", "bytes", "sha256", "sealed", "added_by",
        "added_at",
    )))  # fmt: skip


async def delete_document(tx: asyncpg.Connection, application_id: UUID, document_id: UUID) -> bool:
    """Whether there was one."""
    sql = "DELETE FROM application_documents WHERE application_id = $1 AND document_id = $2 RETURNING document_id"
    return await tx.fetchval(sql, application_id, document_id) is not None
