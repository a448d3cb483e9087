"""The double refuses what a full node of TRON refuses, in its words; and what is signed here is
what TRON's own tools and chain have."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from eth_keys import KeyAPI
from tests.chains.node import post, text
from tests.chains.tron.double import TRX, Tron
from tests.rings import each

from recoup.chains import abi
from recoup.chains.keystore import Account, KeySigner
from recoup.chains.reading import Block, read_block
from recoup.chains.tron_wire import (
    LIFE,
    Frame,
    call_contract,
    create_contract,
    expires_at,
    place_of,
)

LIMIT: Final = 100 * TRX
ACCOUNT: Final = bytes.fromhex("dd791d6b49e190062d650e6a23c575510d35f2f9")


# What TRON's own tools and chain have
# ---------------------------------------------------------------------------------


class Vector:
    """A key without a key: it signs by what was published."""

    def __init__(self, address: str, signature: str = "00" * 65) -> None:
        self.address, self._signature = bytes.fromhex(address), bytes.fromhex(signature)

    def sign(self, transaction: dict[str, Any]) -> Any:
        raise NotImplementedError

    def sign_hash(self, digest: bytes) -> bytes:
        return self._signature


def frame_of(block: str, begins: str, timestamp: int, expiration: int, fee_limit: int) -> Frame:
    refers = Block(
        0, bytes(6) + bytes.fromhex(block + begins) + bytes(16), datetime.fromtimestamp(0, UTC)
    )
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=expiration) - LIFE
    return Frame(refers, at, timestamp - expiration + 60_000, fee_limit)


def test_a_call_has_the_id_that_tronpy_publishes() -> None:
    """Its tests/test_offline.py."""
    signed = call_contract(
        Vector("94a15629b2b2bbd3a5453e6d6696b2875278633b"),
        bytes.fromhex("54e24764f19b0450d49d4b66270da289666cf82a"),
        abi.transfer(bytes.fromhex("3c9b65b212316904572826240224750eccce29a2"), 1),
        frame_of("6431", "212a13dbe72ac5c0", 1751554232807, 1751554292807, 50_000_000),
    )
    assert signed.hash.hex() == "cc0928c7734c9c9cc8e8e9636c3ad47308197f4b42fce6b93eb6fa4b3247b58f"


def test_a_call_has_the_id_and_signature_that_the_chain_has() -> None:
    """Of a mined transfer on the test network Nile."""
    key = Vector(
        "495511a493d8c362be4267224e6d81013a6862ee",
        "1788bf0281f67c42f5a09322523edee9969e808a863776f21ab6543de9dd42ca"
        "0e4955577879df8074086c620eb96709ba9a95d60a166de190a081e8d69801da00",
    )
    data = bytes.fromhex(
        "a9059cbb00000000000000000000004150125bea243a640bf85348873b6c4f3c517aee7a"
        + "00" * 31
        + "01"
    )
    token = bytes.fromhex("eca9bc828a3005b9a3b909f2cc5c2a54794de05f")
    frame = frame_of("8ad9", "eaef69105495eb15", 1773182854544, 1773182914544, LIMIT)
    signed = call_contract(key, token, data, frame)
    assert signed.hash.hex() == "c70b20da8cb8d96a99c1aceb283412acb9dea313a9e467178431a3c6ae8b9f08"
    signature = KeyAPI.Signature(key.sign_hash(signed.hash))
    assert (
        signature.recover_public_key_from_msg_hash(signed.hash).to_canonical_address()
        == key.address
    )
    assert signed.raw.endswith(key.sign_hash(signed.hash))
    assert expires_at(signed.raw) == datetime(2026, 3, 10, 22, 48, 34, 544_000, UTC)


def test_a_contract_has_the_id_and_address_that_a_node_gives() -> None:
    """Of the documentation of `deploycontract`, captured on Nile."""
    code = (
        "608060405234801561001057600080fd5b5060f78061001f6000396000f3fe6080604052348015600f5760"
        "0080fd5b506004361060285760003560e01c80636d4ce63c14602d575b600080fd5b60336047565b604051"
        "603e9190606b565b60405180910390f35b6000600190565b6000819050919050565b6065816052565b8252"
        "5050565b6000602082019050607e6000830184605c565b9291505056fea264"
        "6970667358221220" + "00" * 32 + "6c6578706572696d656e74616cf564736f6c63430008100033"
    )
    frame = frame_of("28c7", "b89ca57e9cbb96dd", 1777447181980, 1777447239000, 1_000_000_000)
    signed = create_contract(Vector(ACCOUNT.hex()), bytes.fromhex(code), "MyContract", frame)
    assert signed.hash.hex() == "7fe721c3f85b6c1c9491df43778c98903b565bc4210592f449f41342041729b3"
    assert expires_at(signed.raw) == datetime.fromtimestamp(1_777_447_239, UTC)
    assert place_of(signed.hash, ACCOUNT).hex() == "584587b353166787b37d1b05a4a91e59c5370bcf"


# What a full node refuses
# ---------------------------------------------------------------------------------------------


class Bench:
    """A key with TRX, a token, and a frame for what it signs."""

    def __init__(self, tron: Tron) -> None:
        self.tron, self.key = tron, KeySigner(Account.create())

    async def set_up(self) -> None:
        self.token = await self.tron.deploy_token()
        await self.tron.grant(self.key.address, balance=1_000 * TRX)
        await self.tron.mine(25)
        await self.tron.mint(self.token, self.key.address, 1_000)

    async def frame(
        self, tag: str = "finalized", limit: int = LIMIT, later: timedelta = timedelta(0)
    ) -> Frame:
        found = [
            read_block((await self.tron.rpc("eth_getBlockByNumber", one, False))["result"])
            for one in ("latest", tag)
        ]
        head, refers = found
        assert head is not None
        assert refers is not None
        return Frame(refers, head.at + later, 0, limit)

    async def send(
        self, frame: Frame, key: Any = None, value: int = 1, to: bytes | None = None
    ) -> tuple[str, bytes]:
        signed = call_contract(
            key or self.key, to or self.token, abi.transfer(b"\x33" * 20, value), frame
        )
        said = await self.tron.wallet("wallet/broadcasthex", transaction=signed.raw.hex())
        assert said["result"] is (said["code"] == "SUCCESS")
        return said["code"], signed.hash

    async def result(self, txid: bytes) -> str:
        await self.tron.mine()
        info = await self.tron.info(txid)
        return str(info["receipt"]["result"]) if info else "nowhere"


Story = Callable[[Bench], Awaitable[None]]


async def what_is_right_goes_once(bench: Bench) -> None:
    frame = await bench.frame()
    code, txid = await bench.send(frame)
    assert code == "SUCCESS"
    assert (await bench.send(frame))[0] == "DUP_TRANSACTION_ERROR", "in the pool"
    assert await bench.result(txid) == "SUCCESS"
    assert (await bench.send(frame))[0] == "DUP_TRANSACTION_ERROR", "in a block"
    assert await bench.tron.held(bench.token, b"\x33" * 20) == 1
    info = await bench.tron.info(txid)
    assert info["fee"] == info["receipt"]["energy_usage_total"] * 100


async def anothers_signature(bench: Bench) -> None:
    stranger = KeySigner(Account.create())
    forged = Vector(bench.key.address.hex())
    forged.sign_hash = stranger.sign_hash  # type: ignore[method-assign]
    assert (await bench.send(await bench.frame(), forged))[0] == "SIGERROR"
    assert (await bench.send(await bench.frame(), Vector(bench.key.address.hex())))[0] == "SIGERROR"


async def a_time_that_is_over_or_too_far(bench: Bench) -> None:
    over = timedelta(seconds=-58)
    assert (await bench.send(await bench.frame(later=over)))[0] == "TRANSACTION_EXPIRATION_ERROR"
    assert (await bench.send(await bench.frame(later=timedelta(days=1))))[
        0
    ] == "TRANSACTION_EXPIRATION_ERROR"


async def a_block_that_is_none(bench: Bench) -> None:
    frame = await bench.frame("latest")
    await bench.tron.fork(1)
    await bench.tron.mine(2)
    assert (await bench.send(frame))[0] == "TAPOS_ERROR"


async def nobody_and_nothing(bench: Bench) -> None:
    assert (await bench.send(await bench.frame(), KeySigner(Account.create())))[
        0
    ] == "CONTRACT_VALIDATE_ERROR"
    assert (await bench.send(await bench.frame(), to=b"\x55" * 20))[0] == "CONTRACT_VALIDATE_ERROR"
    assert (await bench.send(await bench.frame(limit=16_000 * TRX)))[0] == "CONTRACT_VALIDATE_ERROR"


async def no_bandwidth(bench: Bench) -> None:
    await bench.tron.grant(bench.key.address, balance=0, bytes_used=600, energy=10_000_000)
    assert (await bench.send(await bench.frame()))[0] == "BANDWITH_ERROR"


async def too_little_energy_is_taken_and_fails(bench: Bench) -> None:
    """As java-tron does it: `result: true`, then a block in which it has failed, and the fee is
    gone."""
    code, txid = await bench.send(await bench.frame(limit=TRX))
    assert (code, await bench.result(txid)) == ("SUCCESS", "OUT_OF_ENERGY")
    assert (await bench.tron.info(txid))["fee"] == TRX
    await bench.tron.grant(bench.key.address, balance=TRX)
    code, txid = await bench.send(await bench.frame())
    assert (code, await bench.result(txid)) == ("SUCCESS", "OUT_OF_ENERGY")
    assert await bench.tron.held(bench.token, b"\x33" * 20) == 0


async def a_refusal_of_the_contract_is_taken_and_fails(bench: Bench) -> None:
    code, txid = await bench.send(await bench.frame(), value=2_000)
    assert (code, await bench.result(txid)) == ("SUCCESS", "REVERT")


async def what_is_taken_may_vanish_or_come_late(bench: Bench) -> None:
    await bench.tron.next(vanish=1)
    code, txid = await bench.send(await bench.frame())
    assert (code, await bench.result(txid)) == ("SUCCESS", "nowhere")
    await bench.tron.next(late=2)
    code, txid = await bench.send(await bench.frame(), value=2)
    assert [code, *[await bench.result(txid) for _ in range(3)]] == [
        "SUCCESS",
        "nowhere",
        "nowhere",
        "SUCCESS",
    ]
    await bench.tron.next(late=30)
    code, txid = await bench.send(await bench.frame(), value=3)
    await bench.tron.mine(40)
    assert (code, await bench.result(txid)) == ("SUCCESS", "nowhere"), "its time was over"


async def a_dropped_block_sends_its_transactions_again(bench: Bench) -> None:
    _, txid = await bench.send(await bench.frame())
    assert await bench.result(txid) == "SUCCESS"
    await bench.tron.fork(1)
    assert await bench.tron.held(bench.token, b"\x33" * 20) == 0
    assert await bench.result(txid) == "SUCCESS"
    assert await bench.tron.held(bench.token, b"\x33" * 20) == 1


async def json_rpc_reads_only(bench: Bench) -> None:
    async def code(method: str, *params: Any) -> int:
        return int((await bench.tron.rpc(method, *params))["error"]["code"])

    for method in ("eth_sendRawTransaction", "eth_getTransactionCount", "eth_maxPriorityFeePerGas"):
        assert await code(method, "0x00") == -32601
    assert await code("eth_getBlockByNumber", "pending", False) == -32602
    assert await code("eth_getBlockByNumber", "safe", False) == -32602
    call = {"to": text(bench.token), "data": text(abi.decimals())}
    assert await code("eth_call", call, "finalized") == -32602
    assert await code("eth_call", call, "0x1") == -32602
    assert await code("eth_call", {**call, "to": text(b"\x55" * 20)}, "latest") == -32600
    await bench.tron.mine(5_000)
    assert await code("eth_getLogs", {"fromBlock": "0x1", "toBlock": "latest"}) == -32602
    many = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_blockNumber", "params": []} for n in range(101)
    ]
    assert (await post(bench.tron.port, many, "/a/jsonrpc"))["error"]["code"] == -32005


@each(
    "story",
    [
        what_is_right_goes_once,
        anothers_signature,
        a_time_that_is_over_or_too_far,
        a_block_that_is_none,
        nobody_and_nothing,
        no_bandwidth,
        too_little_energy_is_taken_and_fails,
        a_refusal_of_the_contract_is_taken_and_fails,
        what_is_taken_may_vanish_or_come_late,
        a_dropped_block_sends_its_transactions_again,
        json_rpc_reads_only,
    ],
)
def test_the_double(tron: Tron, story: Story) -> None:
    async def run() -> None:
        await tron.do("reset")
        bench = Bench(tron)
        await bench.set_up()
        await story(bench)

    asyncio.run(run())
