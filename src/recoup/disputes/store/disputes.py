"""Disputes with what a desk shows of them, their notes, the contract, and the notices that nobody
could place."""

import dataclasses
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec.structs import replace

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row, columns_of
from recoup.kit import personal
from recoup.networks.disputes import Terms
from recoup.orders.rules.disputed import Dispute

LISTED_MAX: Final = 100
COUNTED_MAX: Final = 1_000  # of each state


@dataclass(slots=True)
class DisputeRow(Dispute):
    """`scheme` and `last4`: of the card."""

    external_id: str = ""
    site_name: str = ""
    customer: str = ""
    scheme: str | None = None
    last4: str | None = None


_DESK: Final = f"""
SELECT {columns_of(Dispute, "d")}, o.external_id,
  s.name AS site_name, coalesce(trim(p.first_name || ' ' || p.last_name), '') AS customer, v.scheme,
    v.last4
FROM disputes d
JOIN orders o USING (merchant_id, order_id)
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE d.merchant_id = $1
"""
_PRESSING: Final = "ORDER BY d.respond_by NULLS LAST, d.dispute_id"
_NEWEST: Final = "ORDER BY d.opened_at DESC, d.dispute_id DESC"


@MERCHANT.statement(f"""
{_DESK} AND d.state = 'open' AND ($2::text IS NULL OR d.kind = $2) {_PRESSING} OFFSET $3 LIMIT $4
""")
async def _open(
    db: Read, merchant_id: UUID, kind: str | None, offset: int, limit: int
) -> list[DisputeRow]:
    """The most pressing first."""


@MERCHANT.statement(f"{_DESK} AND ($2::text IS NULL OR d.kind = $2) {_NEWEST} OFFSET $3 LIMIT $4")
async def _all(
    db: Read, merchant_id: UUID, kind: str | None, offset: int, limit: int
) -> list[DisputeRow]:
    """Newest first."""


# The newest of each state, merged: what was decided before them is not looked at.
@MERCHANT.statement(f"""{_DESK} AND d.dispute_id = ANY(ARRAY(
  SELECT d.dispute_id FROM unnest($5::text[]) AS f (state) CROSS JOIN LATERAL (
    SELECT dispute_id, opened_at FROM disputes
    WHERE merchant_id = $1 AND state = f.state AND ($2::text IS NULL OR kind = $2)
    ORDER BY opened_at DESC, dispute_id DESC LIMIT $3::bigint + $4::bigint) d
  {_NEWEST} OFFSET $3::bigint LIMIT $4::bigint)) {_NEWEST}
""")
async def _of_states(
    db: Read, merchant_id: UUID, kind: str | None, offset: int, limit: int, states: Collection[str]
) -> list[DisputeRow]:
    """Newest first."""


async def list_disputes(
    db: Read,
    merchant_id: UUID,
    *,
    states: Sequence[str] = (),
    kind: str | None = None,
    offset: int = 0,
    limit: int = LISTED_MAX,
    clear: bool,
) -> list[DisputeRow]:
    """Open ones by deadline, the most pressing first; others newest first. Customers are masked
    unless `clear`."""
    if tuple(states) == ("open",):
        rows = await _open(db, merchant_id, kind, offset, limit)
    elif states:
        rows = await _of_states(db, merchant_id, kind, offset, limit, states)
    else:
        rows = await _all(db, merchant_id, kind, offset, limit)
    return rows if clear else [_masked(row) for row in rows]


def _masked(row: DisputeRow) -> DisputeRow:
    return dataclasses.replace(row, customer=personal.name(row.customer))


@MERCHANT.statement("""
SELECT f.state, (
  SELECT count(*) FROM (SELECT FROM disputes d WHERE d.merchant_id = $1 AND d.state = f.state
    LIMIT $3) n)
FROM unnest($2::text[]) AS f (state)
""")
async def _counts(
    db: Read, merchant_id: UUID, states: Collection[str], most: int
) -> dict[str, int]:
    """Counts disputes by state, each up to `most`."""


async def counts(db: Read, merchant_id: UUID, states: Iterable[str]) -> dict[str, int]:
    """Counts disputes by state; one more than COUNTED_MAX stands for any more."""
    return await _counts(db, merchant_id, list(states), COUNTED_MAX + 1)


@MERCHANT.statement(f"{_DESK} AND d.dispute_id = $2")
async def _one(db: Read, merchant_id: UUID, dispute_id: UUID) -> DisputeRow | None:
    """Finds a dispute, unmasked."""


async def read_dispute(
    db: Read, merchant_id: UUID, dispute_id: UUID, *, clear: bool
) -> DisputeRow | None:
    """Its customer is masked unless `clear`."""
    row = await _one(db, merchant_id, dispute_id)
    return row if clear or row is None else _masked(row)


class DisputeNote(Row):
    """An empty text was erased. `payer`: never leaves this module."""

    text: str
    actor: str
    business_at: datetime
    payer: dict[str, Any] | None


@MERCHANT.statement("""
SELECT n.text, n.actor, n.business_at, (SELECT to_jsonb(p) FROM disputes d
  JOIN order_payer p USING (merchant_id, order_id)
  WHERE d.merchant_id = n.merchant_id AND d.dispute_id = n.dispute_id) AS payer
FROM dispute_notes n WHERE n.merchant_id = $1 AND n.dispute_id = $2 ORDER BY n.note_id
""")
async def _notes(db: Read, merchant_id: UUID, dispute_id: UUID) -> list[DisputeNote]:
    """Notes of a dispute, unmasked."""


