"""Notices that fit no charge, as the operator deals with them."""

from uuid import UUID

import msgspec

from recoup.flows.disputes.receive import apply
from recoup.flows.locked import Orders
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.rules.messages.inbound import Notice
from recoup.store.read.disputes import find_notice
from recoup.store.write.disputes import settle_notice


async def try_notice_again(
    world: World, orders: Orders, merchant_id: UUID, route: str, notice_id: str, *, done_by: str | None
) -> str:  # fmt: skip
    """Applies it once more, or, with `done_by`, takes it off the desk. Answers what it is now.

    Raises: Problem(not_found).
    """
    async with world.db.connection() as connection:
        known = await find_notice(connection, merchant_id, route, notice_id)
    if known is None or known["state"] != "unmatched":
        raise Problem("not_found", "No such notice waits.", cure="Somebody may have dealt with it; reload the page.")
    if done_by is not None:
        async with world.db.connection() as connection:
            await settle_notice(connection, merchant_id, route, notice_id, f"Dealt with by {done_by}.")
        return "settled"
    told = await apply(world, orders, route, msgspec.convert(known["content"], Notice), "desk", again=True)
    return told.state
