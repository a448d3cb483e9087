"""Bulk acts and exports begin with their due work and end without it: each together with what it is
about."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.desk.store.bulk_acts import NewAct, begin_act, finish_act
from recoup.desk.store.exports import NewExport, ask_export, cancel_run, end_run
from recoup.kernel.kept_sentence import keep
from recoup.kernel.time import WallTime
from recoup.merchants.store.sites import lock_merchant
from recoup.notifications.moves import alert
from recoup.orders.moves.due import done_with, wait_for
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey


async def take_act(tx: Tx, act: NewAct, order_ids: Sequence[UUID]) -> bool:
    """Takes an act, with the work that will do it. False when it was taken before."""
    if not await begin_act(tx, act, order_ids):
        return False
    await wait_for(tx, act.merchant_id, "bulk", act.act_id, act.requested_at)
    return True


async def end_act(tx: Tx, key: tuple[UUID, UUID], state: str, wall: WallTime) -> None:
    """Ends an act under its lock, every order answered; `stopped`: those that were begun."""
    await finish_act(tx, key, state, wall)
    await done_with(tx, key[0], "bulk", key[1])


KEPT: Final = timedelta(days=7)
UNDER_WAY_MAX: Final = 3
STANDING_MAX: Final = 50
Key = tuple[UUID, UUID]


async def take_export(tx: Tx, new: NewExport) -> bool:
    """Takes an export, with the work that will make it. False for a repeat, or when there are as
    many as there may be."""
    await lock_merchant(tx, new.merchant_id)
    if not await ask_export(tx, new, UNDER_WAY_MAX, STANDING_MAX):
        return False
    await wait_for(tx, new.merchant_id, "export", new.export_id, new.requested_at)
    return True


async def end_export(
    tx: Tx,
    key: Key,
    run_no: int,
    wall: WallTime,
    *,
    rows: int,
    size: int,
    parts: int,
    refused: str | None = None,
) -> bool:
    """Ready, or `refused` for a reason; the requester is notified. False when this run ends nothing
    any more."""
    state, gone_at = ("refused", None) if refused else ("ready", wall + KEPT)
    ended = await end_run(tx, *key, run_no, state, rows, size, refused, wall, gone_at, parts)
    if ended is None:
        return False
    facts = {
        "export_id": key[1],
        "file_name": ended.file_name,
        "orders": rows,
        "why": keep(refused) if refused else None,
        "gone_at": gone_at,
    }
    rows_to_write = _over(key)
    alert(rows_to_write, key[0], "export", key[1], 1, facts, wall, only_for=ended.user_id)
    await write(tx, rows_to_write)
    return True


async def call_off(tx: Tx, key: Key, user_id: UUID, at: datetime) -> bool:
    """Ends this person's export; False when there is none."""
    if not await cancel_run(tx, *key, user_id, at):
        return False
    await write(tx, _over(key))
    return True


def _over(key: Key) -> Rows:
    rows = Rows()
    rows.due_done.append(DueKey(key[0], "export", key[1]))
    return rows
