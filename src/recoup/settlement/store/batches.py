"""Settlement batches and their lines, as their merchant sees them: units + in its favour."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row, columns_of
from recoup.kernel.ids import LOWEST
from recoup.kit.as_of import NOW, Cut
from recoup.kit.lists.bounded import Count
from recoup.orders.store.rows import LedgerLine
from recoup.settlement.store.settlement import BatchFigures

LINES_MAX: Final = 5_000
COUNTED_MAX: Final = 10_000  # batches, beside a list
STATEMENT_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class BatchFilter:
    """`closed_from` is included, `closed_to` is not: business time, the payout date."""

    merchant_id: UUID
    closed_from: datetime | None = None
    closed_to: datetime | None = None
    asset: str | None = None
    cut: Cut = NOW


class HeldBatch(Row, frozen=True):
    """Amount that a batch holds back, and when that is the merchant's again."""

    merchant_id: UUID
    batch_id: UUID
    asset: str
    held_units: int
    release_at: datetime | None


@MERCHANT.statement("""
SELECT merchant_id, batch_id, asset, held_units, release_at FROM settlement_batches
WHERE merchant_id = $1 AND batch_id = $2
""")
async def find_batch(db: Read, merchant_id: UUID, batch_id: UUID) -> HeldBatch | None:
    """The batch of that id; None for a foreign or unknown id."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM postings WHERE merchant_id = $1 AND source_kind = 'batch'
  AND source_id = $2
  AND recipe = 'reserve_released')
""")
async def is_released(db: Read, merchant_id: UUID, batch_id: UUID) -> bool:
    """True when what the batch held was given back."""


class Batch(BatchFigures, frozen=True):
    """A batch with the state, reference and dates of its last payout. Business time; `root` is that
    of page `page_to`."""

    root: bytes
    payout_state: Literal["created", "approved", "sent", "paid", "returned"] | None
    reference: str | None
    payout_no: int | None
    sent_at: datetime | None
    ended_at: datetime | None

    def units(self, kind: str) -> int:
        """`kind`: a column of `terms.rules.settlement`, or payout."""
        units: int = getattr(self, f"{kind}_units")
        return units


# The last payout that there was, in the state that it had come into. $2 and $3: as of when, by
# either clock.
_SHOWN: Final = f"""
SELECT {columns_of(BatchFigures, "b")}, b.root, p.state AS payout_state, p.reference,
  p.payout_no, p.sent_at, p.ended_at
FROM settlement_batches b
LEFT JOIN LATERAL (SELECT o.reference, o.payout_no, (array_agg(s.state
  ORDER BY s.state_no DESC))[1] AS state,
    max(s.business_at) FILTER (WHERE s.state = 'sent') AS sent_at,
    max(s.business_at) FILTER (WHERE s.state IN ('paid', 'returned')) AS ended_at
  FROM bank_payouts o JOIN bank_payout_states s ON s.merchant_id = o.merchant_id
    AND s.payout_id = o.payout_id
  WHERE o.merchant_id = b.merchant_id AND o.batch_id = b.batch_id AND {known_at("s", 2)}
  GROUP BY o.payout_id, o.reference, o.payout_no ORDER BY o.payout_no DESC LIMIT 1) p ON true
"""
_KNOWN: Final = f"b.merchant_id = $1 AND {known_at('b', 2, 'closed_at')}"
_WHERE: Final = f"""
WHERE {_KNOWN} AND ($4::timestamptz IS NULL OR b.closed_at >= $4)
  AND ($5::timestamptz IS NULL OR b.closed_at < $5) AND ($6::text IS NULL OR b.asset = $6)
"""


@MERCHANT.statement(f"{_SHOWN} WHERE {_KNOWN} AND b.batch_id = $4")
async def _shown_batch(
    db: Read, merchant_id: UUID, business: datetime, recorded: datetime, batch_id: UUID
) -> Batch | None:
    """A batch as shown; None for a foreign or unknown id."""


