"""What an inquiry proves about an attempt whose answer never came."""

import asyncio
from datetime import timedelta

import pytest
from tests.rescue.flows.test_card_limits import POLICY, started, try_now
from tests.worlds import make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.decline_code import our_code
from recoup.networks.magic import script_card
from recoup.processors.gateways.port import Inquiry, Outcome
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.on_demand import clear_fault, set_fault


def test_an_order_goes_on_once_the_processor_proves_that_it_never_sent_the_charge(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof was not heard in answer to an inquiry: the order waited for a day, then for a
    person."""

    async def never_sent(_: Inquiry) -> Outcome:
        return Outcome("not_sent", processor_code=our_code("not_processed"))

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 99))
            await set_fault(shop.world, "silent", timedelta(hours=1))
            await try_now(shop, order_id)
            await clear_fault(shop.world, "silent")
            states = "SELECT array_agg(state ORDER BY attempt_no) FROM attempts WHERE order_id = $1"
            assert (await shop.value(states, order_id))[0] == "unknown"
            monkeypatch.setattr(shop.world.processors["sandbox"], "inquire", never_sent)
            await inquire(shop.world, shop.orders, shop.key(order_id))
            assert (await shop.value(states, order_id))[0] == "not_sent"
            assert (await shop.order(order_id))["stage"] == "processing"

    asyncio.run(story())
