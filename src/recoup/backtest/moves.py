"""A back-test begins with its due work, and ends it: each together with what it is about, and with
the notifications of those who asked for it."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from recoup.backtest.rules.question import Question, name_of_payments, name_of_policy, question_of
from recoup.backtest.store import (
    PACK,
    add_backtest,
    add_backtest_payments,
    drop_oldest_backtests,
    save_figures,
)
from recoup.db.statement import Tx
from recoup.kernel.kept_sentence import keep
from recoup.kernel.time import BusinessTime, WallTime
from recoup.notifications.moves import alert
from recoup.orders.moves.due import wait_for
from recoup.orders.store.changes import Rows, write
from recoup.rescue.moves.plan import INLINE_GRACE

KEPT_REQUESTS: Final = 25  # of a merchant
KEPT_SAVED: Final = 15  # that a version of a policy names
KEPT_DRAFTS: Final = 5  # of policies that were not saved, and of each other purpose
KEPT: Final = KEPT_REQUESTS + KEPT_SAVED + KEPT_DRAFTS


async def begin_backtest(
    tx: Tx,
    merchant_id: UUID,
    backtest_id: UUID,
    question: dict[str, Any],
    question_hash: bytes,
    by: str,
    saved_as: int | None,
    wall: WallTime,
    asker: UUID | None = None,
) -> None:
    """Begins a back-test, with the work that will make its figures, unless who asks for it makes
    them at once. The oldest of its kind go. `asker`: the person who is notified."""
    askers = [asker] if asker is not None else []
    await add_backtest(
        tx, merchant_id, backtest_id, question, question_hash, wall, by, saved_as, askers
    )
    await drop_oldest_backtests(tx, merchant_id, KEPT_REQUESTS, KEPT_SAVED, KEPT_DRAFTS)
    await wait_for(tx, merchant_id, "backtest", backtest_id, wall + INLINE_GRACE)


async def keep_figures(
    tx: Tx,
    merchant_id: UUID,
    backtest_id: UUID,
    report: dict[str, Any] | None,
    failed: str | None,
    payments: Sequence[dict[str, Any]],
    *,
    until: BusinessTime,
    wall: WallTime,
    answered: UUID | None = None,
) -> None:
    """Keeps the figures once: whoever comes later changes nothing. All who asked are notified, but
    for `answered`, whose request has the figures in its response."""
    ended = await save_figures(
        tx, merchant_id, backtest_id, wall, until, failed, report, len(payments)
    )
    if ended is None:
        return
    for first in range(0, len(payments), PACK):
        await add_backtest_payments(
            tx, merchant_id, backtest_id, first, payments[first : first + PACK]
        )
    rows = Rows()
    for step, asker in enumerate(ended.askers, 1):
        if asker != answered:
            facts = _facts(backtest_id, question_of(ended.question), failed)
            alert(rows, merchant_id, "backtest", backtest_id, step, facts, wall, only_for=asker)
    await write(tx, rows)


def _facts(backtest_id: UUID, question: Question, failed: str | None) -> dict[str, Any]:
    return {
        "backtest_id": backtest_id,
        "payments": keep(name_of_payments(question)),
        "policy": keep(name_of_policy(question)),
        "why": keep(failed) if failed is not None else None,
    }
