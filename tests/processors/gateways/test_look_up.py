"""What of a processor's book is taken for the message that is about to be sent."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from tests.bridge_twin import SECRET, bridge_twin
from tests.processors.gateways.test_bridge import AT, charge_of, reversal_of
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.processors.gateways.bridge import Bridge
from recoup.processors.gateways.look_up import NOT_OFFERED, chosen
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import LookUp

OWN, OTHER, THIRD = (UUID(int=number) for number in (1, 2, 3))
YES, NO, MAYBE = Outcome("approved", "ref"), Outcome("declined", "ref"), Outcome("unknown", "ref")
AWAY = Outcome("awaits_payer", "ref", redirect_url="https://bank.example/")
Found = list[tuple[UUID | None, Outcome]]
BOOKS: dict[str, tuple[Found, tuple[str, UUID | None]]] = {
    "nothing": ([], ("not_found", None)),
    "its own approval": ([(OWN, YES)], ("approved", OWN)),
    "its own, and another's": ([(OTHER, YES), (OWN, YES)], ("approved", OWN)),
    "another's approval before its own decline": ([(OWN, NO), (OTHER, YES)], ("approved", OTHER)),
    "two others": ([(OTHER, YES), (THIRD, YES)], ("unknown", None)),
    "its own decline": ([(OWN, NO)], ("declined", OWN)),
    "another's decline": ([(OTHER, NO)], ("not_found", None)),
    "what is going": ([(OWN, NO), (OTHER, MAYBE)], ("unknown", OTHER)),
    "a payer at the bank": ([(OTHER, AWAY)], ("unknown", OTHER)),
    "no key of ours": ([(None, YES)], ("not_found", None)),
}  # fmt: skip


@each("name", BOOKS)
def test_what_is_chosen(name: str) -> None:
    found, wanted = BOOKS[name]
    said = chosen(LookUp(charge_of(key=OWN), AT), found)
    assert (said.state, said.key) == wanted


def test_keys_that_are_known_are_not_meant_and_a_refund_is_no_charge() -> None:
    known = LookUp(charge_of(key=OWN), AT, frozenset({OTHER}))
    assert chosen(known, [(OTHER, YES)]).state == "not_found"
    refund = LookUp(reversal_of(new_id(), key=OWN), AT)
    assert chosen(refund, [(OTHER, YES)]).state == "not_found"
    assert chosen(refund, [(OTHER, YES), (OWN, NO)]).state == "declined"


def test_a_bridge_hears_keys_and_a_simulated_world_the_orders_id() -> None:
    async def story() -> None:
        async with bridge_twin() as twin:
            for simulates in (False, True):
                bridge = Bridge(twin.url, secret=SECRET, acceptor_id="acq-1", simulates=simulates)
                charge = replace(charge_of(), key=new_id(), order_key=new_id())
                await bridge.charge(charge)
                sent = twin.sent[str(charge.key)]
                assert sent["orderId"] == str(charge.order_id if simulates else charge.order_key)
                assert str(charge.id) not in str(sent)
                assert await bridge.look_up(LookUp(charge, AT - timedelta(days=1))) == NOT_OFFERED
                await bridge.close()

    asyncio.run(story())
