"""A card that its issuer may have renewed is tried again by the engine, and whoever knows more is
heard first."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.cards.flows.test_renewed_methods import DECIDED, TRIES, noticed, waiting
from tests.engine.flows.test_links_by_the_engine import declined, switched
from tests.engine.ground import mixed_model, regression
from tests.rescue.flows.test_card_updates import Counting, begun
from tests.uplift.flows.test_arms import ALL, ANNA, POLICY, set_to
from tests.webhooks.flows.test_mail import mails
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import keep, take
from recoup.insight.flows.verify import verify
from recoup.networks.magic import script_card
from recoup.networks.magic_serials import CLOSED
from recoup.people.flows.notices import switch

PLANNED = "SELECT count(*) FROM attempts WHERE order_id = $1 AND state = 'planned'"


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    """With a model that knows tries after 54."""
    until = datetime.now(UTC).date() - timedelta(days=1)
    since = until - timedelta(days=150)
    made = mixed_model(
        regression(keys=("51", "54")), data_from=since.isoformat(), data_until=until.isoformat()
    )

    async def inside() -> None:
        async with sandbox_world(
            server, policy=replace(POLICY, call_timeout=timedelta(seconds=20))
        ) as (world, *more):
            change_world(world, updater=Counting())
            shop = await make_shop(world, *more)
            await keep(shop.world, made, None, ANNA)
            await take(shop.world, made.name, ANNA)
            await set_to(shop, ALL)
            await story(shop)
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(inside())


def test_its_customer_hears_at_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await switched(shop, early=False)
        order_id = await declined(shop, code="54", pan=script_card("visa", "54", 99))
        assert await shop.value(PLANNED, order_id) == 1
        assert [mail["notice"] for mail in await mails(shop)] == ["payment_link"]

    run(server, story)


def test_a_notice_of_its_renewal_comes_before_the_plan(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await waiting(shop, "54", units=4577)
        await shop.run_due()
        assert await shop.value(PLANNED, order_id) == 1
        for _ in range(2):
            assert await noticed(shop) == "renewed"
        assert await shop.value(TRIES, order_id) == 1
        assert await shop.value(DECIDED, order_id) == 1

    run(server, story)


def test_an_account_that_the_updater_calls_closed_is_left_to_the_link(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await switch(shop.world, shop.scope, {"payment_link": True})
        order_id = await begun(shop, "54", CLOSED)
        await shop.run_due()
        assert (await shop.order(order_id))["stage"] == "processing"
        assert await shop.value(PLANNED, order_id) == 0

    run(server, story)
