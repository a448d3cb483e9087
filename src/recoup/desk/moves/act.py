"""Something done to many orders begins with its due work, and ends without it."""

from collections.abc import Sequence
from uuid import UUID

from recoup.db.statement import Tx
from recoup.desk.store.bulk_acts import NewAct, begin_act, finish_act
from recoup.kernel.time import WallTime
from recoup.orders.moves.due import done_with, wait_for


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
