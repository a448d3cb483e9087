"""A customer comes back from the processor's page. What their browser says proves nothing: the processor is asked what
became of the charge. They may come twice, late, never, by another browser, or with anything in the address.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.flows.cards.challenge import PAYER
from recoup.flows.cards.inquire import ASK_SECONDS_MAX, inquire
from recoup.flows.external_call import processor_of
from recoup.flows.locked import Job, Orders
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.moves.attempt.payer_redirected import payer_returned
from recoup.moves.change import Change
from recoup.store.cards.challenges import order_of_attempt

WORKER_LOOKS_AFTER: Final = timedelta(seconds=20)  # where the process that asks at once is gone
WAIT_SECONDS_MAX: Final = 5.0  # then the page says that the bank is waited for


async def come_back(
    world: World, orders: Orders, merchant_id: UUID, attempt_id: UUID, query: Mapping[str, str], request_id: str
) -> UUID:
    """The order of that attempt. The first return is taken down, and only then the processor is asked; each later one
    changes nothing.

    Raises: Problem(not_found).
    """
    async with world.db.connection() as connection:
        order_id = await order_of_attempt(connection, merchant_id, attempt_id)
    if order_id is None:
        raise Problem("not_found", "There is no such page.", cure="Check the link.")
    key = (merchant_id, order_id)

    def work(change: Change) -> bool:
        attempt = change.order.attempt(attempt_id)
        brought = processor_of(world, attempt.route or "").brought_back(query)
        return payer_returned(change, attempt, brought, WORKER_LOOKS_AFTER)

    if await orders.change(Job(key, work, PAYER, request_id)):
        asking = asyncio.create_task(inquire(world, orders, key))
        _ASKING.add(asking)
        asking.add_done_callback(_ASKING.discard)
        await asyncio.wait({asking}, timeout=min(WAIT_SECONDS_MAX, ASK_SECONDS_MAX))
    return order_id


_ASKING: set[asyncio.Task[None]] = set()  # a customer who closes the page does not stop what they began
