"""`recoup bank adjust`: by a named person, who is the same person in the portal."""

import asyncio
import stat
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from tests.here import Here
from tests.settling import rows, sold
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.services import Services
from recoup.main.bootstrap import OPERATOR_USER, make_operator
from recoup.merchants.cli import Opened
from recoup.people.flows.make_user import Membership, make_user
from recoup.people.store.people import find_user
from recoup.reconciliation.cli.bank import bank
from recoup.settlement.flows.adjust import decide_adjustment


def _adjust(
    opened: Opened, loop: asyncio.AbstractEventLoop, shop: Shop, options: tuple[str, ...]
) -> Any:
    here = Here(lambda work: asyncio.run_coroutine_threadsafe(work(opened), loop).result(30))
    call = (
        "adjust",
        "-12.50",
        "USD",
        "--note",
        "Why",
        "--merchant",
        str(shop.merchant_id),
        *options,
    )
    done = CliRunner().invoke(bank, call, obj=here)
    return done.output if done.exception is None else done.exception


def _file(out: Path, *options: str) -> Any:
    """`recoup bank file`, where the payout has a file."""
    here = Here(lambda _: ("payout.ach", b"101 the file"))
    return CliRunner().invoke(
        bank, ("file", str(UUID(int=1)), "--out", str(out), *options), obj=here
    )


def test_a_bank_file_is_a_new_file_that_nobody_else_can_read(tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "payout.ach", tmp_path / "elsewhere"
    assert _file(tmp_path).output == f"{target}\n"
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"101 the file", 0o600)
    target.write_text("older")
    target.chmod(0o644)
    for lies in ("a file", "a link"):
        refused = _file(tmp_path).exception
        assert isinstance(refused, Problem), lies
        assert (refused.code, refused.field) == ("conflict", "out")
        assert target.read_text() == "older"
        elsewhere.write_text("older")
        target.unlink()
        target.symlink_to(elsewhere)
    assert _file(tmp_path, "--replace").exception is None
    assert (target.is_symlink(), target.read_bytes()) == (False, b"101 the file")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert elsewhere.read_text() == "older"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["elsewhere", "payout.ach"]
    assert _file(tmp_path / "none").exception.field == "out"


@pytest.mark.parametrize(
    "amount", ["999999999999999999.99", "-999999999999999999.99", "90000000000000000"]
)
def test_an_adjustment_too_large_for_any_sum_is_refused_by_its_field(amount: str) -> None:
    here = Here(lambda _: pytest.fail("it was booked"))
    done = CliRunner().invoke(bank, ("adjust", amount, "USD", "--note", "Why"), obj=here)
    assert isinstance(done.exception, Problem)
    assert done.exception.field == "amount"
    assert "10,000,000,000,000 USD" in done.exception.sentence()


def test_an_adjustment_begun_at_the_command_line_is_not_booked_by_the_same_person(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, opened = (
                await make_shop(*made),
                Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1"),
            )
            await sold(shop)
            await shop.close_pages()
            await make_operator(shop.world)
            for email, memberships in (
                ("owner@shop.test", [Membership("merchant", shop.merchant_id, "owner")]),
                ("analyst@recoup.test", [Membership("operator", shop.merchant_id, "analyst")]),
            ):
                await make_user(shop.world, email, "Somebody", "a password of theirs", memberships)
            loop = asyncio.get_running_loop()
            for options in (
                (),
                ("--as", " "),
                ("--as", "owner@shop.test"),
                ("--as", "analyst@recoup.test"),
                ("--as", "nobody@recoup.test"),
            ):
                refused = await asyncio.to_thread(_adjust, opened, loop, shop, options)
                assert isinstance(refused, Problem), refused
                assert refused.field == "as"
            assert not await rows(shop, "SELECT * FROM adjustments WHERE merchant_id = $1")
            told = await asyncio.to_thread(
                _adjust, opened, loop, shop, ("--as", OPERATOR_USER.upper())
            )
            assert "second person" in told
            async with shop.world.people.connection() as connection:
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
