"""A batch in one transaction: its lines, what it holds, pays and carries, its payout, its events.
It closes to 0.

Append-only: what is taken is counted first, and what the batch comes to is written with it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from recoup.bank.moves import begin_payout
from recoup.bank.store.accounts import Adjustment
from recoup.bank.store.payouts import add_adjustment, decide_adjustment
from recoup.db.statement import Tx
from recoup.db.table import hex_of
from recoup.kernel.ids import new_id
from recoup.kernel.time import BusinessTime, WallTime
from recoup.orders.moves.due import done_with
from recoup.orders.moves.event import add_event
from recoup.orders.moves.postings import book
from recoup.orders.rules import ledger
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueWork
from recoup.settlement.rules.settlement_file import KINDS
from recoup.settlement.store.batches import HeldBatch
from recoup.settlement.store.settlement import (
    Free,
    NewBatch,
    SettlementLine,
    Window,
    add_batch,
    add_lines,
    begin_clock,
    move_period,
    sum_free,
    take_lines,
)
from recoup.terms.rules.settlement import (
    COLUMNS,
    DEFAULT,
    Closing,
    Earned,
    Terms,
    close,
    due_at,
    period_start,
    reserve_days,
)
from recoup.terms.store.settlement_terms import period_of, terms_at


async def begin_settlement(tx: Tx, merchant_id: UUID, now: datetime) -> None:
    """A merchant's first period: the one that its clock stands in. Once; a second time nothing."""
    terms = await terms_at(tx, merchant_id, now)
    start = period_start(terms, now)
    if await begin_clock(tx, merchant_id, start):
        period_to, terms = await period_of(tx, merchant_id, start)
        await next_settlement(tx, merchant_id, due_at(terms, period_to))


async def next_settlement(
    tx: Tx, merchant_id: UUID, due: datetime, *, period_from: datetime | None = None
) -> None:
    """`period_from`: of the period that comes next, when one was settled."""
    rows = Rows()
    if period_from is not None:
        await move_period(tx, merchant_id, period_from)
    rows.due_work.append(DueWork(merchant_id, "settlement", merchant_id, due, wall=False))
    await write(tx, rows)


async def release_reserve(tx: Tx, batch: HeldBatch, *, now: BusinessTime, wall: WallTime) -> None:
    """Releases what a batch held: it is the merchant's again, from the day that was agreed. Once:
    the database refuses a second."""
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
    """Makes an adjustment; one that needs nobody else is booked with it."""
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


WORKER: Final = "worker:clock"


class Period(NamedTuple):
    """`root` is that of page `page_to`, the last that is closed. `history`: all terms that began
    before its end, oldest first, each with when."""

    period_from: datetime
    period_to: datetime
    page_to: int
    root: bytes
    history: Sequence[tuple[datetime, Terms]]


async def settle_batch(
    tx: Tx,
    merchant_id: UUID,
    asset: str,
    page_from: int,
    period: Period,
    terms: Terms,
    *,
    now: BusinessTime,
    wall: WallTime,
) -> UUID | None:
    """The batch of one asset; None when there is nothing but what an earlier one carried and cannot
    be paid yet. Under the merchant's settlement clock.

    Raises: AssertionError for an entry on the merchant's account whose recipe has no kind.
    """
    window = Window(merchant_id, asset, page_from, period.page_to, period.period_to)
    free = await sum_free(tx, window, [valid_from for valid_from, _ in period.history])
    strange = set(free.sums) - set(KINDS)
    if strange:
        raise AssertionError(f"no settlement knows what {', '.join(sorted(strange))} is")
    sums = dict.fromkeys(COLUMNS, 0)
    for recipe, (_, units) in free.sums.items():
        sums[KINDS[recipe]] += units
    earned = _earned(free, period.history)
    closing = close(sums, asset, terms, earned)
    if not set(free.sums) - {"carried"} and not closing.payout:
        return None
    batch_id, rows = new_id(), Rows()
    lines = _own_postings(rows, merchant_id, asset, batch_id, closing, period.period_to, now, wall)
    for line in lines:
        sums[line.kind] = sums.get(line.kind, 0) + line.units
    taken = sum(count for count, _ in free.sums.values())
    release_at = period.period_to + timedelta(days=reserve_days(earned)) if closing.held else None
    batch = _batch(
        window, period, free, closing, release_at, sums, taken + len(lines), batch_id, now, wall
    )
    _tell(rows, batch, closing, now, wall)
    if release_at is not None:
        rows.due_work.append(DueWork(merchant_id, "reserve", batch_id, release_at, wall=False))
    await write(tx, rows)
    await add_batch(tx, batch)
    counted = await take_lines(tx, window, batch_id, KINDS)
    if counted != taken:
        raise AssertionError(f"a batch counted {taken} lines and took {counted}")
    if lines:
        await add_lines(tx, lines)
    if closing.payout:
        period_to = period.period_to
        await begin_payout(
            tx,
            merchant_id,
            batch_id,
            asset,
            closing.payout,
            WORKER,
            period_to=period_to,
            now=now,
            wall=wall,
        )
    return batch_id


