"""Bounds of several merchants, asked about each merchant's own orders before they are saved."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.doors.command import policy_bounds
from recoup.doors.command.policy_bounds import bounds_tested
from recoup.flows.backtests import bounds
from recoup.flows.backtests.bounds import merchants_within, under_bounds
from recoup.flows.merchants.arms import ArmsChange, set_arms
from recoup.flows.merchants.policies import check_policy, save_policy
from recoup.flows.merchants.policy_scopes import Where, where_of
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.rules.network.magic import script_card
from recoup.rules.policies.read import read_policy
from recoup.rules.policies.terms import NOTHING_SET, PolicyTerms
from recoup.store.server import ServerAddress


async def with_orders(shop: Shop, count: int) -> None:
    await set_arms(shop.world, shop.scope, None, ArmsChange("shadow", holdout=10))
    shop.merchants.forget(shop.merchant_id)
    for who in range(count):
        await shop.admit(pan=script_card("visa", "51", 2), email=f"payer-{who}@example.test")
    await shop.advance(timedelta(days=35))
    await shop.settle()


def terms_of(**tries: int) -> PolicyTerms:
    terms, complaints = read_policy({"tries": tries})
    assert not complaints
    return terms


async def judged_under(shop: Shop, where: Where, terms: PolicyTerms) -> list[tuple[str, int]]:
    """Of each merchant: the policies, and its orders."""
    merchants = await merchants_within(shop.world, where)
    found = under_bounds(shop.world, where, 1, terms, merchants)
    return [(one.backtest.judgement.policy, one.backtest.judgement.whole.orders) async for one in found]


def test_each_merchants_orders_are_judged_within_its_own_policies(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, other = await make_shop(*made), await make_shop(*made)
            await make_shop(*made)  # without orders
            await with_orders(shop, 6)
            await with_orders(other, 3)
            where = await where_of(shop.world)
            assert await merchants_within(shop.world, where) == [shop.merchant_id, other.merchant_id]
            own = await where_of(shop.world, shop.merchant_id)
            anna = replace(shop.scope, actor=Actor("operator", "anna"))
            await save_policy(shop.world, anna, own, {"tries": {"soft": 1}}, "fewer")
            assert await judged_under(shop, where, terms_of(all=2)) == [
                ("retry-2 within operator/1 merchant/1", 6),
                ("retry-2 within operator/1", 3),
            ]
            async with shop.world.db.connection() as connection:
                assert await connection.fetchval("SELECT count(*) FROM backtests") == 0, "nothing is kept"

    asyncio.run(story())


def test_bounds_that_hold_already_are_replaced_and_a_partners_are_its_merchants_alone(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await with_orders(shop, 2)
            where, operator = await where_of(shop.world), Scope(new_id(), Actor("operator", "anna"), "policy")
            await save_policy(shop.world, operator, where, {"tries": {"all": 3}}, "all")
            async for one in under_bounds(shop.world, where, 2, NOTHING_SET, [shop.merchant_id]):
                assert one.backtest.judgement.policy == "retry-2 within operator/2"
            stranger = replace(where, scope="partner", subject_id=new_id())
            assert await merchants_within(shop.world, stranger) == []

    asyncio.run(story())


def test_the_command_says_it_merchant_by_merchant(server: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, other = await make_shop(*made), await make_shop(*made)
            where = await where_of(shop.world)
            checked = await check_policy(shop.world, where, {"tries": {"all": 2}})
            assert "no merchant under these bounds" in (await bounds_tested(shop.world, where, checked))[0]
            await with_orders(shop, 2)
            await with_orders(other, 1)
            said = await bounds_tested(shop.world, where, checked)
            assert sum("of the last days" in line for line in said) == 2
            assert sum("not enough to say what it would have rescued" in line for line in said) == 2
            same = await check_policy(shop.world, where, {})
            assert await bounds_tested(shop.world, where, same) == [], "what changes nothing is not asked"
            monkeypatch.setattr(bounds, "MERCHANTS_MAX", 1)
            monkeypatch.setattr(policy_bounds, "MERCHANTS_MAX", 1)
            said = await bounds_tested(shop.world, where, checked)
            assert said[0] == "back-test   of the 1 merchants with the most orders, of 2"
            assert sum("of the last days" in line for line in said) == 1

    asyncio.run(story())
