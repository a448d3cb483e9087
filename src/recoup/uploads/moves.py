"""An upload begins with its due work, and ends with its event: each together with what it is
about."""

from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.time import BusinessTime, WallTime
from recoup.orders.moves.due import wait_for
from recoup.orders.moves.event import add_event
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey
from recoup.uploads.store import NewUpload, begin_upload, finish_upload, stop_rest


async def take_upload(tx: Tx, new: NewUpload) -> bool:
    """The upload with the work that will look after it. False when the same file is one already."""
    if not await begin_upload(tx, new):
        return False
    await wait_for(tx, new.merchant_id, "upload", new.upload_id, new.received_at)
    return True


async def end_upload(
    tx: Tx, key: tuple[UUID, UUID], state: str, *, now: BusinessTime, wall: WallTime
) -> None:
    """Ends an upload under its lock, every row answered, or, `stopped`, those answered that were
    begun."""
    if state == "stopped":
        await stop_rest(tx, *key)
    ended = await finish_upload(tx, *key, state, wall)
    rows = Rows()
    add_event(
        rows,
        key[0],
        "upload",
        key[1],
        "upload.completed",
        now=now,
        wall=wall,
        upload_id=key[1],
        kind=ended.kind,
        state=state,
        file_name=ended.file_name,
        rows=ended.row_count,
        done=ended.done_count,
        refused=ended.refused_count,
    )
    rows.due_done.append(DueKey(key[0], "upload", key[1]))
    await write(tx, rows)
