"""Batches: a merchant's settlement clock, and the lines that a batch takes in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, Written
from recoup.terms.rules.settlement import period_end, period_start
from recoup.terms.store.settlement_terms import period_of

STATEMENT_SECONDS: Final = 600.0


@MERCHANT.statement("""
INSERT INTO settlement_clocks (merchant_id, period_from) VALUES ($1, $2) ON CONFLICT DO NOTHING
  RETURNING true
""")
async def begin_clock(db: Tx, merchant_id: UUID, period_from: datetime) -> bool:
    """Starts the clock; tells whether it is new: one that is there stays as it is."""


class Clock(NamedTuple):
    """`period_from`: of the first period that is not settled."""

    period_from: datetime
    offset_us: int


# How large the sets are is guessed badly: they are hashed or merged, never looped over.
@MERCHANT.statement("""
SELECT c.period_from, m.offset_us
FROM settlement_clocks c JOIN merchants m USING (merchant_id), set_config('enable_nestloop', 'off',
  true)
WHERE c.merchant_id = $1 FOR UPDATE OF c
""")
async def lock_clock(db: Tx, merchant_id: UUID) -> Clock | None:
    """Locks the clock: its holder closes this merchant's batches; others wait."""


@MERCHANT.statement("UPDATE settlement_clocks SET period_from = $2 WHERE merchant_id = $1")
async def move_period(db: Tx, merchant_id: UUID, period_from: datetime) -> None:
    """Moves the clock on to the next period."""


class Window(NamedTuple):
    """Entries that a batch may take: of one asset, in these closed pages, available before the
    cut-off."""

    merchant_id: UUID
    asset: str
    page_from: int
    page_to: int
    cut_off: datetime


class Free(NamedTuple):
    """`left_from`: the first page that holds something for a later batch; None when nothing is
    left. `dated`: the same sums, by recipe and how many of the given instants had come when they
    were booked."""

    sums: dict[str, tuple[int, int]]  # recipe -> lines, units
    dated: dict[tuple[str, int], int]  # recipe, instants -> units
    left_from: int | None


# What of the closed pages from $3 to $4 is on the merchant's account and in no batch yet. Ids rise
# with the pages, so that the entries of a range of pages stand together.
_FREE: Final = """
s AS MATERIALIZED (
  SELECT posting_id, page_no FROM page_lines WHERE merchant_id = $1 AND page_no BETWEEN $3 AND $4
), span AS MATERIALIZED (
  SELECT min(posting_id::text)::uuid AS low, max(posting_id::text)::uuid AS high FROM s
), p AS MATERIALIZED (
  SELECT s.posting_id, p.recipe, s.page_no FROM s JOIN postings p USING (posting_id)
  WHERE p.merchant_id = $1 AND p.posting_id BETWEEN (SELECT low FROM span)
    AND (SELECT high FROM span)
), free AS MATERIALIZED (
  SELECT e.posting_id, e.line_no, p.recipe, p.page_no, -e.units AS units, e.available_at
  FROM entries e JOIN p USING (posting_id)
  WHERE e.merchant_id = $1 AND e.posting_id BETWEEN (SELECT low FROM span)
    AND (SELECT high FROM span)
    AND e.account = 'merchant_payable' AND e.place = '' AND e.asset = $2
    AND NOT EXISTS (SELECT 1 FROM settlement_lines l WHERE l.merchant_id = $1
      AND l.posting_id BETWEEN (SELECT low FROM span) AND (SELECT high FROM span)
      AND l.posting_id = e.posting_id AND l.line_no = e.line_no)
)
"""


class _Sum(Row):
    recipe: str
    lines: int
    units: int
    left_from: int | None
    dated: int


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
WITH {_FREE}
SELECT recipe, count(*) FILTER (WHERE available_at < $5)::int AS lines,
  coalesce(sum(units) FILTER (WHERE available_at < $5), 0)::bigint AS units,
  min(page_no) FILTER (WHERE available_at >= $5) AS left_from, width_bucket(available_at,
    $6::timestamptz[]) AS dated
FROM free GROUP BY recipe, dated
""")
async def _sums(
    db: Tx,
    merchant_id: UUID,
    asset: str,
    page_from: int,
    page_to: int,
    cut_off: datetime,
    instants: list[datetime],
) -> list[_Sum]:
    """Sums by recipe, and how many of the instants had come."""


async def sum_free(db: Tx, window: Window, instants: Sequence[datetime]) -> Free:
    """`instants`: rising."""
    rows = await _sums(db, *window, list(instants))
    sums: dict[str, tuple[int, int]] = {}
    for row in (row for row in rows if row.lines):
        lines, units = sums.get(row.recipe, (0, 0))
        sums[row.recipe] = lines + row.lines, units + row.units
    dated = {(row.recipe, row.dated): row.units for row in rows if row.lines}
    return Free(
        sums, dated, min((row.left_from for row in rows if row.left_from is not None), default=None)
    )


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
WITH {_FREE}
INSERT INTO settlement_lines (merchant_id, posting_id, line_no, batch_id, kind, units)
SELECT $1, f.posting_id, f.line_no, $6, k.kind, f.units
FROM free f JOIN unnest($7::text[], $8::text[]) AS k (recipe, kind) USING (recipe)
WHERE f.available_at < $5 RETURNING 1
""")
async def _take(
    db: Tx,
    merchant_id: UUID,
    asset: str,
    page_from: int,
    page_to: int,
    cut_off: datetime,
    batch_id: UUID,
    recipes: list[str],
    kinds: list[str],
) -> Written:
    """Takes entries into a batch; each recipe has its kind."""


