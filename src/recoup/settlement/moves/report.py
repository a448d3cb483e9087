"""A period's reconciliation report: announced once, with the clock that goes on to the next
period."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.time import BusinessTime, WallTime
from recoup.orders.moves.due import wait_for
from recoup.orders.moves.event import add_event
from recoup.orders.store.changes import Rows, write
from recoup.settlement.store.reports import add_report, begin_clock, move_clock
from recoup.terms.rules.settlement import Terms, due_at, period_start
from recoup.terms.store.settlement_terms import period_of, terms_at

AFTER_SETTLEMENT: Final = timedelta(minutes=5)  # so that its lines have their settlement


def ready_at(terms: Terms, period_to: datetime) -> datetime:
    return due_at(terms, period_to) + AFTER_SETTLEMENT


async def begin_reports(tx: Tx, merchant_id: UUID, now: datetime) -> None:
    """A merchant's first period: that of its settlement. Once; a second time nothing."""
    start = period_start(await terms_at(tx, merchant_id, now), now)
    if await begin_clock(tx, merchant_id, start):
        period_to, terms = await period_of(tx, merchant_id, start)
        await wait_for(
            tx, merchant_id, "reconciliation", merchant_id, ready_at(terms, period_to), wall=False
        )


async def tell_report(
    tx: Tx,
    merchant_id: UUID,
    period: tuple[datetime, datetime],
    lines: int,
    differences: int,
    *,
    now: BusinessTime,
    wall: WallTime,
) -> UUID | None:
    """Reports a period by an event, under the merchant's reconciliation clock, which it moves. A
    period in which nothing moved has no event."""
    await move_clock(tx, merchant_id, period[1])
    if not lines and not differences:
        return None
    report_id, rows = new_id(), Rows()
    await add_report(tx, merchant_id, report_id, *period, lines, differences, now)
    add_event(
        rows,
        merchant_id,
        "reconciliation",
        report_id,
        "reconciliation.ready",
        now=now,
        wall=wall,
        reconciliation_id=report_id,
        period_from=period[0],
        period_to=period[1],
        lines=lines,
        differences=differences,
    )
    await write(tx, rows)
    return report_id
