"""Each fault of the lying endpoint does what it says, and hides nothing else."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, ClientTimeout
from tests.chains.liar import LIMITED, REFUSED, Faults, Liar, lying
from tests.chains.node import Anvil, started
from tests.rings import each

from recoup.chains import abi
from recoup.chains.abi import to_hex as text

PAYEE = bytes.fromhex("11" * 20)
PAYMENTS = 4
SECONDS = 0.3  # after which a caller gives up


@dataclass(frozen=True, slots=True)
class Chain:
    """Payments of 10 in a block each; the last is the head's."""

    node: Anvil
    token: bytes
    payments: list[tuple[str, int]]  # transaction, block

    @property
    def head(self) -> int:
        return self.payments[-1][1]


@dataclass(frozen=True, slots=True)
class Endpoint:
    liar: Liar
    session: ClientSession

    async def post(self, body: object) -> tuple[int, bytes]:
        async with self.session.post(self.liar.url, data=json.dumps(body)) as reply:
            return reply.status, await reply.read()

    async def ask(self, method: str, *params: Any) -> Any:
        """The result, or the code of a refusal."""
        told = json.loads((await self.post(request(0, method, *params)))[1])
        return told["error"]["code"] if "error" in told else told["result"]

    async def head(self) -> int:
        return int(await self.ask("eth_blockNumber"), 16)

    async def block(self, which: int | str) -> dict[str, Any] | None:
        block: dict[str, Any] | None = await self.ask("eth_getBlockByNumber", hexed(which), False)
        return block

    async def logs(self, chain: Chain, first: int | str = 0, last: int | str = "latest") -> Any:
        asked = {"address": text(chain.token), "fromBlock": hexed(first), "toBlock": hexed(last)}
        payee = "0x" + abi.address_word(PAYEE).hex()
        asked["topics"] = ["0x" + abi.TRANSFER.hex(), None, payee]  # type: ignore[assignment]
        return await self.ask("eth_getLogs", asked)

    async def held(self, chain: Chain, block: object = "latest") -> int:
        asked = {"to": text(chain.token), "data": text(abi.balance_of(PAYEE))}
        return int(await self.ask("eth_call", asked, block), 16)

    async def known(self, chain: Chain) -> list[bool]:
        """Of each payment whether its receipt is known."""
        return [
            await self.ask("eth_getTransactionReceipt", tx) is not None for tx, _ in chain.payments
        ]


Check = Callable[[Endpoint, Chain], Coroutine[Any, Any, None]]