async def take_lines(db: Tx, window: Window, batch_id: UUID, kinds: Mapping[str, str]) -> int:
    """All that `sum_free` counted, as lines of the batch; answers how many. `kinds`: recipe ->
    kind."""
    return await _take(db, *window, batch_id, list(kinds), list(kinds.values()))


class SettlementLine(Row):
    """An entry of a batch; units as the merchant sees them."""

    merchant_id: UUID
    posting_id: UUID
    line_no: int
    batch_id: UUID
    kind: str
    units: int


@MERCHANT.statement("""
INSERT INTO settlement_lines (merchant_id, posting_id, line_no, batch_id, kind, units)
SELECT merchant_id, posting_id, line_no, batch_id, kind, units
  FROM jsonb_populate_recordset(NULL::settlement_lines, $1) RETURNING 1
""")
async def add_lines(db: Tx, lines: Sequence[SettlementLine]) -> None:
    """Adds lines that the batch booked itself."""


class BatchFigures(Row):
    """Units as the merchant sees them: + is in its favour. Business time."""

    merchant_id: UUID
    batch_id: UUID
    asset: str
    period_from: datetime
    period_to: datetime
    page_to: int
    lines: int
    amount_units: int
    fee_units: int
    dispute_fee_units: int
    dispute_units: int
    refund_units: int
    adjustment_units: int
    reserve_units: int
    carried_units: int
    payout_units: int
    held_units: int
    release_at: datetime | None
    closed_at: datetime


class NewBatch(BatchFigures):
    """`root`: hex behind `\\x`. `recorded_at`: wall time."""

    page_from: int
    root: str
    open_from: int
    recorded_at: datetime


@MERCHANT.statement("""
INSERT INTO settlement_batches SELECT * FROM jsonb_populate_record(NULL::settlement_batches, $1)
RETURNING 1
""")
async def add_batch(db: Tx, batch: NewBatch) -> None:
    """Closed from its beginning."""


@MERCHANT.statement("SELECT period_from FROM settlement_clocks WHERE merchant_id = $1")
async def _period_from(db: Read, merchant_id: UUID) -> datetime | None:
    """Start of the first period that is not settled."""


async def running_period(db: Read, merchant_id: UUID, now: datetime) -> datetime:
    """The end of the period that `now` is in, which may be one of the past."""
    start = await _period_from(db, merchant_id)
    end, terms = await period_of(
        db, merchant_id, start if start is not None and start <= now else now
    )
    while end <= now:
        end = max(period_end(terms, end), period_end(terms, period_start(terms, now)))
    return end


@MERCHANT.statement("""
SELECT asset, units FROM account_balances WHERE merchant_id = $1 AND account = 'merchant_payable'
  AND place = ''
ORDER BY asset
""")
async def _payable(db: Read, merchant_id: UUID) -> dict[str, Decimal]:
    """Payable amounts, as the ledger has them."""


async def payable_assets(db: Read, merchant_id: UUID) -> dict[str, int]:
    """The currencies that the merchant's account has seen, with its sealed balance as the merchant
    sees it."""
    return {asset: -int(units) for asset, units in (await _payable(db, merchant_id)).items()}


class LastPage(NamedTuple):
    page_no: int
    root: bytes


@MERCHANT.statement("SELECT page_no, root FROM closers WHERE merchant_id = $1")
async def _last_page(db: Read, merchant_id: UUID) -> LastPage | None:
    """The last page; None before the first event or posting."""


async def last_page(db: Read, merchant_id: UUID) -> LastPage:
    """Number and root; 0 and empty before the first."""
    return await _last_page(db, merchant_id) or LastPage(0, b"")


@MERCHANT.statement("""
SELECT open_from FROM settlement_batches WHERE merchant_id = $1 AND asset = $2
  ORDER BY period_to DESC LIMIT 1
""")
async def _open_from(db: Read, merchant_id: UUID, asset: str) -> int | None:
    """The first open page; None before the first batch."""


async def open_from(db: Read, merchant_id: UUID, asset: str) -> int:
    """The first page that may hold something that no batch has taken."""
    return await _open_from(db, merchant_id, asset) or 1


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM postings_queue WHERE merchant_id = $1 AND recorded_at <= $2)
""")
async def is_unsealed(db: Read, merchant_id: UUID, before: datetime) -> bool:
    """True when a committed posting from before that instant of wall time is in no page yet."""