async def shown_batch(db: Read, merchant_id: UUID, batch_id: UUID, cut: Cut = NOW) -> Batch | None:
    """A batch as shown; None for a foreign or unknown id, and for one that was not there yet."""
    return await _shown_batch(db, merchant_id, *cut, batch_id)


@MERCHANT.statement(
    f"{_SHOWN}{_WHERE} ORDER BY b.closed_at DESC, b.batch_id DESC LIMIT $7 OFFSET $8"
)
async def _list(
    db: Read,
    merchant_id: UUID,
    business: datetime,
    recorded: datetime,
    closed_from: datetime | None,
    closed_to: datetime | None,
    asset: str | None,
    limit: int,
    offset: int,
) -> list[Batch]:
    """Newest first."""


@MERCHANT.statement(f"""
SELECT count(*) FROM (SELECT FROM settlement_batches b {_WHERE} LIMIT {COUNTED_MAX + 1}) AS few
""")
async def _count(
    db: Read,
    merchant_id: UUID,
    business: datetime,
    recorded: datetime,
    closed_from: datetime | None,
    closed_to: datetime | None,
    asset: str | None,
) -> int:
    """Number of batches, at most one more than COUNTED_MAX."""


async def list_batches(
    db: Read, batch_filter: BatchFilter, limit: int, offset: int
) -> tuple[list[Batch], Count]:
    """Newest first; and how many there are, counted up to COUNTED_MAX."""
    given = (
        batch_filter.merchant_id,
        *batch_filter.cut,
        batch_filter.closed_from,
        batch_filter.closed_to,
        batch_filter.asset,
    )
    rows, count = await _list(db, *given, limit, offset), await _count(db, *given)
    return rows, Count(min(count, COUNTED_MAX), count <= COUNTED_MAX)


def has_next(number: int, size: int, rows: int, total: Count) -> bool:
    """True when a page follows this one of `rows` rows: where no more are counted, as long as they
    are full."""
    return number * size < total.value or not total.exact and rows == size


class BatchLine(LedgerLine):
    """An entry of the ledger. `note`: of an adjustment."""

    kind: Literal[
        "amount",
        "fee",
        "dispute_fee",
        "dispute",
        "refund",
        "adjustment",
        "reserve",
        "carried",
        "payout",
    ]
    page_no: int | None
    position: int | None
    note: str | None


@MERCHANT.within(STATEMENT_SECONDS).statement("""
WITH page AS MATERIALIZED (
  SELECT * FROM settlement_lines l WHERE merchant_id = $1 AND batch_id = $2
    AND (posting_id, line_no) > ($3, $4)
    AND ($6::text IS NULL OR kind = $6)
  ORDER BY posting_id, line_no LIMIT $5
)
SELECT l.posting_id, p.source_kind, p.source_id, p.recipe, p.business_at, p.order_id, l.line_no,
  l.units,
  o.external_id, o.placed_at, o.site_id, o.descriptor, l.kind, s.page_no, s.position, a.note
FROM page l
JOIN postings p USING (merchant_id, posting_id)
LEFT JOIN page_lines s USING (merchant_id, posting_id)
LEFT JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
LEFT JOIN adjustments a ON p.source_kind = 'adjustment' AND a.merchant_id = p.merchant_id
  AND a.adjustment_id = p.source_id
ORDER BY l.posting_id, l.line_no
""")
async def _lines(
    db: Read,
    merchant_id: UUID,
    batch_id: UUID,
    posting_id: UUID,
    line_no: int,
    limit: int,
    kind: str | None,
) -> list[BatchLine]:
    """Lines of a batch behind that line."""


async def batch_lines(
    db: Read,
    merchant_id: UUID,
    batch_id: UUID,
    *,
    after: tuple[UUID, int] = (LOWEST, 0),
    limit: int = LINES_MAX,
    kind: str | None = None,
) -> list[BatchLine]:
    """Lines of a batch in the order of booking, behind (posting, line)."""
    return await _lines(db, merchant_id, batch_id, *after, limit, kind)
