"""The sender of an EVM network: the only process that opens keys. A transaction is signed, kept and committed before it
leaves, so that a repeat is the same bytes; whatever dies between, nothing is sent twice.

Source: EIP-1559; nodes take a replacement from 10 % more on both fees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

import structlog

from recoup.features.chains import abi, store
from recoup.features.chains.depth import Heights, is_deep
from recoup.features.chains.reading import block_call, read_block
from recoup.features.chains.rpc import Call, Endpoint, GarbageError, Refused, data, number, taken
from recoup.features.chains.store import ChainSend, ChainTransaction
from recoup.features.chains.terms import from_json
from recoup.features.chains.watch import HaltError, Network
from recoup.flows.world import World

log = structlog.get_logger()
TOGETHER: Final = 20  # orders of one sweep
GAS_BEFORE: Final = 60_000  # of a batch, beside its sweeps
GAS_EACH: Final = 260_000  # a first sweep to receivers that never held the token, with room
GAS_TRANSFER: Final = 120_000
RAISE: Final = Decimal("1.125")
PATIENCE_BLOCKS: Final = 5  # before a transaction is replaced by a dearer one


class Signed(NamedTuple):
    raw: bytes
    hash: bytes


class Signer(Protocol):
    """A key. `address`: 20 bytes."""

    @property
    def address(self) -> bytes: ...

    def sign(self, transaction: dict[str, Any]) -> Signed: ...


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a unit of gas, in the coin's base units."""

    fee: int
    tip: int

    def raised(self, before: ChainTransaction | None) -> "Prices":
        """At least an eighth above what was offered before."""
        if before is None:
            return self
        least = [int(price * RAISE) + 1 for price in (before.fee_per_gas, before.tip_per_gas)]
        return Prices(max(self.fee, least[0]), max(self.tip, least[1]))


