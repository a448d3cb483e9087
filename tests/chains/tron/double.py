"""TRON for a test: a full node's double, whose blocks, forks, accounts and faults the test sets.

A test asks for the fixture `tron`: one process for all of a worker's tests, a new chain for each.
Two nodes see its chain; `nodes` are their addresses.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from tests.chains.node import Mode, listening, post, raw, text

from recoup.chains import abi
from recoup.chains.artifacts import artifact
from recoup.chains.dev_node import token_init

CHAIN_ID: Final = 3448148188  # of a test network
TRX: Final = 1_000_000
PAYER: Final = b"\x99" * 20
_LISTENING: Final = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Tron:
    """Addresses are 20 bytes, transactions 32."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.nodes = [f"http://127.0.0.1:{port}/{name}" for name in "ab"]

    async def do(self, what: str, **given: Any) -> Any:
        return await post(self.port, {"do": what, **given}, "/test")

    async def mine(self, count: int = 1, seconds: int = 3) -> int:
        return int(await self.do("mine", count=count, seconds=seconds))

    async def fork(self, depth: int, *, forget: bool = False) -> None:
        await self.do("fork", depth=depth, forget=forget)

    async def next(self, *, vanish: int = 0, late: int = 0) -> None:
        """What becomes of the next transactions that are taken: so many are forgotten, or each
        waits so many blocks."""
        await self.do("next", vanish=vanish, late=late)

    async def node(self, name: str, **faults: Any) -> None:
        """Sets a node's faults, all of them."""
        await self.do("node", name=name, **faults)

    async def grant(self, owner: bytes, **changes: int) -> None:
        await self.do("grant", owner=owner.hex(), **changes)

    async def endow(self, holder: bytes, value: int) -> None:
        """Coins at a contract, or at an address that is to be one; in the newest block."""
        await self.do("endow", holder=holder.hex(), value=value)
        await self.mine()

    async def account(self, owner: bytes) -> dict[str, int]:
        found: dict[str, int] = await self.do("account", owner=owner.hex())
        return found

    async def info(self, txid: bytes) -> dict[str, Any]:
        found: dict[str, Any] = await self.do("info", txid=txid.hex())
        return found

    async def sent(self) -> dict[str, str]:
        """What was signed and is in a block: its result by txid."""
        found: dict[str, str] = await self.do("sent")
        return found

    async def rpc(self, method: str, *params: Any, node: str = "a") -> Any:
        """The answer as it is, refusals too."""
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return await post(self.port, asked, f"/{node}/jsonrpc")

    async def wallet(self, call: str, node: str = "a", **asked: Any) -> Any:
        return await post(self.port, asked, f"/{node}/{call}")

    # Contracts
    # ----------------------------------------------------------------------------------------------

    async def send(self, to: bytes | None, data: bytes, owner: bytes = PAYER) -> bytes:
        """The test's own transaction, in the next block."""
        return bytes.fromhex(await self.add(to, data, owner))

    async def add(self, to: bytes | None, data: bytes, owner: bytes = PAYER) -> str:
        return str(
            await self.do(
                "add", owner=owner.hex(), to=None if to is None else to.hex(), data=data.hex()
            )
        )

    async def create(self, init: bytes) -> bytes:
        info = await self._mined(await self.send(None, init))
        return bytes.fromhex(info["contract_address"])[1:]

    async def deploy_factory(self) -> bytes:
        return await self.create(artifact("tron").factory_init)

    async def deploy_token(self, decimals: int = 6, mode: Mode = Mode.FALSE) -> bytes:
        init = token_init()
        return await self.create(init + b"".join(map(abi.uint_word, (decimals, mode, 0))))

    async def mint(self, token: bytes, to: bytes, value: int) -> None:
        call = abi.selector("mint(address,uint256)") + abi.address_word(to) + abi.uint_word(value)
        await self._mined(await self.send(token, call))

    async def appear(self, token: bytes, to: bytes, value: int) -> None:
        """Money that comes without a log."""
        call = abi.selector("appear(address,uint256)") + abi.address_word(to) + abi.uint_word(value)
        await self._mined(await self.send(token, call))

    async def freeze(self, token: bytes, holder: bytes, yes: bool = True) -> None:
        call = abi.selector("freeze(address,bool)") + abi.address_word(holder) + abi.uint_word(yes)
        await self._mined(await self.send(token, call))

    async def transfer(self, token: bytes, to: bytes, value: int) -> bytes:
        """A payer's payment, in the newest block."""
        await self.mint(token, PAYER, value)
        txid = await self.send(token, abi.transfer(to, value))
        await self._mined(txid)
        return txid

    async def held(self, token: bytes, holder: bytes) -> int:
        asked = {"to": text(token), "data": text(abi.balance_of(holder))}
        return abi.read_uint(raw((await self.rpc("eth_call", asked, "latest"))["result"]))

    async def _mined(self, txid: bytes) -> dict[str, Any]:
        await self.mine()
        info = await self.info(txid)
        assert info["receipt"]["result"] == "SUCCESS", info
        return info


@pytest.fixture(scope="session")
def tron_process() -> Iterator[Tron]:
    with started() as running:
        yield running


@pytest.fixture
def tron(tron_process: Tron) -> Tron:
    asyncio.run(tron_process.do("reset"))
    return tron_process


@contextmanager
def started() -> Iterator[Tron]:
    command = [sys.executable, "-m", "tests.chains.tron.front", str(CHAIN_ID)]
    with listening(command, _LISTENING) as (port, _):
        yield Tron(port)
