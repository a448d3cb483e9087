"""`recoup cards`: named people propose and decide; the same persons as in the portal."""

import asyncio
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from tests.desk.page.test_cards import two
from tests.here import Here
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.desk.cli.cards import cards
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.main.bootstrap import OPERATOR_USER, make_operator
from recoup.merchants.cli import Opened
from recoup.people.flows.make_user import Membership, make_user


def test_two_people_join_two_prints_at_the_command_line(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, opened = (
                await make_shop(*made),
                Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1"),
            )
            await make_operator(shop.world)
            member = Membership("operator", shop.merchant_id, "operations")
            await make_user(
                shop.world, "otto@recoup.test", "Otto", "a password of theirs", [member]
            )
            loop = asyncio.get_running_loop()
            first, second = await two(shop)

            def invoke(*words: str) -> Any:
                here = Here(
                    lambda work: asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)
                )
                done = CliRunner().invoke(
                    cards, (*words, "--merchant", str(shop.merchant_id)), obj=here
                )
                return done.output if done.exception is None else done.exception

            async def recoup(*words: str) -> Any:
                return await asyncio.to_thread(invoke, *words)

            assert "Nothing was proposed" in await recoup("list")
            assert "joined with no other" in await recoup("show", first)
            said = ("join", first, second, "--reason", "why", "--evidence", "where")
            assert isinstance(nobody := await recoup(*said), Problem)
            assert nobody.field == "as"
            assert "waits for a second person" in await recoup(*said, "--as", OPERATOR_USER)
            (row,) = json.loads(await recoup("list", "--json"))["joins"]
            assert (row["state"], row["reason"], row["evidence"]) == ("waiting", "why", "where")
            assert isinstance(
                own := await recoup("decide", row["id"], "--as", OPERATOR_USER), Problem
            )
            assert own.code == "forbidden"
            assert isinstance(await recoup("decide", "none", "--as", OPERATOR_USER), Problem)
            assert " joined by user:" in await recoup(
                "decide", row["id"], "--as", "otto@recoup.test"
            )
            for order in (first, second):
                shown = json.loads(await recoup("show", order, "--json"))
                assert shown["joined_at"]
                assert [one["id"] for one in shown["joins"]] == [row["id"]]
            assert f"{row['id']} joined by" in await recoup("show", first)
            assert "proposed by" in await recoup("list")

    asyncio.run(story())
