"""Applications to become a merchant, their documents and their log. Callers name the owner. Wall
time throughout."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import DIRECTORY, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored
from recoup.onboarding.rules.application import Status

_LAST: Final = UUID("ffffffff-ffff-ffff-ffff-ffffffffffff")


class Application(Row):
    """`owner_*`: who filled it in. `merchant_id`: the merchant that it becomes. `version`: the
    number of its last log line. `form`: what it says, see `onboarding.rules.form`. `note`: the
    operator's word to the applicant."""

    application_id: UUID
    owner_kind: Literal["partner", "merchant"]
    owner_id: UUID
    merchant_id: UUID
    status: Status
    version: int
    form: dict[str, Any]
    external_id: str
    reason: str
    note: str
    created_by: str
    created_at: datetime
    changed_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    ended_at: datetime | None


COLUMNS: Final = columns_of(Application)


@DIRECTORY.statement(f"""
SELECT {COLUMNS} FROM applications
WHERE application_id = $1 AND ($2::text IS NULL OR owner_kind = $2 AND owner_id = $3)
""")
async def _find(
    db: Read, application_id: UUID, owner_kind: str | None, owner_id: UUID | None
) -> Application | None: ...


async def find_application(
    db: Read, application_id: UUID, owner: tuple[str, UUID] | None
) -> Application | None:
    """`owner` None: the operator, who sees all."""
    return await _find(db, application_id, *(owner or (None, None)))


@DIRECTORY.statement(f"""
SELECT {COLUMNS} FROM applications WHERE owner_kind = $1 AND owner_id = $2 AND application_id < $3
  AND ($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR external_id = $5)
ORDER BY application_id DESC LIMIT $6
""")
async def _own(
    db: Read,
    owner_kind: str,
    owner_id: UUID,
    before: UUID,
    status: str | None,
    external_id: str | None,
    limit: int,
) -> list[Application]: ...


@DIRECTORY.statement(f"""
SELECT {COLUMNS} FROM applications WHERE application_id < $1 AND ($2::text IS NULL OR status = $2)
ORDER BY application_id DESC LIMIT $3
""")
async def _all(db: Read, before: UUID, status: str | None, limit: int) -> list[Application]: ...


async def list_applications(
    db: Read,
    owner: tuple[str, UUID] | None,
    limit: int,
    *,
    after: UUID | None = None,
    status: str | None = None,
    external_id: str | None = None,
) -> list[Application]:
    """Newest first. `external_id` counts for an owner only."""
    if owner is None:
        return await _all(db, after or _LAST, status, limit)
    return await _own(db, *owner, after or _LAST, status, external_id, limit)


class Document(Row):
    """`bytes`: how many. `sha256`: hex, of what was sent."""

    document_id: UUID
    application_id: UUID
    kind: str
    name: str
    media_type: str
    bytes: int
    sha256: str
    added_by: str
    added_at: datetime


class SealedDocument(Document):
    sealed: bytes


_DOCUMENT: Final = """document_id, application_id, kind, name, media_type, bytes,
  encode(sha256, 'hex') AS sha256, added_by, added_at"""


@DIRECTORY.statement(f"""
SELECT {_DOCUMENT} FROM application_documents WHERE application_id = ANY($1::uuid[])
  ORDER BY document_id
""")
async def documents_of(db: Read, application_ids: Sequence[UUID]) -> list[Document]:
    """The documents of the applications, in the order of their coming."""


@DIRECTORY.statement(f"""
SELECT {_DOCUMENT}, sealed FROM application_documents WHERE application_id = $1 AND document_id = $2
""")
async def find_document(
    db: Read, application_id: UUID, document_id: UUID
) -> SealedDocument | None: ...


@stored("application_log")
class ApplicationLine(Row):
    """`src`, `dst`: the status before and after. `document_id`: the document that it is about."""

    application_id: UUID
    seq: int
    happening: str
    src: Status
    dst: Status
    reason: str
    note: str
    document_id: UUID | None
    actor: str
    request_id: str
    at: datetime


@DIRECTORY.statement("""
SELECT application_id, seq, happening, src, dst, reason, note, document_id, actor, request_id, at
FROM application_log WHERE application_id = $1 ORDER BY seq DESC LIMIT $2
""")
async def log_of(db: Read, application_id: UUID, limit: int) -> list[ApplicationLine]:
    """Newest first."""


@DIRECTORY.statement("""
SELECT count(*) FROM (SELECT FROM applications WHERE owner_kind = $1 AND owner_id = $2
  AND status = 'DRAFT' LIMIT $3) d
""")
async def count_drafts(db: Read, owner_kind: str, owner_id: UUID, most: int) -> int:
    """Counts the owner's drafts, up to `most`."""


@DIRECTORY.statement(
    "SELECT owner_id FROM applications WHERE merchant_id = $1 AND owner_kind = 'merchant'"
)
async def merchant_that_applied(db: Read, merchant_id: UUID) -> UUID | None:
    """The merchant whose application this one was; None when it was a partner's, or there was
    none."""


@DIRECTORY.statement(f"""
SELECT {COLUMNS} FROM applications
WHERE application_id = $1 AND ($2::text IS NULL OR owner_kind = $2 AND owner_id = $3) FOR UPDATE
""")
async def _lock(
    db: Tx, application_id: UUID, owner_kind: str | None, owner_id: UUID | None
) -> Application | None: ...


async def lock_application(
    db: Tx, application_id: UUID, owner: tuple[str, UUID] | None
) -> Application | None:
    """Its holder moves it; others wait. `owner` None: the operator."""
    return await _lock(db, application_id, *(owner or (None, None)))


@DIRECTORY.statement(
    "INSERT INTO applications SELECT * FROM jsonb_populate_record(NULL::applications, $1) "
    "RETURNING 1"
)
async def add_application(db: Tx, application: Application) -> None: ...


@DIRECTORY.statement("""
UPDATE applications a SET status = i.status, version = i.version, form = i.form,
  external_id = i.external_id,
  reason = i.reason, note = i.note, changed_at = i.changed_at, submitted_at = i.submitted_at,
  decided_at = i.decided_at, decided_by = i.decided_by, ended_at = i.ended_at
FROM jsonb_populate_record(NULL::applications, $1) i WHERE a.application_id = i.application_id
""")
async def save_application(db: Tx, application: Application) -> None:
    """Saves the application, under its lock."""


@DIRECTORY.statement(insert_of(ApplicationLine, single=True) + "RETURNING 1")
async def add_log_line(db: Tx, line: ApplicationLine) -> None: ...


@DIRECTORY.statement("""
SELECT coalesce(sum(d.bytes), 0)::bigint FROM applications a
  JOIN application_documents d USING (application_id)
WHERE a.owner_kind = $1 AND a.owner_id = $2
""")
async def document_bytes(db: Read, owner_kind: str, owner_id: UUID) -> int:
    """Total size of this owner's documents."""


@DIRECTORY.statement("""
INSERT INTO application_documents (document_id, application_id, kind, name, media_type, bytes,
  sha256, sealed, added_by,
  added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
""")
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


@DIRECTORY.statement("""
DELETE FROM application_documents WHERE application_id = $1 AND document_id = $2
  RETURNING document_id
""")
async def delete_document(db: Tx, application_id: UUID, document_id: UUID) -> bool:
    """Deletes a document. True when there was one."""
