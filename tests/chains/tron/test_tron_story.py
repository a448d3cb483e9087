"""USDT on TRON: a payer's transfer becomes a paid order, on a full node's double."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.chains.tron.double import CHAIN_ID, TRX, Tron
from tests.chains.tron.ground import CUSTODIAL, KEY, MERCHANT, TREASURY, TronGround, deposit_of, run

from recoup.chains import abi, sends_store, store
from recoup.chains.artifacts import artifact
from recoup.chains.compare import Comparer
from recoup.chains.deploy import deploy_on_tron
from recoup.chains.loop import what_is_wrong
from recoup.chains.paying import seen_of
from recoup.chains.rpc import AwayError, opened
from recoup.chains.sends_store import ChainSend
from recoup.chains.transfers import sweep_stray
from recoup.chains.watch import HaltError, networks_of
from recoup.db.server import ServerAddress
from recoup.desk.store.order_search import exact_order
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.orders.rules.lifecycle import Stage
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.stablecoin.rules.addresses import shown
from recoup.stablecoin.store.stable_orders import settlements_of


def test_a_transfer_is_seen_counted_to_the_solidified_block_and_pays(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        order = await ground.charge()
        assert order.facts["chain"]["address"].startswith("T")
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.RECEIVED
        paid = await ground.pay(order)
        await tron.mine(2)
        await ground.poll()
        seen = await seen_of(ground.shop.world, await ground.now(order))
        assert seen is not None
        assert ((await ground.now(order)).stage, seen.progress) == (Stage.PROCESSING, (3, 19))
        await tron.mine(16)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.PROCESSING, "not solidified yet"
        await tron.mine(1)
        await ground.poll()
        done = await ground.now(order)
        assert (done.stage, done.reference) == (Stage.COMPLETED, "0x" + paid.hex())
        for typed in (paid.hex(), "0x" + paid.hex()):
            assert (
                await exact_order(ground.shop.world.db.reader, order.merchant_id, typed)
                == order.order_id
            )

    run(server, tron, story)


def test_a_dropped_block_takes_the_transfer_back(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        order = await ground.charge()
        await ground.pay(order)
        await tron.mine(3)
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.PROCESSING
        await tron.fork(5, forget=True)
        await tron.mine(9)
        await ground.poll()
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.RECEIVED

    run(server, tron, story)


def test_a_node_that_lags_holds_the_credit_back(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        order = await ground.charge()
        await ground.pay(order)
        await tron.mine(25)
        await tron.node("b", lag=10)
        for _ in range(2):
            await ground.poll()
            assert (await ground.now(order)).stage in (Stage.RECEIVED, Stage.PROCESSING)
        await tron.node("b")
        await ground.poll()
        assert (await ground.now(order)).stage is Stage.COMPLETED

    run(server, tron, story)


def test_balances_of_the_latest_state_find_what_logs_left_out(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        comparer = Comparer(ground.shop.world, ground.watcher, ground.shop.orders)
        order, other = await ground.charge(), await ground.charge(order="order-2")
        rows = await store.watched(
            ground.shop.world.db, "tron", ground.shop.world.clocks.wall(), b"", 9
        )
        ours = {row.address: row for row in rows}
        assert await comparer.compare(ours) == []
        await ground.poll()
        await ground.pay(order)  # behind what was read, and no difference for that
        assert await comparer.compare(ours) == []
        hidden = await ground.pay(other)
        for name in "ab":
            await tron.node(name, hides=[hidden.hex()])
        await tron.mine(40)
        await ground.poll()
        for name in "ab":
            await tron.node(name)
        assert await comparer.compare(ours) == [], "it is read for again"
        await ground.poll()
        assert [(await ground.now(one)).stage for one in (order, other)] == [
            Stage.COMPLETED,
            Stage.COMPLETED,
        ]
        await tron.appear(ground.token, deposit_of(order), 7)
        (found,) = await comparer.compare(ours)
        assert (found.row.order_id, found.missing) == (
            order.order_id,
            f"came +7 of {shown(ground.token, 'tron')}",
        )

    run(server, tron, story)


def test_what_is_paid_is_swept_and_settled(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        order = await ground.charge()
        await ground.pay(order)
        await tron.mine(20)
        await ground.poll()
        await ground.shop.settle()
        sender = await ground.sender()
        assert await sender.work() == 1
        assert await sender.work() == 0, "out, and repeated as it is"
        await tron.mine(10)
        await sender.work()
        (send,) = await ground.rows("sends")
        assert send["state"] == "signed", "in a block is not solidified"
        await tron.mine(10)
        await sender.work()
        await ground.poll()
        assert [await tron.held(ground.token, one) for one in (MERCHANT, TREASURY)] == [
            49_650_500,
            249_500,
        ]
        (settlement,) = await settlements_of(
            ground.shop.world.db, order.merchant_id, order.order_id
        )
        assert (settlement.state, settlement.units, settlement.fee_units) == (
            "confirmed",
            49_650_500,
            249_500,
        )
        (transaction,) = await ground.rows("transactions")
        assert (settlement.tx_hash, settlement.to_address) == (
            "0x" + transaction["hash"].hex(),
            shown(MERCHANT, "tron"),
        )
        assert transaction["paid"] == (await tron.info(transaction["hash"]))["fee"]
        assert len(await tron.sent()) == 1

    run(server, tron, story)


async def to_sweep(ground: TronGround, *orders: str) -> None:
    """Orders that are paid, and whose sweeps are wanted."""
    for name in orders:
        await ground.pay(await ground.charge(order=name))
    await ground.tron.mine(20)
    await ground.poll()
    await ground.shop.settle()


def test_a_transaction_that_nobody_has_is_signed_anew_when_its_time_is_over_everywhere(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        sender = await ground.sender()
        await tron.next(vanish=2)  # of both nodes
        assert await sender.work() == 1
        (first,) = await ground.rows("transactions")
        await tron.next(vanish=2)
        assert await sender.work() == 0
        await tron.mine(
            58
        )  # it can be in no block any more, which is not yet solidified everywhere
        await tron.node("b", lag=5)
        assert await sender.work() == 0
        assert len(await ground.rows("transactions")) == 1
        await tron.node("b")
        await tron.mine(2)
        assert await sender.work() == 1
        rows = {row["hash"]: row["state"] for row in await ground.rows("transactions")}
        assert len(rows) == 2
        assert rows[first["hash"]] == "replaced"
        await tron.mine(25)
        await sender.work()
        assert await tron.held(ground.token, MERCHANT) == 49_650_500
        assert [row["state"] for row in await ground.rows("sends")] == ["done"]

    run(server, tron, story)


def test_a_transaction_that_one_node_has_in_a_block_is_never_signed_anew(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        sender = await ground.sender()
        await sender.work()
        (row,) = await ground.rows("transactions")
        await tron.mine(100)
        for name in "ab":
            await tron.node(name, hides=[row["hash"].hex()])
            for _ in range(2):
                assert await sender.work() == 0
            (same,) = await ground.rows("transactions")
            assert same["state"] == "signed", name
            await tron.node(name)
        await sender.work()
        (same,) = await ground.rows("transactions")
        assert same["state"] == "mined"

    run(server, tron, story)


def test_a_key_without_energy_waits_and_says_so(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        await tron.grant(KEY.address, balance=3 * TRX, energy=1_000)
        sender = await ground.sender()
        assert await sender.work() == 0
        (row,) = await ground.rows("senders")
        assert "no energy" in row["trouble"]
        assert await tron.sent() == {}
        await tron.grant(KEY.address, energy=1_000_000)  # rented, and no TRX beside it
        assert await sender.work() == 1
        await tron.mine(25)
        await sender.work()
        assert (await tron.account(KEY.address))["balance"] == 3 * TRX - 0
        assert [row["state"] for row in await ground.rows("sends")] == ["done"]
        (row,) = await ground.rows("senders")
        assert row["trouble"] is None

    run(server, tron, story)


def test_what_runs_out_of_energy_in_its_block_is_sent_again(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        sender = await ground.sender()
        await tron.grant(KEY.address, balance=100 * TRX)
        await sender.work()
        await tron.grant(KEY.address, balance=5 * TRX)  # somebody else used it up meanwhile
        await tron.mine(25)
        await sender.work()
        assert [*(await tron.sent()).values()] == ["REVERT"], (
            "the factory's own, as nothing reached the merchant"
        )
        (row,) = await ground.rows("senders")
        assert "moved nothing" in row["trouble"]
        assert [row["state"] for row in await ground.rows("sends")] == ["wanted"]
        await tron.grant(KEY.address, balance=100 * TRX)
        await sender.work()
        await tron.mine(25)
        await sender.work()
        assert await tron.held(ground.token, MERCHANT) == 49_650_500
        states = sorted(row["state"] for row in await ground.rows("transactions"))
        assert states == ["mined", "reverted"]

    run(server, tron, story)


@pytest.mark.parametrize("which", [0, 1])
def test_energy_is_paid_by_the_node_that_says_it_is_dearer(
    server: ServerAddress, tron: Tron, which: int
) -> None:
    """By the other's price it would run dry in its block, and cost its fee for nothing."""

    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        sender, node = await ground.sender(), ground.nodes[which]
        batch, prices = node.batch, ["0x1"]

        async def lying(calls: Any) -> list[Any]:
            said = await batch(calls)
            return [
                prices[0] if call[0] == "eth_gasPrice" else one
                for call, one in zip(calls, said, strict=True)
            ]

        node.batch = lying  # type: ignore[method-assign]
        prices[0] = hex(10**6)
        assert await sender.work() == 0
        (row,) = await ground.rows("senders")
        assert re.search(r"a fee of \d+ TRX would be above the cap of \d+ TRX", row["trouble"])
        prices[0] = "0x1"
        assert await sender.work() == 1
        await tron.mine(25)
        await sender.work()
        assert [*(await tron.sent()).values()] == ["SUCCESS"]

    run(server, tron, story)


