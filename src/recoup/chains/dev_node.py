"""A development node of an EVM network, as anvil is: it holds the keys of its accounts, and mines
when it is told to. The sandbox's payers pay by it, and the tests."""

import asyncio
import json
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from recoup.chains import abi
from recoup.chains.abi import from_hex, to_hex
from recoup.chains.artifacts import DEPLOYER, artifact
from recoup.chains.rpc import Endpoint
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem

RECEIPT_SECONDS: Final = 20.0
GAS: Final = 3_000_000
_SYSTEMS: Final = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_CLONE: Final = Path(__file__).parents[3] / ".anvil/node_modules/@foundry-rs"


@frozen
class Receipt:
    tx: str
    ok: bool
    block: int
    gas: int
    contract: bytes | None
    logs: Sequence[Mapping[str, Any]]


class DevNode:
    """Addresses are 20 bytes, hashes the text of the node. Its calls raise AwayError."""

    def __init__(self, endpoint: Endpoint | None) -> None:
        self._endpoint = endpoint
        self._accounts: list[bytes] = []

    async def call(self, method: str, *params: Any) -> Any:
        assert self._endpoint
        return await self._endpoint.call(method, *params)

    async def account(self, number: int = 0) -> bytes:
        """An account that has coins. Raises: Problem(unavailable) for a node that has none."""
        if not self._accounts:
            self._accounts = [from_hex(address) for address in await self.call("eth_accounts")]
        if number >= len(self._accounts):
            raise Problem(
                "unavailable",
                "This node has no accounts of its own, so it is no development node.",
                "Name one such as anvil; docs/chains.md says how a channel is opened on any other.",
            )
        return self._accounts[number]

    async def post(
        self,
        to: bytes | None,
        data: bytes = b"",
        *,
        account: int = 0,
        value: int = 0,
        gas: int = GAS,
    ) -> str:
        """A transaction that is sent, mined or not. Its hash."""
        sent = {
            "from": to_hex(await self.account(account)),
            "data": to_hex(data),
            "value": hex(value),
            "gas": hex(gas),
        }
        if to is not None:
            sent["to"] = to_hex(to)
        return str(await self.call("eth_sendTransaction", sent))

    async def send(self, to: bytes | None, data: bytes = b"", **how: int) -> Receipt:
        """A transaction that is mined, whether it is reverted or not: for a node that mines by
        itself."""
        return await self.receipt(await self.post(to, data, **how))

    async def receipt(self, tx: str) -> Receipt:
        """Waits for it: it may follow a moment later than the answer. Raises:
        Problem(unavailable)."""
        until = time.monotonic() + RECEIPT_SECONDS
        while (receipt := await self.call("eth_getTransactionReceipt", tx)) is None:
            if time.monotonic() > until:
                raise Problem("unavailable", f"{tx} is in no block.", "Let the node mine.")
            await asyncio.sleep(0.002)
        ran, block, gas = (int(receipt[name], 16) for name in ("status", "blockNumber", "gasUsed"))
        contract = receipt["contractAddress"]
        return Receipt(
            tx,
            ran == 1,
            block,
            gas,
            None if contract is None else from_hex(contract),
            receipt["logs"],
        )

    async def done(self, to: bytes | None, data: bytes) -> Receipt:
        """A transaction that must not be reverted. Raises: Problem(unavailable)."""
        receipt = await self.send(to, data)
        if not receipt.ok:
            raise Problem(
                "unavailable", f"The node reverted {receipt.tx}.", "See what it says of it."
            )
        return receipt

    async def head(self) -> int:
        return int(await self.call("eth_blockNumber"), 16)

    async def reorg(self, depth: int) -> None:
        """Other blocks, empty ones, in the place of the last `depth`, which are no more than there
        are."""
        await self.call("anvil_reorg", depth, [])

    async def has_code(self, at: bytes) -> bool:
        return bool(from_hex(await self.call("eth_getCode", to_hex(at), "latest")))

    async def deploy_factory(self) -> bytes:
        """Deploys the factory through the deterministic deployer, unless it is there."""
        factory = artifact("evm").factory_address()
        if not await self.has_code(factory):
            await self.done(DEPLOYER, artifact("evm").deployment())
        return factory

    async def deploy_token(self, decimals: int = 6, mode: int = 0, fee_points: int = 0) -> bytes:
        """Play money: anybody mints it. `mode`, `fee_points`: how it misbehaves, for tests."""
        words = b"".join(map(abi.uint_word, (decimals, mode, fee_points)))
        made = (await self.done(None, token_init() + words)).contract
        assert made is not None
        return made

    async def mint(self, token: bytes, to: bytes, value: int) -> Receipt:
        words = abi.address_word(to), abi.uint_word(value)
        return await self.done(token, abi.selector("mint(address,uint256)") + b"".join(words))

    async def transfer(self, token: bytes, to: bytes, value: int, *, account: int = 0) -> Receipt:
        """A payer's payment; the payer is given the money first."""
        await self.mint(token, await self.account(account), value)
        paid = await self.send(token, abi.transfer(to, value), account=account)
        assert paid.ok
        return paid

    async def held(self, token: bytes | None, holder: bytes) -> int:
        """A balance; without a token of the chain's coin."""
        if token is None:
            return int(await self.call("eth_getBalance", to_hex(holder), "latest"), 16)
        read = {"to": to_hex(token), "data": to_hex(abi.balance_of(holder))}
        return int(await self.call("eth_call", read, "latest"), 16)


def program() -> Path:
    """Anvil's, of this clone or of the machine. Raises: Problem(unavailable)."""
    machine = _SYSTEMS.get(platform.machine().lower(), platform.machine())
    ours = _CLONE / f"anvil-{platform.system().lower()}-{machine}/bin/anvil"
    path = ours if ours.exists() else shutil.which("anvil")
    if path is None:
        raise Problem(
            "unavailable",
            "The sandbox's own node is anvil, which is not installed.",
            "`npm install -g @foundry-rs/anvil` brings it; or name a node: `recoup up --chain "
            "http://127.0.0.1:8545`.",
        )
    return Path(path)


@cache
def token_init() -> bytes:
    return from_hex(
        json.loads((files("recoup.chains") / "artifacts/token.json").read_bytes())["init"]
    )
