"""Uploads and the answers of their rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.rules.uploads.answers import AnsweredRow
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

Kind = Literal["transmit", "evaluate"]
Copy = tuple[str, str, bool, int, str]  # order id, transaction id, declined, amount, currency
UPLOAD: Final = """merchant_id, upload_id, kind, form, file_name, state, row_count, done_count, refused_count, notes,
  received_at, stop_requested_at, finished_at"""


class Upload(Row, frozen=True):
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
    notes: list[str]
    received_at: datetime
    stop_requested_at: datetime | None
    finished_at: datetime | None


@statement(
    MERCHANT,
    f"""
SELECT {UPLOAD} FROM uploads WHERE merchant_id = $1 AND kind = $2 AND content_mac = $3 AND state <> 'stopped'
""",
)
async def upload_by_content(db: Read, merchant_id: UUID, kind: str, content_mac: bytes) -> Upload | None:
    """The same file that came before, unless it was stopped."""


@statement(MERCHANT, f"SELECT {UPLOAD} FROM uploads WHERE merchant_id = $1 AND upload_id = $2")
async def find_upload(db: Read, merchant_id: UUID, upload_id: UUID) -> Upload | None:
    """One of this merchant."""


@statement(
    MERCHANT,
    f"""
SELECT {UPLOAD} FROM uploads
WHERE merchant_id = $1 AND ($3::uuid IS NULL OR upload_id < $3) AND ($2::text IS NULL OR kind = $2)
ORDER BY upload_id DESC LIMIT $4
""",
)
async def list_uploads(db: Read, merchant_id: UUID, kind: str | None, after: UUID | None, limit: int) -> list[Upload]:
    """Newest first."""


@statement(
    MERCHANT,
    """
SELECT row_no, line_no, sequence, external_id, subject_id, state, status, code, errors, warning FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND row_no > $3 ORDER BY row_no LIMIT $4
""",
)
async def upload_rows(db: Read, merchant_id: UUID, upload_id: UUID, after: int, limit: int) -> list[AnsweredRow]:
    """In the file's order."""


@statement(
    MERCHANT,
    """
SELECT row_no, line_no, sequence, external_id, subject_id, state, status, code, errors, warning FROM upload_rows
WHERE merchant_id = $1 AND upload_id = $2 AND row_no > $3 AND state = 'refused' ORDER BY row_no LIMIT $4
""",
)
async def refused_rows(db: Read, merchant_id: UUID, upload_id: UUID, after: int, limit: int) -> list[AnsweredRow]:
    """Those that were refused, in the file's order."""


async def transmitted_before(db: Read, merchant_id: UUID, copies: Sequence[Copy]) -> dict[Copy, UUID]:
    """A transmission of each that came before. What has no transaction id is no copy of anything."""
    known = [one for one in copies if one[1]]
    if not known:
        return {}
    ids, transactions, declined, units, assets = zip(*known, strict=True)
    rows = await _transmitted(db, merchant_id, ids, transactions, declined, units, assets)
    return {(r.external_id, r.transaction_id, r.is_declined, r.units, r.asset): r.transmit_id for r in rows}


class _Transmitted(Row, frozen=True):
    external_id: str
    transaction_id: str
    is_declined: bool
    units: int
    asset: str
    transmit_id: UUID


@statement(
    MERCHANT,
    """
SELECT k.*, t.transmit_id
FROM unnest($2::text[], $3::text[], $4::boolean[], $5::bigint[], $6::text[])
  AS k (external_id, transaction_id, is_declined, units, asset)
CROSS JOIN LATERAL (SELECT transmit_id FROM transmissions t
  WHERE t.merchant_id = $1 AND t.external_id = k.external_id AND t.transaction_id = k.transaction_id
    AND t.is_declined = k.is_declined AND t.units = k.units AND t.asset = k.asset LIMIT 1) t
""",
)
async def _transmitted(
    db: Read,
    merchant_id: UUID,
    external_ids: Sequence[str],
    transaction_ids: Sequence[str],
    declined: Sequence[bool],
    units: Sequence[int],
    assets: Sequence[str],
) -> list[_Transmitted]:
    """One of each that there is."""
