"""Uploads and the answers of their rows: taken whole in one transaction, then answered row by row,
some at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import Hex, insert_of, stored
from recoup.kernel.kept_sentence import Kept, keep
from recoup.kernel.time import WallTime
from recoup.uploads.rules.answers import AnsweredRow

Kind = Literal["transmit", "evaluate"]
Copy = tuple[str, str, bool, int, str]  # order id, transaction id, declined, amount, currency


class Upload(Row):
    """`notes`: remarks about the file for its readers. Wall times."""

    merchant_id: UUID
    upload_id: UUID
    kind: Kind
    form: Literal["json", "csv"]
    file_name: str
    state: Literal["received", "working", "completed", "stopped"]
    row_count: int
    done_count: int
    refused_count: int
    notes: list[Kept]
    received_at: datetime
    stop_requested_at: datetime | None
    finished_at: datetime | None


UPLOAD: Final = columns_of(Upload)


@MERCHANT.statement(f"""
SELECT {UPLOAD} FROM uploads WHERE merchant_id = $1 AND kind = $2 AND content_mac = $3
  AND state <> 'stopped'
""")
async def upload_by_content(
    db: Read, merchant_id: UUID, kind: str, content_mac: bytes
) -> Upload | None:
    """The same file that came before, unless it was stopped."""


@MERCHANT.statement(f"SELECT {UPLOAD} FROM uploads WHERE merchant_id = $1 AND upload_id = $2")
async def find_upload(db: Read, merchant_id: UUID, upload_id: UUID) -> Upload | None:
    """The merchant's upload of that id."""


class HeldRows(Row):
    """Rows of a merchant's files. `waiting`: still to be worked on; `kept`: attempts out of
    imports, rows of uploads, lines of statements."""

    waiting: int
    kept: int


@MERCHANT.statement("""
SELECT coalesce(sum(count - done) FILTER (WHERE state IN ('received', 'working')),
  0)::bigint AS waiting,
  coalesce(sum(kept), 0)::bigint AS kept
FROM (
  SELECT state, attempt_count AS count, done_count AS done, new_count AS kept FROM imports
    WHERE merchant_id = $1
  UNION ALL SELECT state, row_count, done_count, row_count FROM uploads WHERE merchant_id = $1
  UNION ALL SELECT 'completed', 0, 0, lines FROM reconciliation_runs WHERE merchant_id = $1
) f
""")
async def held_rows(db: Read, merchant_id: UUID) -> HeldRows:
    """Counts the rows stored of a merchant's files."""


@MERCHANT.statement(f"""
SELECT {UPLOAD} FROM uploads
WHERE merchant_id = $1 AND ($3::uuid IS NULL OR upload_id < $3) AND ($2::text IS NULL OR kind = $2)
ORDER BY upload_id DESC LIMIT $4
""")
async def list_uploads(
    db: Read, merchant_id: UUID, kind: str | None, after: UUID | None, limit: int
) -> list[Upload]:
    """Newest first."""


@MERCHANT.statement("""
SELECT row_no, line_no, sequence, external_id, subject_id, state, status, code, errors, warning
  FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND row_no > $3 ORDER BY row_no LIMIT $4
""")
async def upload_rows(
    db: Read, merchant_id: UUID, upload_id: UUID, after: int, limit: int
) -> list[AnsweredRow]:
    """Answered rows in the file's order."""


@MERCHANT.statement("""
SELECT row_no, line_no, sequence, external_id, subject_id, state, status, code, errors, warning
  FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND row_no > $3 AND state = 'refused' ORDER BY row_no
  LIMIT $4
""")
async def refused_rows(
    db: Read, merchant_id: UUID, upload_id: UUID, after: int, limit: int
) -> list[AnsweredRow]:
    """Refused rows in the file's order."""


async def transmitted_before(
    db: Read, merchant_id: UUID, copies: Sequence[Copy]
) -> dict[Copy, UUID]:
    """A transmission of each that came before. What has no transaction id is no copy of
    anything."""
    known = [copy for copy in copies if copy[1]]
    if not known:
        return {}
    ids, transactions, declined, units, assets = zip(*known, strict=True)
    rows = await _transmitted(db, merchant_id, ids, transactions, declined, units, assets)
    return {
        (r.external_id, r.transaction_id, r.is_declined, r.units, r.asset): r.transmit_id
        for r in rows
    }


