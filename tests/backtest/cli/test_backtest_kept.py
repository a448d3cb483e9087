"""`recoup backtest list` and `show`: of a merchant's own back-tests, made, being made, failed, and
none."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from click.testing import CliRunner, Result
from tests.backtest.flows.test_kept import begun, run_later
from tests.backtest.flows.test_of_imports import lines
from tests.here import Here, Work
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.backtest.cli.backtest import backtest
from recoup.backtest.flows.kept import ask
from recoup.backtest.flows.make import TRIES_MAX, work_backtest
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.db.server import ServerAddress
from recoup.imports.flows import finish, read_import
from recoup.imports.rules.answers import Answers
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened

Verb = Callable[..., Awaitable[Result]]
Story = Callable[[Shop, Verb], Awaitable[None]]


def run(server: ServerAddress, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, loop = await make_shop(*made), asyncio.get_running_loop()

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), Path(), "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(
                    work(opened),  # type: ignore[arg-type]
                    loop,
                ).result()

            async def verb(*words: object, merchant: UUID | None = None) -> Result:
                given = [*map(str, words), "--merchant", str(merchant or shop.merchant_id)]
                return await asyncio.to_thread(CliRunner().invoke, backtest, given, obj=Here(does))

            await story(shop, verb)

    asyncio.run(inside())


async def asked(shop: Shop, days: int = 90, import_id: UUID | None = None) -> UUID:
    request = BacktestRequest("retry-2", days=days, import_id=import_id)
    return (
        await ask(shop.world, shop.scope, await question_for(shop.world, shop.merchant_id, request))
    ).backtest_id


def test_what_was_asked_for_is_listed_and_shown(server: ServerAddress) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        assert (await verb("list")).output == "No back-test is kept.\n"
        first, second = await asked(shop), await asked(shop, 30)
        shown = (await verb("list")).output.splitlines()
        assert [line.split()[0] for line in shown] == [str(second), str(first)]
        name = "Payments of 90 days: Schedule retry-2, within the policies that held at the time"
        assert shown[1].endswith(f"not enough    {name}")
        result = await verb("show", first)
        assert result.exit_code == 0
        assert "policy      not enough to say what it would have rescued:" in result.output
        assert f"by api:{shop.scope.actor.id}" in result.output
        plain = json.loads((await verb("show", first, "--json")).output)
        assert (plain["id"], plain["question"]["days"], plain["report"]["basis"]) == (
            str(first),
            90,
            "propensities",
        )
        listed = json.loads((await verb("list", "--json")).output)["data"]
        assert [one["id"] for one in listed] == [str(second), str(first)]
        assert "report" not in listed[0]

    run(server, story)


def test_of_an_import_what_was_and_the_bounds_are_shown(server: ServerAddress) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        answers = Answers("", "", "", "")
        read = await read_import(
            shop.world, shop.scope, "past.jsonl", io.BytesIO(lines(400)), answers, dry_run=False
        )
        assert read.stored is not None
        await finish(shop.world, (shop.merchant_id, read.stored.import_id))
        backtest_id = await asked(shop, import_id=read.stored.import_id)
        await run_later(shop)
        shown = (await verb("show", backtest_id)).output
        assert "back-test   Imported payments of past.jsonl: Schedule retry-2" in shown
        assert "Imported payments of past.jsonl: Schedule retry-2" in (await verb("list")).output
        assert "then        50.0% of " in shown
        assert "rescued, if nothing is assumed" in shown

    run(server, story)


def test_one_that_is_being_made_says_so_and_one_that_failed_exits_with_1(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        backtest_id, due = await begun(shop)
        shown = await verb("show", backtest_id)
        assert (shown.exit_code, shown.output.splitlines()[-1]) == (0, "figures     are being made")
        assert "being made" in (await verb("list")).output
        await work_backtest(shop.world, due._replace(tries=TRIES_MAX + 1))
        shown = await verb("show", backtest_id)
        assert shown.exit_code == 1
        assert (
            shown.output.splitlines()[-1]
            == "failed      Something went wrong on our side, several times."
        )
        assert json.loads((await verb("show", backtest_id, "--json")).output)["failed"]

    run(server, story)


def test_nobody_elses_is_shown_and_wrong_words_are_refused(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, verb: Verb) -> None:
        backtest_id = await asked(shop)
        stranger = await make_shop(shop.world, shop.orders, shop.deliveries)
        for words in (("show",), ("show", "x"), ("list", "x"), ("nowhere.jsonl",)):
            assert (await verb(*words)).exit_code != 0, words
        assert (await verb("show", backtest_id, merchant=stranger.merchant_id)).exit_code != 0
        assert (
            await verb("list", merchant=stranger.merchant_id)
        ).output == "No back-test is kept.\n"

    run(server, story)