def _earned(free: Free, history: Sequence[tuple[datetime, Terms]]) -> list[Earned]:
    """The amounts, each with the terms of its day: later ones change nothing of what was sold
    before them."""
    return [
        Earned(units, history[number - 1][1] if number else DEFAULT)
        for (recipe, number), units in sorted(free.dated.items())
        if KINDS[recipe] == "amount"
    ]


def _own_postings(
    rows: Rows,
    merchant_id: UUID,
    asset: str,
    batch_id: UUID,
    closing: Closing,
    cut_off: datetime,
    now: BusinessTime,
    wall: WallTime,
) -> list[SettlementLine]:
    """Books the postings that close the batch, as rows to write; answers the lines that it takes of
    them. What is carried is available to the next one from this one's cut-off on."""
    postings = [ledger.reserve_held(closing.held)] if closing.held else []
    postings += [ledger.settlement_closed(closing.payout)] if closing.payout else []
    postings += [ledger.carried(closing.carried)] if closing.carried else []
    book(
        rows,
        merchant_id,
        asset,
        "batch",
        batch_id,
        postings,
        now=now,
        wall=wall,
        available_at=cut_off,
    )
    lines = []
    for row, posting in zip(rows.postings, postings, strict=True):
        number = next(
            n for n, e in enumerate(posting.entries, 1) if e.account == "merchant_payable"
        )
        units = -posting.entries[number - 1].units
        lines.append(
            SettlementLine(
                merchant_id, row.posting_id, number, batch_id, KINDS[posting.recipe], units
            )
        )
    return lines


def _batch(
    window: Window,
    period: Period,
    free: Free,
    closing: Closing,
    release_at: datetime | None,
    sums: dict[str, int],
    lines: int,
    batch_id: UUID,
    now: BusinessTime,
    wall: WallTime,
) -> NewBatch:
    units = {f"{kind}_units": sums[kind] for kind in COLUMNS}
    return NewBatch(
        merchant_id=window.merchant_id,
        batch_id=batch_id,
        asset=window.asset,
        period_from=period.period_from,
        period_to=period.period_to,
        page_from=window.page_from,
        page_to=window.page_to,
        root=hex_of(period.root),
        open_from=free.left_from or window.page_to + 1,
        lines=lines,
        payout_units=closing.payout,
        held_units=closing.held,
        release_at=release_at,
        closed_at=now,
        recorded_at=wall,
        **units,
    )


def _tell(rows: Rows, batch: NewBatch, closing: Closing, now: BusinessTime, wall: WallTime) -> None:
    """The receiver may keep the root: an exported batch is proved by it."""
    add_event(
        rows,
        batch.merchant_id,
        "settlement",
        batch.batch_id,
        "settlement.closed",
        now=now,
        wall=wall,
        settlement_id=batch.batch_id,
        period_from=batch.period_from,
        period_to=batch.period_to,
        amount=closing.payout + min(0, closing.carried),
        currency=batch.asset,
        ledger_root=batch.root.removeprefix("\\x"),
    )
