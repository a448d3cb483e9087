"""`recoup up --chain`: the sandbox's channels on development nodes, with play money. It runs nodes
on this machine, or uses the one that is named; puts factory and tokens there; and writes the
channels to the settings file, which the parts of `up` read. A part beside them sends sweeps, and
mines.

A node of ours keeps its chain in the data folder, and the next start goes on with it.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from recoup.chains.abi import from_hex
from recoup.chains.channels import MAINNETS, is_endpoint, read_channels, without_secrets
from recoup.chains.dev_node import DevNode, program
from recoup.chains.rpc import AwayError, opened
from recoup.chains.settlement_addresses import hold_at_once
from recoup.db.server.folder import close_folder
from recoup.kernel.private_files import write_whole
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import Clocks
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of
from recoup.merchants.flows.demo_clock import bootstrap_merchant, demo_merchant
from recoup.stablecoin.rules.addresses import read_address, shown

START_SECONDS: Final = 30.0
TREASURY, MERCHANT = 8, 9  # accounts of the node
COINS: Final = 10**19  # what the sender is given for gas
PASSWORD: Final = "play money"  # noqa: S105 - of a key that holds nothing else
BEGIN: Final = "# >>> These lines are written by `recoup up --chain`."
END: Final = "# <<<"


class Token(NamedTuple):
    """`custodial`: kept in a wallet of the sender's, for refunds and payouts."""

    code: str
    asset: str
    decimals: int
    custodial: bool = False


class Plan(NamedTuple):
    network: str
    chain_id: int
    url: str
    tokens: tuple[Token, ...]


# Six decimals and eighteen. No real chain has these ids.
OWN: Final = (
    ("base", 31337, (Token("usdc_base", "USDC", 6), Token("usdt_base", "USDT", 6))),
    (
        "bsc",
        31338,
        (Token("usdt_bep20", "USDT", 18), Token("usdc_bep20", "USDC", 18, custodial=True)),
    ),
)


PRIVATE: Final = (
    "/bin/sh",
    "-c",
    'umask 077; exec "$@"',
    "sh",
)  # what it writes is its owner's alone


class Trial:
    """First `nodes` are started, then `prepare` is called."""

    def __init__(self, data_dir: Path, settings: Path, url: str) -> None:
        """`url`: of a node that runs; empty: nodes of our own. Raises: Problem(conflict) where
        channels of the sandbox are set already."""
        self._folder, self._settings = data_dir / "chain", settings
        self._written = settings.read_text() if settings.exists() else ""
        before, _, rest = self._written.partition(BEGIN)
        block, _, after = rest.partition(END)
        self._around = before, after.lstrip("\n")
        self._known: list[dict[str, Any]] = tomllib.loads(block.partition("\n")[2]).get(
            "channels", []
        )
        theirs = tomllib.loads(before + after).get("channels", [])
        if any(their.get("world") == "sandbox" for their in theirs):
            message = Sentence("{0} names channels of the sandbox already.", settings)
            raise Problem(
                "conflict", message, "Start without --chain, which uses them; or remove them."
            )
        if url and not is_endpoint(url):
            message = Sentence("{0} is no address of a node.", repr(without_secrets(url) or url))
            raise Problem(
                "invalid", message, "Write it like http://127.0.0.1:8545, or leave it out."
            )
        self._url = url
        self._own = (
            ()
            if url
            else tuple(Plan(net, id, self._address(id), tokens) for net, id, tokens in OWN)
        )

    def nodes(self) -> list[tuple[str, list[str]]]:
        """Our own nodes: names and commands. Raises: Problem(unavailable)."""
        close_folder(self._folder)
        shared = [
            "--quiet",
            "--host=127.0.0.1",
            "--order=fifo",
            "--slots-in-an-epoch=2",
            "--state-interval=30",
        ]
        commands = []
        for name, number, url, _ in self._own:
            own = [
                f"--port={urlsplit(url).port}",
                f"--chain-id={number}",
                f"--state={self._folder / f'{number}.json'}",
            ]
            commands.append((f"chain {name}", [*PRIVATE, str(program()), *shared, *own]))
        return commands

    def prepare(self) -> None:
        """Everything that channels need, and the settings file. Raises: Problem(unavailable)."""
        sender = from_hex(json.loads(self.key().read_text())["address"])
        channels = asyncio.run(self._deployed(sender))
        read_channels(channels)
        before, after = self._around
        block = "\n".join([BEGIN, *map(_toml, channels), END, ""])
        write_whole(self._settings, f"{before.rstrip()}\n\n{block}{after}".lstrip().encode())

    def key(self) -> Path:
        """The sender's, made where there is none. Raises: Problem(unavailable)."""
        path = self._folder / "sender.json"
        close_folder(self._folder)
        if not path.exists():
            command = [sys.executable, "-m", "recoup.main", "chain", "key", str(path)]
            env = os.environ | {"RECOUP_CHAIN_PASSWORD": PASSWORD}
            made = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            if made.returncode:
                message = (
                    made.stderr.strip().removeprefix("recoup: ")
                    or "The sender's key could not be made."
                )
                raise Problem("unavailable", message)
        return path

    async def _deployed(self, sender: bytes) -> list[dict[str, Any]]:
        plans = self._own or [Plan(OWN[0][0], 0, self._url, OWN[0][2])]
        async with opened("evm", [plan.url for plan in plans], Clocks()) as endpoints:
            channels = []
            for plan, node in zip(plans, map(DevNode, endpoints), strict=True):
                try:
                    channels += await self._channels(plan, node, sender)
                except AwayError as error:
                    which = without_secrets(plan.url)
                    raise Problem(
                        "unavailable",
                        Sentence("The node at {0} does not do what is needed: {1}", which, error),
                        "It must be a development node such as anvil.",
                    ) from None
            return channels

    async def _channels(self, plan: Plan, node: DevNode, sender: bytes) -> list[dict[str, Any]]:
        chain_id = await _started(plan, node)
        if chain_id in MAINNETS:
            raise Problem(
                "invalid",
                Sentence(
                    "{0} is a real chain, where --chain has nothing to do.",
                    without_secrets(plan.url),
                ),
                "Name a development node; docs/chains.md opens real channels.",
            )
        await node.account(MERCHANT)
        if await node.held(None, sender) < COINS:
            await node.send(sender, value=COINS)
        shared = {
            "world": "sandbox",
            "network": plan.network,
            "chain_id": chain_id,
            "endpoints": [plan.url],
            "factory": shown(await node.deploy_factory(), "evm"),
            "treasury": shown(await node.account(TREASURY), "evm"),
            "minimum": "1.00",
            "confirmations": 10,
        }
        return [
            {"code": token.code, "currency": token.asset, "decimals": token.decimals}
            | {"token": shown(await self._token(token, plan.url, node), "evm")}
            | (
                {"settlement": "custodial", "custody": shown(sender, "evm")}
                if token.custodial
                else {}
            )
            | shared
            for token in plan.tokens
        ]

    async def _token(self, wanted: Token, url: str, node: DevNode) -> bytes:
        """The one of before, where it still stands."""
        same = (
            known
            for known in self._known
            if (known["code"], known["endpoints"]) == (wanted.code, [url])
        )
        for token in (read_address(known["token"], "evm", "token") for known in same):
            if await node.has_code(token):
                return token
        return await node.deploy_token(wanted.decimals)

    def _address(self, chain_id: int) -> str:
        """The URL of our own node: the same port as before, since stored orders name it."""
        for known in self._known:
            if known["chain_id"] == chain_id and (self._folder / f"{chain_id}.json").exists():
                return str(known["endpoints"][0])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{free.getsockname()[1]}"


