"""A stored method that its processor's updater renewed: orders that wait for other card data are
tried, once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, sends
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.notices.flows import work
from recoup.processors.gateways.credential import Stored
from recoup.rescue.flows.due import start
from recoup.routes.store.processor_notices import ProcessorNotice

METHOD = "pm_card_counting_visa"
RENEWED = Stored("sandbox", METHOD, scheme="visa", last4="4242", exp_month=7, exp_year=2032)
TRIES = "SELECT count(*) FROM attempts WHERE order_id = $1 AND state <> 'planned'"
DECIDED = "SELECT count(*) FROM decisions WHERE order_id = $1 AND rules ->> 0 = 'new_expiry'"


class Updated:
    """A connector whose vendor says that of the method."""

    def __init__(self, found: Stored | None) -> None:
        self._found = found

    async def describe(self, stored: Stored) -> Stored | None:
        return self._found


async def noticed(
    shop: Shop, found: Stored | None = RENEWED, subject: str = "method"
) -> str | None:
    now = shop.world.clocks.wall()
    values = {name: None for name in ProcessorNotice.__struct_fields__}
    said = {
        "merchant_id": shop.merchant_id,
        "object_key": new_id(),
        "route": "sandbox",
        "subject": subject,
        "about": METHOD,
        "received_at": now,
        "times": 1,
    }
    row = ProcessorNotice(**(values | said))
    # None
    result = await work._method(
        shop.world,
        shop.orders,
        Updated(found),
        row,
    )  # type: ignore[arg-type]
    await shop.run_due()
    return result.became


async def waiting(shop: Shop, code: str, **more: Any) -> UUID:
    order_id = await shop.admit(pan=None, method=Stored("sandbox", METHOD), code=code, **more)
    await start(shop.orders, shop.key(order_id))
    return order_id


@pytest.mark.parametrize(("code", "tries"), [("54", 1), ("51", 0)])
def test_an_order_that_waits_for_other_card_data_is_tried_once(
    server: ServerAddress, code: str, tries: int
) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=replace(PATIENT, visa_limit=20)) as made:
            shop = await make_shop(*made)
            order_id = await waiting(shop, code, units=4577)
            await shop.run_due()
            assert await shop.value(TRIES, order_id) == 0
            for _ in range(3):
                assert await noticed(shop) == "renewed"
            assert await shop.value(TRIES, order_id) == tries
            assert await shop.value(DECIDED, order_id) == tries
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


def test_a_closed_method_and_one_that_did_not_change_try_nothing(server: ServerAddress) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made)
            order_id = await waiting(shop, "54")
            assert await noticed(shop, replace(RENEWED, exp_month=None, exp_year=None)) == "renewed"
            assert await noticed(shop, None) == "closed"
            assert await noticed(shop) == "not_ours"
            await shop.advance(timedelta(days=2))
            assert await shop.value(TRIES, order_id) == 0

    asyncio.run(inside())


def test_a_method_whose_bank_closed_the_account_is_charged_no_more_though_its_processor_keeps_it(
    server: ServerAddress,
) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made)
            await waiting(shop, "51", units=4577)
            for _ in range(2):
                assert await noticed(shop, subject="ended") in ("closed", "not_ours")
            await shop.advance(timedelta(days=20))
            assert await sends(shop) == 0
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())
