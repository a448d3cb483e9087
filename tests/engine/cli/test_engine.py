"""`recoup engine` as the operator types it: shown, set, stopped for one merchant or for all, and
let go on."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.engine.flows.taken_model import take_model
from tests.here import Here, Work
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.verbs import engine
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.policy_versions.flows.policies import save_policy
from recoup.policy_versions.flows.policy_scopes import where_of


def typed(
    server: ServerAddress,
    tmp_path: Path,
    story: Callable[[Callable[..., Result]], None],
    bounds: Any = None,
    *,
    has_model: bool = False,
) -> None:
    """`bounds`: the operator's, from before."""

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop, loop = await make_shop(*made), asyncio.get_running_loop()
            if has_model:
                await take_model(shop.world)
            if bounds is not None:
                await save_policy(
                    shop.world, shop.scope, await where_of(shop.world), bounds, "a trial first"
                )

            def does(work: Work) -> Any:
                opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://recoup.test")
                return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

            def run(verb: str, *words: str, merchant: str = str(shop.merchant_id)) -> Result:
                return CliRunner().invoke(
                    engine, [verb, "--merchant", merchant, *words], obj=Here(does)
                )

            await asyncio.to_thread(story, run)

    asyncio.run(inside())


def test_it_is_set_shown_stopped_and_let_go_on(server: ServerAddress, tmp_path: Path) -> None:
    def story(run: Callable[..., Result]) -> None:
        assert "off: share 0 %, holdout 10 %, exploration 10 %" in run("show").output
        said = run("set", "--mode", "share", "--share", "60", "--explore", "5").output
        assert said == "share: share 60 %, holdout 10 %, exploration 5 %\n"
        bounded = run("set", "--explore-max", "500 USD; 90,5 EUR").output
        assert "exploration 5 % up to 90.50 EUR; 500.00 USD\n" in bounded
        assert run("set", "--explore-max", "").output == said
        assert run("stop", "--why", "odd approvals").output == "The engine is stopped.\n"
        assert run("stop", "--why", "again").output == "The engine was already stopped.\n"
        assert run("stop", "--all", "--why", "bad data").output == "The engine is stopped.\n"
        told = json.loads(run("show", "--json").output)
        assert told["merchant"]["share"] == 60
        assert told["model"] is not None
        assert [(one["all"], one["why"]) for one in told["stops"]] == [
            (False, "odd approvals"),
            (True, "bad data"),
        ]
        shown = run("show").output
        assert "for all merchants since" in shown
        for words in ((), ("--all",)):
            assert run("resume", *words).output == "The engine decides again.\n"
        assert run("resume").output == "The engine was not stopped.\n"
        assert json.loads(run("show", "--json").output)["stops"] == []

    typed(server, tmp_path, story, has_model=True)


def test_it_says_what_a_bound_leaves(server: ServerAddress, tmp_path: Path) -> None:
    def story(run: Callable[..., Result]) -> None:
        run("set", "--mode", "share", "--share", "50")
        line = "share: share 50 %, holdout 10 %, exploration 10 %"
        left = "; in force for new orders: share, share 20 %, by the retry policy of operator"
        assert run("set", "--explore", "10").output == f"{line}{left}\n"
        assert f"merchant   {line}{left}\n" in run("show").output
        told = json.loads(run("show", "--json").output)
        assert told["in_force"]["merchant"] == {"mode": "share", "share": 20, "by": ["operator"]}

    typed(server, tmp_path, story, bounds={"engine": {"share": 20}}, has_model=True)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("set", "--share", "95"), "share"),
        (("set", "--holdout", "51"), "holdout"),
        (("set", "--mode", "inherit"), "mode"),
        (("set", "--explore-max", "500"), "explore_max"),
        (("stop", "--why", " "), "why"),
        (("set", "--site", "x"), "site"),
    ],
)
def test_what_is_wrong_names_the_option(
    server: ServerAddress, tmp_path: Path, words: tuple[str, ...], field: str
) -> None:
    def story(run: Callable[..., Result]) -> None:
        problem = run(*words).exception
        assert isinstance(problem, Problem)
        assert problem.facts.get("field", problem.field) == field

    typed(server, tmp_path, story)


def test_a_merchant_that_is_not_there(server: ServerAddress, tmp_path: Path) -> None:
    def story(run: Callable[..., Result]) -> None:
        for words in (("show",), ("set", "--share", "5"), ("stop", "--why", "x")):
            problem = run(*words, merchant=str(new_id())).exception
            assert isinstance(problem, Problem)
            assert problem.code == "not_found"

    typed(server, tmp_path, story)
