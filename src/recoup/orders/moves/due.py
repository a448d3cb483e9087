"""Due work that belongs to no order, in the transaction of what it is about."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import Tx
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey, DueKind, DueWork


async def wait_for(
    tx: Tx, merchant_id: UUID, kind: DueKind, subject_id: UUID, at: datetime, *, wall: bool = True
) -> None:
    """Makes work due from `at` on; `wall` False: in business time."""
    rows = Rows()
    rows.due_work.append(DueWork(merchant_id, kind, subject_id, at, wall=wall))
    await write(tx, rows)


async def done_with(tx: Tx, merchant_id: UUID, kind: DueKind, subject_id: UUID) -> None:
    rows = Rows()
    rows.due_done.append(DueKey(merchant_id, kind, subject_id))
    await write(tx, rows)
