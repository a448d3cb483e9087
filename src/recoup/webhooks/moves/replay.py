"""A replay begins, and goes through the feed step by step: its rows and the due work that looks
after it."""

from typing import Any, Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.time import WallTime
from recoup.notifications.store.alerts import lock_feed
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey, DueWork
from recoup.webhooks.store.replays import add_replay, add_replay_of_one, not_before, open_lanes

NUMBERS_A_STEP: Final = 1_000


async def begin_replay(
    tx: Tx,
    row: dict[str, Any],
    owner_id: UUID,
    numbers: tuple[int, int],
    *,
    partner: bool,
    stable: bool,
    wall: WallTime,
) -> None:
    """`row` as the table's, without the merchant and the numbers of its feed. Raises: KeyTaken for
    a key that came."""
    rows = Rows()
    for merchant_id in await add_replay(tx, row, owner_id, numbers, partner=partner, stable=stable):
        rows.due_work.append(DueWork(merchant_id, "replay", row["replay_id"], wall, wall=True))
    await write(tx, rows)


async def begin_one(
    tx: Tx, row: dict[str, Any], merchant_id: UUID, subject_id: UUID, seq: int, *, wall: WallTime
) -> None:
    """Begins a replay of one event, as `begin_replay` does. Raises: KeyTaken for a key that
    came."""
    rows = Rows()
    if await add_replay_of_one(tx, row, merchant_id, subject_id, seq):
        rows.due_work.append(DueWork(merchant_id, "replay", row["replay_id"], wall, wall=True))
    await write(tx, rows)


async def step_replay(tx: Tx, merchant_id: UUID, replay_id: UUID, wall: WallTime) -> bool:
    """Sends lanes back for what stands next in the feed; answers whether there is more. One event
    waits until its lane is through with its earlier replay: a lane goes back for one replay at a
    time."""
    rows = Rows()
    await lock_feed(tx, merchant_id)
    later = await not_before(tx, merchant_id, replay_id, wall)
    more = later is not None or await open_lanes(tx, merchant_id, replay_id, NUMBERS_A_STEP, wall)
    due = DueKey(merchant_id, "replay", replay_id)
    if more:
        rows.due_work.append(due.at(later or wall, wall=True))
    else:
        rows.due_done.append(due)
    await write(tx, rows)
    return more
