"""The page of a challenge that has ended: what it says of the customer's money is so."""

import time
import uuid
from urllib.parse import urlsplit

import pytest
from tests.absence import processor_away
from tests.checkout.page.test_card_page import ANOTHER, challenged, post
from tests.disputes.flows.test_disputes import SILENT_YES
from tests.door import Caller, Door
from tests.rescue.api.test_customer import customer
from tests.worlds import owner

from recoup.networks.magic import FAULT_CARDS, script_card
from recoup.refunds.flows.review_queue import decide
from recoup.refunds.moves.elsewhere import failed_since
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.inquire import inquire

NOTHING = "Nothing is charged."


def called_off(door: Door, shop: Caller, order_id: str) -> None:
    door.run(cancel(door.world, shop.shop.orders, shop.shop.scope, uuid.UUID(order_id)))


def test_a_try_that_is_out_and_comes_in_late_is_not_called_nothing(
    door: Door, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, path = challenged(shop, transaction__amount=SILENT_YES, orderItems=[])
    post(door, f"{path}/answer", number=FAULT_CARDS["visa"], expires="08/33", code="123")
    called_off(door, shop, order_id)
    page = door.call("GET", path).text
    assert NOTHING not in page
    assert "Your bank has not answered yet." in page
    assert "Check again" in page
    with processor_away(monkeypatch):
        asked_about(door, shop, order_id)
        page = door.call("GET", path).text
        assert NOTHING not in page
        assert "The money is being returned to you automatically." in page
    door.run(shop.shop.settle())
    page = door.call("GET", path).text
    assert NOTHING not in page
    assert "The money was returned to you." in page


def test_money_that_came_back_to_us_is_on_its_way_until_it_is_returned_anew(
    door: Door, shop: Caller
) -> None:
    order_id, path = challenged(shop, transaction__amount=SILENT_YES, orderItems=[])
    post(door, f"{path}/answer", number=FAULT_CARDS["visa"], expires="08/33", code="123")
    called_off(door, shop, order_id)
    asked_about(door, shop, order_id)
    made, key = shop.shop, shop.shop.key(uuid.UUID(order_id))
    door.run(made.settle())

    async def comes_back() -> None:
        async with owner(door.world) as connection:
            await connection.execute("UPDATE issuer.reversals SET failed_at = decided_at")
        await made.orders.run(
            lambda change: failed_since(change, change.order.modifications[0]), key
        )

    door.run(comes_back())
    assert "The money is being returned to you automatically." in door.call("GET", path).text
    [again] = door.sql(
        "SELECT modification_id FROM modifications WHERE order_id = $1 AND state = 'stuck'", key[1]
    )
    door.run(decide(door.world, made.orders, made.scope, again["modification_id"], "again"))
    door.run(made.settle())
    assert "The money was returned to you." in door.call("GET", path).text


def asked_about(door: Door, shop: Caller, order_id: str) -> None:
    """Until the processor tells that it was approved."""
    for _ in range(300):
        door.run(inquire(door.world, shop.shop.orders, shop.shop.key(uuid.UUID(order_id))))
        if door.sql("SELECT FROM modifications WHERE order_id = $1", uuid.UUID(order_id)):
            return
        time.sleep(0.1)
    raise AssertionError("the approval is not found")


def test_a_hold_that_is_let_go_is_said(
    door: Door, shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = customer(
        shop,
        paymentMethod__cardNumber=script_card("visa", "54", 99),
        transaction__responseCode="54",
        transaction__responseCodeSource="visa",
        transactionType="Authorization",
    )
    path = urlsplit(told["challengeUrl"]).path
    post(door, f"{path}/answer", **ANOTHER)
    assert "Done. Thank you." in door.call("GET", path).text
    with processor_away(monkeypatch):
        called_off(door, shop, told["orderId"])
        page = door.call("GET", path).text
        assert NOTHING not in page
        assert "The amount reserved on your card is being released." in page
    door.run(shop.shop.settle())
    assert "The amount reserved on your card was released." in door.call("GET", path).text


def test_a_payment_that_goes_on_without_its_customer_has_not_ended(
    door: Door, shop: Caller
) -> None:
    order_id = shop.admit(
        paymentMethod__cardNumber=script_card("visa", "54", 99),
        transaction__responseCode="54",
        transaction__responseCodeSource="visa",
    )
    shop.advance(seconds=5)
    path = urlsplit(shop.order(order_id)["challengeUrl"]).path
    ended = Amended(do_not_retry=True)
    door.run(amend(door.world, shop.shop.orders, shop.shop.scope, uuid.UUID(order_id), ended))
    page = door.call("GET", path).text
    assert "This payment has ended" not in page
    assert "Nothing has been charged so far." in page


def test_what_was_called_off_before_any_try_took_nothing(door: Door, shop: Caller) -> None:
    order_id, path = challenged(shop)
    called_off(door, shop, order_id)
    assert NOTHING in door.call("GET", path).text
