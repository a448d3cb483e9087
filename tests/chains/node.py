"""An EVM node for a test: anvil, with a chain of its own that the test mines, reorganises and
reads.

It installs itself (`make anvil`). It ends with its test, and with the run should that be killed. A
test asks for the fixture `anvil`, or starts others by `started(Settings(...))`.
"""

import asyncio
import fcntl
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

from recoup.chains import abi
from recoup.chains.abi import from_hex as raw
from recoup.chains.abi import to_hex as text
from recoup.chains.dev_node import DevNode, Receipt, program
from recoup.db.server.footing import end_with_parent

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 30.0  # it is up within one; what shares the machine may not let it
_LISTENING: Final = re.compile(r"Listening on 127\.0\.0\.1:(\d+)\n")


class Mode(IntEnum):
    """How a test token behaves; as in `contracts/test/Tokens.sol`."""

    TRUE = 0
    NOTHING = 1
    FALSE = 2
    STUCK = 3
    REENTRANT = 4
    SHORT = 5
    GREEDY = 6
    BURNS_GAS = 7


@dataclass(frozen=True, slots=True)
class Settings:
    """`slots`: `safe` is so many blocks behind the head, `finalized` twice as many. Without
    `automine` a block is mined when the test says so; `block_seconds` mines by the clock."""

    slots: int = 2
    automine: bool = True
    block_seconds: float | None = None
    chain_id: int = 31337
    gas_limit: int = 200_000_000

    def arguments(self) -> list[str]:
        mining = [] if self.automine else ["--no-mining"]
        if self.block_seconds is not None:
            mining = ["--block-time", str(self.block_seconds)]
        shape = {
            "slots-in-an-epoch": self.slots,
            "chain-id": self.chain_id,
            "gas-limit": self.gas_limit,
        }
        return [*mining, *(f"--{name}={value}" for name, value in shape.items())]


@dataclass(slots=True)
class RpcError(Exception):
    """The node's own refusal."""

    code: int
    message: str
    data: Any = None


