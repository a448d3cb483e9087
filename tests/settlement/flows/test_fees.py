"""Fees by contract, through the engine: which term counts, what refunds give back; the past stays
as it was."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.orders.moves.request import refuse_refund
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.locked import Job
from recoup.terms.rules.fees import Tariff


async def book(shop: Shop, order_id: UUID) -> dict[str, int]:
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT account, sum(units)::bigint AS units FROM entries JOIN postings USING "
            "(merchant_id, posting_id)"
            " WHERE order_id = $1 GROUP BY account",
            order_id,
        )
    return {r["account"]: r["units"] for r in rows if r["units"]}


async def paid(shop: Shop, units: int = 9_999, **more: Any) -> UUID:
    word = await shop.ask(days=None, code="05", units=units, **more)
    assert word.evaluate == "APPROVED"
    return word.order_id


def test_fees_by_term_and_by_refund(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            free = await paid(shop)
            await shop.fees(Tariff(290, refund="pro_rata"))
            await shop.fees(Tariff(100, 30, 500, "full"), currency="JPY")
            await shop.fees(Tariff(1_000), site_id=shop.site_id, currency="EUR")
            usd, jpy, eur = (
                await paid(shop),
                await paid(shop, 1_000, currency="JPY"),
                await paid(shop, currency="EUR"),
            )
            assert [(await book(shop, o)).get("fees") for o in (free, usd, jpy, eur)] == [
                None,
                -290,
                -500,
                -1_000,
            ]

            for amount in ("33.33", "33.33", "33.33"):
                await refund(world, orders, shop.scope, usd, RefundRequest(amount=amount))
                await shop.settle()
            assert await book(shop, usd) == {}, "refunded in full: nothing is left anywhere"
            await refund(world, orders, shop.scope, jpy, RefundRequest(amount="999"))
            assert (await book(shop, jpy))["fees"] == -500
            await refund(world, orders, shop.scope, jpy, RefundRequest(all=True))
            assert "fees" not in await book(shop, jpy)
            await refund(world, orders, shop.scope, eur, RefundRequest(all=True))
            assert (await book(shop, eur))["fees"] == -1_000
            await _refuse_last(shop, jpy)
            assert (await book(shop, jpy))["fees"] == -500
            await shop.settle()
            assert (found := await verify(world)).difference is None, found.difference

            with pytest.raises(Problem) as told:
                await shop.fees(Tariff(1), valid_from=await shop.now() - timedelta(minutes=1))
            assert told.value.code == "invalid"
            assert "past" in told.value.message
            async with owner(world) as connection:
                rows = await connection.fetch(
                    "SELECT actor, valid_from FROM fee_terms ORDER BY term_id"
                )
            assert [r["actor"] for r in rows] == [shop.scope.actor.text()] * 3

    asyncio.run(story())


def test_a_term_of_tomorrow_counts_from_tomorrow(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries, fee_basis_points=100)
            await shop.fees(Tariff(500), valid_from=await shop.now() + timedelta(days=1))
            today = await paid(shop)
            await shop.advance(timedelta(days=2))
            later = await paid(shop)
            assert [(await book(shop, o))["fees"] for o in (today, later)] == [-100, -500]
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(story())


async def _refuse_last(shop: Shop, order_id: UUID) -> None:
    def work(change: Any) -> None:
        refuse_refund(change, change.order.modifications[-1], why="by the test")

    await shop.orders.change(Job(shop.key(order_id), work, WORKER, "test"))
