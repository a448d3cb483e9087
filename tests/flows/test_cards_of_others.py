"""What one merchant says of a card, and what others can do with it afterwards."""

import asyncio
from typing import Any

import pytest
from tests.flows.test_card_limits import PATIENT, started, try_now
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.flows.cards.due import start
from recoup.rules.network.magic import script_card
from recoup.store.server import ServerAddress

BANS = [
    ("visa", {"code": "43", "source": "visa", "advice": None}),
    ("mastercard", {"code": "51", "source": "mastercard", "advice": "03"}),
    ("mastercard", {"code": "51", "source": "mastercard", "advice": "30"}),
]


async def says(shop: Shop, pan: str, word: dict[str, Any], **more: Any) -> None:
    """One /evaluate with a decline that nobody but the merchant has seen."""
    given = await shop.declined(pan=pan, **more)
    given.decline.update(word)
    order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
    await start(shop.orders, shop.key(order_id))


@pytest.mark.parametrize(("scheme", "word"), BANS)
def test_what_another_merchant_says_of_a_card_leaves_our_orders_their_attempts(
    server: ServerAddress, scheme: str, word: dict[str, Any]
) -> None:
    """One /evaluate of 0.01 with "stolen card" or "do not try again" ended every other merchant's orders of that card:
    "attempt withheld, no further try"."""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card(scheme, "51", 99)
            before = await started(ours, pan)
            await says(theirs, pan, word)
            after = await started(ours, pan)
            assert [await try_now(ours, one) for one in (before, after)] == ["declined", "declined"]
            own = await started(theirs, pan)
            assert await try_now(theirs, own) is None

    asyncio.run(story())


def test_declines_that_another_merchant_invents_use_up_nothing_of_ours(server: ServerAddress) -> None:
    """Twenty /evaluate of one amount, and no order of it could be tried for thirty days."""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card("visa", "51", 99)
            order_id = await started(ours, pan)
            for _ in range(20):
                await says(theirs, pan, {})
            assert await try_now(ours, order_id) == "declined"
            assert await try_now(theirs, await started(theirs, pan)) is None

    asyncio.run(story())


def test_a_retry_that_another_merchant_transmits_bars_nobody_else(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card("visa", "51", 99)
            order_id = await started(ours, pan)
            given = await theirs.declined(pan=pan)
            own = (await theirs.evaluate.evaluate(theirs.scope, given)).order_id
            await start(theirs.orders, theirs.key(own))
            await theirs.transmitted(given.external_id, declined=True, code="41")
            assert await try_now(theirs, own) is None
            assert await try_now(ours, order_id) == "declined"

    asyncio.run(story())


def test_what_we_heard_at_another_merchant_binds_ours(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card("visa", "41", 99)
            order_id = await started(ours, pan)
            assert await try_now(theirs, await started(theirs, pan)) == "declined"
            assert await try_now(ours, order_id) is None

    asyncio.run(story())
