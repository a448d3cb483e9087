"""`recoup connect` and `recoup disconnect` as the operator types them: secrets by standard input or
files only."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.routes.flows.test_connect import KEY, OTHER_KEY, POOR_KEY, SECRET, stripe_account
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.routes.cli.connect import end, group


def typed(server: ServerAddress, tmp_path: Path, story: Callable[..., None]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made, stripe_account(tmp_path) as standin:
            shop, loop = await make_shop(*made), asyncio.get_running_loop()

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

            def run(*words: str, given: str = "") -> Result:
                verb = end if words[0] == "disconnect" else group
                return CliRunner().invoke(verb, words[verb is end :], obj=Here(does), input=given)

            await asyncio.to_thread(story, run, standin.url, str(shop.merchant_id))

    asyncio.run(inside())


def test_connected_listed_checked_changed_and_ended(server: ServerAddress, tmp_path: Path) -> None:
    def story(run: Callable[..., Result], url: str, merchant: str) -> None:
        connect = ("stripe", "--merchant", merchant, "--url", url)
        made = run(*connect, given=f"{KEY}\n{SECRET}\n")
        route = next(word for word in made.output.split() if word.startswith("stripe-"))
        assert made.exit_code == 0, made.output
        assert f"The route {route} is connected." in made.output
        assert KEY not in made.output
        assert SECRET not in made.output
        assert "lacks: webhook" in run("list").output
        assert [one["route"] for one in json.loads(run("list", "--json").output)] == [route]
        poor = tmp_path / "key"
        poor.write_text(POOR_KEY + "\n")
        changed = run("change", route, "--key-file", str(poor), "--json")
        assert changed.exit_code == 1
        assert json.loads(changed.output)["state"] == "waiting"
        checked = run("check", route)
        assert checked.exit_code == 1
        assert "!! write Refunds: The key may not do it" in checked.output, checked.output
        assert run("change", route, given=f"{OTHER_KEY}\n\n").exit_code == 0
        assert run("check", route).exit_code == 0
        assert run("disconnect", route).output == f"The connection {route} has ended.\n"
        assert json.loads(run("list", "--json").output)[0]["state"] == "disconnected"

    typed(server, tmp_path, story)


def test_a_secret_is_no_argument_and_an_empty_one_is_refused(
    server: ServerAddress, tmp_path: Path
) -> None:
    def story(run: Callable[..., Result], url: str, merchant: str) -> None:
        connect = ("stripe", "--merchant", merchant, "--url", url)
        assert run(*connect, "--key", KEY).exit_code == 2
        for given in ("", f"{KEY}\n", f"{KEY}\n\x07\n"):
            refused = run(*connect, given=given)
            assert isinstance(refused.exception, Problem)
            assert KEY not in refused.exception.message
        far = run(
            "stripe",
            "--merchant",
            merchant,
            "--url",
            "http://far.example",
            given=f"{KEY}\n{SECRET}\n",
        )
        assert isinstance(far.exception, Problem)
        assert far.exception.field == "url"
        assert isinstance(run("check", "stripe-nobody").exception, Problem)

    typed(server, tmp_path, story)