class Sender:
    """One a chain and key, for the life of a process: a second one would take the same numbers."""

    def __init__(
        self, world: World, network: Network, endpoints: Sequence[Endpoint], signer: Signer, fee_cap: int
    ) -> None:
        """`fee_cap`: the most that a unit of gas may cost."""
        self._world, self._network, self._nodes, self._signer = world, network, endpoints, signer
        self._fee_cap = fee_cap

    async def work(self) -> int:
        """Decides what is mined, repeats what is out, and sends what is wanted; answers how many were sent. Raises:
        AwayError; HaltError where the chain's count of this key's transactions is not ours."""
        db, (chain, who) = self._world.db, (self._network.chain, self._signer.address)
        heights, mined = await self._state()
        out = await store.open_transactions(db, chain, who)
        await self._decide(out, heights)
        out = await store.open_transactions(db, chain, who)
        last = await store.last_number(db, chain, who)
        if mined > (0 if last is None else last + 1):
            raise HaltError(f"this key sent {mined} transactions, of which {0 if last is None else last + 1} are known")
        await self._repeat(out, heights)
        wanted = [one for one in await store.wanted(db, chain, TOGETHER * 4) if one.kind == "sweep"]
        token = wanted[0].token if wanted else b""
        batch = await self._possible([one for one in wanted if one.token == token][:TOGETHER])
        if batch:
            await self._send(batch, mined if last is None else last + 1, heights.head)
        return len(batch)

    async def _state(self) -> tuple[Heights, int]:
        """The chain's heights, and how many transactions of this key are in blocks."""
        asks: list[Call] = [block_call("latest"), block_call("safe"), block_call("finalized")]
        said = await self._nodes[0].batch([*asks, ("eth_getTransactionCount", [_hex(self._signer.address), "latest"])])
        head, safe, final = map(read_block, said[:3])
        if head is None:
            raise GarbageError("no head")
        return Heights(head.number, safe and safe.number, final and final.number), number(taken(said[3]))

    async def _decide(self, out: Sequence[ChainTransaction], heights: Heights) -> None:
        """Closes the numbers whose transaction lies deep enough, on every node."""
        for one in out:
            receipts = [await node.call("eth_getTransactionReceipt", _hex(one.hash)) for node in self._nodes]
            if not all(isinstance(receipt, dict) for receipt in receipts):
                continue
            places = {(data(one["blockHash"], 32), number(one["blockNumber"])) for one in receipts}
            if len(places) != 1 or not is_deep(places.pop()[1], self._network.depth, heights):
                continue
            went = all(number(receipt["status"]) == 1 for receipt in receipts)
            async with self._world.db.transaction() as tx:
                mined = (one.chain, one.sender, one.number, one.hash)
                done = ("done", None) if went else ("failed", "the transaction was reverted")
                await store.close_sends(tx, *mined, *done)
                await store.close_number(tx, *mined, "mined" if went else "reverted")

    async def _repeat(self, out: Sequence[ChainTransaction], heights: Heights) -> None:
        """What may not have left goes again, the same bytes; what waits too long, dearer under its number."""
        newest = {one.number: one for one in out}
        for one in newest.values():
            if heights.head - one.signed_block >= PATIENCE_BLOCKS and await self._is_out(one):
                await self._replace(one, heights.head)
            else:
                await self._broadcast(one.raw)

    async def _is_out(self, one: ChainTransaction) -> bool:
        return await self._nodes[0].call("eth_getTransactionReceipt", _hex(one.hash)) is None

    async def _replace(self, one: ChainTransaction, head: int) -> None:
        sends = await store.sends_in(self._world.db, one.hash)
        prices = (await self._prices()).raised(one)
        if not sends or prices.fee > self._fee_cap:
            log.warning("fees too high", chain=one.chain, fee=prices.fee, cap=self._fee_cap)
            await self._broadcast(one.raw)
            return
        rows = [row for id in sends if (row := await store.send_of(self._world.db, id)) is not None]
        await self._sign(rows, one.number, prices, head)

    async def _possible(self, wanted: Sequence[ChainSend]) -> list[ChainSend]:
        """Those that would go now. One that would not is failed, with the node's reason: nothing is sent blindly."""
        calls: list[Call] = [("eth_call", [self._request(self._sweep(one)), "latest"]) for one in wanted]
        said = await self._nodes[0].batch(calls) if calls else []
        for one, answer in zip(wanted, said, strict=True):
            if isinstance(answer, Refused):
                await store.mark_failed(self._world.db.alone, [one.send_id], answer.message)
        return [one for one, answer in zip(wanted, said, strict=True) if not isinstance(answer, Refused)]

    def _request(self, call: bytes) -> dict[str, str]:
        return {"from": _hex(self._signer.address), "to": _hex(self._network.factory), "data": _hex(call)}

    def _sweep(self, one: ChainSend) -> bytes:
        return abi.sweep(from_json(one.terms, "evm").encoded(), one.token)

    async def _send(self, batch: Sequence[ChainSend], nonce: int, head: int) -> None:
        prices = await self._prices()
        if prices.fee > self._fee_cap:
            log.warning("fees too high", chain=self._network.chain, fee=prices.fee, cap=self._fee_cap)
            return
        await self._sign(batch, nonce, prices, head)

    async def _prices(self) -> Prices:
        """Twice the base fee of the newest block and the node's own tip: it lasts for six full blocks."""
        said = await self._nodes[0].batch([block_call("latest"), ("eth_maxPriorityFeePerGas", [])])
        base, tip = number(taken(said[0]).get("baseFeePerGas", "0x0")), number(taken(said[1]))
        return Prices(2 * base + tip, tip)

    async def _sign(self, batch: Sequence[ChainSend], nonce: int, prices: Prices, head: int) -> None:
        """Kept and committed, then sent: what dies before is sent by the next start."""
        call = self._sweep(batch[0])
        if len(batch) > 1:
            call = abi.sweep_many([from_json(one.terms, "evm").encoded() for one in batch], batch[0].token)
        gas = GAS_BEFORE + GAS_EACH * len(batch)
        signed = self._signer.sign(
            {
                "type": 2,
                "chainId": self._network.chain,
                "nonce": nonce,
                "to": self._network.factory,
                "value": 0,
                "data": call,
                "gas": gas,
                "maxFeePerGas": prices.fee,
                "maxPriorityFeePerGas": prices.tip,
            }
        )
        async with self._world.db.transaction() as tx:
            await store.keep_transaction(
                tx,
                self._network.chain,
                self._signer.address,
                nonce,
                signed.hash,
                signed.raw,
                Decimal(prices.fee),
                Decimal(prices.tip),
                gas,
                self._world.clocks.wall(),
                head,
            )
            await store.mark_signed(tx, [one.send_id for one in batch], signed.hash)
        await self._broadcast(signed.raw)

    async def _broadcast(self, raw: bytes) -> None:
        """What a node says to it proves nothing: the receipt does."""
        said = await self._nodes[0].batch([("eth_sendRawTransaction", [_hex(raw)])])
        if isinstance(said[0], Refused):
            log.info("not taken", chain=self._network.chain, why=said[0].message)


def _hex(raw: bytes) -> str:
    return "0x" + raw.hex()
