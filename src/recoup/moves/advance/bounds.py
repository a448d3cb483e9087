"""When the bounds of advances are computed next."""

from datetime import datetime
from uuid import UUID

from recoup.store.orders.changes import Rows, write
from recoup.store.orders.rows import DueKey, DueWork
from recoup.store.statement import Tx


async def wait_for_bounds(tx: Tx, merchant_id: UUID, due: datetime) -> None:
    """`due`: the merchant's business time."""
    rows = Rows()
    rows.due_work.append(DueWork(merchant_id, "advance_bounds", merchant_id, due, wall=False))
    await write(tx, rows)


async def bounds_done(tx: Tx, merchant_id: UUID) -> None:
    rows = Rows()
    rows.due_done.append(DueKey(merchant_id, "advance_bounds", merchant_id))
    await write(tx, rows)