class _Transmitted(Row):
    external_id: str
    transaction_id: str
    is_declined: bool
    units: int
    asset: str
    transmit_id: UUID


@MERCHANT.statement("""
SELECT k.*, t.transmit_id
FROM unnest($2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::text[])
  AS k (external_id, transaction_id, is_declined, units, asset)
CROSS JOIN LATERAL (SELECT transmit_id FROM transmissions t
  WHERE t.merchant_id = $1 AND t.external_id = k.external_id AND t.transaction_id = k.transaction_id
    AND t.is_declined = k.is_declined AND t.units = k.units AND t.asset = k.asset LIMIT 1) t
""")
async def _transmitted(
    db: Read,
    merchant_id: UUID,
    external_ids: Sequence[str],
    transaction_ids: Sequence[str],
    declined: Sequence[bool],
    units: Sequence[int],
    assets: Sequence[str],
) -> list[_Transmitted]:
    """Transmitted copies, one of each that there is."""


STATEMENT_SECONDS: Final = 120.0


@stored("uploads")
class NewUpload(Row):
    merchant_id: UUID
    upload_id: UUID
    kind: str
    form: str
    content_mac: Hex
    file_name: str
    actor: str
    request_id: str
    received_at: WallTime
    state: str = "received"


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
{insert_of(NewUpload, single=True)}
ON CONFLICT (merchant_id, kind, content_mac) WHERE state <> 'stopped' DO NOTHING RETURNING true
""")
async def begin_upload(db: Tx, new: NewUpload) -> bool:
    """Begins an upload; False: this file is an upload already, or another process was just taking
    it and was waited for."""


class NewUploadRow(NamedTuple):
    """A row of a file: refused, unless its state says otherwise. `errors`: field, message and
    cure."""

    merchant_id: UUID
    upload_id: UUID
    row_no: int
    line_no: int
    sequence: str
    external_id: str = ""
    given: bytes | None = None
    subject_id: UUID | None = None
    state: str = "refused"
    code: str | None = None
    errors: Sequence[Mapping[str, str]] = ()


async def add_rows(tx: asyncpg.Connection, rows: Sequence[NewUploadRow]) -> None:
    columns = list(NewUploadRow._fields)
    records = [(*row[:-1], _kept(row.errors)) for row in rows]
    await tx.copy_records_to_table(
        "upload_rows", records=records, columns=columns, timeout=STATEMENT_SECONDS
    )


def _kept(errors: Sequence[Mapping[str, str]]) -> list[dict[str, Kept]]:
    return [{name: keep(text) for name, text in error.items()} for error in errors]


@MERCHANT.statement("""
UPDATE uploads SET row_count = $3, refused_count = $4, notes = $5 WHERE merchant_id = $1
  AND upload_id = $2
""")
async def count_rows(
    db: Tx, merchant_id: UUID, upload_id: UUID, rows: int, refused: int, notes: Sequence[Kept]
) -> None:
    """Sets the counts of rows when the whole file is read."""


class LockedUpload(Row):
    """`begun_to`: rows up to this one may have taken effect. `waits`: an earlier file of the same
    kind is not finished."""

    merchant_id: UUID
    kind: Kind
    row_count: int
    begun_to: int
    actor: str
    request_id: str
    stop_requested_at: datetime | None
    finished_at: datetime | None
    waits: bool


@MERCHANT.statement("""
SELECT u.merchant_id, u.kind, u.row_count, u.begun_to, u.actor, u.request_id, u.stop_requested_at,
  u.finished_at,
  EXISTS (SELECT FROM uploads o WHERE o.merchant_id = u.merchant_id AND o.kind = u.kind
    AND o.upload_id < u.upload_id AND o.state IN ('received', 'working')) AS waits
