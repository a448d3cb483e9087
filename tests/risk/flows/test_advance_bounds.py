"""What became of advances bounds the next ones: closed windows only, week by week, as versions that
decisions name."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from tests.dispute_terms import agree, vouched
from tests.engine.ground import model
from tests.risk.flows.test_advances import LATER, NEVER, SLOW, judge, waiting
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.page.order.last_decision import decision_shown, why_advanced
from recoup.engine.learn.choices import keep, take
from recoup.insight.flows.explain import explain_order
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import LOWEST
from recoup.orders.store.order_page import read_order
from recoup.risk.flows.advance_bounds import bound_advances, bounds_of
from recoup.terms.rules.advance_bounds import PAYERS_MIN
from recoup.uplift.flows.arms import ArmsChange, set_arms

Story = Callable[[Shop], Awaitable[None]]
CELLS = """
SELECT c ->> 'scored' AS scored, c ->> 'source' AS source, (c ->> 'tenth')::int AS tenth,
  sum((c ->> 'orders')::int)::int AS orders, sum((c ->> 'units')::bigint)::bigint AS units,
  sum((c ->> 'lost_units')::bigint)::bigint AS lost
FROM advance_weeks, jsonb_array_elements(cells) c GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def run(server: ServerAddress, story: Story, **terms: Any) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=SLOW) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await agree(shop, **terms)
            await story(shop)
            await judge(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def cells(shop: Shop) -> list[tuple[Any, ...]]:
    async with shop.world.db.connection() as connection:
        return [tuple(row) for row in await connection.fetch(CELLS)]


async def decided(shop: Shop, order_id: Any) -> tuple[list[str], str | None]:
    async with shop.world.db.connection() as connection:
        row = await connection.fetchrow(
            "SELECT rules, versions ->> 'bounds' AS bounds FROM decisions WHERE order_id = $1"
            " AND versions ->> 'decider' = 'advance-3' ORDER BY decision_id DESC LIMIT 1",
            order_id,
        )
    return row["rules"], row["bounds"]


def test_a_prior_is_held_to_what_was_collected_of_orders_like_it(server: ServerAddress) -> None:
    """The prior expects 60 % of declines for insufficient funds; of these one of four is ever
    collected."""

    async def story(shop: Shop) -> None:
        units = iter(range(1_000, 2_000))
        for _ in range(9):
            pans = [LATER, NEVER, NEVER, NEVER] * 3
            await asyncio.gather(*(waiting(shop, pan=pan, units=next(units)) for pan in pans))
            await shop.settle()
            await shop.advance(timedelta(days=7))
        first = await waiting(shop, pan=LATER, units=3_000)
        rules, early = await decided(shop, first.order_id)
        assert rules == ["declined", "within_limits"], "eight weeks are not over yet"
        await shop.advance(timedelta(days=34))
        [(scored, source, tenth, orders, risked, lost)] = await cells(shop)
        assert (scored, source, tenth, orders) in {
            ("prior", "advanced", 6, 108),
            ("prior", "advanced", 6, 109),
        }
        assert 0.7 < lost / risked < 0.76
        found = await bounds_of(shop.world, shop.merchant_id, "USD")
        assert found is not None
        assert (found.tables["prior"].payers[6], found.tables["prior"].is_known(6)) == (
            PAYERS_MIN,
            True,
        )
        assert found.tables["prior"].collected[6] < 2_500
        last = await waiting(shop, pan=LATER, units=4_000)
        assert await decided(shop, last.order_id) == (
            ["declined", "expected_loss"],
            f"bounds-{found.version}",
        )
        assert early != f"bounds-{found.version}"

    run(server, story, allowed_loss_basis_points=6_000)


def test_nobody_counts_before_all_of_their_week_have_had_thirty_days(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await waiting(shop, pan=LATER, units=3_000)
        await shop.advance(timedelta(days=29))
        assert await cells(shop) == []
        await shop.advance(timedelta(days=9))
        assert await cells(shop) == [("prior", "advanced", 6, 1, 3_000, 0)]

    run(server, story)


def test_orders_that_the_schedule_tried_again_vouch_for_the_model(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        made = model()
        await keep(shop.world, made, None, shop.scope.actor)
        await take(shop.world, made.name, shop.scope.actor)
        await set_arms(shop.world, shop.scope, None, ArmsChange("shadow"))
        shop.merchants.forget(shop.merchant_id)
        for n in range(6):
            await shop.admit(
                external_id=f"SUB-{n}", pan=LATER if n < 4 else NEVER, units=1_000 + n, days=29
            )
        one = await waiting(shop, pan=NEVER, units=2_000)
        assert (await decided(shop, one.order_id))[0] == ["declined", "within_limits"]
        await shop.advance(timedelta(days=40))
        found = {
            (scored, source): (orders, units, lost)
            for scored, source, _, orders, units, lost in await cells(shop)
        }
        assert found["model", "comparable"] == (6, 6_015, 1_004 + 1_005)
        assert found["model", "advanced"] == found["prior", "advanced"] == (1, 2_000, 2_000)

    run(server, story)


def test_an_engine_is_asked_for_money_only_where_closed_orders_vouch_for_it(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        made = model()
        await keep(shop.world, made, None, shop.scope.actor)
        await take(shop.world, made.name, shop.scope.actor)
        await set_arms(
            shop.world, shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
        shop.merchants.forget(shop.merchant_id)
        one = await waiting(shop, units=1_000)
        assert await decided(shop, one.order_id) == (["declined", "too_few_closed"], None)
        refused = await explain_order(shop.world, shop.merchant_id, one.order_id, LOWEST, 10)
        [against] = [
            e for e in refused.explanations if e.decision.versions["decider"] == "advance-3"
        ]
        assert {w.change: w.verdict for w in against.what_ifs}[
            "closed_orders_paid"
        ] == "approve_now"
        assert against.repeats is True
        await vouched(shop)
        two = await waiting(shop, units=2_000)
        assert await decided(shop, two.order_id) == (["declined", "within_limits"], "bounds-1")
        page = await explain_order(shop.world, shop.merchant_id, two.order_id, LOWEST, 10)
        [told] = [e for e in page.explanations if e.decision.versions["decider"] == "advance-3"]
        assert told.repeats is True
        assert {w.change: w.verdict for w in told.what_ifs}["no_loss_allowed"] == "decline_at_once"
        assert any("time to pay is over" in reason for reason in told.decision.reasons)

    run(server, story)


def test_a_version_is_kept_once_and_made_again_only_after_a_further_week(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await waiting(shop, units=1_000)
        await vouched(shop)
        before = await bounds_of(shop.world, shop.merchant_id, "USD")
        await asyncio.gather(*(bound_advances(shop.world, shop.merchant_id) for _ in range(4)))
        assert await bounds_of(shop.world, shop.merchant_id, "USD") == before
        await shop.advance(timedelta(days=7))
        after = await bounds_of(shop.world, shop.merchant_id, "USD")
        assert before is not None
        assert after is not None
        assert (after.version, after.until - before.until) == (
            before.version + 1,
            timedelta(days=7),
        )
        assert await shop.value("SELECT count(*) FROM due_work WHERE kind = 'advance_bounds'") == 1

    run(server, story)


def test_bounds_that_no_version_has_are_found_by_verify(server: ServerAddress) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=SLOW) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await agree(shop)
            await waiting(shop, units=1_000)
            await vouched(shop)
            await waiting(shop, units=2_000)
            await shop.settle()
            assert (await verify(made[0])).difference is None
            async with owner(shop.world) as connection:
                await connection.execute("SET session_replication_role = replica")
                await connection.execute("UPDATE advance_bounds SET until = until - 7")
            found = (await verify(made[0])).difference
            assert found is not None
            assert "until of the bounds of an advance" in str(found)

    asyncio.run(whole())


LOSS = "UPDATE advance_weeks SET cells = jsonb_set(cells, '{7,lost_units}', '9000') WHERE begins = "
OLDEST = "(SELECT min(begins) FROM advance_weeks)"
CHANGES = [  # what verify names first, and what was changed
    (
        "collected by the model of version 1 of",
        "UPDATE advance_bounds SET tables = jsonb_set(tables, '{model,collected,7}', '9999') WHERE "
        "version = 1",
    ),
    (
        "lost_from by the prior of version 2 of",
        "UPDATE advance_bounds SET tables = jsonb_set(tables, '{prior,lost_from}', '[]') WHERE "
        "version = 2",
    ),
    ("table of the prior of version 1 of", "UPDATE advance_bounds SET tables = tables - 'prior'"),
    ("until of version 2 of", "UPDATE advance_bounds SET until = until - 7 WHERE version = 2"),
    ("number of version 2 of", "DELETE FROM advance_bounds WHERE version = 1"),
    ("weeks of version 1 of", f"UPDATE advance_weeks SET cells = '[{{}}]' WHERE begins = {OLDEST}"),
    ("lost_from by the model of version 1 of", LOSS + OLDEST),
    ("weeks by the model of version 1 of", f"DELETE FROM advance_weeks WHERE begins = {OLDEST}"),
]


def test_a_changed_week_or_version_is_found_by_verify(server: ServerAddress) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=SLOW) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await agree(shop)
            await waiting(shop, units=1_000)
            await vouched(shop)
            await shop.advance(timedelta(days=7))
            await shop.settle()
            async with owner(shop.world) as connection:
                await connection.execute(
                    "SET session_replication_role = replica; CREATE TEMP TABLE weeks AS TABLE "
                    "advance_weeks;"
                    " CREATE TEMP TABLE versions AS TABLE advance_bounds"
                )
                for expected, change in CHANGES:
                    await connection.execute(change)
                    found = (await verify(made[0])).differences
                    assert [expected in one.field for one in found] == [True], (change, found)
                    await connection.execute(
                        "DELETE FROM advance_weeks; INSERT INTO advance_weeks TABLE weeks;"
                        " DELETE FROM advance_bounds; INSERT INTO advance_bounds TABLE versions"
                    )
            assert (await verify(made[0])).difference is None

    asyncio.run(whole())


def test_an_orders_page_says_why_it_was_advanced(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop, units=2_000)
        await shop.settle()
        async with shop.world.db.read() as connection:
            page = await read_order(connection, shop.merchant_id, word.order_id, clear=True)
        assert page is not None
        reasons, versions = why_advanced(page)
        assert reasons[0] == "The order is approved now and its customer is charged later."
        assert "decider advance-3" in versions
        line = next(one for one in page.log if one.happening == "advanced")
        assert decision_shown(page) == line.decision_id, (
            "the charge that is planned follows from it"
        )

    run(server, story)
