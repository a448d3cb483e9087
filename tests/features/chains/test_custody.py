"""Custodial money on a real node: it is gathered, and leaves as refunds and payouts."""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from tests.features.chains.chain_door import ChainDoor, chain_door
from tests.features.chains.node import Anvil

from recoup.features.chains.addresses import shown
from recoup.features.chains.keystore import KeySigner
from recoup.features.chains.rpc import Endpoint
from recoup.features.chains.send import Sender
from recoup.features.chains.transfers import tell
from recoup.features.chains.watch import networks_of
from recoup.gateways.cards.transport import Transport
from recoup.store.server import ServerAddress

CUSTODY = KeySigner(Account.from_key(b"\x07" * 32))
PAYER = bytes.fromhex("3c" * 20)
TO = shown(PAYER, "evm")
CUSTODIAL = {"settlement": "custodial", "custody": shown(CUSTODY.address, "evm")}


class Custody:
    """A door whose channel `usdc_base` keeps what is paid, with the custody wallet's sender."""

    def __init__(self, door: ChainDoor) -> None:
        self.chain, self.door, self.merchant = door, door.door, door.merchant
        self.network = networks_of(door.channels)[0]

        async def made() -> tuple[Transport, Endpoint]:
            transport = Transport(self.door.world.clocks, 1 << 22)
            return transport, Endpoint(door.anvil.url, transport, self.door.world.clocks)

        self.transport, self.node = self.door.run(made())
        self.door.run(door.anvil.set_coins(CUSTODY.address, 10**18))
        self.sender = self.another()

    def another(self, **more: Any) -> Sender:
        return Sender(self.door.world, self.network, [self.node], CUSTODY, 10**12, **more)

    def paid(self, amount: str = "49.90", units: int = 49_900_000) -> dict[str, Any]:
        """A paid order whose money is in the custody wallet."""
        charged = self.chain.charge(amount=amount)
        self.chain.pay(charged, units)
        self.go_on()
        return charged

    def go_on(self) -> None:
        """All that is to happen: due work, sends, blocks and what is read of them."""
        for _ in range(3):
            self.door.run(self.merchant.shop.run_due())
            self.door.run(self.sender.work())
            self.chain.mine(12)
            self.door.run(self.sender.work())
            self.chain.poll()
            self.door.run(tell(self.door.world, self.door.orders, 31337))

    def held(self, holder: bytes) -> int:
        return self.door.run(self.chain.anvil.held(self.chain.usdc, holder))

    def refund(self, charged: dict[str, Any], **body: Any) -> Any:
        return self.merchant.post(f"/orders/{charged['order']['id']}/refund", body)

    def sends(self, kind: str) -> list[Any]:
        return self.door.sql("SELECT * FROM chain.sends WHERE subject_kind = $1 ORDER BY wanted_at", kind)

    def close(self) -> None:
        self.door.run(self.sender.close())
        self.door.run(self.transport.close())


@pytest.fixture
def custody(server: ServerAddress, anvil: Anvil) -> Iterator[Custody]:
    with chain_door(server, anvil, **CUSTODIAL) as door:
        made = Custody(door)
        try:
            yield made
        finally:
            made.close()


def test_a_part_and_then_the_rest_are_refunded_to_the_named_wallet(custody: Custody) -> None:
    charged = custody.paid()
    assert charged["instruction"]["terms"]["merchant"] == CUSTODIAL["custody"]
    order = custody.chain.answer(charged)
    assert (order["order"]["status"], order["order"]["settlement_mode"]) == ("paid", "custodial")
    assert custody.held(CUSTODY.address) == 49_650_500, "gathered, without the fee"
    answer = custody.refund(charged, amount="10.00", to_address=TO)
    assert (answer.status_code, answer.json()["order"]["status"]) == (200, "partially_refunded")
    custody.go_on()
    assert custody.held(PAYER) == 10_000_000
    (send,) = custody.sends("refund")
    assert (send["state"], send["receiver"]) == ("done", PAYER)
    (refund,) = custody.door.sql("SELECT state, reference FROM modifications WHERE kind = 'refund'")
    assert (refund["state"], refund["reference"]) == ("done", "0x" + send["hash"].hex())
    custody.chain.pay(charged, 250_000)  # an operator tops the wallet up for the fee that it keeps
    custody.go_on()
    answer = custody.refund(charged, to_address=TO)
    assert answer.json()["order"]["status"] == "refunded", answer.text
    custody.go_on()
    assert custody.held(PAYER) == 49_900_000
    assert custody.held(CUSTODY.address) == 500
    custody.door.verified()
