"""Settlement batches and their lines, as their merchant sees them: units + in its favour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import LOWEST
from recoup.store.read.order_counts import Count

LINES_MAX: Final = 5_000
COUNTED_MAX: Final = 10_000  # batches, beside a list
STATEMENT_SECONDS: Final = 120.0
_ONE = "SELECT * FROM settlement_batches WHERE merchant_id = $1 AND batch_id = $2"
_IS_RELEASED = """
SELECT EXISTS (SELECT FROM postings WHERE merchant_id = $1 AND source_kind = 'batch' AND source_id = $2
  AND recipe = 'reserve_released')
"""
_SHOWN: Final = """
SELECT b.*, p.state AS payout_state, p.reference, p.payout_no, p.sent_at, p.ended_at
FROM settlement_batches b
LEFT JOIN LATERAL (SELECT state, reference, payout_no, sent_at, ended_at FROM bank_payouts p
  WHERE p.merchant_id = b.merchant_id AND p.batch_id = b.batch_id ORDER BY payout_no DESC LIMIT 1) p ON true
"""
_WHERE: Final = """
WHERE b.merchant_id = $1 AND ($2::timestamptz IS NULL OR b.closed_at >= $2)
  AND ($3::timestamptz IS NULL OR b.closed_at < $3) AND ($4::text IS NULL OR b.asset = $4)
"""
_LIST = f"{_SHOWN}{_WHERE} ORDER BY b.closed_at DESC, b.batch_id DESC LIMIT $5 OFFSET $6"
_COUNT = f"SELECT count(*) FROM (SELECT FROM settlement_batches b {_WHERE} LIMIT $5) AS few"
_SHOWN_ONE = f"{_SHOWN} WHERE b.merchant_id = $1 AND b.batch_id = $2"
_LINES = """
WITH page AS MATERIALIZED (
  SELECT * FROM settlement_lines l WHERE merchant_id = $1 AND batch_id = $2 AND (posting_id, line_no) > ($3, $4)
    AND ($6::text IS NULL OR kind = $6)
  ORDER BY posting_id, line_no LIMIT $5
)
SELECT l.posting_id, l.line_no, l.kind, l.units, p.recipe, p.source_kind, p.source_id, p.order_id, p.business_at,
  p.page_no, p.position, o.external_id, o.site_id, o.descriptor, o.placed_at, a.note
FROM page l
JOIN postings p USING (merchant_id, posting_id)
LEFT JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
LEFT JOIN adjustments a ON p.source_kind = 'adjustment' AND a.merchant_id = p.merchant_id
  AND a.adjustment_id = p.source_id
ORDER BY l.posting_id, l.line_no
"""


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """`closed_from` is included, `closed_to` is not: business time, the payout date."""

    merchant_id: UUID
    closed_from: datetime | None = None
    closed_to: datetime | None = None
    asset: str | None = None


async def find_batch(connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_ONE, merchant_id, batch_id)


async def shown_batch(connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID) -> asyncpg.Record | None:
    """With its last payout's state, reference and dates."""
    return await connection.fetchrow(_SHOWN_ONE, merchant_id, batch_id)


async def is_released(connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID) -> bool:
    """Whether what the batch held was given back."""
    return bool(await connection.fetchval(_IS_RELEASED, merchant_id, batch_id))


async def list_batches(
    connection: asyncpg.Connection, wanted: BatchFilter, limit: int, offset: int
) -> tuple[Sequence[asyncpg.Record], Count]:
    """Newest first, as `shown_batch`; and how many there are, counted up to COUNTED_MAX."""
    given = (wanted.merchant_id, wanted.closed_from, wanted.closed_to, wanted.asset)
    rows = await connection.fetch(_LIST, *given, limit, offset)
    found = await connection.fetchval(_COUNT, *given, COUNTED_MAX + 1)
    return rows, Count(min(found, COUNTED_MAX), found <= COUNTED_MAX)


def has_next(number: int, size: int, rows: int, total: Count) -> bool:
    """Whether a page follows this one of `rows` rows: where no more are counted, as long as they are full."""
    return number * size < total.value or not total.exact and rows == size


async def batch_lines(
    connection: asyncpg.Connection, merchant_id: UUID, batch_id: UUID, *, after: tuple[UUID, int] = (LOWEST, 0),
    limit: int = LINES_MAX, kind: str | None = None,
) -> Sequence[asyncpg.Record]:  # fmt: skip
    """In the order of booking, behind (posting, line)."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _LINES, merchant_id, batch_id, *after, limit, kind, timeout=STATEMENT_SECONDS
    )
