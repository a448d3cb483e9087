"""The sender of an EVM network: the only process that opens keys. A transaction is signed, kept and committed before it
leaves, so that a repeat is the same bytes; whatever dies between, nothing is sent twice.

One process has a key: its lock lives on the connection by which it keeps what it signs, so who has lost the lock keeps
nothing, and what is not kept never leaves.

Source: EIP-1559; nodes take a replacement from 10 % more on both fees.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple, Protocol
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg
import structlog

from recoup.features.chains import abi, sends_store
from recoup.features.chains.abi import to_hex
from recoup.features.chains.addresses import shown
from recoup.features.chains.artifacts import artifact
from recoup.features.chains.depth import Heights, Required, is_deep, lower, required
from recoup.features.chains.reading import balance_at, block_call, cost_of, logs_of, read_block, receipts_of
from recoup.features.chains.rpc import AwayError, Call, Endpoint, GarbageError, Refused, data, number, taken
from recoup.features.chains.sends_store import ChainSend, ChainTransaction, NewTransaction
from recoup.features.chains.store import settles_to
from recoup.features.chains.terms import Terms, deposit_address, from_json
from recoup.features.chains.transfers import why_it_waits
from recoup.features.chains.watch import HaltError, Network
from recoup.features.chains.words import SENDER
from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.moves.message.alert import alert_now
from recoup.store.pool import LOST, unavailable
from recoup.store.statement import Tx

log = structlog.get_logger()
TOGETHER: Final = 20  # orders of one sweep
WANTED: Final = 1_000  # that are looked at: what waits for a person holds up nothing behind it
TRANSFERS: Final = 20  # of one turn, each a transaction
GAS_BEFORE: Final = 60_000  # of a batch, beside its sweeps
GAS_EACH: Final = 260_000  # a first sweep to receivers that never held the token, with room
GAS_TRANSFER: Final = 120_000
ROOM: Final = Decimal("1.3")  # above what a node estimates
AGREED: Final = 2  # times what one node estimates, another may
RAISE: Final = Decimal("1.125")
PATIENCE_BLOCKS: Final = 5  # before a transaction is replaced by a dearer one
PATIENCE_MS: Final = 30_000
LOST_BLOCKS: Final = 20  # after which a number that is used without a receipt of ours is somebody else's
DAY: Final = timedelta(days=1)
HELD: Final = "the key was halted: look on the chain whether it went"
REVERTED: Final = 3  # a node's code for a call that the contract refuses
WHY_MAX: Final = 200


class Signed(NamedTuple):
    raw: bytes
    hash: bytes


class Signer(Protocol):
    """A key. `address`: 20 bytes."""

    @property
    def address(self) -> bytes: ...

    def sign(self, transaction: dict[str, Any]) -> Signed: ...

    def sign_hash(self, digest: bytes) -> bytes:
        """65 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of a unit of gas, in the coin's base units."""

    fee: int
    tip: int

    def raised(self, before: ChainTransaction | None) -> "Prices":
        """Prices at least an eighth above what was offered before."""
        if before is None:
            return self
        least = [int(price * RAISE) + 1 for price in (before.fee_per_gas, before.tip_per_gas)]
        return Prices(max(self.fee, least[0]), max(self.tip, least[1]))


async def prices_at(nodes: Sequence[Endpoint]) -> Prices:
    """Twice the base fee of the newest block, which lasts for six full blocks, and a tip: of what nodes ask for the
    least, as it is paid whole."""
    said = [await node.batch([block_call("latest"), ("eth_maxPriorityFeePerGas", [])]) for node in nodes]
    blocks = [taken(block) for block, _ in said]
    if not all(isinstance(block, dict) for block in blocks):
        raise GarbageError("no head")
    base = max(number(block.get("baseFeePerGas", "0x0")) for block in blocks)
    tip = min(number(taken(answer)) for _, answer in said)
    return Prices(2 * base + tip, tip)


