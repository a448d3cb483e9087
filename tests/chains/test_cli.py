"""`recoup chain`, over a world whose channel is on a test's node."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.chains.node import Anvil
from tests.chains.test_story import Ground, ground
from tests.here import Here, Work

from recoup.chains import sends_store, store
from recoup.chains.channels import without_secrets
from recoup.chains.cli import chain
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened
from recoup.stablecoin.rules.addresses import shown


async def said(made: Ground, *words: str) -> Any:
    """What the verb prints, or the problem that it raises."""
    shop, loop = made.shop, asyncio.get_running_loop()
    opened = Opened(shop.world, Services(shop.orders), Path(), "", shop.merchant_id.hex)

    def does(work: Work) -> Any:
        return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

    done = await asyncio.to_thread(
        CliRunner().invoke, chain, words, obj=Here(does), standalone_mode=False
    )
    if done.exception is not None:
        return done.exception
    return json.loads(done.output) if "--json" in words else done.output


def test_a_halt_is_shown_and_lifted_with_a_note(server: ServerAddress, anvil: Anvil) -> None:
    async def story() -> None:
        async with ground(server, anvil) as made:
            await made.watcher.poll()
            assert {row["code"]: row["halted"] for row in await said(made, "status", "--json")} == {
                "usdc_base": None,
                "usdt_local": None,
            }
            assert (
                await said(made, "check")
                == "usdc_base  Base (31337)  ok\nusdt_local  Base (31337)  ok\n"
            )
            facts = {"code", "rpc", "chain_id", "token", "decimals", "factory", "confirmations"}
            for verb in ("status", "check"):
                for row in await said(made, verb, "--json"):
                    assert row.keys() >= facts, verb
                    assert row["rpc"] == [without_secrets(anvil.url)]
            assert re.search(
                r"read to \d+ of \d+, \d+ s old, asked \d+ s ago  open", await said(made, "status")
            )
            problem = await said(made, "lift", "31337", "--note", "nothing is wrong")
            assert isinstance(problem, Problem)
            assert problem.code == "wrong_state"
            await store.halt(
                made.shop.world.db.alone, 31337, "block 7 was final", made.shop.world.clocks.wall()
            )
            await store.halt(
                made.shop.world.db.alone, 31337, "and something else", made.shop.world.clocks.wall()
            )
            assert "block 7 was final" in await said(made, "status"), "what halted it first"
            lifted = await said(made, "lift", "31337", "--note", " a node\0 was\n moved ")
            assert lifted == "chain 31337 goes on; it was halted because block 7 was final\n"
            assert "block 7" not in await said(made, "status")
            facts = await made.shop.value(
                "SELECT facts FROM audit_lines WHERE action = 'chain.lifted'"
            )
            assert (facts["why"], facts["note"]) == ("block 7 was final", "a node was moved")
            assert facts["halted_at"].endswith("Z")
            assert await said(made, "sends", "--json") == {"senders": [], "stuck": []}

    asyncio.run(story())


@pytest.mark.parametrize("words", [("lift", "x", "--note", "y"), ("lift", "31337")])
def test_words_that_mean_nothing_are_refused(words: tuple[str, ...]) -> None:
    assert CliRunner().invoke(chain, words, obj=Here(lambda work: None)).exit_code == 2


def test_a_token_is_swept_at_a_persons_word(server: ServerAddress, anvil: Anvil) -> None:
    async def story() -> None:
        async with ground(server, anvil) as made:
            order = await made.charge()
            for words in (("coin",), ("coin", "--network", "base")):
                assert "wanted as " in await said(made, "sweep", order.external_id, *words)
            (send,) = await sends_store.strays_of(
                made.shop.world.db, order.merchant_id, order.order_id
            )
            assert (send.state, send.token) == ("wanted", bytes(20))
            assert isinstance(
                await said(made, "sweep", order.external_id, shown(made.token, "evm")), Problem
            )

    asyncio.run(story())
