"""Applications to become a merchant, their documents and what happened to them. Whoever asks names the owner."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

_LAST: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")
_ONE: Final = """
SELECT * FROM applications WHERE application_id = $1 AND ($2::text IS NULL OR owner_kind = $2 AND owner_id = $3)
"""
_OWN: Final = """
SELECT * FROM applications WHERE owner_kind = $1 AND owner_id = $2 AND application_id < $3
  AND ($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR external_id = $5)
ORDER BY application_id DESC LIMIT $6
"""
_ALL: Final = """
SELECT * FROM applications WHERE application_id < $1 AND ($2::text IS NULL OR status = $2)
ORDER BY application_id DESC LIMIT $3
"""
_DOCUMENTS: Final = """
SELECT document_id, application_id, kind, name, media_type, bytes, encode(sha256, 'hex') AS sha256, added_by, added_at
FROM application_documents WHERE application_id = ANY($1::uuid[]) ORDER BY document_id
"""
_DOCUMENT: Final = """
SELECT document_id, application_id, kind, name, media_type, bytes, encode(sha256, 'hex') AS sha256, added_by, added_at,
  sealed
FROM application_documents WHERE application_id = $1 AND document_id = $2
"""
_DRAFTS: Final = """
SELECT count(*) FROM (SELECT FROM applications WHERE owner_kind = $1 AND owner_id = $2 AND status = 'DRAFT' LIMIT $3) d
"""
_LOG: Final = "SELECT * FROM application_log WHERE application_id = $1 ORDER BY seq DESC LIMIT $2"


async def find_application(
    connection: asyncpg.Connection, application_id: UUID, owner: tuple[str, UUID] | None
) -> asyncpg.Record | None:
    """`owner` None: the operator, who sees all."""
    return await connection.fetchrow(_ONE, application_id, *(owner or (None, None)))


async def list_applications(
    connection: asyncpg.Connection, owner: tuple[str, UUID] | None, limit: int, *, after: UUID | None = None,
    status: str | None = None, external_id: str | None = None,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """Newest first. `external_id` counts for an owner only."""
    if owner is None:
        return await connection.fetch(_ALL, after or _LAST, status, limit)  # type: ignore[no-any-return]
    return await connection.fetch(  # type: ignore[no-any-return]
        _OWN, *owner, after or _LAST, status, external_id, limit
    )


async def documents_of(connection: asyncpg.Connection, application_ids: Sequence[UUID]) -> Sequence[asyncpg.Record]:
    """Without their bytes, in the order of their coming."""
    return await connection.fetch(_DOCUMENTS, list(application_ids))  # type: ignore[no-any-return]


async def find_document(
    connection: asyncpg.Connection, application_id: UUID, document_id: UUID
) -> asyncpg.Record | None:
    """With its sealed bytes."""
    return await connection.fetchrow(_DOCUMENT, application_id, document_id)


async def log_of(connection: asyncpg.Connection, application_id: UUID, limit: int) -> Sequence[asyncpg.Record]:
    """Newest first."""
    return await connection.fetch(_LOG, application_id, limit)  # type: ignore[no-any-return]


async def count_drafts(connection: asyncpg.Connection, owner: tuple[str, UUID], most: int) -> int:
    """At most `most` are counted."""
    return int(await connection.fetchval(_DRAFTS, *owner, most))


async def merchant_that_applied(connection: asyncpg.Connection, merchant_id: UUID) -> UUID | None:
    """The merchant whose application this one was; None when it was a partner's, or there was none."""
    sql = "SELECT owner_id FROM applications WHERE merchant_id = $1 AND owner_kind = 'merchant'"
    return await connection.fetchval(sql, merchant_id)  # type: ignore[no-any-return]
