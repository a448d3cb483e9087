"""1,000 managed MITs from their intake through 21 simulated days, in one process."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Final

from recoup.flows.advance_clock import advance_clock
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.tokenize import CardGiven, Vault
from recoup.flows.merchant_cache import Merchants
from recoup.flows.messages.publish_now import publish_now
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.rules.network.magic import NEVER, script_card
from recoup_lab.bench.figure import Figure, Size
from recoup_lab.bench.ground import Ground, make_shop, orders_of
from recoup_lab.bench.intake import declined_of
from recoup_lab.bench.pgbench import NUMBER

ORDERS: Final = 1_000
# Declines before the card approves: some at once, most after a while, a quarter never.
DECLINES: Final = (0, 1, 3, NEVER)


async def days21(ground: Ground, size: Size) -> Figure:
    """Raises: Problem(internal) when an order is still open at the end."""
    number = size.of(ORDERS) if size.count < 1 else ORDERS
    async with ground.world() as (world, _):
        shop, vault = await make_shop(world, "Days"), Vault(world)
        tokens = [new_id() for _ in DECLINES]
        for token, declines in zip(tokens, DECLINES, strict=True):
            pan = script_card("visa", "51", declines)
            await vault.store(CardGiven(shop.merchant_id, token, pan, 9, 2031))
        orders, deliveries = orders_of(world)
        evaluate = Evaluate(world, orders, Merchants(world), vault)
        clock = world.clocks
        begun = clock.monotonic()
        given = [declined_of(world, shop, tokens[n % len(tokens)], str(NUMBER + n)) for n in range(number)]
        expires_at = clock.wall() + timedelta(days=20, hours=23)
        await asyncio.gather(*(evaluate.evaluate(shop.scope, replace(g, expires_at=expires_at)) for g in given))
        admitted = clock.monotonic()
        await advance_clock(
            world,
            orders,
            shop.merchant_id,
            timedelta(days=21),
            lambda merchant_id: publish_now(world, deliveries, merchant_id),
        )
        seconds = clock.monotonic() - begun
        async with world.db.connection() as connection:
            ends = dict(await connection.fetch("SELECT stage, count(*) FROM orders GROUP BY 1"))
            sends = await connection.fetchval("SELECT count(*) FROM attempts WHERE sent_at IS NOT NULL")
    if set(ends) - {"completed", "expired", "declined"}:
        raise Problem("internal", f"After 21 days orders are still open: {ends}.")
    more = {"seconds": seconds, "intake_seconds": admitted - begun, "orders": number, "sends": sends} | ends
    return Figure("days21", number / seconds, more=more)
