"""Stablecoin orders in the portal: in the same list,
on a page that tells them in their own words."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.stablecoin.door import Door, Merchant

from recoup.kernel.ids import parse_wire_id
from recoup.main.portal import routes
from recoup.people.flows.make_user import Membership, make_user, register_merchant
from recoup.stablecoin.flows.pay import simulate_by_operator

PASSWORD = "correct horse battery"


@pytest.fixture
def seen(door: Door, merchant: Merchant) -> Any:
    """GET a page of the portal as the merchant's owner."""
    email = f"owner-{merchant.shop.merchant_id}@example.test"

    async def come_in() -> httpx.AsyncClient:
        await register_merchant(door.world, merchant.shop.merchant_id, "Brightleaf Tea", None)
        owner = Membership("merchant", merchant.shop.merchant_id, "owner")
        await make_user(door.world, email, "Maya", PASSWORD, [owner])
        app = Starlette(routes=routes(door.world, door.orders))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://portal.test"
        )
        answer = await client.post("/signin", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    client = door.run(come_in())

    def get(path: str, **form: str) -> str:
        """A page, or with fields the page that a form leads to."""
        if form:
            token = re.search(r'name="csrf" value="([^"]+)"', get(path.rpartition("/")[0]))
            assert token
            sent = door.run(client.post(path, data=form | {"csrf": token[1]}))
            assert sent.status_code in (303, 400, 409), sent.text
            return get(sent.headers["location"]) if sent.status_code == 303 else sent.text
        answer = door.run(
            client.get(path, follow_redirects=True)
        )  # who searches for an exact id lands on its page
        assert answer.status_code == 200, answer.text
        return answer.text

    yield get
    door.run(client.aclose())


def uuid_of(order_id: str) -> str:
    return str(parse_wire_id("ord", order_id))


def test_they_stand_in_the_list_with_the_others(merchant: Merchant, seen: Any) -> None:
    rescue = merchant.door.run(merchant.shop.admit())
    order = merchant.paid(customer="cust-7")
    text = seen("/orders")
    assert str(rescue) in text
    assert uuid_of(order["id"]) in text
    assert "On-chain" in text
    assert uuid_of(order["id"]) in seen("/orders?q=cust-7")
    assert uuid_of(order["id"]) in seen(f"/orders?q={order['merchant_order_id']}")


def test_each_state_has_its_page(door: Door, merchant: Merchant, seen: Any) -> None:
    def told(order_id: str) -> str:
        page: str = seen(f"/orders/{uuid_of(order_id)}")
        assert "Statement descriptor" not in page
        assert "after your own attempt was declined" not in page
        return page

    charged = merchant.charge()
    assert "Charge created" in told(charged["order"]["id"])
    assert "Mock (test)" in told(charged["order"]["id"])
    assert "the customer chooses" in told(merchant.charge(channel=None)["order"]["id"])
    paid = merchant.paid()["id"]
    assert "Paid: 49.90 USDT" in told(paid)
    merchant.post(f"/orders/{paid}/refund", {"amount": "1.00"})
    assert "Refund 1 of 1.00 USDT" in told(paid)
    direct = merchant.paid(channel="mock_direct")["id"]
    merchant.run_due()
    assert "reached your wallet" in told(direct)
    assert "went straight to your own wallet" in told(direct)
    merchant.press(charged, "fail")
    assert "The payment failed" in told(charged["order"]["id"])
    seen(f"/orders/{uuid_of(paid)}.json")


def page_of(order: dict[str, Any]) -> str:
    return f"/orders/{uuid_of(order['id'])}"


def test_an_amount_is_shown_as_it_was_sent(merchant: Merchant, seen: Any) -> None:
    for amount in ("49.90", "7.5", "50", "0.000001"):
        order = merchant.paid(amount=amount)
        for path in (page_of(order), "/orders"):
            assert f"{amount}<span" in seen(path) or f"{amount} <span" in seen(path), path
        assert f"Paid: {amount} USDT" in seen(page_of(order))
    shown = re.sub(
        r"<[^>]*>", " ", seen("/orders").partition("<tbody>")[2].partition("</table>")[0]
    )
    assert "00000" not in shown.replace("0.000001", "")


def test_the_page_has_the_apis_order_id_and_state(merchant: Merchant, seen: Any) -> None:
    order = merchant.paid()
    merchant.post(f"/orders/{order['id']}/refund", {"amount": "1.00"})
    page = seen(page_of(order))
    assert f'data-copy="{order["id"]}"' in page
    assert order["merchant_order_id"] in page
    assert "Completed here, <code>partially_refunded</code> in the API" in page
    assert "<dt><code>expired</code></dt><dd>Cancelled</dd>" in page


def test_a_refund_is_told_in_the_words_of_this_api(merchant: Merchant, seen: Any) -> None:
    order = merchant.paid()
    review = seen(f"{page_of(order)}/refund?how=amount&amount=10.00&key={'a' * 32}")
    assert "subscribes to <code>payment.refunded</code>" in review
    assert (
        merchant.call("PUT", "/webhook", {"url": "https://shop.example/hooks"}).status_code == 200
    )
    review = seen(f"{page_of(order)}/refund?how=amount&amount=10.00&key={'a' * 32}")
    assert "webhook <code>payment.refunded</code>" in review
    assert "Mock (test) sends 10.00 USDT back" in review
    assert "39.90 USDT can still be refunded" in review
    assert "partially_refunded in the API" in review
    for foreign in ("Banks show it", "order.refunded", "The processor", "card"):
        assert foreign not in review.partition('id="review"')[2], foreign
    merchant.post(f"/orders/{order['id']}/refund", {"amount": "10.00"})
    events = seen(page_of(order)).partition('id="webhooks"')[2]
    assert "payment.succeeded" in events
    assert "payment.refunded" in events
    assert "order." not in events.partition("</section>")[0]


def test_the_payers_payment_is_counted_as_it_is_listed(merchant: Merchant, seen: Any) -> None:
    page = seen(page_of(merchant.paid()))
    assert "1 by the customer" in page
    assert "0 sent" not in page
    assert re.search(r'Attempts <span class="count">1<', page)


def test_an_order_that_nobody_paid_does_not_speak_of_a_bank(merchant: Merchant, seen: Any) -> None:
    charged = merchant.charge()
    merchant.press(charged, "fail")
    page = seen(page_of(charged["order"]))
    assert "The payment failed on its channel." in page
    assert "bank" not in page.partition("<main")[2].lower()
    assert "payment.failed" in page


def test_api_keys_can_be_told_apart(merchant: Merchant, seen: Any) -> None:
    key = merchant.signer.key_id
    page = seen(page_of(merchant.charge()["order"]))
    assert f"API key {key[:8]}…{key[-4:]}" in page
    assert key not in page


def late(door: Door, merchant: Merchant, channel: str) -> dict[str, Any]:
    order: dict[str, Any] = merchant.charge(channel=channel, expires_in_seconds=60)["order"]
    door.run(merchant.shop.advance(timedelta(minutes=2)))
    door.run(simulate_by_operator(door.world, door.orders, order["id"], True))
    return order


def test_late_money_is_given_back_by_a_button(door: Door, merchant: Merchant, seen: Any) -> None:
    order = late(door, merchant, "mock")
    path = page_of(order)
    page = seen(path)
    assert "49.90 USDT arrived too late" in page
    assert "Arrived late" in page
    assert "nothing to refund" not in page
    assert "Return 49.90 USDT?" in page
    assert "USDT arrived too late" not in seen(f"{path}/give-back", x="1")
    merchant.run_due()
    assert "49.90 USDT returned to the customer" in seen(f"{path}/give-back", x="1")
    door.verified(merchant)


def test_late_money_of_a_direct_channel_is_settled_by_hand(
    door: Door, merchant: Merchant, seen: Any
) -> None:
    order = late(door, merchant, "mock_direct")
    path = page_of(order)
    page = seen(path)
    assert "Recoup cannot send it back" in page
    assert "Return…" not in page
    assert "The note is empty." in seen(f"{path}/settled-by-hand", note=" ")
    done = seen(f"{path}/settled-by-hand", note="Sent back from our wallet")
    assert "USDT arrived too late" not in done
    assert "Sent back from our wallet" in done
    assert "settled by hand" in done
    door.verified(merchant)


def test_a_stuck_settlement_is_tried_again_by_a_button(
    door: Door, merchant: Merchant, seen: Any
) -> None:
    order = merchant.paid(channel="mock_direct")
    other = "UPDATE mock_channel.payments SET currency = $2 WHERE merchant_id = $1"
    door.sql(other, merchant.shop.merchant_id, "USDC")
    merchant.run_due()
    path = page_of(order)
    assert "was not sent to your wallet" in seen(path)
    door.sql(other, merchant.shop.merchant_id, "USDT")
    assert "did not leave" not in seen(f"{path}/settle-again", x="1")
    merchant.run_due()
    assert "reached your wallet" in seen(path)
    assert [s["status"] for s in merchant.order(order["id"])["settlements"]] == [
        "failed",
        "confirmed",
    ]
    door.verified(merchant)
