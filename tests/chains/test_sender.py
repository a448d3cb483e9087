"""The sender on a real node: limits, the count of the chain against ours, replacements, and death
at every step."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hexbytes import HexBytes
from tests.chains.node import Anvil
from tests.chains.test_story import TREASURY, Ground, ground
from tests.left_processes import Killer, kills, run_until_killed
from tests.rings import deep, drawn
from tests.worlds import owner

from recoup.chains import abi, send, sends_store, transfers
from recoup.chains.artifacts import artifact
from recoup.chains.keystore import Account, KeySigner
from recoup.chains.rpc import AwayError
from recoup.chains.send import LOST_BLOCKS, Sender
from recoup.chains.sends_store import ChainSend
from recoup.chains.terms import Terms, deposit_address, to_json
from recoup.chains.watch import HaltError, networks_of
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.stablecoin.rules.addresses import shown
from recoup_lab.simulate.dying import DyingDatabase, DyingGateway

CUSTODY = KeySigner(Account.from_key(b"\x07" * 32))
CUSTODIAL = {
    "settlement": "custodial",
    "custody": shown(CUSTODY.address, "evm"),
    "confirmations": 3,
}
COIN = 10**18
CHAIN = 31337


class Sending:
    """A custody wallet with tokens and coins, and what it is to send."""

    def __init__(self, made: Ground) -> None:
        self.ground, self.anvil, self.token = made, made.anvil, made.token
        self.db = made.shop.world.db
        self.sender = made.sender_with(CUSTODY)

    async def want(self, value: int, to: bytes | None = None) -> tuple[UUID, bytes]:
        """A transfer; to a wallet of its own."""
        receiver, send_id = to or uuid4().bytes + b"\x01\x02\x03\x04", uuid4()
        where = (CHAIN, "usdc_base", self.token, None, CUSTODY.address, receiver, Decimal(value))
        send = ChainSend(
            send_id, self.ground.shop.merchant_id, "refund", send_id, "transfer", *where
        )
        await sends_store.want(self.db.alone, send, self.ground.shop.world.clocks.wall())
        return send_id, receiver

    async def send(self, send_id: UUID) -> ChainSend:
        found = await sends_store.send_of(self.db, send_id)
        assert found is not None
        return found

    async def held(self, holder: bytes) -> int:
        return await self.anvil.held(self.token, holder)

    async def finish(self, sender: Sender | None = None) -> None:
        """Until nothing is out."""
        one = sender or self.sender
        for _ in range(6):
            await one.work()
            await self.anvil.mine(4)
        await one.work()

    async def transactions(self) -> Sequence[Any]:
        async with self.db.connection() as connection:
            found: Sequence[Any] = await connection.fetch(
                "SELECT * FROM chain.transactions ORDER BY number, signed_at"
            )
        return found

    async def trouble(self) -> str | None:
        row = await sends_store.sender_of(self.db, CHAIN, CUSTODY.address)
        return row.trouble if row is not None else None

    async def alerts(self) -> list[dict[str, Any]]:
        async with self.db.connection() as connection:
            rows = await connection.fetch(
                "SELECT facts FROM alerts WHERE kind = 'chain_sender' ORDER BY alert_id"
            )
        return [row["facts"] for row in rows]


@asynccontextmanager
async def sending(server: ServerAddress, anvil: Anvil, **settings: Any) -> AsyncIterator[Sending]:
    async with ground(server, anvil, **CUSTODIAL | settings) as made:
        await anvil.set_coins(CUSTODY.address, COIN)
        await anvil.mint(made.token, CUSTODY.address, 1_000_000_000)
        yield Sending(made)


def run(
    server: ServerAddress,
    anvil: Anvil,
    story: Callable[[Sending], Awaitable[None]],
    **settings: Any,
) -> None:
    async def whole() -> None:
        async with sending(server, anvil, **settings) as made:
            await story(made)

    asyncio.run(whole())


def test_transfers_go_each_once_and_their_gas_is_booked(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        wanted = [await made.want(1_000_000 * (number + 1)) for number in range(5)]
        assert await made.sender.work() == 5
        assert await made.sender.work() == 0
        await made.finish()
        assert [await made.held(to) for _, to in wanted] == [
            1_000_000 * (number + 1) for number in range(5)
        ]
        assert {(await made.send(send_id)).state for send_id, _ in wanted} == {"done"}
        row = await sends_store.sender_of(made.db, CHAIN, CUSTODY.address)
        assert row is not None
        assert (
            await sends_store.gas_of(made.db, *row[:2])
            == COIN - await anvil.held(None, CUSTODY.address)
            > 0
        )
        assert (row.halted, row.trouble) == (None, None)

    run(server, anvil, story)


def test_of_two_whom_their_servers_gave_the_lock_the_last_one_signs(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def granted(*_: object) -> bool:
        return True

    monkeypatch.setattr(sends_store, "lock_sender", granted)

    async def story(made: Sending) -> None:
        await made.sender.open()
        second = made.ground.sender_with(CUSTODY)
        await second.open()
        send_id, to = await made.want(1_000_000)
        with pytest.raises(Problem):
            await made.sender.work()
        assert await made.transactions() == []
        await made.finish(second)
        assert ((await made.send(send_id)).state, await made.held(to)) == ("done", 1_000_000)

    run(server, anvil, story)


def test_a_second_process_with_the_key_refuses_to_start(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        await made.sender.open()
        second = made.ground.sender_with(CUSTODY)
        with pytest.raises(Problem, match="Another process sends from 0x") as refused:
            await second.open()
        assert "\n" not in refused.value.message
        await made.sender.close()
        await second.open()
        send_id, to = await made.want(1_000_000)
        with pytest.raises(Problem):
            await made.sender.work()
        await made.finish(second)
        assert ((await made.send(send_id)).state, await made.held(to)) == ("done", 1_000_000)

    run(server, anvil, story)


def test_who_has_lost_the_lock_keeps_and_sends_nothing(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        await made.sender.work()
        send_id, to = await made.want(1_000_000)
        session = made.sender._session
        assert session is not None
        real = made.sender._prices

        async def meanwhile() -> Any:
            session.terminate()
            return await real()

        made.sender._prices = meanwhile  # type: ignore[method-assign]
        with pytest.raises(Problem, match="not reachable"):
            await made.sender.work()
        assert not await made.transactions()
        made.sender._prices = real  # type: ignore[method-assign]
        await made.finish()
        assert ((await made.send(send_id)).state, await made.held(to)) == ("done", 1_000_000)

    run(server, anvil, story)


# Limits
# --------------------------------------------------------------------------------------------------


def test_what_is_above_a_limit_waits_and_people_hear_of_it_once(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        large, _ = await made.want(5_000_001)
        assert await made.sender.work() == 0
        assert await made.trouble() == "usdc_base: 5.000001 is above send_limit, 5.00"
        small = [(await made.want(4_000_000))[0] for _ in range(3)]
        await made.finish()
        states = [(await made.send(send_id)).state for send_id in (large, *small)]
        assert states == ["wanted", "done", "done", "wanted"]
        trouble = await made.trouble()
        assert trouble is not None
        assert "usdc_base: 4.00 more today would be above daily_limit, 9.00" in trouble
        assert [one["what"] for one in await made.alerts()] == ["waits", "waits"], (
            "one for each, however often"
        )

    run(server, anvil, story, send_limit="5.00", daily_limit="9.00")


def test_what_may_have_gone_counts_for_the_day(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        held, _ = await made.want(5_000_000)
        async with made.db.connection() as connection:
            await connection.execute("UPDATE chain.sends SET state = 'held'")
        small = (await made.want(5_000_000))[0]
        assert await made.sender.work() == 0
        assert (
            await made.trouble()
        ) == "usdc_base: 5.00 more today would be above daily_limit, 9.00"
        await sends_store.mark_went(
            made.db.alone, held, b"\x05" * 32, made.ground.shop.world.clocks.wall()
        )
        assert (await made.send(held)).state == "done"
        assert await made.sender.work() == 0, "the same day"
        async with made.db.connection() as connection:
            await connection.execute(
                "UPDATE chain.sends SET went_at = went_at - interval '1 day' WHERE state = 'done'"
            )
        await made.finish()
        assert ((await made.send(small)).state, await made.trouble()) == ("done", None)

    run(server, anvil, story, daily_limit="9.00")


def test_a_wallet_that_is_short_pays_what_it_can(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        too_much, to = await made.want(1_000_000_001)
        less = [(await made.want(600_000_000))[0] for _ in range(2)]
        await made.finish()
        states = [(await made.send(send_id)).state for send_id in (too_much, *less)]
        assert states == ["wanted", "done", "wanted"]
        await anvil.mint(made.token, CUSTODY.address, 2_000_000_000)
        await made.finish()
        assert (await made.held(to), await made.trouble()) == (1_000_000_001, None)

    run(server, anvil, story)


def test_without_gas_nothing_is_lost(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        send_id, to = await made.want(1_000_000)
        await anvil.set_coins(CUSTODY.address, 0)
        assert await made.sender.work() == 0
        assert await made.trouble() == "no gas: 0 ETH left"
        assert [one["what"] for one in await made.alerts()] == ["waits"]
        assert not await made.transactions()
        await anvil.set_coins(CUSTODY.address, COIN)
        await made.finish()
        assert ((await made.send(send_id)).state, await made.held(to)) == ("done", 1_000_000)

    run(server, anvil, story)


def test_few_coins_are_told_of_before_they_are_gone(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        one = made.ground.sender_with(CUSTODY, low_water=2 * COIN)
        await made.want(1_000_000)
        assert await one.work() == 1
        assert str(await made.trouble()).startswith("gas runs out: ")

    run(server, anvil, story)


def test_dear_gas_is_waited_out(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        _, to = await made.want(1_000_000)
        made.sender._fee_cap, cap = 1, made.sender._fee_cap
        assert await made.sender.work() == 0
        assert "above the cap of 0.000000001 gwei" in str(await made.trouble())
        made.sender._fee_cap = cap
        await made.finish()
        assert (await made.held(to), await made.trouble()) == (1_000_000, None)

    run(server, anvil, story)


def test_what_waits_hides_nothing_behind_it(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "WANTED", 2)

    async def story(made: Sending) -> None:
        for _ in range(5):
            await made.want(5_000_001)
        send_id, to = await made.want(5_000_000)
        swept, _ = await want_sweep(made, 1_000_000)
        await made.finish()
        states = [(await made.send(one)).state for one in (send_id, swept)]
        assert (states, await made.held(to)) == (["done", "done"], 5_000_000)

    run(server, anvil, story, send_limit="5.00")


def test_what_neither_goes_nor_fails_comes_after_those_behind_it(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as one turn looks at: the next begins anew."""
    monkeypatch.setattr(send, "WANTED", 3)

    async def story(made: Sending) -> None:
        stuck, *others = [(await want_sweep(made, 1_000_000))[0] for _ in range(3)]
        made.sender.together = 1
        real = made.sender._dry

        async def dry(node: Any, wanted: Sequence[ChainSend]) -> list[int | str | None]:
            found = await real(node, wanted)
            return [
                None if one.send_id == stuck else need
                for one, need in zip(wanted, found, strict=True)
            ]

        made.sender._dry = dry  # type: ignore[method-assign]
        await made.finish()
        assert [(await made.send(one)).state for one in (stuck, *others)] == [
            "wanted",
            "done",
            "done",
        ]

    run(server, anvil, story)


