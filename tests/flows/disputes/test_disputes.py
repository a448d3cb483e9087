"""Disputes as a merchant and its operator see them: opened, answered, won, lost; and what the money does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from tests.worlds import Shop, make_shop, sandbox_world

from recoup.flows.cards.due import start
from recoup.flows.cards.send import send_attempt
from recoup.flows.disputes.sandbox import dispute_on_demand
from recoup.flows.insight.verify import verify
from recoup.flows.locked import Job
from recoup.kernel.scope import WORKER
from recoup.moves.plan_attempts import plan_attempt
from recoup.rules.network.magic import APPROVE_CARDS
from recoup.store.server import ServerAddress

YES = APPROVE_CARDS[2]


@asynccontextmanager
async def a_shop(server: ServerAddress, **more: Any) -> AsyncIterator[Shop]:
    async with sandbox_world(server) as made:
        shop = await make_shop(*made, fee_basis_points=290, **more)
        yield shop
        proved = await verify(shop.world)
        assert proved.difference is None, proved.difference


async def paid(shop: Shop, **more: Any) -> UUID:
    """An order that was approved just now."""
    order_id = await shop.admit(**({"pan": YES} | more))
    await start(shop.orders, shop.key(order_id))
    await shop.orders.change(Job(shop.key(order_id), lambda c: plan_attempt(c, c.now, "soft", None), WORKER, "test"))
    await send_attempt(shop.world, shop.orders, shop.key(order_id))
    return order_id


async def balances(shop: Shop) -> dict[str, int]:
    sql = "SELECT account, sum(units)::bigint AS units FROM entries WHERE merchant_id = $1 GROUP BY account"
    async with shop.world.db.connection() as connection:
        return {r["account"]: r["units"] for r in await connection.fetch(sql, shop.merchant_id) if r["units"]}


def test_a_fraud_dispute_is_the_operators_loss_and_comes_back_when_won(server: ServerAddress) -> None:
    async def story() -> None:
        async with a_shop(server) as shop:
            order_id = await paid(shop)
            before = await balances(shop)
            print(await dispute_on_demand(shop.world, shop.orders, shop.key(order_id)))
            row = await shop.order(order_id)
            assert (row["status"], row["disputed"]) == (8, True)
            after = await balances(shop)
            assert after["dispute_loss"] == 4590
            assert after["dispute_cost"] == 1500
            assert after["merchant_payable"] == before["merchant_payable"]
            print(await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), decided="won"))
            row = await shop.order(order_id)
            assert (row["status"], row["disputed"]) == (7, False)
            after = await balances(shop)
            assert "dispute_loss" not in after

    asyncio.run(story())
