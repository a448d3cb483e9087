"""How much the database writes for an ordinary order: each row's `xmin` names the transaction that
wrote it last."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from tests.rings import each
from tests.worlds import POLICY, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.refunds.flows.refund import RefundRequest, refund

YES, ONCE = script_card("visa", "51", 0), script_card("visa", "51", 1)
WRITERS = "SELECT array_agg(xmin::text ORDER BY seq) FROM order_log WHERE order_id = $1"
CHANGED = """
SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1
"""
SAID = "SELECT jsonb_build_array(consent, checks) FROM attempts WHERE order_id = $1"
HEAD = "SELECT xmin::text FROM order_heads WHERE order_id = $1"
HEAP_ONLY = 0x8000  # of t_infomask2: no index points at this version of the row


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


def test_a_step_of_an_order_changes_no_index_of_its_state(server: ServerAddress) -> None:
    """And a try none of its head: of what lists show only the number of tries has changed."""

    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=ONCE)
        async with owner(shop.world) as connection:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")

            async def is_heap_only(table: str) -> bool:
                return await connection.fetchval(
                    "SELECT (t_infomask2 & $2) <> 0 FROM"
                    f" (SELECT ctid::text::point AS at FROM {table} WHERE order_id = $1) r,"
                    f" heap_page_items(get_raw_page('{table}', r.at[0]::int)) WHERE lp = r.at[1]",
                    order_id,
                    HEAP_ONLY,
                )

            assert not await is_heap_only("order_states"), "as it was admitted"
            await shop.advance(timedelta(days=5))
            assert (await shop.order(order_id))["attempts"] == 1
            assert await is_heap_only("order_states")
            assert await is_heap_only("order_heads_decided"), (
                "declined: it has only been tried once more"
            )

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


def test_nothing_is_kept_of_an_attempt_that_says_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = (await shop.ask(days=None, code="91")).order_id
        consent, checks = await shop.value(SAID, order_id)
        assert consent
        assert {"auth_code", "avs"} <= checks.keys()
        assert None not in [*consent.values(), *checks.values()]
        assert [] not in [*checks.values()]

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


@each("table", ["attempts", "network_sends"])
def test_what_is_sent_is_answered_on_its_page(server: ServerAddress, table: str) -> None:
    async def story(shop: Shop) -> None:
        async with owner(shop.world) as connection:
            before = await connection.fetchrow(CHANGED, table)
            for pan in (YES, ONCE) * 20:
                await shop.ask(pan=pan, days=None, code="91")
            for _ in range(20):
                await shop.admit(pan=YES)
            await shop.advance(timedelta(days=4))
            assert await shop.value("SELECT count(*) FROM attempts WHERE state = 'approved'") >= 40
            made, changed, there = 0, 0, 0
            async with asyncio.timeout(30):  # until each session has told what it did
                while changed < 60:
                    await asyncio.sleep(0.1)
                    now = await connection.fetchrow(CHANGED, table)
                    made, changed, there = (n - m for n, m in zip(now, before, strict=True))
        assert changed <= 2 * made
        assert there >= 0.8 * changed, "they left every index alone"

    run(server, story)