def test_what_cannot_be_reported_hides_nothing_behind_it(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfers, "TOGETHER", 1)

    async def story(made: Sending) -> None:
        sends, told = sorted([(await made.want(1))[0] for _ in range(3)]), []

        async def tell(_world: Any, _orders: Any, row: ChainSend) -> None:
            if row.send_id != sends[2]:
                raise Problem("wrong_state", "Not now.", cure="Wait.")
            told.append(row.send_id)

        monkeypatch.setattr(transfers, "_tell", tell)
        await made.finish()
        assert await transfers.tell(made.ground.shop.world, made.ground.shop.orders, CHAIN) == 1
        assert told == [sends[2]]

    run(server, anvil, story)


# What does not go
# --------------------------------------------------------------------------------------------------


def test_what_the_token_refuses_is_never_signed_and_fails_with_its_reason(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        send_id, to = await made.want(1_000_000)
        await anvil.freeze(made.token, to)
        await made.finish()
        send = await made.send(send_id)
        assert (send.state, "frozen" in str(send.why)) == ("failed", True)
        assert not await made.transactions()
        assert [one["what"] for one in await made.alerts()] == ["failed"]

    run(server, anvil, story)


def test_a_transaction_that_is_reverted_fails_and_is_not_repeated(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        send_id, to = await made.want(1_000_000)
        await anvil.automine(False)
        await anvil.post(made.token, _frozen(to))  # in the same block, before it
        assert await made.sender.work() == 1
        await anvil.mine(1)
        await made.finish()
        send = await made.send(send_id)
        assert (send.state, send.why) == ("failed", "the transaction was reverted")
        (row,) = await made.transactions()
        assert (row["state"], row["paid"] > 0) == ("reverted", True)
        assert [one["what"] for one in await made.alerts()] == ["failed"]

    run(server, anvil, story)


def _frozen(holder: bytes) -> bytes:
    return abi.selector("freeze(address,bool)") + abi.address_word(holder) + abi.uint_word(1)


# The chain's count
# --------------------------------------------------------------------------------------------------


async def by_hand(made: Sending, nonce: int, to: bytes, value: int) -> str:
    """A transfer that somebody else sends with the key."""
    fees = {"gas": 120_000, "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
    call = {"to": made.token, "value": 0, "data": abi.transfer(to, value)}
    signed = CUSTODY.sign({"type": 2, "chainId": CHAIN, "nonce": nonce} | fees | call)
    return str(await made.anvil.call("eth_sendRawTransaction", "0x" + signed.raw.hex()))


@pytest.mark.parametrize("mined", [True, False])
def test_a_transaction_that_is_not_ours_halts_until_a_person_has_looked(
    server: ServerAddress, anvil: Anvil, mined: bool
) -> None:
    async def story(made: Sending) -> None:
        await made.want(1_000_000)
        await made.finish()
        send_id, to = await made.want(2_000_000)
        await anvil.automine(mined)
        await by_hand(made, 1, uuid4().bytes + b"1234", 5)
        for _ in range(2):
            with pytest.raises(HaltError, match="sent 2 transactions, of which 1 are known"):
                await made.sender.work()
        assert (await made.send(send_id)).state == "wanted"
        assert [one["what"] for one in await made.alerts()] == ["halted"]
        with pytest.raises(Problem, match="has 2 transactions"):
            await made.sender.go_on(1)
        assert await made.sender.go_on(2) == 1, "held: it may have gone"
        await anvil.automine(True)
        await made.finish()
        assert ((await made.send(send_id)).state, await made.held(to)) == ("held", 0)
        await sends_store.want_again(made.db.alone, send_id)
        await made.finish()
        assert ((await made.send(send_id)).state, await made.held(to)) == ("done", 2_000_000)

    run(server, anvil, story)


def test_a_restored_backup_sends_nothing_twice(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        early, _ = await made.want(1_000_000)
        await made.finish()
        late, to = await made.want(2_000_000)
        other, other_to = await made.want(3_000_000)
        await made.finish()
        rows = await made.transactions()
        late_hash = (await made.send(late)).hash
        went = next(row for row in rows if row["hash"] == late_hash)
        async with owner(made.ground.shop.world) as connection:
            await connection.execute("DELETE FROM chain.transactions WHERE number > 0")
            await connection.execute(
                "UPDATE chain.sends SET state = 'wanted', hash = NULL WHERE send_id = ANY($1)",
                [late, other],
            )
        again = made.ground.sender_with(CUSTODY)
        await made.sender.close()
        with pytest.raises(HaltError, match="sent 3 transactions, of which 1 are known"):
            await again.work()
        assert (await made.held(to), await made.held(other_to)) == (2_000_000, 3_000_000)
        assert await again.go_on(3) == 2
        send = await made.send(other)
        with pytest.raises(Problem, match="does not show"):
            await again.went(send, went["hash"])
        await again.went(await made.send(late), went["hash"])
        with pytest.raises(Problem, match="does not show"):
            await again.went(send, went["hash"])
        await made.finish(again)
        assert (await made.send(late)).state == "done"
        assert (await made.send(other)).state == "held"
        assert (await made.held(to), await made.held(other_to)) == (2_000_000, 3_000_000)
        assert (await made.send(early)).state == "done"

    run(server, anvil, story)


def test_a_number_that_somebody_else_took_halts(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        await anvil.automine(False)
        send_id, to = await made.want(1_000_000)
        await made.sender.work()
        (row,) = await made.transactions()
        await anvil.call("anvil_dropTransaction", "0x" + row["hash"].hex())
        await by_hand(made, 0, uuid4().bytes + b"1234", 7)
        await anvil.mine(25)
        with pytest.raises(HaltError, match="transaction 0 of this key is none that is known"):
            await made.sender.work()
        assert await made.sender.go_on(1) == 1
        assert ((await made.send(send_id)).state, (await made.transactions())[0]["state"]) == (
            "held",
            "lost",
        )

    run(server, anvil, story)


def test_a_node_that_is_behind_is_waited_for(server: ServerAddress, anvil: Anvil) -> None:
    async def story(made: Sending) -> None:
        await made.want(1_000_000)
        await made.finish()
        await made.want(1_000_000)
        await anvil.call("anvil_setNonce", "0x" + CUSTODY.address.hex(), "0x0")
        with pytest.raises(AwayError, match="behind"):
            await made.sender.work()
        assert len(await made.transactions()) == 1

    run(server, anvil, story)


def test_the_first_transaction_of_a_used_key_waits_for_a_persons_word(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        await by_hand(made, 0, uuid4().bytes + b"1234", 7)
        send_id, to = await made.want(1_000_000)
        with pytest.raises(HaltError, match="sent 1 transactions, of which 0 are known"):
            await made.sender.work()
        assert await made.sender.go_on(1) == 1
        await sends_store.want_again(made.db.alone, send_id)
        await made.finish()
        assert await made.held(to) == 1_000_000

    run(server, anvil, story)


# A deep reorganisation
# ------------------------------------------------------------------------------------------------


async def take_out(made: Sending) -> Sequence[Any]:
    """Other blocks from that of the first transaction on, in which there is none of the key's; what
    was there."""
    before = await made.transactions()
    await made.anvil.reorg(await made.anvil.head() - before[0]["block"] + 1)
    return before


def test_what_is_taken_out_of_its_block_goes_again_as_it_was(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(made: Sending) -> None:
        wanted = [
            await made.want(1_000_000),
            await want_sweep(made, 1_000_000),
            await made.want(1_000_000),
        ]
        await made.finish()
        before = await take_out(made)
        assert await made.held(wanted[0][1]) == 0
        for _ in range(2):
            with pytest.raises(AwayError, match="goes again soon"):
                await made.sender.work()
            await anvil.mine(LOST_BLOCKS // 2)
        assert {(await made.send(send_id)).state for send_id, _ in wanted} == {"done"}
        await made.sender.work()
        assert {(await made.send(send_id)).state for send_id, _ in wanted} == {"signed"}
        await made.finish()
        after = await made.transactions()
        assert [(one["number"], one["raw"], one["state"]) for one in after] == [
            (one["number"], one["raw"], "mined") for one in before
        ]
        await check_each_once(made, wanted, 1_000_000)

    run(server, anvil, story)


def test_a_transfer_that_failed_does_not_go_again_by_itself(
    server: ServerAddress, anvil: Anvil
) -> None:
    """It may have been sent once more under another id."""

    async def story(made: Sending) -> None:
        _, to = await made.want(1_000_000)
        await anvil.automine(False)
        await anvil.post(made.token, _frozen(to))
        await made.sender.work()
        await anvil.mine(1)
        await anvil.automine(True)
        await made.finish()
        await take_out(made)
        with pytest.raises(AwayError):
            await made.sender.work()
        await anvil.mine(LOST_BLOCKS)
        with pytest.raises(HaltError, match="may still go"):
            await made.sender.work()
        assert (await made.held(to), [one["what"] for one in await made.alerts()]) == (
            0,
            ["failed", "halted"],
        )

    run(server, anvil, story)


@pytest.mark.parametrize("dearer", [False, True])
def test_a_sweep_that_failed_in_a_batch_goes_again_with_the_others(
    server: ServerAddress, anvil: Anvil, dearer: bool
) -> None:
    async def story(made: Sending) -> None:
        wanted = [await want_sweep(made, 1_000_000) for _ in range(2)]
        await anvil.automine(False)
        await anvil.post(made.token, _frozen(wanted[0][1]))
        await made.sender.work()
        await anvil.mine(1)
        await anvil.automine(True)
        await made.finish()
        assert [(await made.send(send_id)).state for send_id, _ in wanted] == ["failed", "done"]
        await take_out(made)
        with pytest.raises(AwayError, match="goes again soon"):
            await made.sender.work()
        await anvil.mine(LOST_BLOCKS)
        await anvil.automine(not dearer)
        await made.sender.work()
        if dearer:
            await drop_all(made)
            await anvil.mine(20)
            await made.sender.work()
            assert len(await made.transactions()) == 2
            await anvil.automine(True)
            await anvil.mine(1)
        await made.finish()
        await check_each_once(made, wanted, 1_000_000)

    run(server, anvil, story)


# Replacements
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [0, 1])
def test_what_waits_goes_dearer_under_its_number_and_either_may_be_mined(
    server: ServerAddress, anvil: Anvil, which: int
) -> None:
    async def story(made: Sending) -> None:
        await anvil.automine(False)
        send_id, to = await made.want(1_000_000)
        await made.sender.work()
        (first,) = await made.transactions()
        await anvil.call("anvil_dropTransaction", "0x" + first["hash"].hex())
        await anvil.mine(16)
        await made.sender.work()
        first, second = await made.transactions()
        assert (first["number"], second["number"], second["gas"]) == (0, 0, first["gas"])
        for fee in ("fee_per_gas", "tip_per_gas"):
            assert second[fee] >= first[fee] * Decimal("1.125"), fee
        assert _content(first["raw"]) == _content(second["raw"])
        await anvil.call("anvil_dropTransaction", "0x" + second["hash"].hex())
        mined = (first, second)[which]
        await anvil.call("eth_sendRawTransaction", "0x" + mined["raw"].hex())
        await anvil.mine(1)
        await made.finish()
        assert [one["state"] for one in await made.transactions()] == ["mined", "replaced"][
            :: 1 - 2 * which
        ]
        send = await made.send(send_id)
        assert (send.state, send.hash, await made.held(to)) == ("done", mined["hash"], 1_000_000)

    run(server, anvil, story)


def _content(raw: bytes) -> tuple[int, bytes, bytes]:
    """Number, contract and call of a transaction."""
    from eth_account.typed_transactions import TypedTransaction  # after the keystore

    found = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    return found["nonce"], bytes(found["to"]), bytes(found["data"])


# Death
# --------------------------------------------------------------------------------------------------


async def want_sweep(made: Sending, value: int) -> tuple[UUID, bytes]:
    """Of money at an address, whose terms send all of it to a wallet of its own."""
    factory, to = made.ground.channel.factory, uuid4().bytes + b"\x05\x06\x07\x08"
    assert factory is not None
    terms = Terms(uuid4(), to, TREASURY, value, 0)
    address = deposit_address("evm", factory, artifact("evm").implementation_of(factory), terms)
    await made.anvil.mint(made.token, address, value)
    send_id, where = uuid4(), (CHAIN, "usdc_base", made.token, to_json(terms, "evm"))
    send = ChainSend(send_id, made.ground.shop.merchant_id, "custody", send_id, "sweep", *where)
    await sends_store.want(made.db.alone, send, made.ground.shop.world.clocks.wall())
    return send_id, to


@asynccontextmanager
async def dying(made: Sending, killer: Killer) -> AsyncIterator[Sender]:
    """The sender of a process that `killer` ends, at a statement or a call to the node."""
    world = made.ground.shop.world
    db = await DyingDatabase(world.dsn, killer).open()
    node: Any = DyingGateway(made.ground.node, killer, {"batch": "rpc", "call": "rpc"})
    (network,) = networks_of([made.ground.channel])
    try:
        yield Sender(replace(world, db=db), network, [node], CUSTODY, 10**12)
    finally:
        killer.dead.set()
        await db.close()
        killer.die()


async def recover(made: Sending) -> None:
    """Another process takes over, once the server has noticed that the one before is gone."""
    for _ in range(200):
        try:
            await made.sender.open()
            break
        except Problem:
            await asyncio.sleep(0.01)
    await made.finish()


async def drop_all(made: Sending) -> None:
    """What waits is forgotten by the node."""
    for hashes in (await made.anvil.call("txpool_content"))["pending"].values():
        for one in hashes.values():
            await made.anvil.call("anvil_dropTransaction", one["hash"])


async def check_each_once(made: Sending, wanted: Sequence[tuple[UUID, bytes]], value: int) -> None:
    """Each receiver has it once, and no number was signed twice with another content."""
    assert [await made.held(to) for _, to in wanted] == [value] * len(wanted)
    assert {(await made.send(send_id)).state for send_id, _ in wanted} == {"done"}
    contents: dict[int, set[Any]] = {}
    for row in await made.transactions():
        contents.setdefault(row["number"], set()).add(_content(row["raw"]))
    assert all(len(found) == 1 for found in contents.values())
    assert sorted(contents) == list(range(len(contents))), (
        "a gap would stop all that comes after it"
    )


async def new_wants(made: Sending, value: int) -> list[tuple[UUID, bytes]]:
    await made.anvil.automine(True)
    wanted = [await made.want(value) for _ in range(2)] + [
        await want_sweep(made, value) for _ in range(2)
    ]
    await made.anvil.automine(False)
    return wanted


@deep("kills")
def test_a_sender_that_dies_at_any_step_sends_each_once(
    server: ServerAddress, anvil: Anvil
) -> None:
    """Before it signs, between commit and broadcast, before and after a dearer one, before it
    decides."""

    async def story(made: Sending) -> None:
        for killer in kills("a sender", least=30, most=120):
            wanted = await new_wants(made, 1_000_000)

            async def life(sender: Sender) -> None:
                await sender.work()
                await drop_all(made)
                await made.anvil.mine(16)
                await sender.work()  # the first of them dearer
                await made.anvil.mine(4)
                await sender.work()
                await sender.close()

            async with dying(made, killer) as sender:
                answer = await run_until_killed(killer, life(sender))
            assert answer is None, answer
            await recover(made)
            await check_each_once(made, wanted, 1_000_000)
            await made.sender.close()

    run(server, anvil, story)


@drawn("kills", "seed", range(70))
def test_senders_that_die_again_and_again_send_each_once(
    server: ServerAddress, anvil: Anvil, seed: int
) -> None:
    """One after another, at steps that are drawn, while the node forgets, mines and reorganises."""
    luck = random.Random(seed)

    async def story(made: Sending) -> None:
        wanted = await new_wants(made, 1_000_000)
        for _ in range(7):
            killer = Killer(luck.randint(1, 45), after=luck.random() < 0.5)

            async def life(sender: Sender) -> None:
                for _ in range(3):
                    with suppress(Problem):
                        await sender.work()
                    await luck.choice(
                        (lambda: drop_all(made), lambda: made.anvil.mine(luck.randint(1, 17)))
                    )()
                await sender.close()

            async with dying(made, killer) as sender:
                answer = await run_until_killed(killer, life(sender))
            assert answer is None, answer
            if luck.random() < 0.3 and await made.anvil.head() > 60:
                await made.anvil.reorg(2)  # less than what decides
        await recover(made)
        await made.finish()
        await check_each_once(made, wanted, 1_000_000)

    run(server, anvil, story)
