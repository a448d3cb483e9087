"""Notices of disputes that fit no charge: kept once, and tried again for a while, for they may only be early."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from recoup.kernel.time import WallTime
from recoup.store.write.changes import Rows, write

TRIES_MAX = 8
_FIRST_PAUSE = timedelta(minutes=1)


def again_after(tries: int) -> timedelta | None:
    """A minute, then four times as long each time: fifteen days in all. None when it was tried often enough."""
    return _FIRST_PAUSE * 4**tries if tries < TRIES_MAX else None


async def keep_unmatched(
    connection: asyncpg.Connection, merchant_id: UUID, content: dict[str, Any], content_hash: bytes, *, route: str,
    why: str, wall: WallTime, again_in: timedelta | None,
) -> None:  # fmt: skip
    """`again_in`: when all that wait are tried again; None for what time will not cure."""
    rows = Rows()
    rows.dispute_notices.append({
        "merchant_id": merchant_id, "route": route, "notice_id": content["noticeId"], "state": "unmatched", "why": why,
        "content": content, "content_hash": "\\x" + content_hash.hex(), "received_at": wall,
    })  # fmt: skip
    if again_in is not None:
        rows.due_work.append({
            "merchant_id": merchant_id, "kind": "dispute_notices", "subject_id": merchant_id,
            "due_at": wall + again_in, "wall": True,
        })  # fmt: skip
    await write(connection, rows)


async def nothing_waits(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    rows = Rows()
    rows.due_done.append({"merchant_id": merchant_id, "kind": "dispute_notices", "subject_id": merchant_id})
    await write(connection, rows)
