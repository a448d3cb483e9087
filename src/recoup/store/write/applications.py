"""Rows of applications, their documents and their log. Wall time throughout."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import DIRECTORY, MERCHANT
from recoup.store.read.applications import COLUMNS, Application, ApplicationLine
from recoup.store.statement import Tx, statement


@statement(
    DIRECTORY,
    f"""
SELECT {COLUMNS} FROM applications
WHERE application_id = $1 AND ($2::text IS NULL OR owner_kind = $2 AND owner_id = $3) FOR UPDATE
""",
)
async def _lock(db: Tx, application_id: UUID, owner_kind: str | None, owner_id: UUID | None) -> Application | None: ...


async def lock_application(db: Tx, application_id: UUID, owner: tuple[str, UUID] | None) -> Application | None:
    """Its holder moves it; others wait. `owner` None: the operator."""
    return await _lock(db, application_id, *(owner or (None, None)))


@statement(DIRECTORY, "INSERT INTO applications SELECT * FROM jsonb_populate_record(NULL::applications, $1)")
async def add_application(db: Tx, application: Application) -> None: ...


@statement(
    DIRECTORY,
    """
UPDATE applications a SET status = i.status, version = i.version, form = i.form, external_id = i.external_id,
  reason = i.reason, note = i.note, changed_at = i.changed_at, submitted_at = i.submitted_at,
  decided_at = i.decided_at, decided_by = i.decided_by, ended_at = i.ended_at
FROM jsonb_populate_record(NULL::applications, $1) i WHERE a.application_id = i.application_id
""",
)
async def save_application(db: Tx, application: Application) -> None:
    """Under its lock."""


@statement(
    DIRECTORY,
    """
INSERT INTO application_log (application_id, seq, happening, src, dst, reason, note, document_id, actor, request_id, at)
SELECT application_id, seq, happening, src, dst, reason, note, document_id, actor, request_id, at
FROM jsonb_populate_record(NULL::application_log, $1)
""",
)
async def add_log_line(db: Tx, line: ApplicationLine) -> None: ...


@statement(MERCHANT, "INSERT INTO closers (merchant_id) VALUES ($1) ON CONFLICT DO NOTHING")
async def open_feed(db: Tx, merchant_id: UUID) -> None:
    """So that events from before there is a merchant are numbered too."""


@statement(
    DIRECTORY,
    """
INSERT INTO application_documents (document_id, application_id, kind, name, media_type, bytes, sha256, sealed, added_by,
  added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
""",
)
async def add_document(
    db: Tx,
    document_id: UUID,
    application_id: UUID,
    kind: str,
    name: str,
    media_type: str,
    size: int,
    sha256: bytes,
    sealed: bytes,
    added_by: str,
    added_at: datetime,
) -> None: ...


@statement(
    DIRECTORY,
    """
DELETE FROM application_documents WHERE application_id = $1 AND document_id = $2 RETURNING document_id
""",
)
async def delete_document(db: Tx, application_id: UUID, document_id: UUID) -> bool:
    """Whether there was one."""
