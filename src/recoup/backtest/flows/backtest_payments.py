"""Each payment of a back-test that was kept, as CSV."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

from recoup.backtest.store import backtest_payments
from recoup.kernel.kept_sentence import kept
from recoup.kit.files.cells import csv_row
from recoup.kit.world import World

ROWS_AT_ONCE: Final = 2_000
COLUMNS: Final = (
    "order", "declinedAt", "amount", "currency", "class", "issuer", "country", "rescuedThen",
    "sendsThen", "verdict", "plan", "chance", "why",
)  # fmt: skip


async def payments_file(world: World, merchant_id: UUID, backtest_id: UUID) -> AsyncIterator[bytes]:
    """Amounts in minor units. No connection is held while a slow reader takes its time."""
    yield csv_row(COLUMNS).encode()
    first = 0
    while True:
        rows = await backtest_payments(
            world.db.reader, merchant_id, backtest_id, first, ROWS_AT_ONCE
        )
        if not rows:
            return
        first = rows[-1].place + 1
        yield "".join(
            csv_row(_cell(row.payment[name]) for name in COLUMNS) for row in rows
        ).encode()


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(str(kept(reason)) for reason in value)
    return str(value).lower() if isinstance(value, bool) else value
