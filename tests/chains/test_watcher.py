"""The watcher among nodes that lag, lie, fall silent and are reorganised: no false credit, and
nothing lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.chains.liar import Faults, Liar, lying
from tests.chains.node import Anvil, Settings, text
from tests.chains.test_money import DUE, address, book, paid, past
from tests.chains.test_story import Ground, ground
from tests.log_lines import logged
from tests.rings import drawn
from tests.stablecoin.flows.test_late import proved, told

from recoup.chains import abi, compare, reading, rpc, store, watch
from recoup.chains.compare import Comparer
from recoup.chains.health import troubles
from recoup.chains.loop import ChainLoop
from recoup.chains.moves import UNEXPECTED
from recoup.chains.rpc import AwayError
from recoup.chains.watch import HaltError
from recoup.db.server import ServerAddress
from recoup.db.table import hex_of
from recoup.kernel.problem import Problem
from recoup.orders.rules.lifecycle import Stage
from recoup.processors.gateways.transport import Transport
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import StableOrder

CHAIN = 31337


@dataclass
class Lied:
    """A ground whose two nodes stand behind liars."""

    ground: Ground
    one: Liar
    two: Liar

    async def poll(self, times: int = 1) -> None:
        """As the worker does it: what is away is asked again."""
        for _ in range(times):
            with suppress(AwayError, HaltError):
                await self.ground.poll()

    def heal(self) -> None:
        self.one.heal()
        self.two.heal()

    async def stage(self, order: StableOrder) -> Stage:
        return (await self.ground.now(order)).stage

    async def halted(self) -> str | None:
        cursor = await store.cursor_of(self.ground.shop.world.db, CHAIN)
        return cursor.halted if cursor is not None else None


@asynccontextmanager
async def lied(server: ServerAddress, anvil: Anvil) -> AsyncIterator[Lied]:
    async with (
        lying(anvil.url) as one,
        lying(anvil.url) as two,
        ground(server, anvil, one.url, two.url) as made,
    ):
        yield Lied(made, one, two)


def run(server: ServerAddress, anvil: Anvil, story: Callable[[Lied], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with lied(server, anvil) as made:
            await made.ground.anvil.mine(30)
            await made.poll()
            await story(made)

    asyncio.run(whole())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr(rpc, "PAUSE_SECONDS", 1.0)


FAULTS: dict[str, dict[str, Any]] = {
    "lags": {"lag": 12},
    "is frozen": {"frozen_at": 20},
    "leaps": {"leap": 1_000},
    "has no logs": {"logs_max": 0},
    "loses logs": {"log_loss": 0.7},
    "is garbage": {"garbage": b"<html>502"},
    "is silent": {"silent": True},
    "drops": {"drops": True},
    "is throttled": {"status": 429, "retry_after": "1"},
    "wants to be paid": {"status": 402},
    "takes no batches": {"batch_max": 1},
    "takes short ranges": {"range_max": 4},
    "says nonsense": {
        "answers": {"eth_getTransactionReceipt": ["nonsense"], "eth_getLogs": {"no": "list"}}
    },
}


@drawn("chains", "fault", FAULTS, 4)
def test_one_node_with_a_fault_credits_nothing_false_and_loses_nothing(
    server: ServerAddress, anvil: Anvil, fault: str
) -> None:
    async def story(at: Lied) -> None:
        paid_one, unpaid, gone = [
            await at.ground.charge(order=name) for name in ("paid", "unpaid", "gone")
        ]
        at.one.faults = Faults(**FAULTS[fault])
        await anvil.transfer(at.ground.token, address(paid_one), DUE)
        await anvil.transfer(at.ground.token, address(gone), DUE)
        await at.poll(2)
        await anvil.reorg(1)
        await anvil.mine(15)
        await at.poll(4)
        assert await at.stage(unpaid) is Stage.RECEIVED
        assert await at.stage(gone) in (Stage.RECEIVED, Stage.PROCESSING)
        at.heal()
        await asyncio.sleep(1.1 if "status" in FAULTS[fault] else 0)
        await anvil.mine(12)
        await at.poll(4)
        stages = [await at.stage(one) for one in (paid_one, unpaid, gone)]
        assert stages == [Stage.COMPLETED, Stage.RECEIVED, Stage.RECEIVED]
        assert await at.halted() is None
        await proved(at.ground.shop)

    run(server, anvil, story)


def test_a_payment_that_one_node_makes_up_pays_nothing(server: ServerAddress, anvil: Anvil) -> None:
    async def story(at: Lied) -> None:
        order = await at.ground.charge()
        head = await anvil.block()
        log = {
            "address": text(at.ground.token),
            "topics": [
                "0x" + topic.hex()
                for topic in (abi.TRANSFER, bytes(32), abi.address_word(address(order)))
            ],
            "data": text(abi.uint_word(DUE)),
            "blockNumber": head["number"],
            "blockHash": head["hash"],
            "transactionHash": "0x" + "77" * 32,
            "logIndex": "0x0",
            "removed": False,
        }
        receipt = {"status": "0x1", "logs": [log]}
        at.one.faults = Faults(answers={"eth_getLogs": [log], "eth_getTransactionReceipt": receipt})
        await anvil.mine(15)
        await at.poll(6)
        assert (await at.ground.now(order)).paid_at is None
        assert await book(at.ground) == {}

    run(server, anvil, story)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("minutes", [-600, 600])
def test_when_money_came_is_not_one_nodes_word(
    server: ServerAddress,
    anvil: Anvil,
    minutes: int,
    first: bool,  # noqa: FBT001
) -> None:
    """In time it would be late, or late in time."""

    async def story(at: Lied) -> None:
        order = await at.ground.charge()
        await anvil.transfer(at.ground.token, address(order), DUE)
        block = await anvil.block()
        real = datetime.fromtimestamp(int(block["timestamp"], 16), UTC)
        block["timestamp"] = hex(int(block["timestamp"], 16) + 60 * minutes)
        (at.one if first else at.two).faults = Faults(answers={"eth_getBlockByHash": block})
        await anvil.mine(12)
        await at.poll(4)
        at.heal()
        await at.poll(2)
        (row,) = await store.logs_at(at.ground.shop.world.db, [address(order)])
        assert (row.block_at, row.state) == (real, "confirmed")
        assert await at.stage(order) is Stage.COMPLETED

    run(server, anvil, story)


def test_receipts_that_are_too_long_hold_up_no_others(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pays may put very many logs beside the transfer."""
    monkeypatch.setattr(rpc, "RECEIPT_BYTES_MAX", 20_000)

    async def story(at: Lied) -> None:
        orders = [await at.ground.charge(order=f"order-{number}") for number in range(6)]
        for order in orders[:5]:
            await anvil.transfer(at.ground.token, address(order), DUE)
        others = [(b"\x01" * 20, 1)] * 60
        for _ in range(3):
            assert (
                await anvil.transfer_many(at.ground.token, [(address(orders[5]), DUE), *others])
            ).ok
        await anvil.mine(12)
        for node in at.ground.watcher.nodes:
            node._transport._most = 40_000
        await at.poll(8)
        stages = [await at.stage(order) for order in orders]
        assert stages == [*[Stage.COMPLETED] * 5, Stage.PROCESSING]

    run(server, anvil, story)


