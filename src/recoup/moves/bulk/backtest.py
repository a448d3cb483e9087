"""A back-test begins with its due work, and ends it: each together with what it is about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.kernel.time import BusinessTime, WallTime
from recoup.moves.attempt.plan import INLINE_GRACE
from recoup.store.insight.backtests import add_backtest, add_backtest_payments, drop_oldest_backtests, save_figures
from recoup.store.orders.changes import Rows, write
from recoup.store.orders.rows import DueKey, DueWork
from recoup.store.statement import Tx

KEPT_REQUESTS: Final = 25  # of a merchant
KEPT_SAVED: Final = 15  # that a version of a policy names
KEPT_DRAFTS: Final = 5  # of policies that were not saved
KEPT: Final = KEPT_REQUESTS + KEPT_SAVED + KEPT_DRAFTS
PAYMENTS_AT_ONCE: Final = 1_000


async def begin_backtest(
    tx: Tx,
    merchant_id: UUID,
    backtest_id: UUID,
    question: dict[str, Any],
    question_hash: bytes,
    by: str,
    saved_as: int | None,
    wall: WallTime,
) -> None:
    """With the work that will make its figures, unless who asks for it makes them at once. The oldest of its kind
    go."""
    await add_backtest(tx, merchant_id, backtest_id, question, question_hash, wall, by, saved_as)
    await drop_oldest_backtests(tx, merchant_id, KEPT_REQUESTS, KEPT_SAVED, KEPT_DRAFTS)
    rows = Rows()
    rows.due_work.append(DueWork(merchant_id, "backtest", backtest_id, wall + INLINE_GRACE, wall=True))
    await write(tx, rows)


async def keep_figures(
    tx: Tx,
    merchant_id: UUID,
    backtest_id: UUID,
    report: dict[str, Any] | None,
    failed: str | None,
    payments: Sequence[dict[str, Any]],
    *,
    until: BusinessTime,
    wall: datetime,
) -> None:
    """Once: whoever comes later changes nothing."""
    kept = await save_figures(tx, merchant_id, backtest_id, wall, until, failed, report, len(payments))
    for first in range(0, len(payments) if kept else 0, PAYMENTS_AT_ONCE):
        await add_backtest_payments(tx, merchant_id, backtest_id, first, payments[first : first + PAYMENTS_AT_ONCE])


async def end_backtest(tx: Tx, merchant_id: UUID, backtest_id: UUID) -> None:
    """Nothing is left to do for it."""
    rows = Rows()
    rows.due_done.append(DueKey(merchant_id, "backtest", backtest_id))
    await write(tx, rows)
