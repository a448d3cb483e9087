"""Notices of disputes that fit no charge: kept once, and tried again for a while, for they may only
be early."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from recoup.db.statement import Tx
from recoup.db.table import hex_of
from recoup.kernel.time import WallTime
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey, KeptNotice

TRIES_MAX = 8
_FIRST_PAUSE = timedelta(minutes=1)


def next_try(received_at: datetime, tries: int) -> datetime | None:
    """A minute after it came, then four times as long each time: fifteen days in all. `tries`: how
    often it was looked at, from 1 on. None when that was often enough."""
    return received_at + _FIRST_PAUSE * ((4**tries - 1) // 3) if tries <= TRIES_MAX else None


async def keep_unmatched(
    connection: Tx,
    merchant_id: UUID,
    content: dict[str, Any],
    content_hash: bytes,
    *,
    route: str,
    why: str,
    wall: WallTime,
) -> None:
    """Keeps an unmatched notice; counts once more looked at, when it is kept already."""
    rows = Rows()
    rows.dispute_notices.append(
        KeptNotice(
            merchant_id=merchant_id,
            route=route,
            notice_id=content["noticeId"],
            state="unmatched",
            why=why,
            content=content,
            content_hash=hex_of(content_hash),
            received_at=wall,
        )
    )
    await write(connection, rows)


async def try_next_at(connection: Tx, merchant_id: UUID, at: datetime | None) -> None:
    """Sets `at`: when the first of those that wait is tried again; None when none waits."""
    rows, key = Rows(), DueKey(merchant_id, "dispute_notices", merchant_id)
    if at is None:
        rows.due_done.append(key)
    else:
        rows.due_work.append(key.at(at, wall=True))
    await write(connection, rows)
