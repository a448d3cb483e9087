"""`recoup bank adjust`: by a named person, who is the same person in the portal."""

import asyncio
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from tests.flows.money.settling import rows, sold
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.doors.command import bank
from recoup.doors.command.verbs import Opened
from recoup.flows.bootstrap import OPERATOR_USER, make_operator
from recoup.flows.money.adjust import decide_adjustment
from recoup.flows.people.make_user import Membership, make_user
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.store.read.people import find_user
from recoup.store.server import ServerAddress


def _adjust(opened: Opened, loop: asyncio.AbstractEventLoop, shop: Shop, options: tuple[str, ...]) -> Any:
    cli = click.Group()
    bank.add(cli, lambda _, work: asyncio.run_coroutine_threadsafe(work(opened), loop).result(30), lambda **_: None)
    call = ("bank", "adjust", "-12.50", "USD", "--note", "Why", "--merchant", str(shop.merchant_id), *options)
    done = CliRunner().invoke(cli, call)
    return done.output if done.exception is None else done.exception


@pytest.mark.parametrize("amount", ["999999999999999999.99", "-999999999999999999.99", "90000000000000000"])
def test_an_adjustment_too_large_for_any_sum_is_refused_by_its_field(amount: str) -> None:
    cli = click.Group()
    bank.add(cli, lambda *_: pytest.fail("it was booked"), lambda **_: None)
    done = CliRunner().invoke(cli, ("bank", "adjust", amount, "USD", "--note", "Why"))
    assert isinstance(done.exception, Problem)
    assert done.exception.field == "amount"
    assert "10,000,000,000,000 USD" in done.exception.sentence()


def test_an_adjustment_begun_at_the_command_line_is_not_booked_by_the_same_person(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, opened = await make_shop(*made), Opened(*made, tmp_path, "http://127.0.0.1")
            await sold(shop)
            await shop.close_pages()
            await make_operator(shop.world)
            for email, memberships in (
                ("owner@shop.test", [Membership("merchant", shop.merchant_id, "owner")]),
                ("analyst@recoup.test", [Membership("operator", shop.merchant_id, "analyst")]),
            ):
                await make_user(shop.world, email, "Somebody", "a password of theirs", memberships)
            loop = asyncio.get_running_loop()
            for options in ((), ("--as", " "), ("--as", "owner@shop.test"), ("--as", "analyst@recoup.test"),
                            ("--as", "nobody@recoup.test")):  # fmt: skip
                refused = await asyncio.to_thread(_adjust, opened, loop, shop, options)
                assert isinstance(refused, Problem), refused
                assert refused.field == "as"
            assert not await rows(shop, "SELECT * FROM adjustments WHERE merchant_id = $1")
            told = await asyncio.to_thread(_adjust, opened, loop, shop, ("--as", OPERATOR_USER.upper()))
            assert "second person" in told
            async with shop.world.extra["people"].connection() as connection:
                operator = await find_user(connection, OPERATOR_USER)
            assert operator is not None
            (made_,) = await rows(shop, "SELECT * FROM adjustments WHERE merchant_id = $1")
            assert made_["made_by"] == f"user:{operator.user_id}"
            portal = Scope(shop.merchant_id, Actor("user", str(operator.user_id)), "portal")
            with pytest.raises(Problem, match="second person"):
                await decide_adjustment(shop.world, portal, made_["adjustment_id"], book=True)
            other = Scope(shop.merchant_id, Actor("user", "another"), "portal")
            await decide_adjustment(shop.world, other, made_["adjustment_id"], book=True)

    asyncio.run(story())
