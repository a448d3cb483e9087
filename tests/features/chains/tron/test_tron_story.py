"""USDT on TRON: a payer's transfer becomes a paid order, on a full node's double."""

from tests.features.chains.tron.double import Tron
from tests.features.chains.tron.ground import TronGround, run

from recoup.features.chains.seen import seen_of
from recoup.rules.order.lifecycle import Stage
from recoup.store.server import ServerAddress


def test_a_transfer_is_seen_counted_to_the_solidified_block_and_pays(server: ServerAddress, tron: Tron) -> None:
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
