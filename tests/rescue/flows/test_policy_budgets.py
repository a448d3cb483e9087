"""A month's budget counts the sends of the scope that sets it, and a send passes every budget that
applies."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.left_processes import dying_process, kills, run_until_killed, second_process
from tests.policy_versions.flows.test_policies import run, save
from tests.rings import deep
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.onboarding.flows.partners import make_partner
from recoup.policy_versions.flows.policy_scopes import where_of
from recoup.rescue.flows.locked import Orders
from recoup.switches.flows import campaigns

HOUR = timedelta(hours=1)


async def campaign(shop: Shop, key: str, budget: int | None = None) -> UUID:
    made = await campaigns.create(
        shop.world, shop.scope, shop.site_id, campaigns.CampaignFields(key=key, name=key)
    )
    shop.merchants.forget(shop.merchant_id)
    if budget is not None:
        where = await where_of(shop.world, shop.merchant_id, campaign_id=made.campaign_id)
        await save(shop, {"budget": {"sends": budget}}, where)
    return made.campaign_id


async def admit(shop: Shop, key: str | None = None, count: int = 1) -> None:
    """Orders whose first try is due within two hours."""
    decline = {
        "code": "91",
        "source": "visa",
        "text": "",
        "advice": None,
        "at": (await shop.now()).isoformat(),
    }
    for _ in range(count):
        await shop.admit(code="91", pan=FUNDS_CARD, campaign=key, decline=decline)


async def sent(shop: Shop) -> Counter[UUID | None]:
    """Attempts that left, by campaign."""
    rows = await shop.world.db.fetch(
        "SELECT o.campaign_id, count(*) AS count FROM attempts a JOIN orders o USING (merchant_id, "
        "order_id)"
        " WHERE a.sent_at IS NOT NULL GROUP BY 1"
    )
    return Counter({row["campaign_id"]: row["count"] for row in rows})


async def counted(shop: Shop) -> dict[UUID, int]:
    """By merchant, site or campaign, in all months."""
    rows = await shop.world.db.fetch(
        "SELECT subject_id, sum(sends)::int AS sends FROM policy_sends GROUP BY 1"
    )
    return {row["subject_id"]: row["sends"] for row in rows}


async def later(shop: Shop, by: timedelta) -> None:
    """What is due is decided; then the clock goes on, and nobody works."""
    await shop.run_due()
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE merchants SET offset_us = offset_us + $1", int(by.total_seconds() * 1_000_000)
        )
    shop.merchants.forget(shop.merchant_id)


def test_two_campaigns_do_not_use_each_others_budget(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        tea, coffee = await campaign(shop, "tea", 1), await campaign(shop, "coffee", 2)
        for key in ("tea", "coffee", None):
            await admit(shop, key, 3)
        await shop.advance(2 * HOUR)
        await shop.settle()
        assert await sent(shop) == {tea: 1, coffee: 2, None: 3}
        assert await counted(shop) == {tea: 1, coffee: 2}, "without a budget nothing is counted"
        waiting = await shop.world.db.fetch(
            "SELECT due_at FROM attempts WHERE state = 'planned' ORDER BY due_at"
        )
        month = (await shop.now()).date().replace(day=1)
        in_budget = [
            row["due_at"]
            for row in waiting
            if row["due_at"].date() > month and row["due_at"].day == 1
        ]
        assert len(in_budget) >= 3, "they wait for the next month"

    run(server, story)


def test_a_merchants_budget_stands_above_those_of_its_campaigns_and_sites(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await save(shop, {"budget": {"sends": 4}})
        site = await where_of(shop.world, shop.merchant_id, site_id=shop.site_id)
        await save(shop, {"budget": {"sends": 4}}, site)
        tea, coffee = await campaign(shop, "tea", 3), await campaign(shop, "coffee", 3)
        for key in ("tea", "coffee", None):
            await admit(shop, key, 4)
        await shop.advance(2 * HOUR)
        await shop.settle()
        found, rows = await sent(shop), await counted(shop)
        assert sum(found.values()) == rows[shop.merchant_id] == rows[shop.site_id] == 4
        for one in (tea, coffee):
            assert found[one] == rows.get(one, 0) <= 3

    run(server, story)


def test_a_bound_is_a_ceiling_of_each_merchant(server: ServerAddress) -> None:
    """A partner's budget, like the operator's, counts the merchant's sends: others of the partner
    have their own."""

    async def story(shop: Shop) -> None:
        partner_id, other = new_id(), new_id()
        await make_partner(shop.world, partner_id, "Acme Pay")
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE merchants SET partner_id = $1", partner_id)
        await save(shop, {"budget": {"sends": 3}}, await where_of(shop.world))
        await save(
            shop, {"budget": {"sends": 2}}, await where_of(shop.world, partner_id=partner_id)
        )
        await admit(shop, None, 4)
        await shop.advance(2 * HOUR)
        await shop.settle()
        assert (await sent(shop), await counted(shop)) == ({None: 2}, {shop.merchant_id: 2})
        assert other not in await counted(shop)

    run(server, story)


@deep("kills")
def test_a_send_and_its_count_are_one_wherever_a_process_dies(server: ServerAddress) -> None:
    """What that process had begun counts again when it is repeated."""

    async def story(shop: Shop) -> None:
        await save(shop, {"budget": {"sends": 1000}})
        tea = await campaign(shop, "tea", 900)

        async def both() -> tuple[int, int]:
            rows = await counted(shop)
            assert rows.get(shop.merchant_id, 0) == rows.get(tea, 0)
            return (await sent(shop))[tea], rows.get(tea, 0)

        for killer in kills("budget", least=5):
            await admit(shop, "tea")
            await later(shop, 2 * HOUR)
            before = await both()
            async with dying_process(shop, killer) as dying:
                await run_until_killed(killer, dying.run_due())
            after = await both()
            assert after[0] - before[0] == after[1] - before[1], killer.at
            await shop.settle()
            left, count = await both()
            assert 0 < left <= count
        assert (await verify(shop.world)).difference is None

    run(server, story)


def test_two_processes_count_what_both_send(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await save(shop, {"budget": {"sends": 1000}})
        keys = {key: await campaign(shop, key, 900) for key in ("tea", "coffee", "milk")}
        for key in keys:
            await admit(shop, key, 8)
        await later(shop, 2 * HOUR)
        async with second_process(shop.world) as world:
            theirs = replace(shop, world=world, orders=Orders(world))
            await asyncio.gather(shop.run_due(), theirs.run_due())
        await shop.settle()
        found = await sent(shop)
        assert await counted(shop) == {shop.merchant_id: 24, **{one: 8 for one in keys.values()}}
        assert sum(found.values()) == 24

    run(server, story)


def test_a_counter_of_an_earlier_month_leaves_room(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        tea = await campaign(shop, "tea", 1)
        await admit(shop, "tea", 2)
        await shop.advance(2 * HOUR)
        await shop.settle()
        assert await sent(shop) == {tea: 1}
        now: datetime = await shop.now()
        first = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=6)
        await shop.advance(first - now)
        await shop.settle()
        rows: Any = await shop.world.db.fetch(
            "SELECT month, sends FROM policy_sends ORDER BY month"
        )
        assert [row["sends"] for row in rows] == [1, 1]

    run(server, story)
