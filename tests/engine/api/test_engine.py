"""A declined payment comes in by /evaluate, and the trained engine rescues it: plan, send,
approval, proof."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.dispute_terms import agree, vouched
from tests.door import Caller, Door, opened_door
from tests.order_history import payments, transmit, until_yesterday
from tests.rescue.api.test_customer import customer

from recoup.db.server import ServerAddress
from recoup.engine.learn.learn import learn
from recoup.insight.flows.verify import verify
from recoup.kernel.scope import Actor
from recoup.networks.magic import script_card
from recoup.uplift.flows.arms import ArmsChange, set_arms

ONCE_DECLINED = script_card("visa", "51", 1)


@pytest.fixture
def world(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


async def learned(shop: Caller) -> None:
    """The merchant's payments of half a year until yesterday, and what is learned of them."""
    await transmit(shop.door.world, until_yesterday(payments(shop.shop.merchant_id, 1, 300)))
    found = await learn(shop.door.world, Actor("operator", "anna"), months=18)
    assert found.taken, found
    await set_arms(
        shop.door.world, shop.shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
    )
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
        [due] = world.sql(
            "SELECT next_attempt_at FROM order_heads WHERE order_id = $1::uuid", order_id
        )[0]
        assert due is not None
        assert due != before
        before = due
        shop.advance(seconds=(due - world.run(shop.shop.now())).total_seconds())
    assert order["statusName"] == "COMPLETED"
    decided = world.sql(
        "SELECT d.verdict, d.versions ->> 'decider' AS decider, d.versions ->> 'model' AS model, "
        "d.taken"
        " FROM decisions d WHERE d.order_id = $1::uuid ORDER BY decision_id",
        order_id,
    )
    assert {row["decider"] for row in decided} == {"engine-3"}
    assert len({row["model"] for row in decided}) == 1
    assert [row["verdict"] for row in decided if row["verdict"] == "attempt_now"] == [
        "attempt_now"
    ] * 2
    assert all(row["taken"] for row in decided)
    found = world.run(verify(world.world))
    assert found.difference is None, found.difference


def test_a_waiting_customers_order_is_advanced_by_the_models_lower_bound(world: Door) -> None:
    shop = world.shop()
    world.run(learned(shop))
    world.run(agree(shop.shop))
    told = customer(
        shop,
        paymentMethod__cardNumber=ONCE_DECLINED,
        payer__externalId="zoe",
        payer__email="zoe@a.test",
    )
    assert told["status"] == "DECLINED"
    assert [(row["decider"], row["rules"]) for row in advances(world, told["orderId"])] == [
        ("advance-3", ["declined", "too_few_closed"])
    ]
    world.run(vouched(shop.shop))
    told = customer(shop, paymentMethod__cardNumber=ONCE_DECLINED, payer__externalId="ana")
    assert told["status"] == "APPROVED"
    decided = advances(world, told["orderId"])
    assert [(row["decider"], row["verdict"], row["taken"]) for row in decided] == [
        ("advance-3", "approve_now", "collect_later")
    ]
    assert (decided[0]["bounds"], decided[0]["rules"]) == (
        "bounds-1",
        ["declined", "within_limits"],
    )
    lower = decided[0]["alternatives"][0]["chance"]
    assert 0 < lower < 1
    assert (decided[0]["model"], decided[0]["arm"]["arm"]) == (
        world.world.models.current(datetime.now(UTC)).name,
        "engine",
    )
    # The same decline where the operator allows a little less than the lower bound asks for.
    world.run(agree(shop.shop, allowed_loss_basis_points=int(10_000 * (1 - lower)) - 500))
    told = customer(
        shop,
        paymentMethod__cardNumber=ONCE_DECLINED,
        payer__externalId="ben",
        payer__email="ben@a.test",
    )
    assert told["status"] == "DECLINED"
    assert [
        (row["decider"], row["verdict"], row["rules"]) for row in advances(world, told["orderId"])
    ] == [("advance-3", "decline_at_once", ["declined", "expected_loss"])]
    found = world.run(verify(world.world))
    assert found.difference is None, found.difference


def test_an_advance_without_a_usable_model_is_decided_by_the_prior_and_says_so(world: Door) -> None:
    shop = world.shop()
    world.run(
        set_arms(
            world.world, shop.shop.scope, None, ArmsChange("share", share=100, holdout=0, explore=0)
        )
    )
    world.run(agree(shop.shop))
    told = customer(shop, paymentMethod__cardNumber=ONCE_DECLINED)
    assert told["status"] == "APPROVED"
    (row,) = advances(world, told["orderId"])
    assert (row["decider"], row["model"], row["arm"]["fallback"]) == ("advance-3", None, "no_model")
    assert "No model is in use yet, so the fixed schedule applies." in row["reasons"]
    assert "The chance to collect is a rough prior." in row["reasons"]


def advances(world: Door, order_id: str) -> list[Any]:
    """The order's decisions on taking its risk."""
    rows = world.sql(
        "SELECT verdict, taken, rules, arm, reasons, alternatives, versions ->> 'decider' AS "
        "decider,"
        " versions ->> 'model' AS model, versions ->> 'bounds' AS bounds FROM decisions WHERE "
        "order_id = $1::uuid"
        " AND versions ->> 'decider' LIKE 'advance-%' ORDER BY decision_id",
        order_id,
    )
    texts = ("rules", "arm", "reasons", "alternatives")
    return [{**row, **{name: json.loads(row[name]) for name in texts}} for row in rows]