def test_what_needs_more_energy_than_all_nodes_say_is_given_more_each_time(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        sender = await ground.sender()

        def meagre(ask: Any) -> Any:
            async def asked(path: str, **members: Any) -> dict[str, Any]:
                said: dict[str, Any] = await ask(path, **members)
                is_dry = "energy_used" in said
                return said | {"energy_used": said["energy_used"] * 2 // 3} if is_dry else said

            return asked

        for node in ground.nodes:
            node.ask = meagre(node.ask)  # type: ignore[method-assign]
        for _ in range(3):
            await sender.work()
            await tron.mine(25)
        await sender.work()
        assert sorted((await tron.sent()).values()) in (
            ["REVERT", "SUCCESS"],
            ["OUT_OF_ENERGY", "SUCCESS"],
        )
        assert [row["state"] for row in await ground.rows("sends")] == ["done"]

    run(server, tron, story)


def test_a_fee_above_the_cap_is_not_paid(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1", "order-2")
        sender = await ground.sender(fee_cap=TRX)
        assert await sender.work() == 0
        (row,) = await ground.rows("senders")
        assert "above the cap" in row["trouble"]
        await sender.close()
        sender = await ground.sender(fee_cap=30 * TRX)
        assert await sender.work() == 1, "one of the two, which goes under the cap"
        assert sorted(row["state"] for row in await ground.rows("sends")) == ["signed", "wanted"]

    run(server, tron, story)


def test_a_factory_of_the_other_machine_is_not_opened(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        assert await what_is_wrong(ground.network, ground.nodes) == ""
        other = await tron.create(artifact("evm").factory_init)
        (network,) = networks_of([replace(ground.channel, factory=other)])
        assert "code is not ours" in await what_is_wrong(network, ground.nodes)
        (network,) = networks_of([replace(ground.channel, token=MERCHANT)])
        assert await what_is_wrong(network, ground.nodes)

    run(server, tron, story)


def test_a_nodes_key_goes_as_its_header(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        await tron.node("a", key="K3y")
        url, world = tron.nodes[0], ground.shop.world
        async with opened("tron", [url.replace("//", "//K3y@") + "/jsonrpc"], world.clocks) as (
            right,
        ):
            assert await what_is_wrong(ground.network, [right]) == ""
            assert right.name == "127.0.0.1"
        async with opened("tron", [url], world.clocks) as (wrong,):
            with pytest.raises(AwayError):
                await what_is_wrong(ground.network, [wrong])

    run(server, tron, story)


def test_a_merchant_that_is_frozen_is_not_paid_and_nothing_is_sent(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        await tron.freeze(ground.token, MERCHANT)
        assert await (await ground.sender()).work() == 0
        (send,) = await ground.rows("sends")
        assert (send["state"], send["why"]) == ("failed", "REVERT opcode executed")
        assert await tron.sent() == {}

    run(server, tron, story)


def test_what_was_kept_and_never_left_leaves_at_the_next_start_as_it_is(
    server: ServerAddress, tron: Tron
) -> None:
    async def story(ground: TronGround) -> None:
        await to_sweep(ground, "order-1")
        for name in "ab":
            await tron.node(name, code="SERVER_BUSY")
        sender = await ground.sender()
        await sender.work()
        await sender.close()
        for name in "ab":
            await tron.node(name)
        assert await (await ground.sender()).work() == 0
        await tron.mine(1)
        (row,) = await ground.rows("transactions")
        assert await tron.sent() == {row["hash"].hex(): "SUCCESS"}

    run(server, tron, story)


# Out of the custody wallet
# --------------------------------------------------------------------------------------------


async def want(ground: TronGround, value: int, receiver: bytes = MERCHANT) -> None:
    """A refund."""
    where = (CHAIN_ID, "usdt_trc20", ground.token, None, KEY.address, receiver, Decimal(value))
    send = ChainSend(new_id(), ground.shop.merchant_id, "refund", new_id(), "transfer", *where)
    await sends_store.want(ground.shop.world.db.alone, send, ground.shop.world.clocks.wall())


def test_two_transfers_that_are_the_same_both_arrive_once(
    server: ServerAddress, tron: Tron
) -> None:
    """TRON has no numbers of transactions: the same bytes would be one."""

    async def story(ground: TronGround) -> None:
        await tron.mint(ground.token, KEY.address, 10_000_000)
        sender = await ground.sender()
        await want(ground, 3_000_000)
        await want(ground, 3_000_000)
        assert await sender.work() == 2
        for _ in range(3):
            await tron.mine(25)
            await sender.work()
        assert await tron.held(ground.token, MERCHANT) == 6_000_000
        assert [row["state"] for row in await ground.rows("sends")] == ["done", "done"]

    run(server, tron, story, **CUSTODIAL)


def test_a_transfer_that_is_not_known_here_halts_the_sender(
    server: ServerAddress, tron: Tron
) -> None:
    """As after a backup was restored: what was sent since may be wanted again."""

    async def story(ground: TronGround) -> None:
        await tron.mint(ground.token, KEY.address, 10_000_000)
        sender = await ground.sender()
        assert await sender.work() == 0
        await tron.mine(30)
        await tron.send(ground.token, abi.transfer(MERCHANT, 1_000_000), KEY.address)
        head = await tron.mine(25)
        await want(ground, 1_000_000)
        with pytest.raises(HaltError, match="is not known here"):
            await sender.work()
        with pytest.raises(HaltError):
            await sender.work()
        with pytest.raises(Problem, match="not solidified"):
            await sender.go_on(head)
        assert await sender.go_on(head - 19) == 1
        assert await sender.work() == 0
        (send,) = await ground.rows("sends")
        assert send["state"] == "held"
        assert await tron.held(ground.token, MERCHANT) == 1_000_000

    run(server, tron, story, **CUSTODIAL)


@pytest.mark.parametrize("which", [0, 1])
def test_no_node_alone_says_what_the_key_has_or_hides_what_left_it(
    server: ServerAddress, tron: Tron, which: int
) -> None:
    async def story(ground: TronGround) -> None:
        await tron.mint(ground.token, KEY.address, 10_000_000)
        sender, node = await ground.sender(), ground.nodes[which]
        assert await sender.work() == 0
        real = (await sender._state()).coins
        batch, ask = node.batch, node.ask

        async def richly(calls: Any) -> list[Any]:
            said = await batch(calls)
            return [
                hex(10**18) if call[0] == "eth_getBalance" else one
                for call, one in zip(calls, said, strict=True)
            ]

        async def rich(path: str, **members: Any) -> dict[str, Any]:
            return await ask(path, **members) | {"EnergyLimit": 10**9}

        node.batch, node.ask = richly, rich  # type: ignore[method-assign]
        assert (await sender._state()).coins == real
        node.batch, node.ask = batch, ask  # type: ignore[method-assign]
        await tron.mine(30)
        txid = await tron.send(ground.token, abi.transfer(MERCHANT, 1_000_000), KEY.address)
        await tron.node("ab"[which], hides=[txid.hex()])
        await tron.mine(25)
        with pytest.raises(HaltError, match="is not known here"):
            await sender.work()

    run(server, tron, story, **CUSTODIAL)


def test_a_refund_of_a_custodial_order_arrives(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        order = await ground.charge()
        await ground.pay(order)
        await tron.mine(20)
        await ground.poll()
        sender = await ground.sender()
        await ground.go_on(sender)
        assert await tron.held(ground.token, KEY.address) == 49_650_500
        to = b"\x33" * 20
        right = shown(to, "tron")
        for wrong in (
            shown(to, "evm"),
            "41" + to.hex(),
            right[:-1] + ("1" if right[-1] != "1" else "2"),
            "",
        ):
            request = RefundRequest("10.00", to_address=wrong, door="stablecoin")
            with pytest.raises(Problem) as refused:
                await refund(
                    ground.shop.world,
                    ground.shop.orders,
                    ground.shop.scope,
                    order.order_id,
                    request,
                )
            assert (refused.value.code, refused.value.field) == ("invalid", "to_address"), wrong
        request = RefundRequest("10.00", to_address=shown(to, "tron"), door="stablecoin")
        await refund(
            ground.shop.world, ground.shop.orders, ground.shop.scope, order.order_id, request
        )
        await ground.go_on(sender)
        assert await tron.held(ground.token, to) == 10_000_000
        assert (await ground.now(order)).refunded_units == 10_000_000

    run(server, tron, story, **CUSTODIAL)


# The factory
# --------------------------------------------------------------------------------------------------


def test_the_factory_is_made_by_a_transaction_of_the_key(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        async def mine() -> None:
            while True:
                await tron.mine(5)
                await asyncio.sleep(0.05)

        clocks, bare = ground.shop.world.clocks, replace(ground.channel, factory=None)
        with pytest.raises(Problem, match="CONTRACT_VALIDATE_ERROR"):
            await deploy_on_tron(bare, clocks, KEY, 500 * TRX)
        await tron.grant(KEY.address, balance=1_000 * TRX)
        with pytest.raises(Problem, match="would cost"):
            await deploy_on_tron(bare, clocks, KEY, TRX)
        task = asyncio.create_task(mine())
        factory = await deploy_on_tron(bare, clocks, KEY, 500 * TRX)
        task.cancel()
        assert factory != ground.channel.factory
        (network,) = networks_of([replace(ground.channel, factory=factory)])
        assert await what_is_wrong(network, ground.nodes) == ""
        assert await deploy_on_tron(replace(bare, factory=factory), clocks, KEY, 0) == factory

    run(server, tron, story)


def test_coins_are_swept_to_the_merchant(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        order = await ground.charge()
        await ground.poll()
        wallet, sender = await _coins(tron, MERCHANT), await ground.sender()
        for value in (100 * TRX, 7 * TRX):
            await tron.endow(deposit_of(order), value)
            for _ in range(2):
                await sweep_stray(
                    ground.shop.world, ground.shop.scope, order.order_id, None, "coin"
                )
            await ground.go_on(sender)
        rows = await sends_store.strays_of(ground.shop.world.db, order.merchant_id, order.order_id)
        assert [(row.state, row.why) for row in rows] == [("done", None)] * 2
        came = [await _coins(tron, one) for one in (deposit_of(order), TREASURY, MERCHANT)]
        assert came == [0, 249_500, wallet + 107 * TRX - 249_500]
        assert (await ground.now(order)).stage is Stage.RECEIVED

    run(server, tron, story)


async def _coins(tron: Tron, holder: bytes) -> int:
    return int((await tron.rpc("eth_getBalance", "0x" + holder.hex(), "latest"))["result"], 16)


def test_other_tokens_are_swept_to_the_merchant(server: ServerAddress, tron: Tron) -> None:
    async def story(ground: TronGround) -> None:
        order, strange = await ground.charge(), await tron.deploy_token()
        await tron.transfer(strange, deposit_of(order), 5_000_000)
        await ground.poll()
        await sweep_stray(
            ground.shop.world, ground.shop.scope, order.order_id, None, shown(strange, "tron")
        )
        await ground.go_on(await ground.sender())
        rows = await sends_store.strays_of(ground.shop.world.db, order.merchant_id, order.order_id)
        assert [(row.state, row.why) for row in rows] == [("done", None)]
        assert await tron.held(strange, MERCHANT) == 5_000_000
        assert (await ground.now(order)).stage is Stage.RECEIVED

    run(server, tron, story)