def test_what_cannot_be_decided_yet_holds_up_no_later_payment(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "OPEN_MAX", 3)

    async def story() -> None:
        async with ground(server, anvil, confirmations={"0": 10, "100": 60}) as made:
            await made.poll()
            slow, quick = await made.charge("200.00", "slow"), await made.charge(order="quick")
            for _ in range(4):
                await anvil.transfer(made.token, address(slow), 1)
            await made.poll()
            await anvil.transfer(made.token, address(quick), DUE)
            await made.poll()
            await anvil.mine(12)
            for _ in range(3):
                await made.poll()
            assert [(await made.now(one)).stage for one in (slow, quick)] == [
                Stage.RECEIVED,
                Stage.COMPLETED,
            ]

    asyncio.run(story())


def test_logs_that_no_order_follows_hold_up_no_others(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "FOLLOWED_MAX", 2)

    async def story(at: Lied) -> None:
        now = at.ground.shop.world.clocks.wall()
        where = (hex_of(at.ground.token), "1", "0", None, 1, hex_of(b"\x77" * 32), now, now)
        rows = [
            store.NewLog(
                CHAIN,
                hex_of(bytes(31) + one),
                0,
                "deposit",
                hex_of(bytes(19) + one),
                *where,
                "orphaned",
                now,
            )
            for one in (b"\x01", b"\x02", b"\x03")
        ]
        await store.keep_logs(at.ground.shop.world.db.alone, rows)
        order = await at.ground.charge()
        await paid(at.ground, order, DUE)
        await at.poll(3)
        assert await at.stage(order) is Stage.COMPLETED

    run(server, anvil, story)


