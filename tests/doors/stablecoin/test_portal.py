"""Stablecoin orders in the portal: in the same list, on a page that tells them in their own words."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.doors.stablecoin.door import Door, Merchant

from recoup.doors.portal.routes import routes
from recoup.flows.people.make_user import Membership, make_user, register_merchant
from recoup.kernel.ids import parse_wire_id

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
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://portal.test")
        answer = await client.post("/signin", data={"email": email, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        return client

    client = door.run(come_in())

    def get(path: str) -> str:
        answer = door.run(client.get(path))
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
        assert "Statement says" not in page
        assert "after a decline of yours" not in page
        return page

    charged = merchant.charge()
    assert "Charge created" in told(charged["order"]["id"])
    assert "Mock (test)" in told(charged["order"]["id"])
    assert "the payer chooses" in told(merchant.charge(channel=None)["order"]["id"])
    paid = merchant.paid()["id"]
    assert "Paid: 49.900000 USDT" in told(paid)
    merchant.post(f"/orders/{paid}/refund", {"amount": "1.00"})
    assert "Refund 1 of 1.000000 USDT" in told(paid)
    direct = merchant.paid(channel="mock_direct")["id"]
    merchant.run_due()
    assert "reached your wallet" in told(direct)
    assert "went straight to your own wallet" in told(direct)
    merchant.press(charged, "fail")
    assert "The payment failed" in told(charged["order"]["id"])
    seen(f"/orders/{uuid_of(paid)}.json")
