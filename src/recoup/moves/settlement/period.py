"""What moves a merchant's settlement on besides its batches: its clock, a reserve that is released, an adjustment."""

from datetime import datetime
from uuid import UUID

from recoup.kernel.time import BusinessTime, WallTime
from recoup.moves.due import done_with
from recoup.moves.postings import book
from recoup.rules.money import ledger
from recoup.rules.money.settlement import due_at, period_start
from recoup.store.money.bank import Adjustment
from recoup.store.money.bank_payouts import add_adjustment, decide_adjustment
from recoup.store.money.batches import HeldBatch
from recoup.store.money.settlement import begin_clock, move_period, period_of, terms_at
from recoup.store.orders.changes import Rows, write
from recoup.store.orders.rows import DueWork
from recoup.store.statement import Tx


async def begin_settlement(tx: Tx, merchant_id: UUID, now: datetime) -> None:
    """A merchant's first period: the one that its clock stands in. Once; a second time nothing."""
    terms = await terms_at(tx, merchant_id, now)
    start = period_start(terms, now)
    if await begin_clock(tx, merchant_id, start):
        period_to, terms = await period_of(tx, merchant_id, start)
        await next_settlement(tx, merchant_id, due_at(terms, period_to))


async def next_settlement(tx: Tx, merchant_id: UUID, due: datetime, *, period_from: datetime | None = None) -> None:
    """`period_from`: of the period that comes next, when one was settled."""
    rows = Rows()
    if period_from is not None:
        await move_period(tx, merchant_id, period_from)
    rows.due_work.append(DueWork(merchant_id, "settlement", merchant_id, due, wall=False))
    await write(tx, rows)


async def release_reserve(tx: Tx, batch: HeldBatch, *, now: BusinessTime, wall: WallTime) -> None:
    """What a batch held is the merchant's again, from the day that was agreed. Once: the database refuses a second."""
    rows, merchant_id, batch_id = Rows(), batch.merchant_id, batch.batch_id
    book(
        rows,
        merchant_id,
        batch.asset,
        "batch",
        batch_id,
        [ledger.reserve_released(batch.held_units)],
        now=now,
        wall=wall,
        available_at=batch.release_at,
    )
    await write(tx, rows)
    await done_with(tx, merchant_id, "reserve", batch_id)


async def make_adjustment(tx: Tx, row: Adjustment, *, now: BusinessTime, wall: WallTime) -> None:
    """One that needs nobody else is booked with it."""
    await add_adjustment(tx, row)
    if row.state == "booked":
        await _book_adjustment(tx, row, now, wall)


async def close_adjustment(
    tx: Tx, row: Adjustment, state: str, decided_by: str, *, now: BusinessTime, wall: WallTime
) -> None:
    """The second person's word: booked or refused."""
    await decide_adjustment(tx, row.merchant_id, row.adjustment_id, state, decided_by, now)
    if state == "booked":
        await _book_adjustment(tx, row, now, wall)


async def _book_adjustment(tx: Tx, row: Adjustment, now: BusinessTime, wall: WallTime) -> None:
    rows = Rows()
    book(
        rows,
        row.merchant_id,
        row.asset,
        "adjustment",
        row.adjustment_id,
        [ledger.adjusted(row.units)],
        now=now,
        wall=wall,
    )
    await write(tx, rows)
