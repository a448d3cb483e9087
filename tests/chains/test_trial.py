"""`recoup up --chain` and its payers: channels of play money, on nodes of this machine or on the
one that is named."""

import asyncio
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.chains.chain_door import ChainDoor, chain_door
from tests.chains.node import Anvil, Settings, installed, started
from tests.log_lines import logged

from recoup.chains.channels import read_channels
from recoup.chains.trial import Trial
from recoup.chains.verbs import transfer
from recoup.db.server import ServerAddress
from recoup.db.server.footing import end_with_parent
from recoup.kernel.problem import Problem
from recoup.kernel.services import Services
from recoup.merchants.cli import Opened


@contextmanager
def running(trial: Trial) -> Iterator[None]:
    installed()
    nodes = [
        subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent())
        for _, command in trial.nodes()
    ]
    try:
        yield
    finally:
        for node in nodes:
            node.terminate()  # it writes its chain down
            node.wait()


@pytest.mark.prove("chains")
def test_nodes_of_its_own_go_on_with_their_chains(tmp_path: Path) -> None:
    file = tmp_path / "recoup.toml"
    file.write_text("port = 8500\n")
    file.chmod(0o644)
    written = []
    for _ in range(2):
        trial = Trial(tmp_path, file, "")
        with running(trial):
            trial.prepare()
        written.append(file.read_text())
        kept = [file, *(tmp_path / "chain").glob("*.json")]
        assert len(kept) == 4
        assert {stat.S_IMODE(one.stat().st_mode) for one in kept} == {0o600}
    assert written[0] == written[1], "the same ports, tokens and factory"
    assert tomllib.loads(written[0])["port"] == 8500, "what stood there stays"
    found = read_channels(tomllib.loads(written[0])["channels"])
    assert {one.code: (one.network, one.decimals) for one in found} == {
        "usdc_base": ("base", 6),
        "usdt_base": ("base", 6),
        "usdt_bep20": ("bsc", 18),
        "usdc_bep20": ("bsc", 18),
    }


@pytest.mark.prove("chains")
def test_the_node_that_is_named_is_used_and_nothing_of_a_real_chain(
    tmp_path: Path, anvil: Anvil
) -> None:
    file = tmp_path / "recoup.toml"
    trial = Trial(tmp_path, file, anvil.url)
    assert trial.nodes() == []
    trial.prepare()
    assert [
        one.endpoints for one in read_channels(tomllib.loads(file.read_text())["channels"])
    ] == [(anvil.url,)] * 2
    with started(Settings(chain_id=8453)) as real, pytest.raises(Problem, match="is a real chain"):
        Trial(tmp_path, file, real.url).prepare()
    with pytest.raises(Problem, match="does not answer"):
        Trial(tmp_path, file, "http://127.0.0.1:1").prepare()
    with pytest.raises(Problem, match="'8545' is no address of a node"):
        Trial(tmp_path, file, "8545")
    file.write_text('[[channels]]\nworld = "sandbox"\n')
    with pytest.raises(Problem, match="names channels of the sandbox already"):
        Trial(tmp_path, file, "")


@pytest.mark.parametrize("anvil", [Settings(slots=20)], indirect=True)
def test_a_payer_pays_short_wrong_late_and_in_vain(server: ServerAddress, anvil: Anvil) -> None:
    with chain_door(server, anvil) as chain:
        chain.mine(20)
        short, wrong, gone, late = (chain.charge(amount="10.00") for _ in range(4))
        chain.poll()
        assert deposit(chain, short, amount="4").startswith("sent 4.00 USDC on base")
        deposit(chain, wrong, token="usdt")
        deposit(chain, gone, reorg=True)
        chain.mine(3)
        chain.poll()
        chain.poll()
        seen = {
            name: chain.answer(one)
            for name, one in (("short", short), ("wrong", wrong), ("gone", gone))
        }
        assert {
            name: (one["order"]["status"], one["payment"]["exceptions"])
            for name, one in seen.items()
        } == {
            "short": ("pending", ["underpaid"]),
            "wrong": ("created", ["wrong_token"]),
            "gone": ("created", []),
        }
        assert seen["gone"]["payment"]["deposits"][0]["status"] == "orphaned"
        with pytest.raises(Problem, match="No channel of the sandbox takes"):
            deposit(chain, short, network="bsc")
        with logged() as told:
            deposit(chain, late, late=True)
        assert not [one for one in told if one["log_level"] == "warning"], (
            "what waits for the chain is no failure"
        )
        chain.mine(9)
        chain.poll()
        assert (
            chain.answer(late)["order"]["status"],
            chain.answer(late)["payment"]["exceptions"],
        ) == (
            "paid",
            ["late"],
        )


def deposit(chain: ChainDoor, charged: dict[str, Any], **given: Any) -> str:
    """While the chain is read, as the worker does."""
    usual = {"amount": None, "token": None, "network": None, "late": False, "reorg": False}
    opened = Opened(
        chain.door.world, Services(chain.door.orders, chain.door.deliveries), Path(), ""
    )

    async def read() -> None:
        while True:
            await chain.read()
            await asyncio.sleep(0.1)

    async def both() -> str:
        reading = asyncio.create_task(read())
        try:
            return await transfer(opened, charged["order"]["id"], **(usual | given))
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    return chain.door.run(both())
