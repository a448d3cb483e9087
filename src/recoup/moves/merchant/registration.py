"""A merchant is made or renamed in its world; the people database hears of it afterwards, by due work."""

from datetime import datetime
from uuid import UUID

from recoup.store.orders.changes import Rows, write
from recoup.store.orders.rows import DueKey, DueWork
from recoup.store.statement import Tx


async def wait_for_registration(tx: Tx, merchant_id: UUID, wall: datetime) -> None:
    rows = Rows()
    rows.due_work.append(DueWork(merchant_id, "register_merchant", merchant_id, wall, wall=True))
    await write(tx, rows)


async def registered(tx: Tx, merchant_id: UUID) -> None:
    rows = Rows()
    rows.due_done.append(DueKey(merchant_id, "register_merchant", merchant_id))
    await write(tx, rows)
