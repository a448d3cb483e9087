"""What somebody types who has not read the manual: a clock put back, help, a person who does not
exist."""

import asyncio
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from tests.here import Here, Work
from tests.people.page.test_second_factor import set_up
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.people.cli.people import people
from recoup.rescue.cli import outcome
from recoup.sandbox.cli.clock import clock
from recoup.sandbox.cli.sandbox import sandbox


def typed(verb: click.Command, *words: str) -> Result:
    """What happens before a world is opened."""
    return CliRunner().invoke(
        verb, words, obj=Here(lambda _: pytest.fail("no world is needed for this"))
    )


@pytest.mark.parametrize("back", ["-1d", "-1h", "-90m"])
def test_a_clock_that_is_put_back_is_told_that_it_moves_forward_only(back: str) -> None:
    problem = typed(clock, "advance", back).exception
    assert isinstance(problem, Problem)
    assert (
        problem.sentence()
        == f"'{back}' goes back: a clock moves forward only. Write how far like 22d, 36h or 90m."
    )


@pytest.mark.parametrize("both", [("--fraud", "--service"), ("--won", "--lost")])
def test_a_dispute_has_one_reason_and_one_end(both: tuple[str, str]) -> None:
    nowhere: Any = None
    here = Here(lambda work: asyncio.run(work(Opened(nowhere, Services(), Path(), ""))))
    problem = CliRunner().invoke(sandbox, ["dispute", "an order", *both], obj=here).exception
    assert isinstance(problem, Problem)
    assert "one reason and one end" in problem.sentence()


def test_an_option_of_the_clock_that_is_misspelt_is_still_named() -> None:
    assert "--merchnt" in typed(clock, "advance", "1d", "--merchnt", "x").output


def test_the_help_of_outcome_names_every_key_and_every_end() -> None:
    said = typed(outcome, "--help").output
    for words in (
        "reference number",
        "merchant's own order id",
        "APPROVED, DECLINED, CANCELLED",
        "One JSON object",
    ):
        assert words.lower() in " ".join(said.split()).lower(), words


def people_verb(*words: str) -> Work:
    """What a verb of `recoup people` does in its world."""
    works: list[Work] = []
    CliRunner().invoke(
        people, words, obj=Here(lambda work: works.append(work) or "http://a.test/x")
    )
    return works[0]


@pytest.mark.parametrize("verb", ["password-link", "reset-second-factor"])
def test_nobody_is_asked_about_a_person_who_does_not_exist(
    server: ServerAddress, tmp_path: Path, verb: str
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await set_up(shop, await as_("owner"))
        opened = Opened(shop.world, Services(shop.orders), tmp_path, "http://recoup.test")
        with CliRunner().isolation(input="y\n") as out:
            with pytest.raises(Problem, match="No account has this e-mail"):
                await people_verb(verb, "nobody@example.test")(opened)
            assert out[0].getvalue() == b""
        with CliRunner().isolation(input="n\n") as out:
            with pytest.raises(click.Abort):
                await people_verb(verb, "owner@example.test")(opened)
            assert b"verified the identity" in out[0].getvalue()

    portal(server, story)


def test_who_has_no_second_factor_is_told_before_anything_is_asked(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        await as_("owner")
        opened = Opened(shop.world, Services(shop.orders), tmp_path, "http://recoup.test")
        with CliRunner().isolation(input="y\n") as out:
            with pytest.raises(Problem, match="has no second factor"):
                await people_verb("reset-second-factor", "owner@example.test")(opened)
            assert out[0].getvalue() == b""

    portal(server, story)
