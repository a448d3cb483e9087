"""What the engine brings is computed beside the pages; people hear of harm, and the engine stops
where they want it."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from tests.telling import ROLES, go_round, kinds, run, told
from tests.uplift.flows.compared import with_orders
from tests.worlds import Shop
from tests.worlds import owner as database_owner

from recoup.db.server import ServerAddress
from recoup.notifications.rules.notification_words import words_of
from recoup.uplift.flows import arms, uplift_report
from recoup.uplift.flows.arms import read_arms
from recoup.uplift.flows.uplift_report import (
    HARM,
    HARM_BESIDE,
    ask_for_report,
    closed_orders,
    read_report,
    set_return,
    watch_uplift,
)


async def later(shop: Shop) -> None:
    """The next look."""
    async with database_owner(shop.world) as connection:
        await connection.execute("UPDATE uplift_reports SET due_at = due_at - interval '1 day'")
    assert await watch_uplift(shop.world, shop.merchant_id) == 1
    await go_round(shop)


async def stops(shop: Shop) -> list[str]:
    known = await read_arms(
        shop.world,
        shop.merchant_id,
        shop.world.clocks.wall(),
    )  # type: ignore[arg-type]
    return [one.why for one in known.stops]


def test_a_report_says_what_its_orders_say(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await with_orders(shop, engine=60, holdout=40)
        assert await read_report(shop.world, shop.merchant_id) is None
        assert await watch_uplift(shop.world, shop.merchant_id) == 1
        assert await watch_uplift(shop.world, shop.merchant_id) == 0, "computed just now"
        row = await read_report(shop.world, shop.merchant_id)
        assert row is not None
        report = row.report
        assert report["orders"] == {"closed": 800, "open": 0, "other": 0, "oneIn": 1}
        assert (report["arms"]["engine"]["rescued"], report["arms"]["holdout"]["rescued"]) == (
            0.6,
            0.4,
        )
        look = report["looks"][-1]
        assert look["difference"] == 0.2
        assert 0 < look["low"] < 0.2 < look["high"]
        assert report["alarm"] is None
        money = report["byAmount"]["USD"]
        assert money["engine"] == {"declined": 400 * 4590, "rescued": 240 * 4590}
        assert money["holdout"] == {"declined": 400 * 4590, "rescued": 160 * 4590}
        assert money["difference"] == look["difference"]
        others = {one["name"]: one for one in report["others"]}
        assert set(others) == {"sends", "disputes", "orders_per_payer", "customers_lost"}
        assert (others["sends"]["engine"], others["sends"]["difference"]) == (3.0, 0.0)
        assert (others["customers_lost"]["engine"], others["customers_lost"]["holdout"]) == (
            0.4,
            0.6,
        )
        assert not any(one["harm"] for one in others.values())
        weeks = report["cohorts"]
        assert sum(week["orders"] for week in weeks) == 800
        assert sum(week["rescued"] for week in weeks) == 400
        whole = next(week for week in weeks if week["orders"] > 0)
        days = dict(zip(report["curveDays"], whole["curve"], strict=True))
        assert (days[3], days[7]) == (0.0, 0.5)
        assert days[30] is None, "the week's youngest order may be younger"
        assert [(one["site"], one["orders"], one["rescued"]) for one in report["places"]] == [
            ("Leaf", 800, 400)
        ]
        (place,) = report["places"]
        assert place["rescuedUnits"] == {"USD": 400 * 4590}
        assert place["engine"] == {"orders": 400, "payers": 400, "rescued": 240}
        assert place["holdout"] == {"orders": 400, "payers": 400, "rescued": 160}
        assert place["difference"] == 0.2
        assert place["low"] < look["low"], "of many places one errs by chance"
        await go_round(shop)
        assert [await kinds(shop, people[role]) for role in ROLES] == [["uplift"]] * len(ROLES)
        words = words_of("uplift", (await told(shop))[0]["facts"])
        assert words.title == "The engine brings more than the comparison group"
        assert words.path == "/uplift"
        await later(shop)
        assert len(await told(shop)) == len(ROLES), "the same finding"
        assert await kinds(shop, people["stranger"]) == []

    run(server, story)


def test_who_asks_waits_only_where_few_orders_are_read(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await with_orders(shop, engine=50, holdout=50, count=2)
        async with database_owner(shop.world) as connection:
            await connection.execute("UPDATE orders SET arm = 'ladder' WHERE arm = 'holdout'")
        assert not await ask_for_report(shop.world, shop.merchant_id), (
            "the first time a worker does it"
        )
        assert await watch_uplift(shop.world, shop.merchant_id) == 1
        row = await read_report(shop.world, shop.merchant_id)
        assert row is not None
        assert row.report["orders"] == {"closed": 2, "open": 0, "other": 2, "oneIn": 1}
        for few, done in ((4, True), (3, False)):
            monkeypatch.setattr(uplift_report, "FEW_ORDERS", few)
            assert await ask_for_report(shop.world, shop.merchant_id) == done, few

    run(server, story)


def test_harm_stops_the_engine_once_where_the_merchant_wants_it(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await with_orders(shop, engine=20, holdout=60)
        await set_return(shop.world, shop.scope, on_harm=True)
        await set_return(shop.world, shop.scope, on_harm=True)
        assert await watch_uplift(shop.world, shop.merchant_id) == 1
        assert await stops(shop) == [HARM]
        await go_round(shop)
        words = words_of("uplift", (await told(shop))[0]["facts"])
        assert words.title == "The engine brings less than the comparison group"
        audit = await shop.world.db.fetch("SELECT action FROM audit_lines ORDER BY line_id")
        assert [row["action"] for row in audit] == [
            "arms.changed",
            "engine.return_set",
            "engine.stopped",
        ]
        await arms.resume(shop.world, shop.scope)
        await later(shop)
        assert await stops(shop) == [], "whoever starts it again is not overruled by the same harm"

    run(server, story)


def test_more_disputes_are_harm_and_stop_the_engine_too(server: ServerAddress) -> None:
    """Also beside an uplift: it is no excuse."""

    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await with_orders(shop, engine=60, holdout=40)
        async with database_owner(shop.world) as connection:
            await connection.execute(
                "UPDATE order_heads SET disputed = true WHERE order_id IN (SELECT order_id FROM "
                "orders"
                " WHERE arm = 'engine' AND split_part(external_id, '-', 2)::int % 4 = 0)"
            )
        await set_return(shop.world, shop.scope, on_harm=True)
        assert await watch_uplift(shop.world, shop.merchant_id) == 1
        assert await stops(shop) == [HARM_BESIDE]
        await go_round(shop)
        words = words_of("uplift", (await told(shop))[0]["facts"])
        assert words.title == "The engine changes more than the share of rescued payments"
        assert words.lines[0] == "More orders have a dispute."

    run(server, story)


def test_harm_stops_nothing_unless_somebody_wants_it(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await with_orders(shop, engine=20, holdout=60)
        assert await watch_uplift(shop.world, shop.merchant_id) == 1
        assert await stops(shop) == []

    run(server, story)


def test_an_order_without_an_expiry_counts_thirty_days_after_its_decline(
    server: ServerAddress,
) -> None:
    """One whose window ended with it would count successes before failures."""

    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await with_orders(shop, engine=50, holdout=50, count=20)
        async with database_owner(shop.world) as connection:
            for table in ("orders", "order_heads"):
                await connection.execute(f"UPDATE {table} SET expires_at = NULL")
                await connection.execute(
                    f"UPDATE {table} SET placed_at = placed_at + interval '2 days' WHERE order_id "
                    f"IN"
                    " (SELECT order_id FROM orders WHERE arm = 'engine')"
                )
        found = await closed_orders(shop.world, shop.merchant_id)
        assert {one.arm for one in found.closed} == {"holdout"}
        assert found.open == 20, "29 days old, rescued or not"

    run(server, story)


def test_two_workers_compute_it_once(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        did = await asyncio.gather(*(watch_uplift(shop.world, shop.merchant_id) for _ in range(4)))
        assert sorted(did) == [0, 0, 0, 1]
        row = await read_report(shop.world, shop.merchant_id)
        assert row is not None
        assert row.report["looks"] == []
        due = await shop.value(
            "SELECT due_at - made_at FROM uplift_reports JOIN uplift_history USING (merchant_id)"
        )
        assert due == timedelta(hours=1)

    run(server, story)


async def look_again(shop: Shop) -> datetime:
    """When the report was made that stands after the next look."""
    async with database_owner(shop.world) as connection:
        await connection.execute("UPDATE uplift_reports SET due_at = due_at - interval '1 day'")
    assert await watch_uplift(shop.world, shop.merchant_id) == 1
    row = await read_report(shop.world, shop.merchant_id)
    assert row is not None
    return row.made_at


def test_only_what_another_look_would_show_is_computed_again(server: ServerAddress) -> None:
    """Each hour each merchant's half year was read, week by week,
    also of merchants without orders."""

    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        first = await look_again(shop)
        assert await look_again(shop) == first, "there is no order"
        await with_orders(shop, engine=60, holdout=40, count=20)
        async with database_owner(shop.world) as connection:
            await connection.execute(
                "UPDATE uplift_history SET until = until - interval '300 days'"
            )
        second = await look_again(shop)
        assert second > first
        assert await look_again(shop) == second, "no window has closed since"
        async with database_owner(shop.world) as connection:
            await connection.execute(
                "UPDATE order_heads SET expires_at = (SELECT max(until) FROM uplift_history) + "
                "interval '1us'"
            )
        assert await look_again(shop) > second, "windows have closed since"

    run(server, story)
