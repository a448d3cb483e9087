"""A back-test of attempts that were imported: what `recoup backtest FILE` says, of the rows that
are kept."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.backtest.flows.backtest_file import HistoryReport, Sample, backtest_history
from recoup.imports.flows import one_import
from recoup.imports.rules.attempt import Attempt
from recoup.imports.store.imports import attempts_of_import
from recoup.kernel.problem import Problem
from recoup.kit.threads import run_stoppable
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.policies.rules.in_force import InForce

ROWS_AT_ONCE: Final = 5_000
ATTEMPTS_MAX: Final = 150_000  # beside the worker's other work; the command takes more


async def backtest_import(
    world: World,
    merchant_id: UUID,
    import_id: UUID,
    decider: str,
    within: InForce | None,
    window: timedelta,
    send_cost: int,
) -> HistoryReport:
    """Back-tests an import; of more attempts a sample of customers with a fixed seed, and the
    report says so. `send_cost`: minor units.

    Raises: Problem(not_found), Problem(wrong_state) while it is taken over, Problem(invalid).
    """
    row = await one_import(world, merchant_id, import_id)
    if row.finished_at is None:
        raise Problem(
            "wrong_state",
            "The import is not finished yet.",
            field="importId",
            cure="Ask again once it is.",
        )
    known = await load_merchant(world.db, merchant_id)
    if known is None:
        raise no_such_merchant()
    sample, after, ref = Sample(ATTEMPTS_MAX), 0, ""
    while True:
        rows = await attempts_of_import(world.db, merchant_id, import_id, after, ref, ROWS_AT_ONCE)
        await run_stoppable(_add, sample, rows)
        if len(rows) < ROWS_AT_ONCE:
            break
        after, ref = rows[-1].row, rows[-1].ref
    return await run_stoppable(
        backtest_history, sample, decider, within, known.merchant.region, window, send_cost
    )


def _add(sample: Sample, rows: Iterable[Attempt]) -> None:
    for row in rows:
        sample.add(row)
