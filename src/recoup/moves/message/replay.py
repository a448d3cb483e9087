"""A replay begins, and goes through the feed step by step: its rows and the due work that looks after it."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.kernel.time import WallTime
from recoup.store.statement import Tx
from recoup.store.write.alerts import lock_feed
from recoup.store.write.changes import Rows, write
from recoup.store.write.replays import add_replay, add_replay_of_one, not_before, open_lanes

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
    """`row` as the table's, without the merchant and the numbers of its feed. Raises: KeyTaken for a key that came."""
    rows = Rows()
    for merchant_id in await add_replay(tx, row, owner_id, numbers, partner=partner, stable=stable):
        rows.due_work.append(_due(merchant_id, row["replay_id"], wall))
    await write(tx, rows)


async def begin_one(
    tx: Tx, row: dict[str, Any], merchant_id: UUID, subject_id: UUID, seq: int, *, wall: WallTime
) -> None:
    """As `begin_replay`, of one event. Raises: KeyTaken for a key that came."""
    rows = Rows()
    if await add_replay_of_one(tx, row, merchant_id, subject_id, seq):
        rows.due_work.append(_due(merchant_id, row["replay_id"], wall))
    await write(tx, rows)


async def step_replay(tx: Tx, merchant_id: UUID, replay_id: UUID, wall: WallTime) -> bool:
    """Sends lanes back for what stands next in the feed; answers whether there is more. One event waits until its lane
    is through with its earlier replay: a lane goes back for one replay at a time."""
    rows = Rows()
    await lock_feed(tx, merchant_id)
    later = await not_before(tx, merchant_id, replay_id, wall)
    more = later is not None or await open_lanes(tx, merchant_id, replay_id, NUMBERS_A_STEP, wall)
    due = _due(merchant_id, replay_id, later or wall)
    if more:
        rows.due_work.append(due)
    else:
        rows.due_done.append({name: due[name] for name in ("merchant_id", "kind", "subject_id")})
    await write(tx, rows)
    return more


def _due(merchant_id: UUID, replay_id: UUID, at: datetime) -> dict[str, Any]:
    return {"merchant_id": merchant_id, "kind": "replay", "subject_id": replay_id, "due_at": at, "wall": True}