def test_what_comes_back_to_the_block_that_it_left_counts_at_once(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(at: Lied) -> None:
        order = await at.ground.charge()
        transfer = await anvil.transfer(at.ground.token, address(order), DUE)
        await anvil.mine(2)
        await at.poll(2)
        assert await at.stage(order) is Stage.PROCESSING
        at.one.faults, at.two.faults = [
            Faults(fork_from=transfer.block, hides={transfer.tx}) for _ in "12"
        ]
        await at.poll(2)
        assert await at.stage(order) is Stage.RECEIVED
        at.one.heal()
        await at.poll(2)
        assert await at.stage(order) is Stage.RECEIVED, "it is not one node's word"
        at.two.heal()
        await at.poll(2)
        assert await at.stage(order) is Stage.PROCESSING

    run(server, anvil, story)


@pytest.mark.parametrize("anvil", [Settings(slots=30)], indirect=True)
def test_a_deep_reorganisation_takes_back_all_that_it_has_to(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much has been taken for certain since the final block."""
    monkeypatch.setattr(watch, "OPEN_MAX", 1)

    async def story() -> None:
        async with ground(server, anvil, confirmations=3) as made:
            await anvil.mine(40)
            await made.poll()
            orders = [await made.charge(order=f"order-{number}") for number in range(3)]
            for order in orders:
                await anvil.transfer(made.token, address(order), DUE)
            await anvil.mine(3)
            for _ in range(4):
                await made.poll()
            assert {(await made.now(order)).stage for order in orders} == {Stage.COMPLETED}
            await anvil.reorg(6 + 3)
            for _ in range(4):
                await made.poll()
            rows = await store.logs_at(made.shop.world.db, [address(order) for order in orders])
            assert [row.state for row in rows] == ["orphaned"] * 3

    asyncio.run(story())


def test_many_addresses_are_matched_and_compared_without_holding_them(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (watch, reading):
        monkeypatch.setattr(module, "ADDRESSES_MAX", 1)
    monkeypatch.setattr(compare, "TOGETHER", 2)

    async def story(at: Lied) -> None:
        world = at.ground.shop.world
        orders = [await at.ground.charge(order=f"order-{number}") for number in range(5)]
        for order in orders:
            await anvil.transfer(at.ground.token, address(order), DUE)
        await anvil.transfer(at.ground.token, b"\x77" * 20, DUE)  # somebody else's
        await anvil.mine(12)
        await at.poll(2)
        assert {await at.stage(order) for order in orders} == {Stage.COMPLETED}
        assert not [
            name
            for name, held in vars(at.ground.watcher).items()
            if isinstance(held, dict | set | list)
        ]
        comparer, parts = Comparer(world, at.ground.watcher, at.ground.shop.orders), []
        async with world.db.connection() as connection:
            await connection.execute("UPDATE chain.cursors SET compared_at = NULL")
        while (cursor := await store.cursor_of(world.db, CHAIN)) and cursor.compared_at is None:
            await comparer.wanted()
            parts.append(await at.ground.shop.value("SELECT count(*) FROM chain.comparisons"))
        assert parts == [2, 4, 5]

    run(server, anvil, story)


def test_a_watchers_connections_end_with_its_loop(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Transport] = []

    class Kept(Transport):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(self)

    async def story(at: Lied) -> None:
        monkeypatch.setattr(rpc, "Transport", Kept)
        loop = ChainLoop(at.ground.shop.world, at.ground.shop.orders, at.ground.watcher.network)
        await loop.once()
        assert [one._session.closed for one in made] == [False]

    run(server, anvil, story)
    assert [one._session.closed for one in made] == [True]


def test_a_node_that_is_away_is_named_once_a_minute(
    server: ServerAddress, anvil: Anvil, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(at: Lied) -> None:
        monkeypatch.setattr(watch.Network, "endpoints", ("http://127.0.0.1:1/KEY",))
        loop = ChainLoop(at.ground.shop.world, at.ground.shop.orders, at.ground.watcher.network)
        with logged() as lines:
            for _ in range(3):
                assert await loop.once() == 0
        (line,) = [line for line in lines if line["event"] == "chain not read"]
        assert (line["chain"], line["node"], "KEY" in str(line)) == (31337, "127.0.0.1", False)

    run(server, anvil, story)


def test_a_block_of_the_future_hides_no_chain_that_stands_still(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(at: Lied) -> None:
        world = at.ground.shop.world
        await anvil.set_time(int(world.clocks.wall().timestamp()) + 3_600)
        await anvil.mine(1)
        await at.poll()
        cursor = await store.cursor_of(world.db, CHAIN)
        assert cursor is not None
        assert cursor.agreed_at <= world.clocks.wall()

    run(server, anvil, story)


def test_two_nodes_that_lag_only_make_it_late(server: ServerAddress, anvil: Anvil) -> None:
    async def story(at: Lied) -> None:
        order = await at.ground.charge()
        at.one.faults, at.two.faults = Faults(lag=3), Faults(lag=6)
        await paid(at.ground, order, DUE)
        await at.poll(4)
        assert await at.stage(order) is Stage.PROCESSING
        await anvil.mine(6)
        await at.poll(2)
        assert await at.stage(order) is Stage.COMPLETED

    run(server, anvil, story)


def test_logs_that_are_empty_without_an_error_are_found_before_the_order_expires(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(at: Lied) -> None:
        order = await at.ground.charge()
        at.one.faults = at.two.faults = Faults(logs_max=0)
        await paid(at.ground, order, DUE)
        await at.poll(5)
        assert await at.stage(order) is Stage.RECEIVED
        await anvil.mine(40)
        await at.poll(3)
        at.heal()
        await past(at.ground, order, 31)
        await at.poll(3)
        assert await at.stage(order) is Stage.COMPLETED
        await proved(at.ground.shop)

    run(server, anvil, story)


@pytest.mark.parametrize("which", [0, 1])
def test_one_node_that_hides_balances_hides_no_money(
    server: ServerAddress, anvil: Anvil, which: int
) -> None:
    async def story(at: Lied) -> None:
        order, watcher = await at.ground.charge(), at.ground.watcher
        node = watcher.nodes[which]
        batch, due = node.batch, abi.uint_word(DUE).hex()

        async def without(calls: Any) -> list[Any]:
            return [
                one.replace(due, "00" * 32) if isinstance(one, str) else one
                for one in await batch(calls)
            ]

        node.batch = without  # type: ignore[method-assign]
        at.one.faults = at.two.faults = Faults(logs_max=0)
        await paid(at.ground, order, DUE)
        comparer = Comparer(at.ground.shop.world, watcher)
        found = await comparer.differing({address(order): await row_of(at, order)})
        assert "came +49900000" in found[address(order)]

    async def row_of(at: Lied, order: StableOrder) -> store.DepositAddress:
        row = await store.address_of_order(
            at.ground.shop.world.db, order.merchant_id, order.order_id
        )
        assert row is not None
        return row

    run(server, anvil, story)


def test_money_without_a_log_is_a_case_and_the_order_waits_for_a_person(
    server: ServerAddress, anvil: Anvil
) -> None:
    async def story(at: Lied) -> None:
        order = await at.ground.charge()
        await anvil.appear(at.ground.token, address(order), 7_000_000)
        await anvil.mine(12)
        await at.poll(2)
        await store.want_comparison(
            at.ground.shop.world.db.alone, CHAIN, address(order), at.ground.shop.world.clocks.wall()
        )
        await at.poll(2)
        assert await told(at.ground.shop, order.order_id) == UNEXPECTED
        assert (await at.ground.shop.happenings(order.order_id)).count("unexplained") == 1
        assert await at.stage(order) is Stage.RECEIVED

    run(server, anvil, story)


def test_a_poll_is_three_requests_at_most(server: ServerAddress, anvil: Anvil) -> None:
    async def story(at: Lied) -> None:
        orders = [await at.ground.charge(order=f"order-{number}") for number in range(5)]
        for order in orders:
            await anvil.transfer(at.ground.token, address(order), DUE)
        for _ in range(6):
            before = at.one.posts + at.two.posts
            await at.ground.watcher.poll()
            assert at.one.posts + at.two.posts - before <= 3
            await anvil.mine(3)

    run(server, anvil, story)


async def head_goes_back(at: Lied) -> None:
    back = await at.ground.anvil.head() - 20
    at.one.faults, at.two.faults = Faults(frozen_at=back), Faults(frozen_at=back)


async def final_block_changes(at: Lied) -> None:
    await at.ground.anvil.reorg(12)


async def another_chain(at: Lied) -> None:
    at.two.faults = Faults(chain_id=56)


@pytest.mark.parametrize(
    ("breaks", "why"),
    [
        (head_goes_back, "the head went back"),
        (final_block_changes, "was final and is another one now"),
        (another_chain, "a node is on chain 56"),
    ],
)
def test_a_halt_names_itself_closes_its_channel_alone_and_is_lifted_by_a_person(
    server: ServerAddress, anvil: Anvil, breaks: Callable[[Lied], Awaitable[None]], why: str
) -> None:
    async def story(at: Lied) -> None:
        world, shop = at.ground.shop.world, at.ground.shop
        order = await at.ground.charge()
        await at.poll()
        await breaks(at)
        await at.poll(3)
        assert why in str(await at.halted())
        assert [why in finding for _, finding, _ in await troubles(world)] == [True]
        loop = ChainLoop(world, shop.orders, at.ground.watcher.network)
        loop._watcher = at.ground.watcher  # else its connections stay open
        for _ in range(2):
            await loop.once()
        assert await shop.value("SELECT count(*) FROM alerts WHERE kind = 'chain_halted'") == 1
        with pytest.raises(Problem) as closed:
            await at.ground.charge(order="another")
        assert (closed.value.code, closed.value.retry_after_seconds) == ("unavailable", 60)
        at.heal()
        await paid(at.ground, order, DUE)
        assert await at.stage(order) is Stage.RECEIVED, "nothing is credited while it is halted"
        cursor = await store.cursor_of(world.db, CHAIN)
        assert cursor is not None
        assert cursor.halted_at is not None
        await store.lift(world.db.alone, CHAIN, cursor.halted_at)
        await at.poll(3)
        assert await at.halted() is None
        assert await at.stage(order) is Stage.COMPLETED

    run(server, anvil, story)


def test_one_chains_trouble_hides_no_other(server: ServerAddress, anvil: Anvil) -> None:
    async def story() -> None:
        second = {
            "code": "usdc_other",
            "currency": "USDC",
            "chain_id": 31338,
            "network": "bsc",
            "token": shown(b"\x44" * 20, "evm"),
        }
        async with ground(server, anvil, beside=second) as made:
            world = made.shop.world
            await store.halt(world.db.alone, CHAIN, "a final block changed", world.clocks.wall())
            with pytest.raises(Problem) as closed:
                await made.charge()
            assert (closed.value.code, closed.value.retry_after_seconds) == ("unavailable", 60)
            request = StablecoinChargeRequest("order-2", "49.90", "USDC", channel="usdc_other")
            charges = Charges(world, made.shop.merchants)
            assert (await charges.charge(made.shop.scope, request)).order.channel == "usdc_other"

    asyncio.run(story())
