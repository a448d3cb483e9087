"""The sender of an EVM network: the only process that opens keys. A transaction is signed, kept and
committed before it leaves, so that a repeat is the same bytes; whatever dies between, nothing is
sent twice.

One process has a key: its lock lives on the connection by which it keeps what it signs, so who has
lost the lock keeps nothing, and what is not kept never leaves.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import asyncpg
import structlog

from recoup.chains import abi, sends_store
from recoup.chains.abi import to_hex
from recoup.chains.artifacts import artifact
from recoup.chains.channels import gwei
from recoup.chains.depth import Heights, Required, is_deep, lower, required
from recoup.chains.evm_wire import Prices, Signed, Signer, prices_at, sign
from recoup.chains.reading import (
    Receipt,
    ReceiptAnswer,
    balance_at,
    block_call,
    contract_call,
    read_block,
    read_receipt,
    receipts_of,
)
from recoup.chains.rpc import AwayError, Call, Endpoint, GarbageError, Refused, data, number, taken
from recoup.chains.sends_store import ChainSend, ChainTransaction
from recoup.chains.settlement_addresses import settling_now
from recoup.chains.terms import Terms, deposit_address, from_json
from recoup.chains.transfers import why_it_waits
from recoup.chains.watch import HaltError, Network
from recoup.chains.words import SENDER
from recoup.db.pool import LOST, unavailable
from recoup.db.statement import Tx
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of
from recoup.merchants.store.sending_stops import standing_stop
from recoup.notifications.moves import alert_now
from recoup.stablecoin.rules.addresses import shown

log = structlog.get_logger()
TOGETHER: Final = 20  # orders of one sweep
WANTED: Final = 1_000  # that one turn looks at: the next goes on behind them
TRANSFERS: Final = 20  # of one turn, each a transaction
GAS_BEFORE: Final = 60_000  # of a batch, beside its sweeps
GAS_EACH: Final = 260_000  # a first sweep to receivers that never held the token, with room
GAS_STRAY: Final = 1_000_000
GAS_TRANSFER: Final = 120_000
ROOM: Final = Decimal("1.3")  # above what a node estimates
AGREED: Final = 2  # times what one node estimates, another may
PATIENCE_BLOCKS: Final = 5  # before a transaction is replaced by a dearer one
PATIENCE_MS: Final = 30_000
LOST_BLOCKS: Final = (
    20  # after which a number without a receipt of ours is somebody else's, or open again
)
DAY: Final = timedelta(days=1)
HELD: Final = "the key was halted: look on the chain whether it went"
REVERTED: Final = 3  # a node's code for a call that the contract refuses
WHY_MAX: Final = 200


class KeyState(NamedTuple):
    """State of the chain and of the key as nodes report it: how many of its transactions are in
    blocks on all nodes, and at most on any, and how many are known in all; `coins`: what is left
    for gas."""

    heights: Heights
    mined: int
    most: int
    known: int
    coins: int


Receipts = Mapping[bytes, Sequence[ReceiptAnswer]]
"""By hash, of each node."""


class Sender:
    """Sender of a chain and key, one for the life of a process: a second one would take the same
    numbers."""

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
        """`fee_cap`: the most that a unit of gas may cost; `low_water`: the coins below which
        people are told; `sweeps`: it sweeps, beside the transfers out of its own wallet."""
        self._world, self._network, self._nodes, self._signer = world, network, endpoints, signer
        self._fee_cap, self._low_water, self._sweeps = fee_cap, low_water, sweeps
        self._db, self._key = world.db, (network.chain, signer.address)
        self._held = AsyncExitStack()
        self._session: asyncpg.Connection | None = None
        self._holder = uuid4()
        self._troubles: list[str] = []
        self._gone_at: int | None = None  # the head when transactions were in no block any more
        self._after: UUID | None = None  # the last send that was looked at
        self._turn = 0
        self._tried: dict[UUID, int] = {}  # in which turn a send was tried last
        self._met: set[UUID] = set()  # since all that is wanted was begun anew
        self._concerns: UUID | None = None  # a merchant whose money waits

    async def open(self) -> None:
        """Takes the lock. Raises: Problem(conflict) where another process has it; what the database
        does."""
        if self._session is not None and not self._session.is_closed():
            return
        await self.close()
        try:
            connection = await self._held.enter_async_context(self._db.apart())
            is_ours = await sends_store.take_sender(
                connection, *self._key, self._holder, self._world.clocks.wall()
            )
        except LOST as error:
            await self.close()
            raise unavailable(error) from error
        if not is_ours:
            await self.close()
            who = shown(self._signer.address, self._network.kind)
            raise Problem(
                "conflict",
                Sentence("Another process sends from {0} on chain {1}.", who, self._network.chain),
                "One sender has a key: end the other, or use another key.",
            )
        self._session = connection

    async def close(self) -> None:
        """Gives the lock up."""
        session, self._session = self._session, None
        if session is not None and not session.is_closed():
            with suppress(*LOST):
                await sends_store.unlock_senders(session)
        await self._held.aclose()

    async def work(self) -> int:
        """Decides what is mined, repeats what is out, and sends what is wanted; answers how many
        were sent. Raises: AwayError; HaltError where the chain's count of this key's transactions
        is not ours; Problem."""
        self._world.standing.check()
        await self.open()
        self._troubles, self._concerns = [], None
        state = await self._state()
        next_number = await self._begun(state)
        receipts = await self._decide(state)
        out = await sends_store.open_transactions(self._db, *self._key)
        await self._check_taken(out, receipts, state)
        if await standing_stop(self._db):
            self._troubles.append("all sending is switched off")
            await self._note_troubles()
            return 0
        prices = await self._prices()
        if is_dear := prices.fee > self._fee_cap:
            self._troubles.append(
                f"gas costs {gwei(prices.fee)} a unit, above the cap of {gwei(self._fee_cap)}"
            )
        await self._repeat(out, receipts, state, prices)
        wanted = await sends_store.wanted(self._db, *self._key, self._sweeps, self._after, WANTED)
        self._after = wanted[-1].send_id if len(wanted) == WANTED else None
        self._met.update(send.send_id for send in wanted)
        if self._after is None:  # what was not met is decided
            self._tried = {
                send_id: turn for send_id, turn in self._tried.items() if send_id in self._met
            }
            self._met.clear()
        self._concerns = next((send.merchant_id for send in wanted), None)
        sent = 0
        free = state.coins - sum(
            int(transaction.gas * transaction.fee_per_gas)
            for transaction in {transaction.number: transaction for transaction in out}.values()
        )
        for batch, gas in [] if is_dear else await self._possible(wanted, out):
            free -= gas * prices.fee
            if free < 0:
                self._troubles.append(self._lacks(state.coins))
                break
            await self._sign(batch, next_number + sent, prices, gas, state.heights.head)
            sent += 1
        if state.coins < self._low_water:
            self._troubles.append(f"gas runs out: {self._network.any.coins(state.coins)} left")
        await self._note_troubles()
        return sent

    def _lacks(self, coins: int) -> str:
        return f"no gas: {self._network.any.coins(coins)} left"

    # What the chain says of this key
    # ----------------------------------------------------------------------------------

    async def _state(self) -> KeyState:
        """The state that all nodes have: one that is behind, or says that it is ahead, changes
        nothing by itself."""
        heights, mined, known, coins = zip(
            *[await self._state_at(node) for node in self._nodes], strict=True
        )
        return KeyState(lower(heights), min(mined), max(mined), max(known), min(coins))

    async def _state_at(self, node: Endpoint) -> tuple[Heights, int, int, int]:
        """The state at one node: the heights, and of this key the mined and the known transactions,
        and the coins."""
        who = to_hex(self._signer.address)
        asks: list[Call] = [block_call("latest"), block_call("safe"), block_call("finalized")]
        asks += [("eth_getTransactionCount", [who, tag]) for tag in ("latest", "pending")]
        said = await node.batch([*asks, ("eth_getBalance", [who, "latest"])])
        head, safe, final = map(read_block, said[:3])
        if head is None:
            raise GarbageError("no head")
        mined = number(taken(said[3]))
        known = (
            mined if isinstance(said[4], Refused) else number(said[4])
        )  # some nodes know no pending block
        heights = Heights(head.number, safe and safe.number, final and final.number)
        return heights, mined, max(mined, known), number(taken(said[5]))

    async def _begun(self, state: KeyState) -> int:
        """The number of the next transaction. Raises: HaltError, also where it was halted
        before."""
        row = await sends_store.sender_of(self._db, *self._key)
        if row and row.halted:
            raise HaltError(row.halted)
        ours = 0 if row is None else max(row.begins, 0 if row.last is None else row.last + 1)
        if row and row.mined is not None and state.mined <= row.mined:
            await self._take_back(state, row.mined)
        self._gone_at = None
        if state.known > ours:
            await self._halt(
                f"this key has sent {state.known} transactions, of which {ours} are known here"
            )
        if row is None:
            await sends_store.begin_sender(self._db.alone, *self._key, 0)
        return ours

    async def _take_back(self, state: KeyState, mined: int) -> None:
        """Opens numbers again whose transactions a reorganisation took out of blocks that were deep
        enough: on all nodes, and for a while, as one that is behind says the same. Then the same
        bytes go once more. Raises: AwayError; HaltError for a transfer that failed, which may have
        been wanted again."""
        rows = await sends_store.closed_transactions(self._db, *self._key, state.most, WANTED)
        hashes = [row.hash for row in rows]
        is_there = any(
            said for of_nodes in (await self._receipts(hashes)).values() for said in of_nodes
        )
        if not rows or is_there or state.heights.head < max(row.block or 0 for row in rows):
            self._gone_at = None
            raise AwayError(
                f"a node is behind: it has {state.mined} transactions of this key, not {mined + 1}"
            )
        self._gone_at = state.heights.head if self._gone_at is None else self._gone_at
        if state.heights.head < self._gone_at + LOST_BLOCKS:
            raise AwayError(
                f"transaction {rows[0].number} of this key is in no block any more: it goes again "
                f"soon"
            )
        for send in await sends_store.sends_in(self._db, hashes):
            if (send.kind, send.state) == ("transfer", "failed"):
                await self._halt(
                    "a transfer that failed is in no block any more, and may still go",
                    send.merchant_id,
                )
        self._troubles.append(
            f"a reorganisation took back what was sent from transaction {rows[0].number} on"
        )
        async with self._kept() as tx:
            await sends_store.open_again(tx, *self._key, hashes, state.heights.head)
            await sends_store.take_back(tx, hashes)

    async def _check_taken(
        self, out: Sequence[ChainTransaction], receipts: Receipts, state: KeyState
    ) -> None:
        """Checks that of each number that the chain has used, a transaction of ours has the
        receipt, or soon. Raises: HaltError."""
        for nonce, rows in _by_number(out).items():
            is_late = (
                nonce < state.mined and state.heights.head - rows[-1].signed_block >= LOST_BLOCKS
            )
            if is_late and all(said is None for row in rows for said in receipts[row.hash]):
                await self._halt(f"transaction {nonce} of this key is none that is known here")

    async def _halt(self, why: str, merchant_id: UUID | None = None) -> None:
        log.error(
            "sender halted", chain=self._network.chain, sender=self._signer.address.hex(), why=why
        )
        await sends_store.halt_sender(self._db.alone, *self._key, why)
        waiting = await sends_store.wanted(self._db, *self._key, self._sweeps, None, 1)
        merchant_id = merchant_id or next((send.merchant_id for send in waiting), None)
        await self._tell(merchant_id, self._signer.address.hex(), "halted", why)
        raise HaltError(why)

    async def go_on(self, count: int) -> int:
        """A person has accounted for the key's transactions below this number: it goes on from
        there. What may have gone by one that is not known is held, until somebody says so; answers
        how many. Raises: Problem(conflict)."""
        await self.open()
        lost_below = await self._accounted(await self._state(), count)
        async with self._kept() as tx:
            lost = await sends_store.lose_numbers(tx, *self._key, lost_below)
            held = await sends_store.hold_transfers(tx, *self._key, lost, HELD)
            await sends_store.want_lost(tx, lost)
            await sends_store.begin_sender(tx, *self._key, count, lift=True)
        return held

    async def _accounted(self, state: KeyState, count: int) -> int:
        """The number below which what is still open went by none of ours. Raises:
        Problem(conflict)."""
        if state.known != count:
            raise Problem(
                "conflict",
                Sentence(
                    "The chain has {0} transactions of this key, not {1}.", state.known, count
                ),
                "Look at all of them first.",
            )
        await self._decide(state)
        return count

    async def went(self, send: ChainSend, tx_hash: bytes) -> None:
        """A person says that a held transfer went by this transaction; every node has to agree.
        Raises: Problem."""
        state, receipts = await self._state(), _agreed((await self._receipts([tx_hash]))[tx_hash])
        is_so = self._is_deep(receipts, [send], state.heights) and all(
            receipt.went for receipt in receipts
        )
        is_so = is_so and all(self._moved(send, receipt) for receipt in receipts)
        if send.state != "held" or not is_so or await sends_store.sends_in(self._db, [tx_hash]):
            raise Problem(
                "conflict",
                "This transaction does not show that the transfer went.",
                "Name the one that did, deep enough and of no other send.",
            )
        await sends_store.mark_went(
            self._db.alone, send.send_id, tx_hash, self._world.clocks.wall()
        )

    # What is out
    # ----------------------------------------------------------------------------------------------

    async def _receipts(self, hashes: Sequence[bytes]) -> Receipts:
        calls = receipts_of(hashes)
        said = [await node.batch(calls) for node in self._nodes] if calls else []
        read = [
            [read_receipt(answer, self._network.factory) for answer in answers] for answers in said
        ]
        return dict(zip(hashes, zip(*read, strict=True), strict=True))

    async def _decide(self, state: KeyState) -> Receipts:
        """Closes the numbers of which a transaction lies deep enough, in the same block on every
        node; answers the receipts of all that was open."""
        out = await sends_store.open_transactions(self._db, *self._key)
        receipts = await self._receipts([transaction.hash for transaction in out])
        for rows in _by_number(out).values():
            for row in rows:
                if agreed := _agreed(receipts[row.hash]):
                    sends = await sends_store.sends_in(self._db, [same.hash for same in rows])
                    if self._is_deep(agreed, sends, state.heights):
                        await self._close(
                            row, sends, agreed, max(receipt.cost for receipt in agreed)
                        )
        return receipts

    def _is_deep(
        self, receipts: Sequence[Receipt], sends: Sequence[ChainSend], heights: Heights
    ) -> bool:
        return bool(receipts) and all(
            is_deep(receipts[0].block, depth, heights) for depth in self._depths(sends)
        )

    def _depths(self, sends: Sequence[ChainSend]) -> list[Required]:
        """The depth that each send requires by its amount."""
        depths: list[Required] = []
        for send in sends:
            channel = self._network.channels.get(send.token)
            if channel is None:
                return [self._network.depth]
            value = int(send.value) if send.value is not None else self._terms(send).due
            depths.append(required(channel.confirmations, channel.book(value)))
        return depths or [self._network.depth]

    async def _close(
        self,
        transaction: ChainTransaction,
        sends: Sequence[ChainSend],
        receipts: Sequence[Receipt],
        cost: int,
    ) -> None:
        # Of what nodes do not say alike nothing is decided: a failed one may be wanted again, and
        # would go twice.
        said = [
            (receipt.went, [send for send in sends if self._moved(send, receipt)])
            for receipt in receipts
        ]
        (went, moved), *others = said
        if any(other != said[0] for other in others):
            self._troubles.append(
                f"its nodes do not agree what transaction {transaction.number} did"
            )
            return
        async with self._kept() as tx:
            why = "the transaction moved nothing" if went else "the transaction was reverted"
            await self._fail(
                [send for send in sends if send not in moved], why, tx, transaction.hash
            )
            await sends_store.mark_done(tx, [send.send_id for send in moved], transaction.hash)
            state, block = "mined" if went else "reverted", receipts[0].block
            await sends_store.close_number(
                tx, *self._key, transaction.number, transaction.hash, state, Decimal(cost), block
            )

    def _moved(self, send: ChainSend, receipt: Receipt) -> bool:
        """A transfer has its log. A sweep is named where it did not go; one that found nothing was
        somebody else's, and the watcher knows that."""
        logs = receipt.logs.values()
        if send.kind == "transfer":
            moved = (send.token, send.source, send.receiver, int(send.value or 0))
            return any(
                (log.token, log.sender, log.address, log.value) == moved
                for log in logs
                if log.kind == "deposit"
            )
        deposit = self._deposit(send)
        if send.subject_kind == "stray":
            return any(
                (log.kind, log.address, log.token) == ("sweep", deposit, send.token) for log in logs
            )
        return receipt.went and not any(
            (log.kind, log.address) == ("failed", deposit) for log in logs
        )

    def _deposit(self, send: ChainSend) -> bytes:
        kind, factory = self._network.kind, self._network.factory
        return deposit_address(
            kind, factory, artifact(kind).implementation_of(factory), self._terms(send)
        )

    async def _repeat(
        self, out: Sequence[ChainTransaction], receipts: Receipts, state: KeyState, prices: Prices
    ) -> None:
        """Repeats what may not have left, the same bytes; what waits too long, dearer under its
        number."""
        patience = max(PATIENCE_BLOCKS, PATIENCE_MS // self._network.any.block_ms)
        for nonce, rows in _by_number(out).items():
            if nonce < state.mined:  # in a block, and not deep yet
                continue
            newest, raised = rows[-1], prices.raised(rows[-1])
            is_late = nonce == state.mined and state.heights.head - newest.signed_block >= patience
            if is_late and raised.fee > self._fee_cap:
                self._troubles.append(
                    f"transaction {nonce} waits: a dearer one would be above the cap"
                )
            elif is_late and (
                sends := await sends_store.sends_in(self._db, [row.hash for row in rows])
            ):
                await self._sign(sends, nonce, raised, newest.gas, state.heights.head)
                continue
            await self._broadcast(newest.raw)

    # What is wanted
    # ----------------------------------------------------------------------------------------------

    async def _possible(
        self, wanted: Sequence[ChainSend], out: Sequence[ChainTransaction]
    ) -> list[tuple[list[ChainSend], int]]:
        """The transactions that would go now, with their gas. What a contract refuses on every node
        is failed, with the reason: nothing is sent blindly. What only waits stays wanted; what
        neither goes nor fails is tried again after those behind it."""
        turns = sorted(wanted, key=lambda send: self._tried.get(send.send_id, 0))
        transfers = [
            turn
            for turn in turns
            if turn.kind == "transfer" and turn.token in self._network.channels
        ]
        batches = [
            ([send], gas) for send, gas in await self._run_dry(await self._allowed(transfers, out))
        ]
        usual = [turn for turn in turns if turn.kind == "sweep" and turn.subject_kind != "stray"]
        for token in dict.fromkeys(sweep.token for sweep in usual):
            sweeps = [sweep for sweep in usual if sweep.token == token][: self.together]
            able = await self._run_dry(sorted(sweeps, key=lambda sweep: sweep.send_id))
            batches += [self._batch(able)] if able else []
        return batches + await self._strays(
            [turn for turn in turns if turn.subject_kind == "stray"][: self.together]
        )

    async def _strays(self, wanted: Sequence[ChainSend]) -> list[tuple[list[ChainSend], int]]:
        """Each alone, and of bounded gas: a token may be anybody's, and who receives a coin may
        burn all."""
        there = []
        for stray in wanted:
            call = contract_call(
                self._network.factory, abi.balances(stray.token, [self._deposit(stray)])
            )
            said = [(await node.batch([call]))[0] for node in self._nodes]
            if all(
                not isinstance(answer, Refused) and not any(data(answer)[-abi.WORD :])
                for answer in said
            ):
                await self._fail([stray], "nothing of it is at the address")
            else:
                there.append(stray)
        batches = []
        for stray, gas in await self._run_dry(there):
            if gas <= GAS_STRAY:
                batches.append(([stray], gas))
            else:
                await self._fail([stray], f"it needs {gas} gas, which is more than {GAS_STRAY}")
        return batches

    def _batch(self, able: Sequence[tuple[ChainSend, int]]) -> tuple[list[ChainSend], int]:
        """Sweeps in one transaction, and its gas."""
        return [send for send, _ in able], GAS_BEFORE + sum(max(gas, GAS_EACH) for _, gas in able)

    async def _allowed(
        self, transfers: Sequence[ChainSend], out: Sequence[ChainTransaction]
    ) -> list[ChainSend]:
        """The transfers within the limits that the custody wallet can pay, less what is on its way
        out of it. Fails the payouts that would go to another address than their merchants'
        settlements now do: they may have waited for days."""
        if not transfers:
            return []
        db, kind, wall = self._db, self._network.kind, self._world.clocks.wall()
        under_way = await sends_store.sends_in(db, [transaction.hash for transaction in out])
        allowed: list[ChainSend] = []
        payouts = {row.merchant_id for row in transfers if row.subject_kind == "payout"}
        current = await settling_now(self._world, payouts, kind)
        left: dict[bytes, int] = {}
        today: dict[str, int] = {}
        for transfer in transfers:
            if transfer.subject_kind == "payout":
                if transfer.merchant_id not in current:
                    continue  # it waits until the merchant's cell answers
                if shown(transfer.receiver or b"", kind) != current[transfer.merchant_id]:
                    await self._fail([transfer], sends_store.WITHDRAWN)
                    continue
            channel, value = self._network.channels[transfer.token], int(transfer.value or 0)
            if transfer.token not in left:
                held = min(
                    [
                        await balance_at(node, transfer.token, self._signer.address)
                        for node in self._nodes
                    ]
                )
                left[transfer.token] = held - sum(
                    int(way.value or 0) for way in under_way if way.token == transfer.token
                )
            if channel.code not in today:
                today[channel.code] = int(
                    await sends_store.sent_since(db, transfer.chain, channel.code, wall - DAY)
                )
            if trouble := why_it_waits(channel, value, left[transfer.token], today[channel.code]):
                self._troubles.append(trouble)
            elif len(allowed) < TRANSFERS:
                left[transfer.token], today[channel.code] = (
                    left[transfer.token] - value,
                    today[channel.code] + value,
                )
                allowed.append(transfer)
        return allowed

    async def _run_dry(self, wanted: Sequence[ChainSend]) -> list[tuple[ChainSend, int]]:
        """The sends that would go, with the gas that they need."""
        self._turn += 1
        self._tried.update((send.send_id, self._turn) for send in wanted)
        said = [await self._dry(node, wanted) for node in self._nodes] if wanted else []
        able = []
        for send, answers in zip(wanted, zip(*said, strict=True), strict=True):
            needs = [need for need in answers if isinstance(need, int)]
            if len(needs) == len(answers):
                gas = self._with_room(needs)
                if isinstance(gas, int):
                    able.append((send, gas))
                else:
                    self._troubles.append(f"a {send.kind} waits: {gas}")
            elif not needs and all(answers):
                await self._fail([send], str(answers[0]))
            else:
                self._troubles.append(
                    f"a {send.kind} waits: its nodes do not agree whether it would go"
                )
        return able

    async def _dry(self, node: Any, wanted: Sequence[ChainSend]) -> list[int | str | None]:
        """The gas of each; or why the contract refuses; None where the node says neither."""
        calls, who = [self._call([send]) for send in wanted], to_hex(self._signer.address)
        asks = [
            [{"from": who, "to": to_hex(to), "data": to_hex(call)}, "latest"] for to, call in calls
        ]
        said = await node.batch(
            [(how, ask) for how in ("eth_call", "eth_estimateGas") for ask in asks]
        )
        needs: list[int | str | None] = []
        for ran, gas in zip(said[: len(asks)], said[len(asks) :], strict=True):
            if not isinstance(ran, Refused):
                needs.append(None if isinstance(gas, Refused) else number(gas))
            else:  # the contract refused, not a node that is busy or behind
                needs.append(
                    ran.message or "refused"
                    if ran.code == REVERTED or "revert" in ran.message
                    else None
                )
        return needs

    def _with_room(self, needs: Sequence[int]) -> int | str:
        """The gas by what the nodes estimate, or why not."""
        if max(needs) > AGREED * min(needs):
            return "its nodes do not agree what gas it needs"
        return max(GAS_TRANSFER, int(max(needs) * ROOM))

    def _terms(self, send: ChainSend) -> Terms:
        return from_json(send.terms, self._network.kind)

    def _call(self, sends: Sequence[ChainSend]) -> tuple[bytes, bytes]:
        """The contract that is called, and what of it."""
        first = sends[0]
        if first.receiver is not None and first.value is not None:
            return first.token, abi.transfer(first.receiver, int(first.value))
        if len(sends) == 1:
            return self._network.factory, abi.sweep(self._terms(first).encoded(), first.token)
        return self._network.factory, abi.sweep_many(
            [self._terms(send).encoded() for send in sends], first.token
        )

    async def _prices(self) -> Prices:
        return await prices_at(self._nodes)

    async def _sign(
        self, batch: Sequence[ChainSend], nonce: int, prices: Prices, gas: int, head: int
    ) -> None:
        """Kept and committed, then sent: what dies before is sent by the next start."""
        signed = self._signed(*self._call(batch), nonce, prices, gas)
        ids, now = [send.send_id for send in batch], self._world.clocks.wall()
        fees = Decimal(prices.fee), Decimal(prices.tip)
        row = ChainTransaction(*self._key, nonce, signed.hash, signed.raw, *fees, gas, now, head)
        async with self._kept() as tx:
            await sends_store.keep_transaction(tx, row)
            if await sends_store.mark_signed(tx, ids, signed.hash) != len(ids):
                raise Problem(
                    "conflict",
                    "What was to be sent has changed meanwhile.",
                    "It is looked at again.",
                )
            if await standing_stop(tx):
                raise Problem(
                    "conflict", "All sending was switched off meanwhile.", "It goes on afterwards."
                )
        await self._broadcast(signed.raw)

    def _signed(self, to: bytes, call: bytes, nonce: int, prices: Prices, gas: int) -> Signed:
        return sign(self._signer, self._network.chain, to, call, nonce, prices, gas)

    @asynccontextmanager
    async def _kept(self) -> AsyncIterator[Tx]:
        """A transaction of the connection that has the lock. Raises: Problem(unavailable) without
        it."""
        try:
            if self._session is None:
                raise asyncpg.InterfaceError("the lock was lost")
            async with self._session.transaction():
                await sends_store.check_held(self._session, *self._key, self._holder)
                yield self._session
        except LOST as error:
            await self.close()
            raise unavailable(error) from error

    async def _broadcast(self, raw: bytes) -> None:
        """Sends to every node: one may keep it to itself. What it says proves nothing: the receipt
        does."""
        for node in self._nodes:
            try:
                why = await self._hand_over(node, raw)
            except AwayError as error:
                why = f"{error}"
            if why:
                log.info("not taken", chain=self._network.chain, node=node.name, why=why)

    async def _hand_over(self, node: Any, raw: bytes) -> str | None:
        """The reason why the node did not take it."""
        (said,) = await node.batch([("eth_sendRawTransaction", [to_hex(raw)])])
        return said.message if isinstance(said, Refused) else None

    # What people hear
    # ----------------------------------------------------------------------------------------------

    async def _fail(
        self, sends: Sequence[ChainSend], why: str, tx: Tx | None = None, hash: bytes | None = None
    ) -> None:
        for send in sends:
            log.error(
                "send failed",
                chain=send.chain,
                send=str(send.send_id),
                kind=send.subject_kind,
                why=why,
            )
            await self._tell(send.merchant_id, str(send.send_id), "failed", why)
        await sends_store.mark_failed(
            tx or self._db.alone, [send.send_id for send in sends], why[:WHY_MAX], hash
        )

    async def _note_troubles(self) -> None:
        """Stores the troubles, and tells people of each new one once."""

        def kind_of(text: str | None) -> str | None:
            return text and "".join(
                sign for sign in text if not sign.isdigit()
            )  # amounts change by the block

        now, trouble = (
            self._world.clocks.wall(),
            "; ".join(dict.fromkeys(self._troubles))[:WHY_MAX] or None,
        )
        known, kind = await sends_store.sender_of(self._db, *self._key), kind_of(trouble)
        await sends_store.note_trouble(self._db.alone, *self._key, trouble, now)
        if trouble and kind != kind_of(known.trouble if known else None):
            log.warning("sender in trouble", chain=self._network.chain, why=trouble)
            await self._tell(
                self._concerns,
                f"{self._signer.address.hex()} {now:%Y-%m-%d} {kind}",
                "waits",
                trouble,
            )

    async def _tell(self, merchant_id: UUID | None, about: str, what: str, why: str) -> None:
        """Alerts the operator's people, through a merchant whose money it is."""
        if merchant_id is None:
            return
        facts = {"what": what, "chain": self._network.any.network, "why": why[:WHY_MAX]}
        about_id = uuid5(NAMESPACE_URL, f"chain:{self._network.chain}:{about}")
        home = await home_of(self._world, merchant_id)
        async with home.db.transaction() as tx:
            await alert_now(tx, merchant_id, SENDER, about_id, 1, facts, self._world.clocks.wall())


def _by_number(rows: Sequence[ChainTransaction]) -> dict[int, list[ChainTransaction]]:
    return {
        number: list(same)
        for number, same in groupby(rows, key=lambda transaction: transaction.number)
    }


def _agreed(said: Sequence[ReceiptAnswer]) -> list[Receipt]:
    """The receipts, where all nodes have it in the same block; else none."""
    receipts = [answer for answer in said if isinstance(answer, Receipt)]
    is_same = (
        len(receipts) == len(said)
        and len({(receipt.block_hash, receipt.block) for receipt in receipts}) == 1
    )
    return receipts if is_same else []
