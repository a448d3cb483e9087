"""How much the database writes for an ordinary order: each row's `xmin` names the transaction that
wrote it last."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.worlds import POLICY, Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.refunds.flows.refund import RefundRequest, refund

YES, ONCE = script_card("visa", "51", 0), script_card("visa", "51", 1)
WRITERS = "SELECT array_agg(xmin::text ORDER BY seq) FROM order_log WHERE order_id = $1"
HEAD = "SELECT xmin::text FROM order_heads WHERE order_id = $1"


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=POLICY) as (world, orders, deliveries):
            await story(await make_shop(world, orders, deliveries))

    asyncio.run(inside())


def test_a_sync_payment_is_admitted_with_its_first_attempt_and_ends_in_one_more_commit(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        for pan, says in ((YES, "APPROVED"), (ONCE, "DECLINED")):
            word = await shop.ask(pan=pan, days=None, code="91")
            assert word.evaluate == says
            happenings = await shop.happenings(word.order_id)
            writers = await shop.value(WRITERS, word.order_id)
            intent = happenings.index("attempt_sent") + 1
            assert len(set(writers[:intent])) == 1, (happenings, writers)
            assert len(set(writers[intent:])) == 1, (happenings, writers)

    run(server, story)


def test_what_a_sync_payment_is_answered_is_what_it_is_answered_again(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        given = await shop.declined(days=None, code="91")
        first = await shop.evaluate.evaluate(shop.scope, given)
        again = await shop.evaluate.evaluate(shop.scope, given)
        assert (first.evaluate, again) == ("APPROVED", first)

    run(server, story)


def test_a_refund_rewrites_what_lists_show_only_where_it_changes_that(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        order_id = (await shop.ask(days=None, code="91")).order_id
        approved = await shop.value(HEAD, order_id)
        await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="10.00", key="one")
        )
        owed = await shop.value(HEAD, order_id)
        await shop.settle()
        assert (await shop.happenings(order_id))[-2:] == ["refund_sent", "refund_done"]
        assert approved != owed
        assert await shop.value(HEAD, order_id) == owed

    run(server, story)
