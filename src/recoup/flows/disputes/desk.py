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


async def take_off(world: World, merchant_id: UUID, route: str, notice_id: str, done_by: str) -> None:
    """Somebody has dealt with it. Raises: Problem(not_found)."""
    async with world.db.connection() as connection:
        if not await settle_notice(connection, merchant_id, route, notice_id, f"Dealt with by {done_by}."):
            raise _none_waits()


async def try_notice_again(world: World, orders: Orders, merchant_id: UUID, route: str, notice_id: str) -> str:
    """Applies it once more. Answers what it is now. Raises: Problem(not_found)."""
    async with world.db.connection() as connection:
        known = await find_notice(connection, merchant_id, route, notice_id)
    if known is None or known["state"] != "unmatched":
        raise _none_waits()
    told = await apply(world, orders, route, msgspec.convert(known["content"], Notice), "desk", again=True)
    return told.state


def _none_waits() -> Problem:
    return Problem("not_found", "No such notice waits.", cure="Somebody may have dealt with it; reload the page.")
