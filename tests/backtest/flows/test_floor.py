"""The floor: where the schedule would have rescued more, the engine stops, once for each day's
figures."""

from datetime import timedelta
from typing import Any, Final

from tests.backtest.flows.test_kept import listed, told, with_orders
from tests.worlds import Shop, owner

from recoup.backtest.flows.floor import WHY, watch_floor
from recoup.backtest.flows.kept import FRESH, read_backtest
from recoup.backtest.moves import keep_figures
from recoup.db.server import ServerAddress
from recoup.kernel.time import BusinessTime
from recoup.notifications.rules.notification_words import words_of
from recoup.uplift.flows.arms import ArmsChange, resume, set_arms

BETTER: Final = {"orders": 12_400, "difference": {"value": 0.04, "low": 0.03, "high": 0.05}}


async def asked(shop: Shop) -> list[Any]:
    rows: list[Any] = await shop.world.db.fetch(
        "SELECT backtest_id, question, requested_by, made_at, report FROM backtests ORDER BY "
        "backtest_id"
    )
    return rows


async def show(shop: Shop, report: dict[str, Any]) -> None:
    """The figures of the last one, as a process beside would have made them."""
    *_, last = await asked(shop)
    wall = shop.world.clocks.wall()
    async with shop.world.db.transaction() as tx:
        await tx.execute(
            "UPDATE backtests SET made_at = NULL WHERE backtest_id = $1", last["backtest_id"]
        )
        await keep_figures(
            tx,
            shop.merchant_id,
            last["backtest_id"],
            report,
            None,
            [],
            until=BusinessTime(wall),
            wall=wall,
        )


async def days_pass(shop: Shop, days: int) -> None:
    """Since somebody started the engine again."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE engine_stops SET ended_at = ended_at - $1::interval", timedelta(days=days)
        )


def test_the_engine_stops_where_the_schedule_would_have_rescued_more(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop)
        assert await watch_floor(shop.world) == 0
        (row,) = await asked(shop)
        assert (row["requested_by"], row["report"]["verdict"], row["report"]["orders"]) == (
            "worker:floor",
            "not_told",
            12,
        )
        assert await listed(shop) == [], "nobody asked for it"
        assert await watch_floor(shop.world) == 0
        assert len(await asked(shop)) == 1, "once a day"

        await show(shop, BETTER)
        assert await watch_floor(shop.world) == 1
        assert await watch_floor(shop.world) == 0, "it is stopped"
        (stop,) = await shop.world.db.fetch("SELECT why, actor, ended_at FROM engine_stops")
        assert (stop["why"], stop["actor"], stop["ended_at"]) == (WHY, "worker:floor", None)
        (facts,) = await shop.world.db.fetch("SELECT facts FROM alerts WHERE kind = 'uplift'")
        words = words_of("uplift", facts["facts"])
        assert words.lines == (
            "On 12,400 orders it would have rescued 2.2 to 5.8 percentage points more. You can "
            "start it again.",
        )
        shown = await read_backtest(shop.world, shop.merchant_id, row["backtest_id"])
        assert words.path == f"/backtests/{shown.backtest_id}"

        await resume(shop.world, shop.scope)
        shop.merchants.forget(shop.merchant_id)
        await days_pass(shop, 13)
        assert await watch_floor(shop.world) == 0
        assert len(await asked(shop)) == 1, "not by the orders before somebody started it again"
        await days_pass(shop, 2)
        assert await watch_floor(shop.world) == 0
        *_, last = await asked(shop)
        assert last["question"]["days"] == 15
        await show(shop, BETTER)
        assert await watch_floor(shop.world) == 1
        assert (
            await shop.world.db.fetchval("SELECT count(*) FROM alerts WHERE kind = 'uplift'") == 2
        )

    told(server, story)


def test_who_is_not_served_is_not_asked_about(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        assert await watch_floor(shop.world) == 0
        await with_orders(shop, 1)
        await set_arms(shop.world, shop.scope, None, ArmsChange("shadow"))
        shop.merchants.forget(shop.merchant_id)
        await shop.advance(timedelta(days=1))
        assert await watch_floor(shop.world) == 0
        assert await asked(shop) == []

    told(server, story)


def test_an_engine_that_is_not_worse_goes_on(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 1)
        await watch_floor(shop.world)
        unsure = {"value": 0.031, "low": 0.012, "high": 0.05}  # at one look it would be enough
        for difference in (None, {"value": -0.04, "low": -0.05, "high": -0.03}, unsure):
            report = BETTER | {"difference": difference}
            await show(shop, report)
            assert await watch_floor(shop.world) == 0
        assert await shop.world.db.fetchval("SELECT count(*) FROM engine_stops") == 0

    told(server, story)


def test_one_that_fails_is_asked_again_the_next_day_only(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 1)
        await watch_floor(shop.world)
        async with owner(shop.world) as connection:
            await connection.execute(
                'UPDATE backtests SET failed = \'{"text": "no"}\', report = NULL'
            )
        assert await watch_floor(shop.world) == 0
        assert len(await asked(shop)) == 1
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE backtests SET requested_at = requested_at - $1::interval", FRESH
            )
        assert await watch_floor(shop.world) == 0
        assert len(await asked(shop)) == 2

    told(server, story)
