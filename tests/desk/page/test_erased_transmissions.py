"""What a merchant's system reports of a payment names nobody who was erased after that payment."""

import asyncio
from typing import Any

import pytest
from tests.desk.page.test_customers import INES, found_anywhere
from tests.staff import As, portal
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.desk.flows import persons
from recoup.desk.flows.persons import erase_person, payer_ids
from recoup.rescue.store.transmissions import update_transmission

EMAIL = INES.email.lower()
HERS = {"external_id": "", "email": INES.email, "phone": "", "name": ""}
LATE = {
    "is_declined": True,
    "outcome": "Zzyx rang",
    "refund": {"amount": 100, "reason": "Zzyx came"},
}


def test_what_is_told_of_a_transaction_after_its_customer_was_erased_names_nobody(
    server: ServerAddress,
) -> None:
    """A shop's system reported a refund of a payment, by the customer's name, and the name was kept
    again."""

    async def story(shop: Shop, as_: As) -> None:
        payer_id = payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        told = await shop.transmitted("SELF-1", declined=False, payer=HERS)
        await erase_person(shop.world, shop.scope, payer_id)
        await shop.transmit.update(shop.scope, told, LATE)
        assert await found_anywhere(shop) == set()
        kept = "SELECT outcome FROM transmissions WHERE transmit_id = $1"
        assert await shop.value(kept, told) == {
            "is_declined": True,
            "outcome": "",
            "refund": {"amount": 100},
        }
        later = await shop.transmitted("SELF-2", declined=False, payer=HERS)
        await shop.transmit.update(shop.scope, later, LATE)
        assert await shop.value(kept, later) == LATE, "a later payment is stored as usual"

    portal(server, story)


def test_what_is_told_of_a_transaction_while_its_customer_is_erased_names_nobody(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        payer_id = payer_ids(shop.world, shop.merchant_id, EMAIL)[0]
        told = await shop.transmitted("SELF-1", declined=False, payer=HERS)
        async with shop.world.db.transaction() as tx:
            await update_transmission(tx, shop.merchant_id, told, LATE, shop.world.clocks.wall())
            erasing = asyncio.create_task(erase_person(shop.world, shop.scope, payer_id))
            await asyncio.sleep(0.3)
        await erasing
        assert await found_anywhere(shop) == set()
        updating, kept = [], persons.end_files_of

        async def meanwhile(*args: Any) -> None:
            updating.append(asyncio.create_task(shop.transmit.update(shop.scope, told, LATE)))
            await asyncio.sleep(0.3)
            assert not updating[0].done(), "it waits"
            await kept(*args)

        monkeypatch.setattr(persons, "end_files_of", meanwhile)
        await erase_person(shop.world, shop.scope, payer_id)
        await updating[0]
        assert await found_anywhere(shop) == set()

    portal(server, story)
