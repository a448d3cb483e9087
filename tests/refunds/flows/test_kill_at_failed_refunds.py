"""A process dies between every two statements and calls while a refund that came back is recorded,
sent again, or closed. Another takes over; the customer is owed it once, and gets it once."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import dying_process, kills, run_until_killed
from tests.refunds.flows.test_refunds_that_fail import by, given_back
from tests.rings import deep
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.orders.moves.change import Change
from recoup.refunds.flows.review_queue import decide
from recoup.refunds.moves.elsewhere import failed_since

pytestmark = deep("kills")

POLICY = Policy(call_timeout=timedelta(seconds=1), settled_after=timedelta(seconds=0.2))
STEPS_MAX = 40
STATES = (
    "SELECT array_agg(kind || ' ' || state ORDER BY modification_no) FROM modifications "
    "WHERE order_id = $1"
)
WAITING = "SELECT modification_id FROM modifications WHERE order_id = $1 AND state = 'stuck'"
# What the issuer gave back of an order, and has not taken back.
GIVEN = """
SELECT count(*) FROM issuer.reversals r JOIN modifications m ON r.id = coalesce(m.send_id,
  m.modification_id)
WHERE m.order_id = $1 AND m.kind = 'refund' AND r.failed_at IS NULL
"""


async def told(shop: Shop, order_id: UUID) -> bool:
    def work(change: Change) -> bool:
        return failed_since(change, change.order.modifications[0])

    return await shop.orders.run(work, shop.key(order_id))


async def again(shop: Shop, order_id: UUID) -> None:
    """A person sends it again, and the worker does."""
    await _decided(shop, order_id, "again")
    await shop.run_due()


async def closed(shop: Shop, order_id: UUID) -> None:
    await _decided(shop, order_id, "refuse")


async def _decided(shop: Shop, order_id: UUID, what: str) -> None:
    waiting = await shop.value(WAITING, order_id)
    if waiting is not None:
        await decide(
            shop.world, shop.orders, by(shop, "olga"), waiting, what, "The account is closed."
        )


async def told_before(shop: Shop, order_id: UUID) -> None:
    assert await told(shop, order_id)


async def not_told(shop: Shop, order_id: UUID) -> None:
    pass


Act = Callable[[Shop, UUID], Awaitable[Any]]


@pytest.mark.parametrize(
    ("before", "act", "states", "given"),
    [
        (not_told, told, ["refund failed", "refund stuck"], 0),
        (told_before, again, ["refund failed", "refund done"], 1),
        (told_before, closed, ["refund failed", "refund refused"], 0),
    ],
    ids=["it is told", "it is sent again", "it is closed"],
)
def test_between_every_two_steps(
    server: ServerAddress, before: Act, act: Act, states: list[str], given: int
) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            for killer in kills(f"{states}", least=2, most=STEPS_MAX):
                order_id = await _came_back(shop.patient())
                await before(shop.patient(), order_id)
                async with dying_process(shop, killer) as dying:
                    await run_until_killed(killer, act(dying, order_id))
                await _taken_over(shop, order_id, act, states)
                async with owner(shop.world) as connection:
                    assert await connection.fetchval(GIVEN, order_id) == given
                happened = await shop.happenings(order_id)
                assert happened.count("refund_failed") == 1, happened
            await shop.close_pages()
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def _came_back(shop: Shop) -> UUID:
    """An order whose refund the issuer's book has as failed."""
    order_id = await given_back(shop)
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE issuer.reversals SET failed_at = decided_at WHERE id IN (SELECT "
            "coalesce(send_id, modification_id)"
            " FROM modifications WHERE order_id = $1)",
            order_id,
        )
    return order_id


async def _taken_over(shop: Shop, order_id: UUID, act: Act, states: list[str]) -> None:
    """The notice comes again, the person tries again, the worker goes on."""
    for _ in range(100):
        with suppress(Problem):  # it is decided already
            await act(shop, order_id)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE due_work SET due_at = now(), lease_until = NULL WHERE kind = 'modification'"
            )
        await shop.run_due()
        if await shop.value(STATES, order_id) == states:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await shop.value(STATES, order_id))
