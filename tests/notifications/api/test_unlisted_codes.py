"""A code that nobody knows comes in by the door: it is read by its class, the decision names it,
operators find it."""

import json

import pytest
from tests.door import Caller, Door

from recoup.engine.verbs import _text
from recoup.insight.flows.verify import verify
from recoup.networks.magic import script_card
from recoup.notifications.flows.unlisted_codes import read_unlisted
from recoup.uplift.flows.arms import ArmsChange, clock_of, read_arms, set_arms

STRANGE = {"transaction__responseCode": "9Z", "transaction__responseCodeSource": "mastercard",
           "transaction__adviceCode": "77", "transaction__responseDescription": ""}  # fmt: skip


@pytest.mark.parametrize("mode", ["off", "shadow"])
def test_a_code_that_nobody_knows_is_named_in_the_decision_and_listed(
    door: Door, shop: Caller, mode: str
) -> None:
    if mode == "shadow":
        door.run(set_arms(door.world, shop.shop.scope, None, ArmsChange("shadow")))
        door.services.merchants.forget(shop.shop.merchant_id)
    card = script_card("mastercard", "51", 1)
    order_id = shop.admit(paymentMethod__cardNumber=card, **STRANGE)
    shop.admit(paymentMethod__cardNumber=card)
    shop.advance(minutes=1)
    [row] = door.sql(
        "SELECT features, verdict, reasons FROM decisions WHERE order_id = $1::uuid", order_id
    )
    reading = json.loads(row["features"])["reading"]
    assert (reading["klass"], reading["unlisted_code"], reading["unlisted_advice"]) == (
        "soft",
        "9Z",
        "77",
    )
    assert row["verdict"] == "plan"
    reasons = json.loads(row["reasons"])
    assert "The code 9Z is unknown; the decline is classified without it." in reasons
    assert "The advice code 77 is unknown; the decline is classified without it." in reasons
    rows = door.run(read_unlisted(door.world, shop.shop.merchant_id))
    assert [(one.scheme, one.kind, one.code, one.orders) for one in rows] == [
        ("mastercard", "advice", "77", 1),
        ("mastercard", "code", "9Z", 1),
    ]
    now = door.run(clock_of(door.world, shop.shop.merchant_id))
    shown = _text(door.run(read_arms(door.world, shop.shop.merchant_id, now)), rows)
    assert "unknown    mastercard code 9Z; orders: 1, last " in shown
    found = door.run(verify(door.world, shop.shop.merchant_id))
    assert found.difference is None, found.difference
