"""Notices that match no charge, as the operator deals with them."""

from uuid import UUID

import msgspec

from recoup.flows.disputes.receive import apply
from recoup.flows.locked import Orders
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.moves.audit import note
from recoup.rules.messages.inbound import Notice
from recoup.store.disputes.dispute_notes import settle_notice
from recoup.store.disputes.disputes import find_notice


async def take_off(world: World, scope: Scope, named: UUID, route: str, notice_id: str) -> None:
    """Somebody has dealt with it. `named`: the merchant that the notice is about, who may be nobody.

    Raises: Problem(not_found).
    """
    async with world.db.transaction() as tx:
        if not await settle_notice(tx, named, route, notice_id, f"Dealt with by {scope.actor.text()}."):
            raise _none_waits()
        await note(tx, scope, world.clocks.wall(), "notice.settled", "", {"route": route, "notice": notice_id})


async def try_notice_again(world: World, orders: Orders, scope: Scope, named: UUID, route: str, notice_id: str) -> str:
    """Applies it once more. Answers what it is now. Raises: Problem(not_found)."""
    async with world.db.connection() as connection:
        row = await find_notice(connection, named, route, notice_id)
    if row is None or row.state != "unmatched":
        raise _none_waits()
    async with world.db.transaction() as tx:
        await note(tx, scope, world.clocks.wall(), "notice.tried", "", {"route": route, "notice": notice_id})
    received = await apply(world, orders, route, msgspec.convert(row.content, Notice), "desk", again=True)
    return received.state


def _none_waits() -> Problem:
    return Problem("not_found", "No such notice is waiting.", cure="Somebody may have processed it; reload the page.")
