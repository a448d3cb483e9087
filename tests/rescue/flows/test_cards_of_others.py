"""What one merchant says of a card, and what others can do with it afterwards."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, started, try_now
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.magic import script_card
from recoup.orders.store.order_page import read_order
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Job
from recoup.rescue.store.evidence import CLAIMS_READ

BANS = [
    ("visa", {"code": "43", "source": "visa", "advice": None}),
    ("mastercard", {"code": "51", "source": "mastercard", "advice": "03"}),
    ("mastercard", {"code": "41", "source": "mastercard", "advice": None}),
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
    """One /evaluate of 0.01 with "stolen card" or "do not try again" ended every other merchant's
    orders of that card: "attempt withheld, no further try"."""

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


def test_declines_that_another_merchant_invents_use_up_nothing_of_ours(
    server: ServerAddress,
) -> None:
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


def test_a_lost_card_at_another_merchant_leaves_ours_its_attempt(server: ServerAddress) -> None:
    """Category 1 binds the card at the merchant that heard it."""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card("visa", "41", 99)
            order_id = await started(ours, pan)
            assert await try_now(theirs, await started(theirs, pan)) == "declined"
            assert await try_now(theirs, await started(theirs, pan)) is None
            assert await try_now(ours, order_id) == "declined"

    asyncio.run(story())


def test_claims_of_ones_own_do_not_feel_for_what_others_sent(server: ServerAddress) -> None:
    """Whoever knew a card's number claimed declines of an amount until their own order had to wait:
    the claim after which it did said how many sends others had made of it."""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            curious, others = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card("visa", "51", 99)
            theirs = await started(others, pan)
            for _ in range(15):
                assert await try_now(others, theirs) == "declined"
            for _ in range(16):
                await says(curious, pan, {})
            own = await started(curious, pan)
            assert await try_now(curious, own) == "declined", (
                "17 claims and 15 sends of others leave room"
            )

    asyncio.run(story())


def test_a_card_that_others_used_up_is_told_without_their_counts(server: ServerAddress) -> None:
    """Only that they leave no room, until the day on which one of their sends leaves the window."""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, *others = [
                await make_shop(*made, name=name) for name in ("Ours", "One", "Another")
            ]
            pan = script_card("visa", "51", 99)
            order_id = await started(ours, pan)
            for other in others:
                theirs = await started(other, pan)
                while await try_now(other, theirs) == "declined":
                    pass
            assert await try_now(ours, order_id) is None
            async with ours.world.db.connection() as connection:
                page = await read_order(connection, ours.merchant_id, order_id, clear=True)
            assert page is not None
            refusal = page.decisions[-1]
            assert refusal.versions["decider"] == "gate-1"
            assert "tallies" not in refusal.features
            assert [one for one in refusal.reasons if "00:00 UTC" in one]

    asyncio.run(story())


def test_a_flood_of_claims_about_a_card_is_read_in_part(server: ServerAddress) -> None:
    """Each order of a card was loaded with all that its merchant had ever claimed of it, under its
    lock."""
    flood = """
        INSERT INTO network_sends (card_id, send_id, acceptor_id, scheme, initiator, units,
          currency, merchant_id,
          order_id, at, state, declined, claimed)
        SELECT card_id, gen_random_uuid(), acceptor_id, scheme, initiator, n, currency, merchant_id,
          order_id,
          at + n * interval '1 millisecond', state, declined, true
        FROM network_sends CROSS JOIN generate_series(1, 700) n WHERE order_id = $1"""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            ours, theirs = await make_shop(*made), await make_shop(*made, name="Another")
            pan = script_card("visa", "51", 99)
            own, other = await started(ours, pan), await started(theirs, pan)
            async with ours.world.db.transaction() as tx:
                await tx.execute(flood, other)
            assert [await sends_read(ours, own), await sends_read(theirs, other)] == [
                1,
                CLAIMS_READ,
            ]
            assert await try_now(ours, own) == "declined"

    asyncio.run(story())


async def sends_read(shop: Shop, order_id: UUID) -> int:
    number: int = await shop.orders.change(
        Job(shop.key(order_id), lambda change: len(change.order.sends), cards=True)
    )
    return number