def request(number: int, method: str, *params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def hexed(block: int | str) -> str:
    return hex(block) if isinstance(block, int) else block


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    async def prepare(node: Anvil) -> Chain:
        token = await node.deploy_token()
        await node.mint(token, await node.account(), 1_000)
        paid = [await node.send(token, abi.transfer(PAYEE, 10)) for _ in range(PAYMENTS)]
        return Chain(node, token, [(payment.tx, payment.block) for payment in paid])

    with started() as node:
        yield asyncio.run(prepare(node))


async def honest(endpoint: Endpoint, chain: Chain) -> None:
    assert await endpoint.head() == chain.head
    assert [int(log["data"], 16) for log in await endpoint.logs(chain)] == [10] * PAYMENTS
    assert await endpoint.held(chain) == 10 * PAYMENTS
    assert all(await endpoint.known(chain))
    assert await endpoint.ask("no_such_method") == -32601
    status, body = await endpoint.post([request(7, "eth_chainId"), request(3, "eth_blockNumber")])
    assert (status, [answer["id"] for answer in json.loads(body)]) == (200, [7, 3])


async def lags(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.lag = 2
    last = chain.head - 2
    assert await endpoint.head() == last
    tags = [await endpoint.block(tag) for tag in ("latest", "safe", "finalized")]
    assert [int(block["number"], 16) for block in tags if block] == [
        last,
        last - 2,
        max(last - 4, 0),
    ]
    assert await endpoint.block(last + 1) is None
    assert (
        len(await endpoint.logs(chain))
        == len(await endpoint.logs(chain, 0, chain.head))
        == PAYMENTS - 2
    )
    assert (
        await endpoint.logs(chain, chain.head) == []
    )  # as a node that lags says it, without an error
    assert await endpoint.known(chain) == [True, True, False, False]
    assert await endpoint.held(chain) == 10 * (PAYMENTS - 2)
    assert await endpoint.ask("eth_getBalance", text(PAYEE), hex(chain.head)) == -32000
    newest = (await chain.node.block())["hash"]
    assert await endpoint.ask("eth_getBlockByHash", newest, False) is None
    assert await endpoint.ask("eth_getLogs", {"blockHash": newest}) == -32000


async def freezes(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.frozen_at = chain.head - 1
    assert await endpoint.head() == chain.head - 1
    assert await endpoint.known(chain) == [True, True, True, False]


async def leaps(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.leap = 1_000
    assert await endpoint.head() == chain.head + 1_000
    latest = await endpoint.block("latest")
    assert latest is not None
    assert int(latest["number"], 16) == chain.head + 1_000
    assert await endpoint.logs(chain, chain.head + 1, chain.head + 1_000) == []
    assert len(await endpoint.logs(chain, 0, chain.head + 1_000)) == PAYMENTS


async def cuts_logs(endpoint: Endpoint, chain: Chain) -> None:
    for most in (2, 0):
        endpoint.liar.faults.logs_max = most
        assert len(await endpoint.logs(chain)) == most
    assert all(await endpoint.known(chain))
    assert await endpoint.held(chain) == 10 * PAYMENTS
    endpoint.liar.faults = Faults(log_loss=0.5)
    counts = [len(await endpoint.logs(chain)) for _ in range(20)]
    assert 4 < sum(count < PAYMENTS for count in counts) < 16


async def garbles(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.garbage = b"<html>502"
    assert await endpoint.post(request(0, "eth_blockNumber")) == (200, b"<html>502")
    endpoint.liar.faults = Faults(answers={"eth_blockNumber": ["nonsense"]})
    assert await endpoint.ask("eth_blockNumber") == ["nonsense"]
    assert len(await endpoint.logs(chain)) == PAYMENTS


async def is_silent(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.silent = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SECONDS):
            await endpoint.head()
    endpoint.liar.heal()
    assert await endpoint.head() == chain.head


async def drops(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.drops = True
    with pytest.raises(ClientError):
        await endpoint.head()


async def throttles(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.status, endpoint.liar.faults.retry_after = 429, "7"
    async with endpoint.session.post(
        endpoint.liar.url, json=request(0, "eth_blockNumber")
    ) as reply:
        assert (reply.status, reply.headers["retry-after"]) == (429, "7")


async def is_another_chain(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.chain_id = 56
    assert (await endpoint.ask("eth_chainId"), await endpoint.ask("net_version")) == ("0x38", "56")


async def refuses_batches(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.batch_max = 1
    two = [request(0, "eth_blockNumber"), request(1, "eth_chainId")]
    answer = json.loads((await endpoint.post(two))[1])
    assert answer["error"]["code"] == REFUSED
    assert await endpoint.head() == chain.head
    endpoint.liar.faults.batch_max = 2
    assert len(json.loads((await endpoint.post(two))[1])) == 2


async def refuses_ranges(endpoint: Endpoint, chain: Chain) -> None:
    endpoint.liar.faults.range_max = 3
    assert len(await endpoint.logs(chain, chain.head - 2, chain.head)) == 3
    assert await endpoint.logs(chain, chain.head - 3, chain.head) == LIMITED


async def is_on_a_fork(endpoint: Endpoint, chain: Chain) -> None:
    tx, fork = chain.payments[2]
    endpoint.liar.faults = Faults(fork_from=fork, hides={tx})
    real = {block: (await chain.node.block(block))["hash"] for block in (fork - 1, fork, fork + 1)}
    seen = [await endpoint.block(block) for block in real]
    hashes = [block["hash"] for block in seen if block]
    assert [mine == real[block] for mine, block in zip(hashes, real, strict=True)] == [
        True,
        False,
        False,
    ]
    assert [block["parentHash"] for block in seen[1:] if block] == hashes[:2]
    assert await endpoint.known(chain) == [True, True, False, True]
    logs = await endpoint.logs(chain)
    assert [log["transactionHash"] for log in logs] == [
        hash_ for hash_, _ in chain.payments if hash_ != tx
    ]
    last = await endpoint.ask("eth_getTransactionReceipt", chain.payments[3][0])
    assert last["blockHash"] == logs[-1]["blockHash"] == hashes[2] == last["logs"][0]["blockHash"]
    named = [
        await endpoint.ask("eth_getBlockByHash", name, False) for name in (hashes[1], real[fork])
    ]
    assert (named[0]["number"], named[1]) == (hex(fork), None)
    by_hash = [
        await endpoint.ask("eth_getLogs", {"blockHash": name})
        for name in (hashes[2], real[fork + 1])
    ]
    assert ([log["blockHash"] for log in by_hash[0]], by_hash[1]) == ([hashes[2]], -32000)


@each(
    "check",
    [
        honest,
        lags,
        freezes,
        leaps,
        cuts_logs,
        garbles,
        is_silent,
        drops,
        throttles,
        is_another_chain,
        refuses_batches,
        refuses_ranges,
        is_on_a_fork,
    ],
)
def test_an_endpoint(chain: Chain, check: Check) -> None:
    async def run() -> None:
        async with (
            lying(chain.node.url) as liar,
            ClientSession(timeout=ClientTimeout(total=30)) as session,
        ):
            endpoint = Endpoint(liar, session)
            await check(endpoint, chain)
            liar.heal()
            await honest(endpoint, chain)
            assert liar.calls["eth_getLogs"]

    asyncio.run(run())


@pytest.mark.parametrize("name", ["lag", "frozen_at", "fork_from"])
def test_faults_hold_in_batches_too(chain: Chain, name: str) -> None:
    async def run() -> list[Any]:
        async with lying(chain.node.url) as liar, ClientSession() as session:
            setattr(
                liar.faults,
                name,
                {"lag": 1, "frozen_at": chain.head - 1, "fork_from": chain.head}[name],
            )
            tx = chain.payments[-1][0]
            calls = [
                request(5, "eth_blockNumber"),
                request(6, "eth_getTransactionReceipt", tx),
                request(7, "eth_chainId"),
            ]
            answers = json.loads((await Endpoint(liar, session).post(calls))[1])
            assert [answer["id"] for answer in answers] == [5, 6, 7]
            return [answer["result"] for answer in answers]

    head, receipt, chain_id = asyncio.run(run())
    assert chain_id == "0x7a69"
    if name == "fork_from":
        assert (int(head, 16), receipt["blockHash"] is not None) == (chain.head, True)
    else:
        assert (int(head, 16), receipt) == (chain.head - 1, None)