class Anvil(DevNode):
    """A running node. Addresses are 20 bytes, hashes the text of the node."""

    def __init__(self, url: str, port: int, process: subprocess.Popen[bytes]) -> None:
        super().__init__(None)
        self.url, self.port, self.process = url, port, process

    # JSON-RPC
    # ----------------------------------------------------------------------------------------------

    async def call(self, method: str, *params: Any) -> Any:
        """Raises: RpcError."""
        return _result(await post(self.port, _request(0, method, params)))

    async def batch(self, calls: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Raises: RpcError for the first that is refused."""
        answers = await post(
            self.port, [_request(place, *given) for place, given in enumerate(calls)]
        )
        return [_result(answer) for answer in sorted(answers, key=lambda answer: answer["id"])]

    async def read(
        self, to: bytes, data: bytes, block: str = "latest", gas: int | None = None
    ) -> bytes:
        """What a contract answers, or would: nothing is written.
        Raises: RpcError when it refuses."""
        asked = {"to": text(to), "data": text(data), **({} if gas is None else {"gas": hex(gas)})}
        return raw(await self.call("eth_call", asked, block))

    # Blocks
    # ----------------------------------------------------------------------------------------------

    async def automine(self, on: bool) -> None:
        await self.call("evm_setAutomine", on)

    async def set_time(self, at: int) -> None:
        """The time of the next block, in seconds since 1970: not before that of the last."""
        await self.call("evm_setNextBlockTimestamp", at)

    async def mine(self, count: int = 1, *, seconds: int | None = None) -> int:
        """Mines blocks, `seconds` apart by their own clock. The new head."""
        await self.call("anvil_mine", hex(count), *([] if seconds is None else [hex(seconds)]))
        return await self.head()

    async def reorg(self, depth: int, keep: Mapping[str, int] | None = None) -> None:
        """Other blocks in the place of the last `depth`, which are no more than there are. Of their
        transactions only those of `keep` come again, in the block of that place, counted from 0;
        the others are gone."""
        kept = (keep or {}).items()
        pairs = [[await self.call("eth_getRawTransactionByHash", tx), place] for tx, place in kept]
        await self.call("anvil_reorg", depth, pairs)

    async def block(self, block: int | str = "latest") -> dict[str, Any]:
        found: dict[str, Any] = await self.call(
            "eth_getBlockByNumber", hex(block) if isinstance(block, int) else block, False
        )
        return found

    # Contracts
    # ----------------------------------------------------------------------------------------------

    async def freeze(self, token: bytes, holder: bytes, yes: bool = True) -> Receipt:
        return await self._done(
            token, "freeze(address,bool)", abi.address_word(holder), abi.uint_word(yes)
        )

    async def wipe(self, token: bytes, holder: bytes, value: int) -> Receipt:
        """The issuer destroys a holder's money."""
        return await self._done(
            token, "wipe(address,uint256)", abi.address_word(holder), abi.uint_word(value)
        )

    async def appear(self, token: bytes, to: bytes, value: int) -> Receipt:
        """Money that comes without a log."""
        return await self._done(
            token, "appear(address,uint256)", abi.address_word(to), abi.uint_word(value)
        )

    async def transfer_many(self, token: bytes, payments: Sequence[tuple[bytes, int]]) -> Receipt:
        """Several transfers in one transaction."""
        await self.mint(token, await self.account(), sum(value for _, value in payments))
        count, width = len(payments), abi.WORD
        to = [abi.address_word(address) for address, _ in payments]
        values = [abi.uint_word(value) for _, value in payments]
        places = abi.uint_word(2 * width), abi.uint_word((3 + count) * width)
        length = abi.uint_word(count)
        return await self._done(
            token, "transferMany(address[],uint256[])", *places, length, *to, length, *values
        )

    async def set_coins(self, holder: bytes, value: int) -> None:
        await self.call("anvil_setBalance", text(holder), hex(value))

    async def _done(self, to: bytes, signature: str, *words: bytes) -> Receipt:
        return await self.done(to, abi.selector(signature) + b"".join(words))


# The process
# --------------------------------------------------------------------------------------------------


@pytest.fixture
def anvil(request: pytest.FixtureRequest) -> Iterator[Anvil]:
    """A node of the test's own; `@pytest.mark.parametrize("anvil", [Settings(...)], indirect=True)`
    gives it others."""
    with started(getattr(request, "param", None)) as running:
        yield running


@contextmanager
def started(settings: Settings | None = None) -> Iterator[Anvil]:
    command = [
        str(installed()),
        "--host=127.0.0.1",
        "--port=0",
        "--order=fifo",
        *(settings or Settings()).arguments(),
    ]
    with listening(command, _LISTENING) as (port, process):
        yield Anvil(f"http://127.0.0.1:{port}", port, process)


@contextmanager
def listening(
    command: Sequence[str], says: re.Pattern[str]
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """A process, and the port that the system gave it. `says`: where its output names that."""
    with tempfile.TemporaryFile("w+b") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=end_with_parent(),
            cwd=ROOT,
        )
        try:
            yield _port(process, output.fileno(), says), process
        finally:
            process.kill()
            process.wait()


@cache
def installed() -> Path:
    """Anvil's program. It installs itself where it is missing, once,
    whichever worker comes first."""
    with (Path(tempfile.gettempdir()) / f"recoup-anvil-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            ["make", "--silent", "anvil"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    if made.returncode:
        pytest.exit(f"the tests need anvil: {made.stderr.strip()[-500:]}", returncode=3)
    return program()


def _port(process: "subprocess.Popen[bytes]", output: int, says: re.Pattern[str]) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        text = os.pread(output, 1 << 16, 0).decode()
        if found := says.search(text):
            return int(found[1])
        assert process.poll() is None, f"{process.args} ended: {text[-2_000:]}"
        time.sleep(0.01)
    raise AssertionError(f"{process.args} did not start")


# The wire
# --------------------------------------------------------------------------------------------------


async def post(port: int, body: Any, path: str = "/") -> Any:
    """The JSON that comes back, on a connection of its own: none outlives the call, whatever loop
    it runs in."""
    sent = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
    try:
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(sent)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + sent)
        answer = await reader.read(-1)
    finally:
        writer.close()
        await writer.wait_closed()
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _result(answer: Mapping[str, Any]) -> Any:
    if (error := answer.get("error")) is not None:
        raise RpcError(error["code"], error["message"], error.get("data"))
    return answer["result"]
