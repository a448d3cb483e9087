"""The sender on TRON, which has no numbers of transactions: what was signed may still be taken
until its time is over.

So one that is in no block of either node is given up only when both have solidified a block that is
later than its end; then what it sent is wanted again. A node's `result: true` says nothing, and its
refusal no more: another may have it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import structlog

from recoup.chains import abi, sends_store
from recoup.chains.abi import to_hex
from recoup.chains.depth import Heights, lower
from recoup.chains.evm_wire import Prices, Signed
from recoup.chains.reading import Block, Receipt, block_call, read_block
from recoup.chains.rpc import Call, GarbageError, TronEndpoint, data, number, taken
from recoup.chains.send import ROOM, KeyState, Receipts, Sender
from recoup.chains.sends_store import ChainSend, ChainTransaction
from recoup.chains.tron_wire import LIFE, Frame, call_contract, expires_at
from recoup.chains.watch import HaltError
from recoup.kernel.problem import Problem, Sentence
from recoup.stablecoin.rules.addresses import TRON_PREFIX

log = structlog.get_logger()
MARGIN: Final = timedelta(
    seconds=60
)  # for a node that answers out of several machines, one of them behind
RANGE: Final = 5_000  # blocks of one read
SIZE_MAX: Final = 2_000  # bytes of a transaction
BYTE_SUN: Final = 1_000
INFO: Final = "gettransactioninfobyid"
TRIES: Final = 3  # transactions of an hour that may fail: each costs its fee
HOUR: Final = timedelta(hours=1)
_DIGITS: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")
_REFUSALS: Final = frozenset(
    {"BANDWITH_ERROR", "CONTRACT_VALIDATE_ERROR", "CONTRACT_EXE_ERROR", "SIGERROR"}
)


class Tip(NamedTuple):
    """Tip of the chain on all nodes. `refers`: a solidified block that all have; `at`: the time of
    the head that is behind; `solid_at`: up to which all is decided."""

    refers: Block
    at: datetime
    solid_at: datetime


class TronSender(Sender):
    """`fee_cap`: the most that one transaction may cost, in sun. Energy of the key's own, by stake
    or rent, goes first."""

    together = 5  # a transaction has 80 ms of a block producer's time
    _nodes: Sequence[TronEndpoint]
    _tip: Tip
    _energy_sun = 1
    _failed = 0  # transactions of the last hour that moved nothing
    _read_to: int | None = None

    # What the chain says of this key
    # ----------------------------------------------------------------------------------

    async def _state(self) -> KeyState:
        """Counts no transactions. `coins`: what there is for energy, the key's own as if it were
        bought."""
        tips = [await self._tip_of(node) for node in self._nodes]
        heads, finals = [head for head, _ in tips], [final for _, final in tips]
        self._tip = Tip(
            min(finals), min(head.at for head in heads), min(final.at for final in finals)
        )
        for node, head in zip(self._nodes, heads, strict=True):
            if max(head.at for head in heads) - head.at > LIFE / 2:
                self._troubles.append(
                    f"{node.name} is behind: what is signed is over before others take it"
                )
        heights = lower([Heights(head.number, None, final.number) for head, final in tips])
        asks: list[Call] = [
            ("eth_gasPrice", []),
            ("eth_getBalance", [to_hex(self._signer.address), "latest"]),
        ]
        said = [
            [number(taken(answer)) for answer in await node.batch(asks)] for node in self._nodes
        ]
        self._energy_sun = max(
            1, *(price for price, _ in said)
        )  # by one that is too low it would run dry
        coins = [
            await self._coins(node, balance)
            for node, (_, balance) in zip(self._nodes, said, strict=True)
        ]
        return KeyState(heights, 0, 0, 0, min(coins))

    async def _coins(self, node: TronEndpoint, balance: int) -> int:
        own = await node.ask("/wallet/getaccountresource", address=_hex(self._signer.address))
        energy = max(_count(own, "EnergyLimit") - _count(own, "EnergyUsed"), 0)
        free = max(
            _count(own, name + "Limit") - _count(own, name + "Used") for name in ("freeNet", "Net")
        )
        for_bytes = 0 if free >= SIZE_MAX else SIZE_MAX * BYTE_SUN
        return balance - for_bytes + energy * self._energy_sun if balance >= for_bytes else 0

    async def _tip_of(self, node: TronEndpoint) -> tuple[Block, Block]:
        head, final = map(
            read_block, await node.batch([block_call("latest"), block_call("finalized")])
        )
        if head is None or final is None:
            raise GarbageError("no head")
        return head, final

    async def _begun(self, state: KeyState) -> int:
        """The block where a key begins. Nothing counts its transactions, but each transfer out of
        its wallet has its log: one that is not known here was sent by somebody else, or before a
        backup was restored. Raises: HaltError."""
        head, final = state.heights.head, state.heights.finalized or 0
        row = await sends_store.sender_of(self._db, *self._key)
        if row and row.halted:
            raise HaltError(row.halted)
        if row is None:
            await sends_store.begin_sender(self._db.alone, *self._key, final)
        begins, known = (row.begins, row.signed_block) if row else (final, None)
        first = (
            max(begins + 1, known or 0) if self._read_to is None else max(begins + 1, self._read_to)
        )
        for start in range(first, head + 1, RANGE):
            await self._check_known(start, min(start + RANGE - 1, head))
        self._read_to = final  # what is not solidified may change
        self._failed = await sends_store.reverted_since(
            self._db, *self._key, self._world.clocks.wall() - HOUR
        )
        return 0 if row is None or row.last is None else row.last + 1

    async def _accounted(self, state: KeyState, count: int) -> int:
        """`count`: the block up to which a person has accounted for what left the wallet."""
        final = state.heights.finalized or 0
        if not 0 < count <= final:
            raise Problem(
                "conflict",
                Sentence("Block {0} is not solidified: the last that is, is {1}.", count, final),
                "Look at all that left the wallet up to a block, and name that.",
            )
        return 0

    async def _check_known(self, begin: int, end: int) -> None:
        wanted = {
            "fromBlock": hex(begin),
            "toBlock": hex(end),
            "address": [to_hex(token) for token in self._network.channels],
            "topics": [to_hex(abi.TRANSFER), to_hex(abi.address_word(self._signer.address))],
        }
        hashes: set[bytes] = set()
        for node in self._nodes:  # any one's doubt is enough
            logs = await node.call("eth_getLogs", wanted)
            if not isinstance(logs, list) or not all(isinstance(log, dict) for log in logs):
                raise GarbageError("not a list of logs")
            hashes |= {data(log.get("transactionHash"), 32) for log in logs}
        known = (
            await sends_store.known_transactions(self._db, self._network.chain, list(hashes))
            if hashes
            else []
        )
        if strange := hashes - set(known):
            await self._halt(
                f"transaction {min(strange).hex()} moved money of this key, and is not known here"
            )

    def _lacks(self, coins: int) -> str:
        return (
            f"no energy: what is staked, rented and held in TRX gives {coins // self._energy_sun}"
        )

    # What is out
    # ----------------------------------------------------------------------------------------------

    async def _close(
        self,
        transaction: ChainTransaction,
        sends: Sequence[ChainSend],
        receipts: Sequence[Receipt],
        cost: int,
    ) -> None:
        """Closes a transaction by what the nodes have solidified. One that failed has moved
        nothing, and its sends are wanted again: a shortage of energy inside the factory is a
        revert, too, and the next dry run tells it from a refusal."""
        infos = [
            await node.ask(f"/walletsolidity/{INFO}", value=transaction.hash.hex())
            for node in self._nodes
        ]
        said = [info.get("receipt") for info in infos]
        results = {receipt.get("result") if isinstance(receipt, dict) else None for receipt in said}
        if len(results) != 1 or not all(isinstance(result, str) for result in results):
            return  # not solidified everywhere
        fee, (result,) = max(_count(info, "fee") for info in infos), results
        if result == "SUCCESS" or self._failed >= TRIES:
            await super()._close(transaction, sends, receipts, fee)
            return
        self._failed += 1
        self._troubles.append(
            f"{result}: a transaction moved nothing and cost its fee; its sends are tried again"
        )
        paid, block = Decimal(fee), receipts[0].block
        async with self._kept() as tx:
            await sends_store.close_number(
                tx, *self._key, transaction.number, transaction.hash, "reverted", paid, block
            )
            await sends_store.want_lost(tx, [transaction.hash])

    async def _repeat(
        self, out: Sequence[ChainTransaction], receipts: Receipts, state: KeyState, prices: Prices
    ) -> None:
        """The same bytes while a block may take them; then, unless one has, what they sent is
        wanted again."""
        for transaction in out:
            said, ends = receipts[transaction.hash], expires_at(transaction.raw)
            if self._tip.at < ends and not all(isinstance(receipt, Receipt) for receipt in said):
                await self._broadcast(transaction.raw)
            elif (
                self._tip.solid_at >= ends + MARGIN
                and not any(said)
                and not await self._is_anywhere(transaction.hash)
            ):
                log.info("expired", chain=transaction.chain, transaction=transaction.hash.hex())
                async with self._kept() as tx:
                    await sends_store.expire_transaction(tx, transaction.chain, transaction.hash)
                    await sends_store.want_lost(tx, [transaction.hash])

    async def _is_anywhere(self, txid: bytes) -> bool:
        """True when it is in any block of any node, beside the receipts. Asked after the solidified
        blocks, so these hold all that it can be in."""
        for node in self._nodes:
            for place in ("wallet", "walletsolidity"):
                if await node.ask(f"/{place}/{INFO}", value=txid.hex()):
                    return True
        return False

    # What is wanted
    # ----------------------------------------------------------------------------------------------

    async def _prices(self) -> Prices:
        return Prices(self._energy_sun, 0)

    async def _dry(self, node: TronEndpoint, wanted: Sequence[ChainSend]) -> list[int | str | None]:
        """The energy of each; or why the contract refuses; None where the node says neither."""
        needs: list[int | str | None] = []
        for to, call in [self._call([send]) for send in wanted]:
            trigger = {
                "owner_address": _hex(self._signer.address),
                "contract_address": _hex(to),
                "data": call.hex(),
            }
            said = await node.ask("/wallet/triggerconstantcontract", **trigger)
            result, transaction = said.get("result"), said.get("transaction")
            if (
                not isinstance(result, dict)
                or result.get("result") is not True
                or not isinstance(transaction, dict)
            ):
                needs.append(None)
                continue
            ends = transaction.get("ret")
            if isinstance(ends, list) and "FAILED" in [
                end.get("ret") for end in ends if isinstance(end, dict)
            ]:
                why = str(result.get("message", ""))
                why = bytes.fromhex(why).decode(errors="replace") if _DIGITS.fullmatch(why) else why
                needs.append(why or "refused")
            else:
                needs.append(_count(said, "energy_used"))
        return needs

    def _with_room(self, needs: Sequence[int]) -> int | str:
        """The energy by the node that estimates more, and more than that after each that failed,
        under the cap."""
        if (fee := (energy := int(max(needs) * ROOM)) * self._energy_sun) > self._fee_cap:
            fee_text, cap = map(self._network.any.coins, (fee, self._fee_cap))
            return f"it needs {energy} energy: a fee of {fee_text} would be above the cap of {cap}"
        return min(int(max(needs) * ROOM ** (1 + self._failed)), self._fee_cap // self._energy_sun)

    def _batch(self, able: Sequence[tuple[ChainSend, int]]) -> tuple[list[ChainSend], int]:
        """The batch, of as many sweeps as go under the cap."""
        taken, energy = [able[0][0]], able[0][1]
        for sweep, more in able[1:]:
            if (energy + more) * self._energy_sun > self._fee_cap:
                break
            taken.append(sweep)
            energy += more
        return taken, energy

    def _signed(self, to: bytes, call: bytes, nonce: int, prices: Prices, gas: int) -> Signed:
        return call_contract(
            self._signer, to, call, Frame(self._tip.refers, self._tip.at, nonce, gas * prices.fee)
        )

    async def _hand_over(self, node: TronEndpoint, raw: bytes) -> str | None:
        code = str((await node.ask("/wallet/broadcasthex", transaction=raw.hex())).get("code", ""))
        if code in _REFUSALS:
            self._troubles.append(f"{node.name} does not take a transaction: {code}")
        return code


def _count(said: Mapping[str, Any], name: str) -> int:
    """A count; 0 if it is missing. Raises: GarbageError."""
    value = said.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GarbageError(f"not a count of {name}: {str(value)[:40]}")
    return value


def _hex(address: bytes) -> str:
    return (TRON_PREFIX + address).hex()