async def read_notes(
    db: Read, merchant_id: UUID, dispute_id: UUID, *, clear: bool
) -> list[DisputeNote]:
    """Oldest first. Unless `clear`, without what is known of the order's customer."""
    return [
        replace(row, text=personal.hider(row.payer, clear=clear)(row.text), payer=None)
        for row in await _notes(db, merchant_id, dispute_id)
    ]


class DisputeFile(Row):
    """`sha256` in hex, empty for one that was erased. `payer`: never leaves this module."""

    file_id: UUID
    name: str
    media_type: str
    bytes: int
    sha256: str
    actor: str
    business_at: datetime
    erased: bool
    payer: dict[str, Any] | None


@MERCHANT.statement("""
SELECT n.file_id, n.name, n.media_type, n.bytes, encode(n.sha256, 'hex') AS sha256, n.actor,
  n.business_at,
  n.sealed IS NULL AS erased,
  (SELECT to_jsonb(p) FROM disputes d JOIN order_payer p USING (merchant_id, order_id)
  WHERE d.merchant_id = n.merchant_id AND d.dispute_id = n.dispute_id) AS payer
FROM dispute_files n WHERE n.merchant_id = $1 AND n.dispute_id = $2 ORDER BY n.file_id
""")
async def _files(db: Read, merchant_id: UUID, dispute_id: UUID) -> list[DisputeFile]:
    """Evidence files of a dispute, unmasked."""


async def read_files(
    db: Read, merchant_id: UUID, dispute_id: UUID, *, clear: bool
) -> list[DisputeFile]:
    """Evidence files without their bytes, oldest first. Unless `clear`, names without what is known
    of the order's customer."""
    return [
        replace(row, name=personal.hider(row.payer, clear=clear)(row.name), payer=None)
        for row in await _files(db, merchant_id, dispute_id)
    ]


class SealedFile(Row):
    """`sealed`: its bytes, as they are kept."""

    file_id: UUID
    name: str
    media_type: str
    sealed: bytes


@MERCHANT.statement("""
SELECT file_id, name, media_type, sealed FROM dispute_files
WHERE merchant_id = $1 AND dispute_id = $2 AND sealed IS NOT NULL ORDER BY file_id
""")
async def sealed_files(db: Read, merchant_id: UUID, dispute_id: UUID) -> list[SealedFile]:
    """Sealed evidence files, without those that were erased."""


class DatedTerms(Row):
    """`made_at` is wall time."""

    actor: str
    made_at: datetime
    terms: Terms


@MERCHANT.statement(f"""
SELECT actor, made_at, to_jsonb(t) AS terms FROM dispute_terms t
WHERE merchant_id = $1 AND {known_at("t", 2, recorded="made_at")}
ORDER BY valid_from DESC, asset, terms_id DESC LIMIT 200
""")
async def read_terms(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime
) -> list[DatedTerms]:
    """All that were made by then, the newest validity first."""


class NoticeRow(Row):
    """A dispute notice that came in. `why`: of an unmatched one. `merchant_id` as the notice says,
    of any merchant or none. Wall time."""

    merchant_id: UUID
    route: str
    notice_id: str
    state: Literal["applied", "stale", "unmatched", "settled"]
    why: str
    content: dict[str, Any]
    content_hash: bytes
    received_at: datetime
    tries: int


_NOTICE: Final = """
SELECT merchant_id, route, notice_id, state, why, content, content_hash, received_at, tries
  FROM dispute_notices
"""


@MERCHANT.statement(f"{_NOTICE} WHERE merchant_id = $1 AND route = $2 AND notice_id = $3")
async def find_notice(db: Read, merchant_id: UUID, route: str, notice_id: str) -> NoticeRow | None:
    """Finds a notice, or None for one that never came."""


@MERCHANT.statement(f"""
{_NOTICE} WHERE merchant_id = ANY($1::uuid[]) AND state = 'unmatched'
  ORDER BY received_at DESC, notice_id
LIMIT {LISTED_MAX}
""")
async def unmatched(db: Read, merchant_ids: Collection[UUID]) -> list[NoticeRow]:
    """Notices that match no charge, newest first."""


@MERCHANT.statement(f"""
{_NOTICE} WHERE merchant_id = $1 AND state = 'unmatched' AND why = ANY($2)
  ORDER BY received_at DESC, notice_id
LIMIT 1000
""")
async def early_notices(db: Read, merchant_id: UUID, whys: Collection[str]) -> list[NoticeRow]:
    """Notices whose charge may yet come, newest first."""


@MERCHANT.statement("SELECT order_id FROM disputes WHERE merchant_id = $1 AND dispute_id = $2")
async def order_of_dispute(db: Read, merchant_id: UUID, dispute_id: UUID) -> UUID | None:
    """The order of a dispute, or None for a foreign or unknown id."""


class ApprovedCharge(Row):
    attempt_id: UUID
    route: str | None


@MERCHANT.statement("""
SELECT attempt_id, route FROM attempts WHERE merchant_id = $1 AND order_id = $2
  AND state = 'approved'
ORDER BY attempt_no DESC LIMIT 1
""")
async def approved_charge(db: Read, merchant_id: UUID, order_id: UUID) -> ApprovedCharge | None:
    """The last one."""
