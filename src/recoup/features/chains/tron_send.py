"""The sender on TRON, which has no numbers of transactions: what was signed may still be taken until its time is over.

So one that is in no block of either node is given up only when both have solidified a block that is later than its end;
then what it sent is wanted again. A node's `result: true` says nothing, and its refusal no more: another may have it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

import structlog

from recoup.features.chains import abi, sends_store
from recoup.features.chains.abi import to_hex
from recoup.features.chains.addresses import TRON_PREFIX
from recoup.features.chains.depth import Heights, lower
from recoup.features.chains.reading import Block, block_call, read_block, receipts_of
from recoup.features.chains.rpc import AwayError, Call, GarbageError, TronEndpoint, data, number, taken
from recoup.features.chains.send import HELD, ROOM, WHY_MAX, KeyState, Prices, Sender, Signed
from recoup.features.chains.sends_store import ChainSend, ChainTransaction
from recoup.features.chains.tron_wire import LIFE, Frame, call_contract, expires_at
from recoup.features.chains.watch import HaltError
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence

log = structlog.get_logger()
MARGIN: Final = timedelta(seconds=60)  # for a node that answers out of several machines, one of them behind
RANGE: Final = 5_000  # blocks of one read
SIZE_MAX: Final = 2_000  # bytes of a transaction
BYTE_SUN: Final = 1_000
TRIES: Final = 3  # transactions of an hour that may fail: each costs its fee
HOUR: Final = timedelta(hours=1)
_DIGITS: Final = re.compile(r"(?:[0-9a-fA-F]{2})*")
_REFUSALS: Final = frozenset({"BANDWITH_ERROR", "CONTRACT_VALIDATE_ERROR", "CONTRACT_EXE_ERROR", "SIGERROR"})


class Tip(NamedTuple):
    """Where the chain stands on all nodes. `refers`: a solidified block that all have; `at`: the time of the head that
    is behind; `solid_at`: up to which all is decided."""

    refers: Block
    at: datetime
    solid_at: datetime


class TronSender(Sender):
    """`fee_cap`: the most that one transaction may cost, in sun. Energy of the key's own, by stake or rent, goes
    first."""

    together = 5  # a transaction has 80 ms of a block producer's time
    _nodes: Sequence[TronEndpoint]
    _tip: Tip
    _energy_sun = 0
    _read_to: int | None = None

    # What the chain says of this key ----------------------------------------------------------------------------------

    async def _state(self) -> KeyState:
        """Counts no transactions. `coins`: what there is for energy, the key's own as if it were bought."""
        tips = [await self._tip_of(node) for node in self._nodes]
        heads, finals = [head for head, _ in tips], [final for _, final in tips]
        self._tip = Tip(min(finals), min(one.at for one in heads), min(one.at for one in finals))
        for node, head in zip(self._nodes, heads, strict=True):
            if max(one.at for one in heads) - head.at > LIFE / 2:
                self._troubles.append(f"{node.name} is behind: what is signed is over before others take it")
        heights = lower([Heights(head.number, None, final.number) for head, final in tips])
        asks: list[Call] = [("eth_gasPrice", []), ("eth_getBalance", [to_hex(self._signer.address), "latest"])]
        said = [[number(taken(one)) for one in await node.batch(asks)] for node in self._nodes]
        self._energy_sun = min(price for price, _ in said)
        coins = [await self._coins(node, balance) for node, (_, balance) in zip(self._nodes, said, strict=True)]
        return KeyState(heights, 0, 0, min(coins))

    async def _coins(self, node: TronEndpoint, balance: int) -> int:
        own = await node.ask("/wallet/getaccountresource", address=_hex(self._signer.address))
        energy = max(_count(own, "EnergyLimit") - _count(own, "EnergyUsed"), 0)
        free = max(_count(own, name + "Limit") - _count(own, name + "Used") for name in ("freeNet", "Net"))
        for_bytes = 0 if free >= SIZE_MAX else SIZE_MAX * BYTE_SUN
        return balance - for_bytes + energy * self._energy_sun if balance >= for_bytes else 0

    async def _tip_of(self, node: TronEndpoint) -> tuple[Block, Block]:
        head, final = map(read_block, await node.batch([block_call("latest"), block_call("finalized")]))
        if head is None or final is None:
            raise GarbageError("no head")
        return head, final

    async def _begun(self, state: KeyState) -> int:
        """Nothing counts a key's transactions, but each transfer out of its wallet has its log: one that is not known
        here was sent by somebody else, or before a backup was restored. Raises: HaltError."""
        key, head, final = (self._network.chain, self._signer.address), state.heights.head, state.heights.finalized or 0
        row = await sends_store.sender_of(self._world.db, *key)
        if row is not None and row.halted:
            raise HaltError(row.halted)
        if row is None:
            await sends_store.begin_sender(self._world.db.alone, *key, final)
        begins = (row.begins if row is not None else final) + 1
        known = await sends_store.last_signed_block(self._world.db, *key) if self._read_to is None else None
        first = max(begins, known or 0, self._read_to or 0)
        for start in range(first, head + 1, RANGE):
            await self._check_known(start, min(start + RANGE - 1, head))
        self._read_to = final  # what is not solidified may change
        last = (await sends_store.numbers_of(self._world.db, *key)).last
        return 0 if last is None else last + 1

    async def go_on(self, count: int) -> int:
        """`count`: the block up to which a person has accounted for what left the wallet."""
        await self.open()
        key, final = (self._network.chain, self._signer.address), (await self._state()).heights.finalized or 0
        if not 0 < count <= final:
            message = Sentence("Block {0} is not solidified: the last that is, is {1}.", count, final)
            raise Problem("conflict", message, cure="Look at all that left the wallet up to a block, and name that.")
        async with self._kept() as tx:
            held = await sends_store.hold_transfers(tx, *key, [], HELD)
            await sends_store.begin_sender(tx, *key, count)
            await sends_store.lift_sender(tx, *key)
        return held

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
            if not isinstance(logs, list) or not all(isinstance(one, dict) for one in logs):
                raise GarbageError("not a list of logs")
            hashes |= {data(one.get("transactionHash"), 32) for one in logs}
        known = (
            await sends_store.known_transactions(self._world.db, self._network.chain, list(hashes)) if hashes else []
        )
        if strange := hashes - set(known):
            await self._halt(f"transaction {min(strange).hex()} moved money of this key, and is not known here")

    def _lacks(self, coins: int) -> str:
        energy = coins // self._energy_sun if self._energy_sun else 0
        return f"no energy: what is staked, rented and held in TRX gives {energy}"

    # What is out ------------------------------------------------------------------------------------------------------

    async def _close(
        self, one: ChainTransaction, sends: Sequence[ChainSend], receipts: Sequence[Mapping[str, Any]], cost: int
    ) -> None:
        """By what the nodes have solidified. One that failed has moved nothing, and its sends are wanted again: a
        shortage of energy inside the factory is a revert, too, and the next dry run tells it from a refusal."""
        path = "/walletsolidity/gettransactioninfobyid"
        infos = [await node.ask(path, value=one.hash.hex()) for node in self._nodes]
        results = {_result(info) for info in infos}
        if len(results) != 1 or None in results:
            return
        fee, (result,) = max(_count(info, "fee") for info in infos), results
        since = self._world.clocks.wall() - HOUR
        if (
            result == "SUCCESS"
            or await sends_store.reverted_since(self._world.db, one.chain, one.sender, since) >= TRIES
        ):
            await super()._close(one, sends, receipts, fee)
            return
        self._troubles.append(f"{result}: a transaction moved nothing and cost its fee; its sends are tried again")
        async with self._kept() as tx:
            await sends_store.close_number(tx, one.chain, one.sender, one.number, one.hash, "reverted", Decimal(fee))
            await sends_store.want_lost(tx, [one.hash])

    async def _repeat(self, out: Sequence[ChainTransaction], state: KeyState, prices: Prices) -> None:
        """The same bytes while a block may take them; then, unless one has, what they sent is wanted again."""
        receipts = await self._nodes[0].batch(receipts_of(one.hash for one in out))
        for one in [one for one, receipt in zip(out, receipts, strict=True) if not isinstance(receipt, dict)]:
            ends = expires_at(one.raw)
            if self._tip.at < ends:
                await self._broadcast(one.raw)
            elif self._tip.solid_at >= ends + MARGIN and not await self._is_anywhere(one.hash):
                log.info("expired", chain=one.chain, transaction=one.hash.hex())
                async with self._kept() as tx:
                    await sends_store.expire_transaction(tx, one.chain, one.hash)
                    await sends_store.want_lost(tx, [one.hash])

    async def _is_anywhere(self, txid: bytes) -> bool:
        """Whether it is in any block of any node. Asked after the solidified blocks, so these hold all that it can be
        in."""
        for node in self._nodes:
            if await node.call("eth_getTransactionReceipt", to_hex(txid)) is not None:
                return True
            for place in ("wallet", "walletsolidity"):
                if await node.ask(f"/{place}/gettransactioninfobyid", value=txid.hex()):
                    return True
        return False

    # What is wanted ---------------------------------------------------------------------------------------------------

    async def _prices(self) -> Prices:
        return Prices(self._energy_sun, 0)

    async def _run_dry(self, wanted: Sequence[ChainSend]) -> list[tuple[ChainSend, int]]:
        """The sends that would go at a fee under the cap, with the energy that they need."""
        found = []
        for one in wanted:
            said = [await self._dry(node, one) for node in self._nodes]
            energies = [energy for energy in said if isinstance(energy, int)]
            if len(energies) == len(said):
                energy = int(max(energies) * ROOM)
                if energy * self._energy_sun <= self._fee_cap:
                    found.append((one, energy))
                else:
                    self._troubles.append(f"a {one.kind} needs {energy} energy: its fee would be above the cap")
            elif not energies and all(said):
                why = str(said[0])[:WHY_MAX]
                await self._tell_failed([one], why)
                await sends_store.mark_failed(self._world.db.alone, [one.send_id], why, None)
            else:
                self._troubles.append(f"a {one.kind} waits: its nodes do not agree whether it would go")
        return found

    async def _dry(self, node: TronEndpoint, send: ChainSend) -> int | str | None:
        """The energy; or why the contract refuses; None where the node says neither."""
        to, call = self._call([send])
        who = _hex(self._signer.address)
        path = "/wallet/triggerconstantcontract"
        said = await node.ask(path, owner_address=who, contract_address=_hex(to), data=call.hex())
        result, transaction = said.get("result"), said.get("transaction")
        if not isinstance(result, dict) or result.get("result") is not True or not isinstance(transaction, dict):
            return None
        ends = transaction.get("ret")
        if any(
            isinstance(one, dict) and one.get("ret") == "FAILED" for one in (ends if isinstance(ends, list) else ())
        ):
            why = str(result.get("message", ""))
            return (bytes.fromhex(why).decode(errors="replace") if _DIGITS.fullmatch(why) else why) or "refused"
        return _count(said, "energy_used")

    def _batch(self, able: Sequence[tuple[ChainSend, int]]) -> tuple[list[ChainSend], int]:
        """As many sweeps as go under the cap."""
        taken, energy = [able[0][0]], able[0][1]
        for one, more in able[1:]:
            if (energy + more) * self._energy_sun > self._fee_cap:
                break
            taken.append(one)
            energy += more
        return taken, energy

    def _signed(self, to: bytes, call: bytes, nonce: int, prices: Prices, gas: int) -> Signed:
        frame = Frame(self._tip.refers, self._tip.at, nonce, gas * prices.fee)
        return call_contract(self._signer, to, call, frame)

    async def _broadcast(self, raw: bytes) -> None:
        """Sends it to every node: one may take it and keep it to itself."""
        for node in self._nodes:
            try:
                said = await node.ask("/wallet/broadcasthex", transaction=raw.hex())
            except AwayError as error:
                log.info("not taken", chain=self._network.chain, node=node.name, why=f"{error}")
                continue
            if (code := str(said.get("code", ""))) in _REFUSALS:
                self._troubles.append(f"{node.name} does not take a transaction: {code}")


def _result(info: Mapping[str, Any]) -> str | None:
    """None for one that is not solidified."""
    receipt = info.get("receipt")
    result = receipt.get("result") if isinstance(receipt, dict) else None
    return result if isinstance(result, str) else None


def _count(said: Mapping[str, Any], name: str) -> int:
    """A count; 0 if it is missing. Raises: GarbageError."""
    value = said.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise GarbageError(f"not a count of {name}: {str(value)[:40]}")
    return value


def _hex(address: bytes) -> str:
    return (TRON_PREFIX + address).hex()
