"""A back-test that took a while has its figures, or failed for good: whoever asked is told, once,
and nobody else."""

from dataclasses import replace
from uuid import UUID

import pytest
from tests.backtest.flows.test_kept import run_later
from tests.notifications.flows.test_kill_notifications import killed_everywhere
from tests.telling import arrived, go_round, run, told, work_alerts
from tests.worlds import Shop, owner

from recoup.backtest.flows import kept
from recoup.backtest.flows.before_saving import try_policy
from recoup.backtest.flows.kept import ask
from recoup.backtest.flows.make import TRIES_MAX, work_backtest
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.db.server import ServerAddress
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.notifications.flows.notifications import choose
from recoup.notifications.rules.notification_words import words_of
from recoup.orders.store.due_work import Due
from recoup.policy_versions.flows.policy_scopes import where_of


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request makes any itself."""
    monkeypatch.setattr(kept, "AT_ONCE", -1)


async def asked(shop: Shop, actor: Actor, days: int = 90) -> UUID:
    question = await question_for(
        shop.world, shop.merchant_id, BacktestRequest("retry-2", days=days)
    )
    return (await ask(shop.world, replace(shop.scope, actor=actor), question)).backtest_id


async def hearers(shop: Shop) -> list[UUID]:
    return [one["user_id"] for one in await told(shop) if one["kind"] == "backtest"]


@pytest.mark.usefixtures("beside")
def test_whoever_asked_is_told_with_the_way_to_it(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        backtest_id = await asked(shop, Actor("user", str(people["owner"])))
        await run_later(shop)
        await go_round(shop)
        [mine] = await told(shop)
        assert (mine["user_id"], mine["kind"], mine["mail_state"]) == (
            people["owner"],
            "backtest",
            "sent",
        )
        words = words_of("backtest", mine["facts"])
        assert (words.title, words.path) == ("Your back-test is made", f"/backtests/{backtest_id}")
        assert words.lines == (
            "Payments of 90 days. Schedule retry-2, within the policies that held at the time.",
        )
        [mail] = await arrived(shop)
        assert mail["recipient"] == "owner@staff.example"
        assert f"/notifications/{mine['notification_id']}" in mail["text"]

    run(server, story)


@pytest.mark.usefixtures("beside")
def test_everybody_who_asked_meanwhile_is_told_once(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        analyst, staff = people["analyst"], people["operator"]
        for actor in (
            Actor("user", str(analyst)),
            Actor("user", str(people["owner"]), behind=str(staff)),
            Actor("operator", str(staff)),
            Actor("operator", "cli"),
        ):
            await asked(shop, actor)
        await run_later(shop)
        await asked(shop, Actor("user", str(people["operations"])))  # it has its figures
        await go_round(shop)
        assert sorted(await hearers(shop)) == sorted([analyst, staff]), (
            "an impersonated member did not ask"
        )

    run(server, story)


@pytest.mark.usefixtures("beside")
def test_of_a_key_its_maker_is_told(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        async with owner(shop.world) as connection:
            sql = (
                "UPDATE directory.api_keys SET made_by = $2 WHERE merchant_id = $1 RETURNING "
                "app_key"
            )
            made_by = Actor("user", str(people["developer"])).text()
            key = await connection.fetchval(sql, shop.merchant_id, made_by)
        for days, name in ((90, key), (60, "of nobody")):
            await asked(shop, Actor("api", name), days)
            await run_later(shop)
        await go_round(shop)
        assert await hearers(shop) == [people["developer"]]

    run(server, story)


def test_what_stands_in_the_response_rings_no_bell(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await asked(shop, Actor("user", str(people["owner"])))
        with monkeypatch.context() as later:
            later.setattr(kept, "AT_ONCE", -1)
            await asked(shop, Actor("user", str(people["analyst"])), 60)
        await asked(
            shop, Actor("user", str(people["owner"])), 60
        )  # the response has what another still waits for
        await go_round(shop)
        assert await hearers(shop) == [people["analyst"]]

    run(server, story)


@pytest.mark.usefixtures("beside")
def test_a_check_before_saving_is_told_and_those_who_do_not_want_it_hear_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        await choose(
            shop.world, people["operations"], shop.merchant_id, {"backtest": (False, False)}
        )
        where = await where_of(shop.world, shop.merchant_id)
        for name in ("owner", "operations", "stranger"):
            scope = replace(shop.scope, actor=Actor("user", str(people[name])))
            await try_policy(shop.world, scope, where, {"tries": {"all": 1}})
        await run_later(shop)
        await go_round(shop)
        assert await hearers(shop) == [people["owner"]]
        words = words_of("backtest", (await told(shop))[0]["facts"])
        assert "before it became version 1" in words.lines[0]

    run(server, story)


@pytest.mark.usefixtures("beside")
def test_one_that_failed_for_good_is_told_with_its_reason(server: ServerAddress) -> None:
    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        backtest_id = await asked(shop, Actor("user", str(people["owner"])))
        await work_backtest(
            shop.world, Due(shop.merchant_id, "backtest", backtest_id, TRIES_MAX + 1)
        )
        await go_round(shop)
        [mine] = await told(shop)
        words = words_of("backtest", mine["facts"])
        assert (words.title, words.lines[1]) == (
            "A back-test has no figures",
            "Something went wrong on our side, several times.",
        )

    run(server, story)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("beside")
def test_it_is_told_once_whatever_dies(server: ServerAddress) -> None:
    days = iter(range(30, 700))

    async def story(shop: Shop, people: dict[str, UUID]) -> None:
        async def begin() -> UUID:
            return await asked(shop, Actor("user", str(people["owner"])), next(days))

        async def act(world: World, backtest_id: UUID) -> None:
            await work_backtest(world, Due(shop.merchant_id, "backtest", backtest_id, 1))
            await work_alerts(world, shop.merchant_id)

        async def check(backtest_id: UUID) -> None:
            found = await told(shop)
            assert [row["facts"]["backtest_id"] for row in found].count(str(backtest_id)) == 1
            assert {row["user_id"] for row in found} == {people["owner"]}
            assert not await shop.value(
                "SELECT count(*) FROM due_work WHERE kind IN ('alert', 'backtest')"
            )

        await killed_everywhere(shop, begin, act, check, steps_min=6)

    run(server, story)
