"""USDT on TRON by the API and the payer's page: addresses as TRON writes them, hashes with 0x but
in TRON's links."""

from contextlib import ExitStack

from tests.chains.serving import agree_on_address, serving
from tests.chains.tron.double import Tron
from tests.chains.tron.ground import KEY, MERCHANT, TREASURY, tron_table
from tests.stablecoin.door import opened_door

from recoup.chains.gateway import ChainChannel
from recoup.chains.loop import ChainLoop
from recoup.chains.rpc import TronEndpoint
from recoup.chains.tron_send import TronSender
from recoup.chains.watch import Watcher, networks_of
from recoup.db.server import ServerAddress
from recoup.processors.gateways.transport import Transport
from recoup.stablecoin.rules.addresses import read_address, shown


def test_a_charge_is_paid_swept_and_settled(server: ServerAddress, tron: Tron) -> None:
    with opened_door(server) as door, ExitStack() as made:
        factory, token = door.run(tron.deploy_factory()), door.run(tron.deploy_token())
        table = tron_table(tron, factory, token) | {"explorer": "https://nile.tronscan.org/#"}
        (channel,) = made.enter_context(serving(table))
        world, (network,) = door.world, networks_of([channel])
        world.channels[channel.code] = ChainChannel(channel, world.db, world.clocks)

        async def connect() -> Transport:
            return Transport(world.clocks, 1 << 22)

        transport = door.run(connect())
        nodes = [TronEndpoint(url, transport, world.clocks) for url in tron.nodes]
        loop = ChainLoop(world, door.orders, network)
        loop._watcher = Watcher(world, network, nodes)
        sender = TronSender(world, network, nodes, KEY, 150_000_000)

        def go_on(blocks: int) -> None:
            door.run(tron.mine(blocks))
            door.run(loop.once())

        try:
            merchant = door.merchant(fee_basis_points=50)
            refused = merchant.post("/charges", merchant.body(channel="usdt_trc20"), allow_5xx=True)
            assert (refused.status_code, refused.json()["error"]["code"]) == (
                503,
                "channel_unavailable",
            )
            go_on(25)
            other = door.merchant()
            refused = other.post("/charges", other.body(channel="usdt_trc20"))
            assert refused.json()["error"]["code"] == "settlement_address_required"
            door.run(agree_on_address(merchant.shop, "tron", MERCHANT))
            charged = merchant.charge(channel=None, network="tron")
            told = charged["instruction"]
            deposit = read_address(told["deposit_address"], "tron", "to")
            assert (told["type"], told["chain"], told["qr"]) == (
                "crypto_address",
                "tron",
                told["deposit_address"],
            )
            assert told["required_confirmations"] == 19
            assert told["token_contract"] == shown(token, "tron")
            assert told["terms"]["merchant"] == shown(MERCHANT, "tron")
            page = door.call("GET", told["checkout_url"].removeprefix("http://door.test")).text
            assert told["deposit_address"] in page
            assert "link.metamask.io" not in page

            paid = door.run(tron.transfer(token, deposit, 49_900_000))
            go_on(2)
            payment = merchant.order(charged["order"]["id"])["payment"]
            assert payment["confirmations"] == {"done": 3, "of": 19}
            assert payment["deposits"][0]["tx_hash"] == "0x" + paid.hex()
            page = door.call("GET", told["checkout_url"].removeprefix("http://door.test")).text
            assert f'href="https://nile.tronscan.org/#/transaction/{paid.hex()}"' in page
            go_on(17)
            answer = merchant.order(charged["order"]["id"])
            assert (answer["order"]["status"], answer["payment"]["channel_ref"]) == (
                "paid",
                "0x" + paid.hex(),
            )

            door.run(tron.grant(KEY.address, balance=100_000_000))
            door.run(merchant.shop.run_due())
            assert door.run(sender.work()) == 1
            go_on(20)
            door.run(sender.work())
            (settlement,) = merchant.order(charged["order"]["id"])["settlements"]
            (transaction,) = door.run(tron.sent())
            assert settlement["tx_hash"] == "0x" + transaction
            assert settlement["to_address"] == shown(MERCHANT, "tron")
            assert (settlement["status"], settlement["fee"]) == ("confirmed", "0.2495")
            assert [door.run(tron.held(token, one)) for one in (MERCHANT, TREASURY)] == [
                49_650_500,
                249_500,
            ]
            door.verified()
        finally:
            door.run(sender.close())
            door.run(transport.close())
