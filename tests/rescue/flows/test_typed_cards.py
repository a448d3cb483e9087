"""A card that a payer typed on a link: the order's for one attempt, and later ones only after a
yes. Log, sends and ledger are verified after each story."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_challenges import answered
from tests.rescue.flows.test_customer_waiting import run
from tests.rings import drawn
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.networks.magic import FAULT_CARDS, script_card
from recoup.orders.rules.snapshot import Order
from recoup.rescue.flows.challenge import ChallengePage, agree, refuse, show

OWN = script_card("visa", "54", 99)
SOFT = {"pan": script_card("mastercard", "51", 99, 3), "exp_month": 8, "exp_year": 2033}
LATER = {"pan": script_card("visa", "51", 1, 4), "exp_month": 8, "exp_year": 2033}
CONSENT = {"version": "later-1", "language": "en", "words": "yes"}


async def linked(shop: Shop, **more: Any) -> ChallengePage:
    order_id = await shop.admit(**({"pan": OWN, "code": "54"} | more))
    await shop.run_due()
    return await show(shop.world, *shop.key(order_id))


async def as_it_is(shop: Shop, order_id: UUID) -> Order:
    found: Order = await shop.orders.run(
        lambda change: change.order, shop.key(order_id), cards=True
    )
    return found


def test_the_order_has_its_own_card_again_and_what_it_may_send(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        page = await linked(shop)
        before = await as_it_is(shop, page.order_id)
        for _ in range(2):
            page = await answered(shop, page, **SOFT)
        after = await as_it_is(shop, page.order_id)
        for name in ("token_id", "card_id", "pan_id", "card", "sends", "kept_ids"):
            assert getattr(after, name) == getattr(before, name), name
        assert len(after.typed_once) == 1
        assert not set(after.cards_before) - after.typed_once
        await shop.advance(timedelta(days=22))
        assert [one.initiator for one in (await as_it_is(shop, page.order_id)).attempts] == [
            "customer"
        ] * 2

    run(server, story)


def test_a_yes_is_for_the_card_that_was_read_and_is_told(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        first = await answered(shop, await linked(shop), **SOFT)
        page = await answered(shop, first, **LATER)
        with pytest.raises(Problem) as other:
            await agree(shop.orders, first, CONSENT, "test")
        assert other.value.code == "wrong_state"
        await agree(shop.orders, page, CONSENT, "test")
        with pytest.raises(Problem):
            await agree(shop.orders, page, CONSENT, "test")
        order = await as_it_is(shop, page.order_id)
        assert order.card is not None
        assert (order.card.last4, order.next_attempt_at is not None) == (
            str(LATER["pan"])[-4:],
            True,
        )
        await shop.advance(timedelta(days=21))
        order = await as_it_is(shop, page.order_id)
        assert order.stage == "completed"
        by = "SELECT body ->> 'by' FROM order_log WHERE order_id = $1 AND happening = 'collected'"
        assert await shop.value(by, page.order_id) == "new_card"

    run(server, story)


@drawn("properties", "units", [80_002, 80_003, 80_009, 80_010], 2)
def test_whatever_becomes_of_the_send_the_card_is_for_it_alone(
    server: ServerAddress, units: int
) -> None:
    """Declined without an answer, lost on the way, not reached, refused unprocessed."""

    async def story(shop: Shop) -> None:
        page = await linked(shop, units=units)
        await answered(shop, page, pan=FAULT_CARDS["visa"], exp_month=8, exp_year=2033)
        await shop.settle()
        order = await as_it_is(shop, page.order_id)
        if order.stage == "completed":
            return
        assert order.card is not None
        assert order.card.last4 == OWN[-4:]
        await refuse(shop.world, shop.orders, page, "test")
        assert (await as_it_is(shop, page.order_id)).reason == "payer_refused"

    run(server, story)
