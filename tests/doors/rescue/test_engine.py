"""A declined payment comes in by /evaluate, and the trained engine rescues it: plan, send, approval, proof."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.doors.rescue.door import Caller, Door, opened_door
from tests.flows.insight.history import BEGIN, DAYS, payments, transmit

from recoup.flows.insight.learn.learn import learn
from recoup.flows.insight.verify import verify
from recoup.flows.merchants.arms import Wanted, set_arms
from recoup.kernel.scope import Actor
from recoup.rules.network.magic import script_card
from recoup.store.server import ServerAddress

ONCE_DECLINED = script_card("visa", "51", 1)


@pytest.fixture
def world(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


async def learned(shop: Caller) -> None:
    """The merchant's payments of half a year until yesterday, and what is learned of them."""
    weeks = (datetime.now(UTC) - timedelta(days=1) - BEGIN - timedelta(days=DAYS + 15)) // timedelta(weeks=1)
    rows = payments(shop.shop.merchant_id, 1, 300)
    for row in rows:
        for name in ("transacted_at", "received_at", "business_at"):
            row[name] += timedelta(weeks=weeks)
    await transmit(shop.door.world, rows)
    found = await learn(shop.door.world, Actor("operator", "anna"), months=18)
    assert found.taken, found
    await set_arms(shop.door.world, shop.shop.scope, None, Wanted("share", share=100, holdout=0, explore=0))
    shop.door.services.merchants.forget(shop.shop.merchant_id)


def test_a_declined_payment_is_rescued_by_the_trained_engine(world: Door) -> None:
    shop = world.shop()
    world.run(learned(shop))
    order_id = shop.admit(paymentMethod__cardNumber=ONCE_DECLINED)
    before = None
    for _ in range(6):
        shop.advance(minutes=1)
        order = shop.order(order_id)
        if order["statusName"] == "COMPLETED":
            break
        [due] = world.sql("SELECT next_attempt_at FROM order_heads WHERE order_id = $1::uuid", order_id)[0]
        assert due is not None
        assert due != before
        before = due
        shop.advance(seconds=(due - world.run(shop.shop.now())).total_seconds())
    assert order["statusName"] == "COMPLETED"
    decided = world.sql(
        "SELECT d.verdict, d.versions ->> 'decider' AS decider, d.versions ->> 'model' AS model, d.taken"
        " FROM decisions d WHERE d.order_id = $1::uuid ORDER BY decision_id", order_id)  # fmt: skip
    assert {row["decider"] for row in decided} == {"engine-1"}
    assert len({row["model"] for row in decided}) == 1
    assert [row["verdict"] for row in decided if row["verdict"] == "attempt_now"] == ["attempt_now"] * 2
    assert all(row["taken"] for row in decided)
    found = world.run(verify(world.world))
    assert found.difference is None, found.difference