def sign(signer: Signer, chain: int, to: bytes, call: bytes, nonce: int, prices: Prices, gas: int) -> Signed:
    return signer.sign(
        {
            "type": 2,
            "chainId": chain,
            "nonce": nonce,
            "to": to,
            "value": 0,
            "data": call,
            "gas": gas,
            "maxFeePerGas": prices.fee,
            "maxPriorityFeePerGas": prices.tip,
        }
    )


class KeyState(NamedTuple):
    """What nodes say of the chain and of the key: how many of its transactions are in blocks, and how many are known in
    all; `coins`: what is left for gas."""

    heights: Heights
    mined: int
    known: int
    coins: int


class Sender:
    """One a chain and key, for the life of a process: a second one would take the same numbers."""

    together = TOGETHER

    def __init__(
        self,
        world: World,
        network: Network,
        endpoints: Sequence[Endpoint],
        signer: Signer,
        fee_cap: int,
        *,
        low_water: int = 0,
        sweeps: bool = True,
    ) -> None:
        """`fee_cap`: the most that a unit of gas may cost; `low_water`: the coins below which people are told;
        `sweeps`: it sweeps, beside the transfers out of its own wallet."""
        self._world, self._network, self._nodes, self._signer = world, network, endpoints, signer
        self._fee_cap, self._low_water, self._sweeps = fee_cap, low_water, sweeps
        self._held = AsyncExitStack()
        self._session: asyncpg.Connection | None = None
        self._block_ms = network.any.block_ms
        self._troubles: list[str] = []
        self._turn = 0
        self._tried: dict[UUID, int] = {}  # in which turn a sweep was tried last
        self._concerns: UUID | None = None  # a merchant whose money waits

    async def open(self) -> None:
        """Takes the lock. Raises: Problem(conflict) where another process has it; what the database does."""
        if self._session is not None and not self._session.is_closed():
            return
        await self.close()
        name = f"sender {self._network.chain} {self._signer.address.hex()}"
        try:
            connection = await self._held.enter_async_context(self._world.db.apart())
            is_ours = await sends_store.lock_sender(connection, name)
        except LOST as error:
            await self.close()
            raise unavailable(error) from error
        if not is_ours:
            await self.close()
            who = shown(self._signer.address, self._network.kind)
            message = Sentence("Another process sends from {0} on chain {1}.", who, self._network.chain)
            raise Problem("conflict", message, cure="One sender has a key: end the other, or use another key.")
        self._session = connection

    async def close(self) -> None:
        """Gives the lock up."""
        session, self._session = self._session, None
        if session is not None and not session.is_closed():
            with suppress(*LOST):
                await sends_store.unlock_senders(session)
        await self._held.aclose()

    async def work(self) -> int:
        """Decides what is mined, repeats what is out, and sends what is wanted; answers how many were sent. Raises:
        AwayError; HaltError where the chain's count of this key's transactions is not ours; Problem."""
        await self.open()
        db, (chain, who) = self._world.db, (self._network.chain, self._signer.address)
        self._troubles, self._concerns = [], None
        state = await self._state()
        next_number = await self._begun(state)
        await self._decide(await sends_store.open_transactions(db, chain, who), state)
        out = await sends_store.open_transactions(db, chain, who)
        await self._check_taken(out, state)
        prices = await self._prices()
        is_dear = prices.fee > self._fee_cap
        if is_dear:
            self._troubles.append(f"gas costs {prices.fee} a unit, above the cap of {self._fee_cap}")
        await self._repeat(out, state, prices)
        wanted = await sends_store.wanted(db, chain, who, self._sweeps, WANTED)
        self._concerns = next((one.merchant_id for one in wanted), None)
        sent = 0
        free = state.coins - sum(int(one.gas * one.fee_per_gas) for one in {one.number: one for one in out}.values())
        for batch, gas in [] if is_dear or not wanted else await self._possible(wanted, out):
            free -= gas * prices.fee
            if free < 0:
                self._troubles.append(self._lacks(state.coins))
                break
            await self._sign(batch, next_number + sent, prices, gas, state.heights.head)
            sent += 1
        if state.coins < self._low_water:
            self._troubles.append(f"gas runs out: {state.coins} coins of the chain are left")
        await self._note_troubles()
        return sent

    def _lacks(self, coins: int) -> str:
        return f"no gas: {coins} coins of the chain are left"

    # What the chain says of this key ----------------------------------------------------------------------------------

    async def _state(self) -> KeyState:
        """What all nodes have: one that is behind, or says that it is ahead, changes nothing by itself."""
        said = [await self._state_at(node) for node in self._nodes]
        return KeyState(
            lower([one.heights for one in said]),
            min(one.mined for one in said),
            max(one.known for one in said),
            min(one.coins for one in said),
        )

    async def _state_at(self, node: Endpoint) -> KeyState:
        who = to_hex(self._signer.address)
        asks: list[Call] = [block_call("latest"), block_call("safe"), block_call("finalized")]
        asks += [("eth_getTransactionCount", [who, tag]) for tag in ("latest", "pending")]
        said = await node.batch([*asks, ("eth_getBalance", [who, "latest"])])
        head, safe, final = map(read_block, said[:3])
        if head is None:
            raise GarbageError("no head")
        mined = number(taken(said[3]))
        known = mined if isinstance(said[4], Refused) else number(said[4])  # some nodes know no pending block
        heights = Heights(head.number, safe and safe.number, final and final.number)
        return KeyState(heights, mined, max(mined, known), number(taken(said[5])))

    async def _begun(self, state: KeyState) -> int:
        """The number of the next transaction. Raises: HaltError, also where it was halted before."""
        chain, who = self._network.chain, self._signer.address
        row = await sends_store.sender_of(self._world.db, chain, who)
        if row is not None and row.halted:
            raise HaltError(row.halted)
        numbers = await sends_store.numbers_of(self._world.db, chain, who)
        ours = max(row.begins if row else 0, 0 if numbers.last is None else numbers.last + 1)
        if numbers.mined is not None and state.mined <= numbers.mined:
            raise AwayError(f"a node is behind: it has {state.mined} transactions of this key, not {numbers.mined + 1}")
        if state.known > ours:
            await self._halt(f"this key has sent {state.known} transactions, of which {ours} are known here")
        if row is None:
            await sends_store.begin_sender(self._world.db.alone, chain, who, 0)
        return ours

    async def _check_taken(self, out: Sequence[ChainTransaction], state: KeyState) -> None:
        """Of each number that the chain has used, a transaction of ours has the receipt, or soon. Raises: HaltError."""
        for one in {one.number: one for one in out}.values():
            if one.number < state.mined and state.heights.head - one.signed_block >= LOST_BLOCKS:
                hashes = [same.hash for same in out if same.number == one.number]
                said = [await node.batch(receipts_of(hashes)) for node in self._nodes]
                if not any(isinstance(receipt, dict) for receipts in said for receipt in receipts):
                    await self._halt(f"transaction {one.number} of this key is none that is known here")

    async def _halt(self, why: str) -> None:
        log.error("sender halted", chain=self._network.chain, sender=self._signer.address.hex(), why=why)
        await sends_store.halt_sender(self._world.db.alone, self._network.chain, self._signer.address, why)
        waiting = await sends_store.wanted(self._world.db, self._network.chain, self._signer.address, self._sweeps, 1)
        await self._tell(waiting[0].merchant_id if waiting else None, self._signer.address.hex(), "halted", why)
        raise HaltError(why)

    async def go_on(self, count: int) -> int:
        """A person has accounted for the key's transactions below this number: it goes on from there. What may have
        gone by one that is not known is held, until somebody says so; answers how many. Raises: Problem(conflict)."""
        await self.open()
        state, key = await self._state(), (self._network.chain, self._signer.address)
        if state.known != count:
            message = Sentence("The chain has {0} transactions of this key, not {1}.", state.known, count)
            raise Problem("conflict", message, cure="Look at all of them first.")
        await self._decide(await sends_store.open_transactions(self._world.db, *key), state)
        async with self._kept() as tx:
            lost = await sends_store.lose_numbers(tx, *key, count)
            held = await sends_store.hold_transfers(tx, *key, lost, HELD)
            await sends_store.want_lost(tx, lost)
            await sends_store.begin_sender(tx, *key, count)
            await sends_store.lift_sender(tx, *key)
        return held

    async def went(self, send: ChainSend, tx_hash: bytes) -> None:
        """A person says that a held transfer went by this transaction; every node has to agree. Raises: Problem."""
        receipts = [(await node.batch(receipts_of([tx_hash])))[0] for node in self._nodes]
        heights, depths = (await self._state()).heights, self._depths([send])
        is_so = all(
            isinstance(one, dict)
            and number(one.get("status")) == 1
            and one.get("blockHash") == receipts[0].get("blockHash")
            and self._moved(send, one)
            and all(is_deep(number(one.get("blockNumber")), depth, heights) for depth in depths)
            for one in receipts
        )
        if send.state != "held" or not is_so or await sends_store.sends_in(self._world.db, [tx_hash]):
            message = "This transaction does not show that the transfer went."
            raise Problem("conflict", message, cure="Name the one that did, deep enough and of no other send.")
        await sends_store.mark_went(self._world.db.alone, send.send_id, tx_hash, self._world.clocks.wall())

    # What is out ------------------------------------------------------------------------------------------------------

    async def _decide(self, out: Sequence[ChainTransaction], state: KeyState) -> None:
        """Closes the numbers of which a transaction lies deep enough, in the same block on every node."""
        if not out:
            return
        said = [await node.batch(receipts_of(one.hash for one in out)) for node in self._nodes]
        of_number = {key: [*rows] for key, rows in groupby(out, key=lambda one: one.number)}
        for one, receipts in zip(out, zip(*said, strict=True), strict=True):
            if not all(isinstance(receipt, dict) for receipt in receipts):
                continue
            places = {(data(receipt.get("blockHash"), 32), number(receipt.get("blockNumber"))) for receipt in receipts}
            sends = await sends_store.sends_in(self._world.db, [same.hash for same in of_number[one.number]])
            block = next(iter(places))[1]
            if len(places) == 1 and all(is_deep(block, depth, state.heights) for depth in self._depths(sends)):
                await self._close(one, sends, receipts, max(map(cost_of, receipts)))

    def _depths(self, sends: Sequence[ChainSend]) -> list[Required]:
        """The depth that each send requires by its amount."""
        found: list[Required] = []
        for one in sends:
            channel = self._network.channels.get(one.token)
            if channel is None:
                return [self._network.depth]
            value = int(one.value) if one.value is not None else self._terms(one).due
            found.append(required(channel.confirmations, channel.book(value)))
        return found or [self._network.depth]

    async def _close(
        self, one: ChainTransaction, sends: Sequence[ChainSend], receipts: Sequence[Mapping[str, Any]], cost: int
    ) -> None:
        # Of what nodes do not say alike nothing is decided: a failed one may be wanted again, and would go twice.
        said = [self._outcome(sends, receipt) for receipt in receipts]
        if any(other != said[0] for other in said):
            self._troubles.append(f"its nodes do not agree what transaction {one.number} did")
            return
        went, gone = said[0]
        moved = [send for send in sends if send.send_id in gone]
        lost = [send for send in sends if send not in moved]
        why = "the transaction moved nothing" if went else "the transaction was reverted"
        await self._tell_failed(lost, why)
        async with self._kept() as tx:
            await sends_store.mark_done(tx, [send.send_id for send in moved], one.hash)
            await sends_store.mark_failed(tx, [send.send_id for send in lost], why, one.hash)
            mined = (one.chain, one.sender, one.number, one.hash, "mined" if went else "reverted", Decimal(cost))
            await sends_store.close_number(tx, *mined)

    def _outcome(self, sends: Sequence[ChainSend], receipt: Mapping[str, Any]) -> tuple[bool, set[UUID]]:
        """Whether it was not reverted, and which of these it moved."""
        went = number(receipt.get("status")) == 1
        return went, {send.send_id for send in sends if went and self._moved(send, receipt)}

    def _moved(self, send: ChainSend, receipt: Mapping[str, Any]) -> bool:
        """A transfer has its log. A sweep is named where it did not go; one that found nothing was somebody else's, and
        the watcher knows that."""
        return any(self._is_of(send, log) for log in logs_of(receipt)) is (send.kind == "transfer")

    def _is_of(self, send: ChainSend, log: Mapping[str, Any]) -> bool:
        listed = log.get("topics")
        if not isinstance(listed, list):
            raise GarbageError("not a log")
        topics, contract = [data(topic, 32) for topic in listed], data(log.get("address"), 20)
        try:
            if send.kind == "transfer":
                moved = abi.read_transfer(topics, data(log.get("data")))
                is_same = (moved.sender, moved.to) == (send.source, send.receiver)
                return contract == send.token and is_same and moved.value == send.value
            failed = abi.read_failed(topics, data(log.get("data")))
        except abi.UnreadableError:
            return False
        kind, factory = self._network.kind, self._network.factory
        deposit = deposit_address(kind, factory, artifact(kind).implementation_of(factory), self._terms(send))
        return contract == self._network.factory and failed.deposit == deposit

    async def _repeat(self, out: Sequence[ChainTransaction], state: KeyState, prices: Prices) -> None:
        """What may not have left goes again, the same bytes; what waits too long, dearer under its number."""
        patience = max(PATIENCE_BLOCKS, PATIENCE_MS // self._block_ms)
        for one in {one.number: one for one in out}.values():
            raised = prices.raised(one)
            if one.number < state.mined:  # in a block, and not deep yet
                continue
            if one.number > state.mined or state.heights.head - one.signed_block < patience:
                await self._broadcast(one.raw)
            elif raised.fee > self._fee_cap:
                self._troubles.append(f"transaction {one.number} waits: a dearer one would be above the cap")
                await self._broadcast(one.raw)
            elif sends := await sends_store.sends_in(self._world.db, [one.hash]):
                await self._sign(sends, one.number, raised, one.gas, state.heights.head)

    # What is wanted ---------------------------------------------------------------------------------------------------

    async def _possible(
        self, wanted: Sequence[ChainSend], out: Sequence[ChainTransaction]
    ) -> list[tuple[list[ChainSend], int]]:
        """The transactions that would go now, with their gas. What a contract refuses on every node is failed, with
        the reason: nothing is sent blindly. What only waits stays wanted."""
        transfers = [one for one in wanted if one.kind == "transfer" and one.token in self._network.channels]
        transfers = await self._allowed(await self._without_withdrawn(transfers), out)
        found = [([one], gas) for one, gas in await self._run_dry(transfers)]
        self._tried = {one.send_id: self._tried[one.send_id] for one in wanted if one.send_id in self._tried}
        for token in dict.fromkeys(one.token for one in wanted if one.kind == "sweep"):
            sweeps = self._next([one for one in wanted if (one.kind, one.token) == ("sweep", token)])
            able = await self._run_dry(sorted(sweeps, key=lambda one: one.send_id))
            found += [self._batch(able)] if able else []
        return found

    def _next(self, sweeps: Sequence[ChainSend]) -> list[ChainSend]:
        """Those of a token whose turn it is: one that neither goes nor fails is tried again after those behind it."""
        found = sorted(sweeps, key=lambda one: self._tried.get(one.send_id, 0))[: self.together]
        self._turn += 1
        self._tried.update((one.send_id, self._turn) for one in found)
        return found

    def _batch(self, able: Sequence[tuple[ChainSend, int]]) -> tuple[list[ChainSend], int]:
        """Sweeps in one transaction, and its gas."""
        return [one for one, _ in able], GAS_BEFORE + sum(max(gas, GAS_EACH) for _, gas in able)

    async def _without_withdrawn(self, transfers: Sequence[ChainSend]) -> list[ChainSend]:
        """Fails the payouts that would go to another address than their merchants' settlements now do: they may have
        waited for days."""
        db, kind, found = self._world.db, self._network.kind, []
        current: dict[UUID, str | None] = {}
        for one in transfers:
            if one.subject_kind == "payout" and one.merchant_id not in current:
                now = self._world.clocks.business(await known_offset(db, one.merchant_id))
                current[one.merchant_id] = await settles_to(db, one.merchant_id, kind, now)
            if one.subject_kind != "payout" or shown(one.receiver or b"", kind) == current[one.merchant_id]:
                found.append(one)
                continue
            await self._tell_failed([one], sends_store.WITHDRAWN)
            await sends_store.mark_failed(db.alone, [one.send_id], sends_store.WITHDRAWN, None)
        return found

    async def _allowed(self, transfers: Sequence[ChainSend], out: Sequence[ChainTransaction]) -> list[ChainSend]:
        """The transfers within the limits that the custody wallet can pay, less what is on its way out of it."""
        if not transfers:
            return []
        under_way = await sends_store.sends_in(self._world.db, [one.hash for one in out])
        found: list[ChainSend] = []
        left: dict[bytes, int] = {}
        today: dict[str, int] = {}
        for one in transfers:
            channel = self._network.channels[one.token]
            value, since = int(one.value or 0), self._world.clocks.wall() - DAY
            if one.token not in left:
                held = await balance_at(self._nodes[0], one.token, self._signer.address)
                left[one.token] = held - sum(int(way.value or 0) for way in under_way if way.token == one.token)
            if channel.code not in today:
                today[channel.code] = int(await sends_store.sent_since(self._world.db, one.chain, channel.code, since))
            trouble = why_it_waits(channel, value, left[one.token], today[channel.code])
            if trouble:
                self._troubles.append(trouble)
            elif len(found) < TRANSFERS:
                left[one.token], today[channel.code] = left[one.token] - value, today[channel.code] + value
                found.append(one)
        return found

    async def _run_dry(self, wanted: Sequence[ChainSend]) -> list[tuple[ChainSend, int]]:
        """The sends that would go, with the gas that they need."""
        if not wanted:
            return []
        requests = [self._request([one], None) for one in wanted]
        said = [await node.batch([("eth_call", [request, "latest"]) for request in requests]) for node in self._nodes]
        estimates = [
            await node.batch([("eth_estimateGas", [request, "latest"]) for request in requests]) for node in self._nodes
        ]
        found = []
        for one, answers, gas in zip(wanted, zip(*said, strict=True), zip(*estimates, strict=True), strict=True):
            refused = [answer for answer in answers if isinstance(answer, Refused)]
            if not refused:
                needs = [number(estimated) for estimated in gas if not isinstance(estimated, Refused)]
                if len(needs) == len(gas) and max(needs) <= AGREED * min(needs):
                    found.append((one, max(GAS_TRANSFER, int(max(needs) * ROOM))))
                else:
                    self._troubles.append(f"a {one.kind} waits: its nodes do not agree what gas it needs")
            elif len(refused) == len(answers) and all(map(_is_revert, refused)):
                await self._tell_failed([one], refused[0].message)
                await sends_store.mark_failed(self._world.db.alone, [one.send_id], refused[0].message[:WHY_MAX], None)
        return found

    def _request(self, sends: Sequence[ChainSend], gas: int | None) -> dict[str, str]:
        to, call = self._call(sends)
        request = {"from": to_hex(self._signer.address), "to": to_hex(to), "data": to_hex(call)}
        return request if gas is None else request | {"gas": hex(gas)}

    def _terms(self, send: ChainSend) -> Terms:
        return from_json(send.terms, self._network.kind)

    def _call(self, sends: Sequence[ChainSend]) -> tuple[bytes, bytes]:
        """The contract that is called, and what of it."""
        first = sends[0]
        if first.receiver is not None and first.value is not None:
            return first.token, abi.transfer(first.receiver, int(first.value))
        if len(sends) == 1:
            return self._network.factory, abi.sweep(self._terms(first).encoded(), first.token)
        return self._network.factory, abi.sweep_many([self._terms(one).encoded() for one in sends], first.token)

    async def _prices(self) -> Prices:
        return await prices_at(self._nodes)

    async def _sign(self, batch: Sequence[ChainSend], nonce: int, prices: Prices, gas: int, head: int) -> None:
        """Kept and committed, then sent: what dies before is sent by the next start."""
        signed = self._signed(*self._call(batch), nonce, prices, gas)
        ids, now = [one.send_id for one in batch], self._world.clocks.wall()
        key, fees = (self._network.chain, self._signer.address), (Decimal(prices.fee), Decimal(prices.tip))
        async with self._kept() as tx:
            await sends_store.keep_transaction(
                tx, NewTransaction(*key, nonce, signed.hash, signed.raw, *fees, gas, now, head)
            )
            if await sends_store.mark_signed(tx, ids, signed.hash) != len(ids):
                raise Problem("conflict", "What was to be sent has changed meanwhile.", cure="It is looked at again.")
        await self._broadcast(signed.raw)

    def _signed(self, to: bytes, call: bytes, nonce: int, prices: Prices, gas: int) -> Signed:
        return sign(self._signer, self._network.chain, to, call, nonce, prices, gas)

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[Tx]:
        """A transaction of the connection that has the lock. Raises: Problem(unavailable) without it."""
        try:
            if self._session is None:
                raise asyncpg.InterfaceError("the lock was lost")
            async with self._session.transaction():
                yield self._session
        except LOST as error:
            await self.close()
            raise unavailable(error) from error

    async def _broadcast(self, raw: bytes) -> None:
        """To every node: one may keep it to itself. What it says proves nothing: the receipt does."""
        for node in self._nodes:
            try:
                said = await node.batch([("eth_sendRawTransaction", [to_hex(raw)])])
            except AwayError as error:
                log.info("not taken", chain=self._network.chain, node=node.name, why=f"{error}")
                continue
            if isinstance(said[0], Refused):
                log.info("not taken", chain=self._network.chain, node=node.name, why=said[0].message)

    # What people hear -------------------------------------------------------------------------------------------------

    async def _tell_failed(self, sends: Iterable[ChainSend], why: str) -> None:
        for one in sends:
            log.error("send failed", chain=one.chain, send=str(one.send_id), kind=one.subject_kind, why=why)
            await self._tell(one.merchant_id, str(one.send_id), "failed", why)

    async def _note_troubles(self) -> None:
        """Stores the troubles, and tells people of each new one once."""
        now, trouble = self._world.clocks.wall(), "; ".join(dict.fromkeys(self._troubles))[:WHY_MAX] or None
        key = (self._network.chain, self._signer.address)
        kind = trouble and "".join(sign for sign in trouble if not sign.isdigit())  # amounts change by the block
        known = await sends_store.sender_of(self._world.db, *key)
        before = known and known.trouble and "".join(sign for sign in known.trouble if not sign.isdigit())
        await sends_store.note_trouble(self._world.db.alone, *key, trouble, now)
        if trouble and kind != before:
            log.warning("sender in trouble", chain=self._network.chain, why=trouble)
            await self._tell(self._concerns, f"{self._signer.address.hex()} {now:%Y-%m-%d} {kind}", "waits", trouble)

    async def _tell(self, merchant_id: UUID | None, about: str, what: str, why: str) -> None:
        """Alerts the operator's people, through a merchant whose money it is."""
        if merchant_id is None:
            return
        network = self._network.any.network
        facts = {"what": what, "chain": network, "why": why[:WHY_MAX]}
        about_id = uuid5(NAMESPACE_URL, f"chain:{self._network.chain}:{about}")
        async with self._world.db.transaction() as tx:
            await alert_now(tx, merchant_id, SENDER, about_id, 1, facts, self._world.clocks.wall())


def _is_revert(refused: Refused) -> bool:
    """Whether the contract refused, not a node that is busy or behind."""
    return refused.code == REVERTED or "revert" in refused.message
