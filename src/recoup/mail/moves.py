"""A mail that is owed: about to be sent, and what became of it."""

from datetime import datetime, timedelta
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.time import WallTime
from recoup.mail.store.mails import change_mail, lock_mail
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey

PAUSES = tuple(timedelta(seconds=s) for s in (10, 60, 300, 1_800, 7_200, 21_600, 43_200))
TRIES_MAX = len(PAUSES) + 1


async def open_mail(tx: Tx, merchant_id: UUID, mail_id: UUID, again_at: datetime) -> bool:
    """Transaction A: it may be sent now; looked at again if nobody says what became of it."""
    row = await lock_mail(tx, merchant_id, mail_id)
    rows = Rows()
    going = row is not None and row.state == "owed"
    if row and going:
        await change_mail(tx, merchant_id, mail_id, state="owed", tries=row.tries + 1, why=row.why)
        rows.due_work.append(_key(merchant_id, mail_id).at(again_at, wall=True))
    else:
        rows.due_done.append(_key(merchant_id, mail_id))
    await write(tx, rows)
    return going


async def close_mail(
    tx: Tx, merchant_id: UUID, mail_id: UUID, state: str, why: str, wall: WallTime
) -> str:
    """Transaction B. `state`: sent, refused, no_address, or later: then it is sent again, TRIES_MAX
    times at most."""
    row = await lock_mail(tx, merchant_id, mail_id)
    assert row
    if row.state != "owed":
        return row.state
    rows = Rows()
    if state == "later" and row.tries < TRIES_MAX:
        rows.due_work.append(_key(merchant_id, mail_id).at(wall + PAUSES[row.tries - 1], wall=True))
        state = "owed"
    else:
        rows.due_done.append(_key(merchant_id, mail_id))
        state = "given_up" if state == "later" else state
    await change_mail(tx, merchant_id, mail_id, state=state, tries=row.tries, why=why)
    await write(tx, rows)
    return state


def _key(merchant_id: UUID, mail_id: UUID) -> DueKey:
    return DueKey(merchant_id, "mail", mail_id)
