"""Bounds of several merchants, asked about each merchant's own orders before they are saved."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.backtest.flows.test_kept import run_later
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.backtest.flows import bounds, kept
from recoup.backtest.flows.before_saving import finish, try_policy
from recoup.backtest.flows.bounds import AtMerchants, merchants_within
from recoup.backtest.flows.kept import LISTED, WAITING_MAX, read_backtest
from recoup.backtest.store import list_backtests
from recoup.db.server import ServerAddress
from recoup.desk.cli.policy import summary_of_bounds
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope, Scope
from recoup.networks.magic import script_card
from recoup.policy_versions.flows.policies import save_policy
from recoup.policy_versions.flows.policy_scopes import OPERATOR_ID, Where, where_of
from recoup.uplift.flows.arms import ArmsChange, set_arms

OPERATOR = Scope(OPERATOR_ID, Actor("operator", "5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41"), "policy")
TWO_TRIES = {"tries": {"all": 2}}


def among(server: ServerAddress, story: Callable[[Shop, Shop], Awaitable[None]]) -> None:
    """Two shops of one world, and one without orders."""

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, other = await make_shop(*made), await make_shop(*made)
            await make_shop(*made)
            await story(shop, other)

    asyncio.run(inside())


async def with_orders(shop: Shop, count: int) -> None:
    await set_arms(shop.world, shop.scope, None, ArmsChange("shadow", holdout=10))
    shop.merchants.forget(shop.merchant_id)
    for who in range(count):
        await shop.admit(pan=script_card("visa", "51", 2), email=f"payer-{who}@example.test")
    await shop.advance(timedelta(days=35))
    await shop.settle()


async def tried(
    shop: Shop, where: Where, lines: object = TWO_TRIES, scope: Scope | PartnerScope = OPERATOR
) -> AtMerchants:
    found = (await try_policy(shop.world, scope, where, lines)).bounds
    assert found is not None
    return found


def judged(found: AtMerchants) -> list[tuple[str, int]]:
    """Of each merchant: the policies, and its orders."""
    reports = [
        one.row.report for one in found.tried if one.row is not None and one.row.report is not None
    ]
    return [(report["policy"], report["orders"]) for report in reports]


def test_each_merchants_orders_are_judged_within_its_own_policies(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        await with_orders(shop, 6)
        await with_orders(other, 3)
        where, own = await where_of(shop.world), await where_of(shop.world, shop.merchant_id)
        assert await merchants_within(shop.world, where) == [shop.merchant_id, other.merchant_id]
        anna = replace(shop.scope, actor=OPERATOR.actor)
        await save_policy(shop.world, anna, own, {"tries": {"soft": 1}}, "fewer")
        found = await tried(shop, where)
        assert judged(found) == [
            ("retry-3 within operator/1 merchant/1", 6),
            ("retry-3 within operator/1", 3),
        ]
        assert (found.tried[0].name, found.of) == ("Brightleaf Tea", 2)
        assert [one.row.payment_count for one in found.tried if one.row is not None] == [0, 0], (
            "nobody is shown payments"
        )
        again = await tried(shop, where)
        assert [one.row for one in again.tried] == [one.row for one in found.tried], (
            "the same question of a day"
        )
        await save_policy(shop.world, anna, own, {"tries": {"soft": 2}}, "more")
        before = await tried(shop, where)
        assert judged(before)[0] == ("retry-3 within operator/1 merchant/2", 6)
        site = await where_of(shop.world, shop.merchant_id, site_id=shop.site_id)
        await save_policy(shop.world, anna, site, {"tries": {"soft": 1}}, "fewer at the site")
        after = await tried(shop, where)
        assert after.tried[0].row != before.tried[0].row, "a site's policy is part of the question"
        assert after.tried[1].row == before.tried[1].row

    among(server, story)


def test_what_comes_of_them_is_not_the_merchants(server: ServerAddress) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        await with_orders(shop, 2)
        (one,) = (await tried(shop, await where_of(shop.world))).tried
        assert one.row is not None
        async with shop.world.db.connection() as connection:
            assert await list_backtests(connection, shop.merchant_id, None, LISTED) == []
            assert (
                await connection.fetchval("SELECT count(*) FROM alerts WHERE kind = 'backtest'")
                == 0
            )
        for merchant_id in (shop.merchant_id, other.merchant_id):
            with pytest.raises(Problem) as refused:
                await read_backtest(shop.world, merchant_id, one.row.backtest_id)
            assert refused.value.code == "not_found"

    among(server, story)


def test_bounds_that_hold_already_are_replaced_and_a_partners_are_its_merchants_alone(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        await with_orders(shop, 2)
        await with_orders(other, 1)
        where = await where_of(shop.world)
        await save_policy(shop.world, OPERATOR, where, {"tries": {"all": 3}}, "all")
        assert judged(await tried(shop, where, {})) == [
            ("retry-3 within operator/2", 2),
            ("retry-3 within operator/2", 1),
        ]
        partner = new_id()
        async with shop.world.db.connection() as connection:
            await connection.execute(
                "INSERT INTO partners (partner_id, name, created_at) VALUES ($1, 'Pat', now())",
                partner,
            )
            sql = "UPDATE merchants SET partner_id = $1 WHERE merchant_id = $2"
            await connection.execute(sql, partner, other.merchant_id)
        theirs = await where_of(shop.world, partner_id=partner)
        scope = PartnerScope(partner, Actor("partner", "x"), "policy")
        assert judged(await tried(shop, theirs, scope=scope)) == [
            (f"retry-3 within operator/1 partner:{partner}/1", 1)
        ]
        assert await merchants_within(shop.world, replace(theirs, subject_id=new_id())) == []

    among(server, story)


def test_of_much_history_they_are_made_beside_the_request(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        await with_orders(shop, 2)
        await with_orders(other, 1)
        monkeypatch.setattr(kept, "AT_ONCE", 0)
        where = await where_of(shop.world)
        assert judged(await tried(shop, where)) == []
        for one in (shop, other):
            await run_later(one)
        assert [orders for _, orders in judged(await tried(shop, where))] == [2, 1], (
            "the next check has them"
        )
        for soft in range(1, WAITING_MAX + 2):
            found = await tried(shop, where, {"tries": {"soft": soft}})
            assert [one.row is None for one in found.tried] == [soft > WAITING_MAX] * 2, (
                "so many wait at most"
            )
        checked = await try_policy(shop.world, OPERATOR, where, {"tries": {"soft": 1}})
        done = await finish(shop.world, where, checked)
        assert done.bounds is not None
        assert [orders for _, orders in judged(done.bounds)] == [2, 1], "a command waits"
        waiting = await try_policy(shop.world, OPERATOR, where, {"tries": {"soft": 4}})
        assert waiting.bounds is not None
        assert all(one.row is not None and one.row.made_at is None for one in waiting.bounds.tried)
        async with owner(shop.world) as connection:
            await connection.execute("DELETE FROM backtests WHERE made_at IS NULL")
        dropped = await finish(shop.world, where, waiting)
        assert dropped.bounds is not None
        assert [one.row for one in dropped.bounds.tried] == [None, None], (
            "what newer checks dropped keeps none from saving"
        )

    among(server, story)


def test_the_command_says_it_merchant_by_merchant(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, other: Shop) -> None:
        where = await where_of(shop.world)
        assert "no merchant under these bounds" in summary_of_bounds(await tried(shop, where))[0]
        await with_orders(shop, 2)
        await with_orders(other, 1)
        said = summary_of_bounds(await tried(shop, where))
        assert sum("of the last days" in line for line in said) == 2
        assert sum("not enough to say what it would have rescued" in line for line in said) == 2
        assert (await try_policy(shop.world, OPERATOR, where, {})).bounds is None, (
            "what changes nothing is not asked"
        )
        monkeypatch.setattr(bounds, "MERCHANTS_MAX", 1)
        said = summary_of_bounds(await tried(shop, where))
        assert said[0] == "back-test   of the 1 merchants with the most orders, of 2"
        assert sum("of the last days" in line for line in said) == 1

    among(server, story)