FROM uploads u WHERE u.merchant_id = $1 AND u.upload_id = $2 FOR UPDATE OF u
""")
async def lock_upload(db: Tx, merchant_id: UUID, upload_id: UUID) -> LockedUpload | None:
    """Its rows are begun by one process at a time."""


class WaitingRow(Row):
    """`given`: the checked row. `subject_id`: of a transmission that is still to be made."""

    row_no: int
    external_id: str
    given: bytes
    subject_id: UUID | None
    tries: int


@MERCHANT.statement("""
SELECT row_no, external_id, given, subject_id, tries FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND state = 'received' AND row_no <= $3 ORDER BY row_no
  LIMIT $4
""")
async def waiting_rows(
    db: Read, merchant_id: UUID, upload_id: UUID, up_to: int, limit: int
) -> list[WaitingRow]:
    """Rows that wait, in the file's order."""


@MERCHANT.statement(
    "UPDATE uploads SET state = 'working', begun_to = $3 WHERE merchant_id = $1 AND upload_id = $2"
)
async def begin_rows(db: Tx, merchant_id: UUID, upload_id: UUID, up_to: int) -> None:
    """Marks the rows up to this one as started: they may have taken effect."""


async def answer_rows(
    db: Tx, merchant_id: UUID, upload_id: UUID, answers: Sequence[dict[str, Any]]
) -> None:
    """Answers rows under the upload's lock. Each names its row_no, state, tries, subject_id,
    status, code, errors and warning."""
    states = await _answer(
        db,
        merchant_id,
        upload_id,
        [
            {
                **answer,
                "errors": _kept(answer.get("errors") or ()),
                "warning": keep(answer["warning"]) if answer.get("warning") else None,
            }
            for answer in answers
        ],
    )
    await _count(db, merchant_id, upload_id, states.count("done"), states.count("refused"))


# A row that another process has answered meanwhile keeps that answer, and is not counted again.
@MERCHANT.statement("""
UPDATE upload_rows r SET state = i.state, given = CASE WHEN i.state = 'received' THEN r.given END,
  tries = i.tries,
  subject_id = coalesce(i.subject_id, r.subject_id), status = i.status, code = i.code,
    errors = i.errors,
  warning = i.warning
FROM jsonb_to_recordset($3) AS i (row_no int, state text, tries smallint, subject_id uuid,
  status text, code text,
  errors jsonb, warning text)
WHERE r.merchant_id = $1 AND r.upload_id = $2 AND r.row_no = i.row_no AND r.state = 'received'
  RETURNING r.state
""")
async def _answer(
    db: Tx, merchant_id: UUID, upload_id: UUID, answers: Sequence[dict[str, Any]]
) -> list[str]:
    """The states of those that were still to be answered."""


@MERCHANT.statement("""
UPDATE uploads SET done_count = done_count + $3, refused_count = refused_count + $4
WHERE merchant_id = $1 AND upload_id = $2
""")
async def _count(db: Tx, merchant_id: UUID, upload_id: UUID, done: int, refused: int) -> None: ...


@MERCHANT.within(STATEMENT_SECONDS).statement("""
UPDATE upload_rows SET state = 'stopped', given = NULL
WHERE merchant_id = $1 AND upload_id = $2 AND state = 'received'
""")
async def stop_rest(db: Tx, merchant_id: UUID, upload_id: UUID) -> None:
    """Rows that were not answered."""


@MERCHANT.statement(f"""
UPDATE uploads SET state = $3, finished_at = $4 WHERE merchant_id = $1 AND upload_id = $2
RETURNING {UPLOAD}
""")
async def finish_upload(
    db: Tx, merchant_id: UUID, upload_id: UUID, state: str, at: datetime
) -> Upload:
    """Finishes an upload and returns it as it ended."""


@MERCHANT.statement("""
UPDATE uploads SET stop_requested_at = coalesce(stop_requested_at, $3),
  stop_requested_by = coalesce(stop_requested_by, $4)
WHERE merchant_id = $1 AND upload_id = $2 AND state IN ('received', 'working') RETURNING true
""")
async def ask_stop(db: Tx, merchant_id: UUID, upload_id: UUID, at: datetime, by: str) -> bool:
    """Requests a stop; False when the upload is finished, or was never there."""