async def _started(plan: Plan, node: DevNode) -> int:
    """Its chain id, once it answers. Raises: Problem(unavailable)."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            chain_id = int(await node.call("eth_chainId"), 16)
        except AwayError as error:
            if time.monotonic() > until or not plan.chain_id:
                message = Sentence(
                    "The node at {0} does not answer: {1}.", without_secrets(plan.url), error
                )
                cure = "See whether something else has its port."
                if not plan.chain_id:
                    cure = (
                        "Start one such as anvil there, or leave the address out: Recoup then "
                        "runs its own."
                    )
                raise Problem("unavailable", message, cure) from None
            await asyncio.sleep(0.05)
        else:
            if plan.chain_id not in (0, chain_id):
                message = Sentence(
                    "The node at {0} is on chain {1}.", without_secrets(plan.url), chain_id
                )
                raise Problem("unavailable", message, "End what has its port.")
            return chain_id


def _toml(channel: Mapping[str, Any]) -> str:
    """JSON's texts, numbers and lists are TOML's."""
    return "\n".join(
        ["[[channels]]", *(f"{name} = {json.dumps(value)}" for name, value in channel.items()), ""]
    )


# Beside a running `up`
# -----------------------------------------------------------------------------------------------

BUSY_SECONDS: Final = 60.0  # after a transaction
PAUSES: Final = (1.0, 20.0)  # between blocks, busy and idle


class Miner:
    """Blocks for a node that mines only what is sent to it, so that confirmations count on. Idle it
    mines few: a chain that runs for days stays small."""

    def __init__(self, node: DevNode) -> None:
        self.node, self._head, self._since, self._busy_until = node, -1, 0.0, 0.0

    async def once(self) -> None:
        block, now = await self.node.call("eth_getBlockByNumber", "latest", False), time.monotonic()
        if (head := int(block["number"], 16)) != self._head:
            self._head, self._since = head, now
            if block["transactions"]:
                self._busy_until = now + BUSY_SECONDS
        if now - self._since >= PAUSES[now >= self._busy_until]:
            await self.node.call("evm_mine")


async def give_wallets(world: World, node: DevNode) -> None:
    """An account of the node settles what the first merchant and the demo's sell."""
    address = shown(await node.account(MERCHANT), "evm")
    for merchant_id in (bootstrap_merchant(world), demo_merchant(world)):
        home = await home_of(world, merchant_id)
        await hold_at_once(
            home, Scope(merchant_id, Actor("operator", "sandbox"), "command"), "evm", address
        )
