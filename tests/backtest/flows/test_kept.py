"""Back-tests that are kept: before a policy is saved, and asked for; each tied to what it was asked
of."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.uplift.flows.test_arms import MODEL
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.backtest.flows import kept
from recoup.backtest.flows import make as making
from recoup.backtest.flows.before_saving import save_tried, try_policy
from recoup.backtest.flows.kept import AT_ONCE, LISTED, WAITING_MAX, ask, read_backtest
from recoup.backtest.flows.make import TRIES_MAX, make_leased, work_backtest
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.backtest.moves import (
    KEPT_DRAFTS,
    KEPT_REQUESTS,
    KEPT_SAVED,
    begin_backtest,
    keep_figures,
)
from recoup.backtest.store import PACK, backtest_payments, list_backtests, saved_backtests
from recoup.db.server import ServerAddress
from recoup.engine.learn.choices import keep, take
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.time import BusinessTime
from recoup.networks.magic import script_card
from recoup.orders.store.due_work import Due, claim
from recoup.policies.rules.policy import CURRENT
from recoup.policy_versions.flows.policy_scopes import where_of
from recoup.rescue.flows.arm_place import arm_place
from recoup.rescue.moves.plan import INLINE_GRACE
from recoup.uplift.flows.arms import ArmsChange, set_arms

ONE_TRY = {"tries": {"all": 1}}


def told(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=Policy(call_timeout=timedelta(seconds=2))) as made:
            await story(await make_shop(*made))

    asyncio.run(inside())


async def with_orders(shop: Shop, count: int = 12) -> None:
    anna = Actor("operator", "anna")
    await keep(shop.world, MODEL, None, anna)
    await take(shop.world, MODEL.name, anna)
    await set_arms(
        shop.world, shop.scope, None, ArmsChange("share", share=50, holdout=50, explore=20)
    )
    shop.merchants.forget(shop.merchant_id)
    for who in range(count):
        await shop.admit(pan=script_card("visa", "51", 1), email=f"payer-{who}@example.test")
    await shop.run_due()
    await shop.advance(timedelta(days=35))
    await shop.settle()


async def run_later(shop: Shop) -> None:
    """What a worker does once the request that asked had its time."""
    sql = "UPDATE due_work SET due_at = due_at - $1::interval WHERE kind = 'backtest'"
    async with shop.world.db.connection() as connection:
        await connection.execute(sql, INLINE_GRACE)
    await shop.run_due()


async def begun(shop: Shop, question: dict[str, Any] | None = None) -> tuple[UUID, Due]:
    """One that nobody makes yet, as a worker claims it."""
    made = await question_for(shop.world, shop.merchant_id, BacktestRequest("retry-2"))
    backtest_id, wall = new_id(), shop.world.clocks.wall()
    async with shop.world.db.transaction() as tx:
        await begin_backtest(
            tx,
            shop.merchant_id,
            backtest_id,
            question or made.plain(),
            made.hash,
            "api:x",
            None,
            wall,
        )
    async with shop.world.db.connection() as connection:
        assert not [one for one in await claim(connection, wall, 10) if one.kind == "backtest"], (
            "not beside a request"
        )
        (due,) = [
            one
            for one in await claim(connection, wall + INLINE_GRACE, 10)
            if one.kind == "backtest"
        ]
    return backtest_id, due


async def due_row(shop: Shop) -> Any:
    (row,) = await shop.world.db.fetch(
        "SELECT tries, lease_until FROM due_work WHERE kind = 'backtest'"
    )
    return row


async def listed(shop: Shop) -> list[UUID]:
    async with shop.world.db.read() as connection:
        return [
            one.backtest_id for one in await list_backtests(connection, shop.merchant_id, None, 100)
        ]


def test_what_was_tested_is_tied_to_what_is_saved(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop)
        where = await where_of(shop.world, shop.merchant_id)
        tried = await try_policy(shop.world, shop.scope, where, ONE_TRY)
        assert tried.backtest is not None
        report = tried.backtest.report
        assert report is not None, "of little history the figures are there at once"
        assert report["orders"] == 12
        assert "within merchant/1" in report["policy"]
        assert report["rescued"] is None, "12 orders are not enough, and no number is made up"
        assert {"rescued", "not_rescued"} <= {one["what"] for one in report["missing"]}
        again = await try_policy(shop.world, shop.scope, where, ONE_TRY)
        assert again.backtest is not None
        assert again.backtest.backtest_id == tried.backtest.backtest_id, (
            "the same question has the same answer"
        )
        saved = await save_tried(shop.world, shop.scope, where, ONE_TRY, "fewer", seen=0)
        async with shop.world.db.read() as connection:
            (tied,) = await saved_backtests(connection, shop.merchant_id)
        assert (tied.backtest_id, tied.saved_as, tied.scope) == (
            tried.backtest.backtest_id,
            saved.number,
            "merchant",
        )
        await save_tried(
            shop.world, shop.scope, where, {"tries": {"all": 2}}, "not tried before", seen=1
        )
        await try_policy(shop.world, shop.scope, where, ONE_TRY)
        assert len(await listed(shop)) == 3, (
            "other lines, and the same lines as another version, are tested again"
        )
        async with shop.world.db.read() as connection:
            assert [
                one.saved_as for one in await saved_backtests(connection, shop.merchant_id)
            ] == [1, 2]
        await run_later(shop)
        for one in await listed(shop):
            assert (await read_backtest(shop.world, shop.merchant_id, one)).report is not None, (
                "also of those saved"
            )

    told(server, story)


def test_much_history_is_read_beside_the_request(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 5)
        monkeypatch.setattr(kept, "AT_ONCE", 4)
        where = await where_of(shop.world, shop.merchant_id)
        tried = await try_policy(shop.world, shop.scope, where, ONE_TRY)
        assert tried.backtest is not None
        assert tried.backtest.made_at is None
        await save_tried(shop.world, shop.scope, where, ONE_TRY, "meanwhile")
        await run_later(shop)
        made = await read_backtest(shop.world, shop.merchant_id, tried.backtest.backtest_id)
        assert made.report is not None
        assert made.saved_as == 1
        assert made.report["orders"] == 5
        left = await shop.world.db.fetch("SELECT kind FROM due_work WHERE kind = 'backtest'")
        assert left == []
        due = Due(shop.merchant_id, "backtest", made.backtest_id, 1)
        await work_backtest(shop.world, due)
        assert (
            await read_backtest(shop.world, shop.merchant_id, made.backtest_id)
        ).made_at == made.made_at

    assert AT_ONCE > 4
    told(server, story)


def test_each_payment_is_kept_with_its_plan_and_nobody_elses(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 6)
        question = await question_for(shop.world, shop.merchant_id, BacktestRequest("retry-2"))
        row = await ask(shop.world, shop.scope, question)
        async with shop.world.db.read() as connection:
            rows = await backtest_payments(connection, shop.merchant_id, row.backtest_id, 0, 100)
        assert row.payment_count == len(rows) == 6
        assert all(
            one.payment["verdict"] == "plan" and one.payment["plan"] and one.payment["why"]
            for one in rows
        )
        assert all("payer" not in one.payment for one in rows), "a customer's data may have to go"
        stranger = await make_shop(shop.world, shop.orders, shop.deliveries)
        with pytest.raises(Problem, match="no such back-test"):
            await read_backtest(shop.world, stranger.merchant_id, row.backtest_id)
        async with shop.world.db.read() as connection:
            assert (
                await backtest_payments(connection, stranger.merchant_id, row.backtest_id, 0, 100)
                == []
            )

    told(server, story)


def test_payments_are_read_from_any_place_on(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        backtest_id, _ = await begun(shop)
        payments = [{"order": str(place)} for place in range(2 * PACK + 50)]
        wall, until = shop.world.clocks.wall(), BusinessTime(shop.world.clocks.wall())
        async with shop.world.db.transaction() as tx:
            await keep_figures(
                tx, shop.merchant_id, backtest_id, None, None, payments, until=until, wall=wall
            )
        async with shop.world.db.read() as connection:
            for first, limit in (
                (0, 1),
                (0, PACK),
                (PACK - 1, 2),
                (PACK, 51),
                (95, 2 * PACK),
                (249, 9),
                (250, 9),
            ):
                rows = await backtest_payments(
                    connection, shop.merchant_id, backtest_id, first, limit
                )
                expected = list(range(len(payments)))[first : first + limit]
                assert [row.place for row in rows] == expected
                assert [row.payment["order"] for row in rows] == [str(place) for place in expected]

    told(server, story)


def test_a_site_is_asked_of_its_own_orders_and_sites_inside_keep_their_policy(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 4)
        site = await where_of(shop.world, shop.merchant_id, site_id=shop.site_id)
        await save_tried(shop.world, shop.scope, site, {"off": True}, "not here")
        request = BacktestRequest("retry-2", lines=ONE_TRY)
        row = await ask(
            shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request)
        )
        async with shop.world.db.read() as connection:
            rows = await backtest_payments(connection, shop.merchant_id, row.backtest_id, 0, 10)
        assert [one.payment["plan"] for one in rows] == [[]] * 4, (
            "the site's own policy holds inside"
        )
        there = BacktestRequest("retry-2", lines=ONE_TRY, site_id=shop.site_id)
        row = await ask(
            shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, there)
        )
        assert row.report is not None
        assert row.report["orders"] == 4

    told(server, story)


async def plans(shop: Shop, decider: str, lines: dict[str, Any]) -> dict[str, list[str]]:
    """By order."""
    question = await question_for(
        shop.world, shop.merchant_id, BacktestRequest(decider, lines=lines)
    )
    row = await ask(shop.world, shop.scope, question)
    async with shop.world.db.read() as connection:
        rows = await backtest_payments(connection, shop.merchant_id, row.backtest_id, 0, 100)
    return {one.payment["order"]: one.payment["plan"] for one in rows}


def test_a_policy_is_asked_with_what_it_leaves_to_the_engine(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 24)
        engines, schedules = await plans(shop, "", {}), await plans(shop, CURRENT.version, {})
        assert not set(map(str, engines.values())) & set(map(str, schedules.values()))
        assert await plans(shop, "", {"engine": {"arm": "shadow"}}) == schedules
        assert await plans(shop, "", {"engine": {"share": 0}}) == schedules
        found = await plans(shop, "", {"engine": {"share": 50}})
        rows = await shop.world.db.fetch("SELECT order_id, payer_id FROM order_payer")
        places = {
            str(row["order_id"]): arm_place(shop.world, shop.merchant_id, row["payer_id"])
            for row in rows
        }
        kept_by = {
            order: "engine" if place >= 5_000 else "schedule" for order, place in places.items()
        }
        assert set(kept_by.values()) == {"engine", "schedule"}
        assert found == {
            order: (engines if by == "engine" else schedules)[order]
            for order, by in kept_by.items()
        }
        where = await where_of(shop.world, shop.merchant_id)
        await save_tried(
            shop.world, shop.scope, where, {"engine": {"arm": "off"}}, "by hand", seen=0
        )
        shop.merchants.forget(shop.merchant_id)
        assert await plans(shop, "", {}) == engines, (
            "what is in force says nothing of what it is replaced by"
        )

    told(server, story)


def test_few_wait_and_drafts_take_no_place_of_what_was_asked_for(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        monkeypatch.setattr(kept, "AT_ONCE", -1)
        where = await where_of(shop.world, shop.merchant_id)
        for tries in range(1, WAITING_MAX + 1):
            assert (
                await try_policy(shop.world, shop.scope, where, {"tries": {"all": tries}})
            ).backtest is not None
        assert (
            await try_policy(shop.world, shop.scope, where, {"tries": {"soft": 1}})
        ).backtest is None
        assert (
            await save_tried(shop.world, shop.scope, where, {"tries": {"soft": 1}}, "all the same")
        ).number == 1
        for days in range(200, 200 + WAITING_MAX):
            await asked(shop, days)
        with pytest.raises(Problem, match="wait for their figures"):
            await asked(shop, 300)

    told(server, story)


async def asked(shop: Shop, days: int) -> UUID:
    request = BacktestRequest("retry-2", days=days)
    return (
        await ask(shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request))
    ).backtest_id


def test_drafts_displace_neither_what_was_asked_for_nor_what_a_version_names(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        where = await where_of(shop.world, shop.merchant_id)
        first = await asked(shop, 30)
        await save_tried(shop.world, shop.scope, where, {"tries": {"all": 9}}, "nine", seen=0)
        (named,) = [one for one in await listed(shop) if one != first]
        for tries in range(1, KEPT_DRAFTS + 4):
            await try_policy(shop.world, shop.scope, where, {"tries": {"soft": tries}})
        assert {first, named} < set(await listed(shop))
        assert len(await listed(shop)) == 2 + KEPT_DRAFTS
        for days in range(40, 40 + KEPT_REQUESTS):
            await asked(shop, days)
        assert first not in await listed(shop), "of those that were asked for the newest are kept"
        assert named in await listed(shop)
        for number in range(1, KEPT_SAVED + 2):
            await save_tried(
                shop.world,
                shop.scope,
                where,
                {"tries": {"soft": 1 + number % 2}},
                "again",
                seen=number,
            )
            await run_later(shop)
        await asked(shop, 99)
        assert named not in await listed(shop)
        assert len(await listed(shop)) <= LISTED, "all that is kept is bounded, and listed"

    told(server, story)


def test_what_fails_again_and_again_ends_without_figures(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        backtest_id, due = await begun(shop, {"odd": 1})
        with pytest.raises(ValueError, match="decider"):
            await work_backtest(shop.world, due)
        row = await due_row(shop)
        assert row["tries"] == 1, "tries go on counting, so it ends"
        assert row["lease_until"] > shop.world.clocks.wall(), "nobody else begins it meanwhile"
        await work_backtest(shop.world, due._replace(tries=TRIES_MAX))
        found = await read_backtest(shop.world, shop.merchant_id, backtest_id)
        assert (found.report, found.failed) == (
            None,
            "Something went wrong on our side, several times.",
        )
        assert await shop.world.db.fetch("SELECT FROM due_work WHERE kind = 'backtest'") == []

    told(server, story)


def test_what_waits_for_its_turn_holds_no_place_of_the_worker_and_loses_no_try(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        backtest_id, due = await begun(shop)
        async with making._turn:
            await asyncio.wait_for(work_backtest(shop.world, due), 20)
        assert (await read_backtest(shop.world, shop.merchant_id, backtest_id)).made_at is None
        row = await due_row(shop)
        assert row["lease_until"] < shop.world.clocks.wall() + timedelta(seconds=30), (
            "it comes up again soon"
        )
        assert row["tries"] == 0, "it was not begun"
        async with shop.world.db.connection() as connection:
            later = row["lease_until"] + timedelta(seconds=1)
            (again,) = [one for one in await claim(connection, later, 10) if one.kind == "backtest"]
        assert again.tries == 1
        await work_backtest(shop.world, again)
        assert (await read_backtest(shop.world, shop.merchant_id, backtest_id)).made_at is not None

    told(server, story)


def test_while_one_makes_it_nobody_else_does(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        backtest_id, due = await begun(shop)
        monkeypatch.setattr(making, "RENEWED_SECONDS", 0.05)
        soon = shop.world.clocks.wall() + timedelta(seconds=10)
        async with shop.world.db.connection() as connection:
            await connection.execute(
                "UPDATE due_work SET lease_until = $1 WHERE kind = 'backtest'", soon
            )

        async def slow(_merchant_id: UUID, _backtest_id: UUID) -> None:
            assert not await make_leased(shop.world, shop.merchant_id, backtest_id), (
                "a request leaves it alone"
            )
            await asyncio.sleep(0.5)
            assert (await due_row(shop))["lease_until"] > soon, "however long it takes"
            await making.make(shop.world, shop.merchant_id, backtest_id)

        change_world(shop.world, backtester=slow)
        await work_backtest(shop.world, due)
        assert (await read_backtest(shop.world, shop.merchant_id, backtest_id)).report is not None
        assert not await make_leased(shop.world, shop.merchant_id, backtest_id), "it is made"

    told(server, story)


def test_a_process_makes_one_at_once_and_what_fails_there_is_left_to_the_worker(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 2)
        async with kept._at_once:
            one = await read_backtest(shop.world, shop.merchant_id, await asked(shop, 30))
        assert one.made_at is None, "it is due"
        await run_later(shop)
        assert (
            await read_backtest(shop.world, shop.merchant_id, one.backtest_id)
        ).report is not None

        async def fails(*_: Any) -> None:
            raise ArithmeticError

        with monkeypatch.context() as inside:
            inside.setattr(making, "make", fails)
            other = await read_backtest(shop.world, shop.merchant_id, await asked(shop, 60))
        assert other.made_at is None

    told(server, story)


def test_a_draft_is_whole_where_it_is_due_work(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 5)
        monkeypatch.setattr(kept, "AT_ONCE", 4)
        where = await where_of(shop.world, shop.merchant_id)
        tried = await try_policy(shop.world, shop.scope, where, ONE_TRY)
        assert tried.backtest is not None
        await run_later(shop)
        row = await read_backtest(shop.world, shop.merchant_id, tried.backtest.backtest_id)
        assert row.payment_count == 5
        async with shop.world.db.read() as connection:
            rows = await backtest_payments(connection, shop.merchant_id, row.backtest_id, 0, 10)
        assert all(len(one.payment["plan"]) == 1 and one.payment["why"] for one in rows)

    told(server, story)


def test_without_a_model_the_engine_cannot_be_asked(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(Problem) as refused:
            await ask(
                shop.world,
                shop.scope,
                await question_for(shop.world, shop.merchant_id, BacktestRequest("engine")),
            )
        assert refused.value.field == "decider"
        with pytest.raises(Problem, match="There is no policy x"):
            await question_for(shop.world, shop.merchant_id, BacktestRequest("x"))
        assert await listed(shop) == []

    told(server, story)


def test_of_too_many_orders_a_sample_of_payers_is_read_and_it_says_so(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        await with_orders(shop, 16)
        monkeypatch.setattr(making, "ORDERS_MAX", 10)
        question = await question_for(shop.world, shop.merchant_id, BacktestRequest("retry-2"))
        report = (await ask(shop.world, shop.scope, question)).report
        assert report is not None
        assert report["sampledOf"] == 16
        assert 0 < report["orders"] <= 10

    told(server, story)
