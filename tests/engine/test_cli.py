"""`recoup learn` as a person types it."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.order_history import lived, payments, transmit, until_yesterday
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.engine.cli import learn_verb as learn
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.rescue.store.models import TrainingLine, add_training

NIGHT = datetime(2026, 11, 22, 3, 0, 5, tzinfo=UTC)
RUN = Callable[..., Result]


@contextmanager
def typing(
    server: ServerAddress, tmp_path: Path
) -> Iterator[tuple[Shop, RUN, Callable[[Awaitable[Any]], Any]]]:
    loop = asyncio.new_event_loop()
    opened_world = sandbox_world(server)
    made = loop.run_until_complete(opened_world.__aenter__())
    shop = loop.run_until_complete(make_shop(*made))

    def does(work: Work) -> Any:
        return loop.run_until_complete(
            work(Opened(made[0], Services(*made[1:]), tmp_path, "http://recoup.test"))
        )

    try:
        yield (
            shop,
            lambda *words: CliRunner().invoke(learn, words, obj=Here(does)),
            loop.run_until_complete,
        )
    finally:
        loop.run_until_complete(opened_world.__aexit__(None, None, None))
        loop.close()


def test_a_model_is_trained_looked_at_taken_back_and_taken_again(
    server: ServerAddress, tmp_path: Path
) -> None:
    with typing(server, tmp_path) as (shop, run, wait):
        assert run("list").output == (
            "There is no model yet; `recoup learn` trains one, `recoup learn prior` takes the one "
            "that comes with "
            "Recoup.\nThere is no nightly training here.\n"
        )
        nothing = run().output
        assert "not enough data; nothing was changed. Missing:" in nothing
        assert "14 more days of data (0 of 14)." in nothing
        wait(transmit(shop.world, until_yesterday(payments(shop.merchant_id, 1, 200))))
        tried = run("--dry-run").output
        assert "better; this was a dry run, nothing was changed." in tried
        name = re.search(r"model-[0-9a-f]{12}", tried)
        assert name is not None
        assert json.loads(run("list", "--json").output) == {
            "models": [],
            "drift": None,
            "training": "off",
            "last_training": None,
        }
        assert "result      better; stored, not in use." in run("--candidate").output
        assert f"{name[0]} candidate" in run("list").output
        done = run().output
        assert "result      better, and now in use. `recoup learn back` undoes this." in done
        assert re.search(
            r"score       0\.\d{4}, plain rates 0\.\d{4} \(log loss, lower is better; ", done
        )
        listed = run("list").output
        assert f"{name[0]} taken" in listed
        assert f"{name[0]} sent no attempts in the last 28 days." in listed
        shown = json.loads(run("show", name[0], "--json").output)
        assert (shown["state"], shown["damaged"], shown["content"]["made_from"]) == (
            "taken",
            None,
            "own attempts",
        )
        assert shown["compared_with"] == "plain rates"
        assert run("back").output == "No model is in use now; the fixed schedule applies.\n"
        assert f"{name[0]} retired" in run("list").output
        assert (
            run("take", name[0]).output
            == f"{name[0]} is now in use. `recoup learn back` undoes this.\n"
        )
        again = json.loads(run("--json").output)
        assert (again["taken"], again["model"], again["trial"]["verdict"]) == (
            False,
            name[0],
            "better",
        )


@pytest.mark.prove("engine")
def test_a_damaged_model_is_shown_as_such(server: ServerAddress, tmp_path: Path) -> None:
    with typing(server, tmp_path) as (shop, run, wait):
        before = run("prior").output.split()[0]
        wait(lived(shop))
        made = run().output
        words = (
            "better, and now in use. But it is not used: The model’s data are more than 90 "
            "days old, "
        )
        assert words in made
        found = re.search(r"model-[0-9a-f]{12}", made)
        assert found is not None
        name = found[0]

        async def damage() -> None:
            async with owner(shop.world) as connection:
                await connection.execute("UPDATE models SET content = content || ' '")

        wait(damage())
        assert (
            "DAMAGED     The content is not the one that was stored: its hash differs. It is not "
            "used." in run("show", name).output
        )
        assert json.loads(run("show", name, "--json").output)["content"] is None
        words = (
            f"{before} is in use again. But it is not used: The content is not the one that "
            f"was stored: "
        )
        assert run("back").output.startswith(words)


def test_the_list_says_what_the_night_has_found(server: ServerAddress, tmp_path: Path) -> None:
    with typing(server, tmp_path) as (shop, run, wait):
        row = {
            "began_at": NIGHT,
            "ended_at": NIGHT,
            "mode": "candidate",
            "result": "candidate",
            "attempts": 9_000,
            "model": "model-0123456789ab",
            "compared_with": "plain rates",
            "score": 0.31,
            "compared_score": 0.33,
            "note": "",
        }

        async def night(**found: Any) -> None:
            async with shop.world.db.transaction() as tx:
                await add_training(tx, TrainingLine(**(row | found)))

        wait(night())
        assert (
            "Last at 2026-11-22T03:00:05.000Z: model-0123456789ab is better; `recoup learn take` "
            "uses it.\n" in run("list").output
        )
        wait(
            night(
                began_at=NIGHT + timedelta(days=1),
                result="failed",
                model=None,
                note="It took too long.",
            )
        )
        assert "it failed. It took too long.\n" in run("list").output
        told = json.loads(run("list", "--json").output)["last_training"]
        assert (told["result"], told["began_at"]) == ("failed", "2026-11-23T03:00:05.000Z")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "model-0"), "There is no model 'model-0'."),
        (("take", "model-0"), "There is no model 'model-0'."),
        (("back",), "No model is in use, so there is none to go back from."),
    ],
)
def test_what_is_not_there_is_refused(
    server: ServerAddress, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    with typing(server, tmp_path) as (_, run, _wait):
        refused = run(*words).exception
        assert isinstance(refused, Problem)
        assert refused.sentence().startswith(message)
        assert refused.cure == "`recoup learn list` shows the stored models."


def test_the_model_that_comes_with_recoup_is_put_into_use_once(
    server: ServerAddress, tmp_path: Path
) -> None:
    with typing(server, tmp_path) as (_, run, _):
        first = run("prior")
        assert re.match(
            r"model-[0-9a-f]{12} is now in use: it was trained on simulated customers\.",
            first.output,
        )
        assert "nothing was changed" in run("prior").output
        assert "simulated" in run("show", first.output.split()[0]).output
