"""Retry policies bound for whom the engine decides: new orders get what is left, and keep it for
all who count."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.uplift.flows.test_arms import decisions, run, set_to
from tests.worlds import FUNDS_CARD, Shop

from recoup.backtest.flows.backtest import backtest_policy
from recoup.backtest.rules.replay import ScheduleTarget
from recoup.db.server import ServerAddress
from recoup.policies.rules.policy import CURRENT
from recoup.policy_versions.flows.policies import save_policy
from recoup.policy_versions.flows.policy_scopes import Where, where_of
from recoup.terms.rules.arm_terms import Terms, arm_of, place_of
from recoup.uplift.flows.arms import ArmsChange, read_arms
from recoup.uplift.flows.uplift_report import closed_orders
from recoup.uplift.rules.closed_order import Shares

HALF = ArmsChange("share", share=50, holdout=10, explore=0)


async def bound(shop: Shop, where: Where, **lines: Any) -> None:
    await save_policy(shop.world, shop.scope, where, {"engine": lines}, "a reason")
    shop.merchants.forget(shop.merchant_id)


async def payers(shop: Shop, count: int) -> dict[UUID, int]:
    """An order each; (order, the place of its customer)."""
    found = await asyncio.gather(
        *(shop.admit(email=f"payer-{who}@example.test") for who in range(count))
    )
    rows = await shop.world.db.fetch(
        "SELECT order_id, payer_id FROM order_payer WHERE order_id = ANY($1)", found
    )
    keys = shop.world.keys
    return {
        row["order_id"]: place_of(
            keys.mac("rescue-arm", shop.merchant_id.bytes + row["payer_id"].bytes)
        )
        for row in rows
    }


@pytest.mark.prove("engine")
def test_a_bound_of_20_over_a_share_of_50_is_what_every_later_figure_goes_by(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, HALF)
        await bound(shop, await where_of(shop.world), share=20)
        places = await payers(shop, 300)
        rows = await shop.world.db.fetch("SELECT order_id, arm, arm_share FROM orders")
        arms = {row["order_id"]: row["arm"] for row in rows}
        assert {row["arm_share"] for row in rows} == {20}
        assert arms == {
            order_id: arm_of(Terms(1, "share", 20, 10), place) for order_id, place in places.items()
        }
        of_settings = {
            order_id: arm_of(Terms(1, "share", 50, 10), place) for order_id, place in places.items()
        }
        changed = {(of_settings[one], arms[one]) for one in arms if of_settings[one] != arms[one]}
        assert changed == {("engine", "ladder")}, "nobody enters or leaves the comparison group"

        await shop.run_due()
        said = await shop.world.db.fetch("SELECT arm, reasons FROM decisions WHERE arm IS NOT NULL")
        assert {row["arm"]["share"] for row in said} == {20}
        words = "leaves the engine 20 % of the customers, where 50 % are set"
        assert {
            words in " ".join(row["reasons"]) for row in said if row["arm"]["arm"] == "ladder"
        } == {True}

        await bound(
            shop, await where_of(shop.world)
        )  # what holds later is not what the orders came in by
        await shop.advance(timedelta(days=40))
        found = await backtest_policy(shop.world, shop.merchant_id, ScheduleTarget(CURRENT))
        assert {one.facts.engine_share for one in found.orders} == {0.2}
        assert len(found.orders) == 300
        compared = await closed_orders(shop.world, shop.merchant_id)
        assert {one.shares for one in compared.closed} == {Shares(10, 20)}

    run(server, story)


def test_an_order_keeps_its_share_while_bounds_change_and_off_is_for_new_ones(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ArmsChange("share", share=100, holdout=0, explore=0))
        await bound(shop, await where_of(shop.world, shop.merchant_id), share=0)
        order_id = await shop.admit(pan=FUNDS_CARD)
        await bound(shop, await where_of(shop.world, shop.merchant_id), arm="off")
        assert (await shop.order(await shop.admit()))["arm"] is None
        await shop.advance(timedelta(days=20, hours=23))
        await shop.settle()
        rows = [row for row in await decisions(shop, order_id) if row["arm"]]
        assert [(row["arm"]["arm"], row["arm"]["share"]) for row in rows[:1]] == [("ladder", 0)]
        assert {row["arm"]["share"] for row in rows} == {0}

    run(server, story)


def test_the_engine_may_watch_and_a_site_narrows_alone(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ArmsChange("share", share=100, holdout=0))
        site = await where_of(shop.world, shop.merchant_id, site_id=shop.site_id)
        await bound(shop, site, arm="shadow")
        order_id = await shop.admit()
        await shop.run_due()
        watched, done = await decisions(shop, order_id)
        assert [row["arm"]["part"] for row in (watched, done)] == ["watches", "decides"]
        assert any("the retry policy lets the engine watch only" in one for one in done["reasons"])
        standing = await read_arms(shop.world, shop.merchant_id, await shop.now())
        left = standing.cut(shop.site_id)
        assert left is not None
        assert (standing.cut(), left.terms.mode, left.by) == (None, "shadow", ("site",))

    run(server, story)


def test_a_version_whose_time_has_not_come_bounds_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_to(shop, ArmsChange("share", share=100, holdout=0))
        where, later = await where_of(shop.world), await shop.now() + timedelta(days=2)
        await save_policy(
            shop.world, shop.scope, where, {"engine": {"arm": "off"}}, "later", from_at=later
        )
        shop.merchants.forget(shop.merchant_id)
        assert (await shop.order(await shop.admit()))["arm"] == "engine"
        await shop.advance(timedelta(days=3))
        shop.merchants.forget(shop.merchant_id)
        assert (await shop.order(await shop.admit()))["arm"] is None

    run(server, story)
