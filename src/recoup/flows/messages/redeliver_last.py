"""The last event of an order is sent again to each endpoint of the merchant that listens to it, marked as resent."""

from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.world import World
from recoup.store.pool import retrying
from recoup.store.write.redeliver import last_events, send_again


async def redeliver_last(world: World, scope: Scope, order_id: UUID) -> str:
    """Answers what goes where, in words. Sent by the worker; a second press while it is on its way sends nothing more.

    Raises: Problem(wrong_state) when no endpoint listens to anything that happened.
    """

    async def once() -> tuple[set[str], int]:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            events = await last_events(tx, scope.merchant_id, order_id)
            sent = 0
            for event in events:
                sent += await send_again(
                    tx, scope.merchant_id, order_id, event, new_id(), scope.actor.text(), wall
                )
            return {event["event"] for event in events}, sent

    names, sent = await retrying(once)
    if not names:
        raise Problem("wrong_state", "No active endpoint listens to an event of this order.",
                      cure="Register one, or switch it on.")  # fmt: skip
    what = ", ".join(sorted(names))
    if not sent:
        return f"{what} is on its way already"
    return f"{what} to {sent} endpoint{'' if sent == 1 else 's'}"
