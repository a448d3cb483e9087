"""Lists, one order, cancel, refund: and another merchant's orders are no orders."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.rings import each
from tests.stablecoin.api.test_signatures import refused
from tests.stablecoin.door import Door, Merchant
from tests.stablecoin.signer import written

UNKNOWN = "ord_01k0000000000000000000000z"


def test_lists_are_newest_first_with_exact_totals(merchant: Merchant) -> None:
    made = [merchant.charge()["order"]["id"] for _ in range(5)]
    page = merchant.get("/orders", "limit=2&offset=1").json()
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 1)
    assert [one["id"] for one in page["data"]] == made[::-1][1:3]
    assert merchant.get("/orders").json()["limit"] == 20
    assert merchant.get("/orders", "limit=1000").json()["limit"] == 200
    assert merchant.get("/orders", "offset=99").json() == {
        "data": [],
        "total": 5,
        "limit": 20,
        "offset": 99,
    }


@each(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=x",
        "offset=-1",
        "offset=1.5",
        "status=PAID",
        "status=done",
        "limit=1%00",
        "limit=" + "9" * 30,
        "offset=%F0",
    ],
)
def test_queries_that_are_not_allowed(merchant: Merchant, query: str) -> None:
    refused(merchant.get("/orders", query), 400, "invalid_request")


def test_each_status_lists_its_orders(merchant: Merchant) -> None:
    made = {
        "created": merchant.charge()["order"]["id"],
        "paid": merchant.paid()["id"],
        "partially_refunded": merchant.paid()["id"],
        "refunded": merchant.paid()["id"],
        "failed": merchant.charge()["order"]["id"],
        "canceled": merchant.charge()["order"]["id"],
    }
    merchant.post(f"/orders/{made['partially_refunded']}/refund", {"amount": "1.00"})
    merchant.post(f"/orders/{made['refunded']}/refund")
    failing = merchant.order(made["failed"])
    merchant.press({"instruction": {"redirect_url": failing["checkout_url"]}}, "fail")
    assert merchant.post(f"/orders/{made['canceled']}/cancel").status_code == 200
    for status, order_id in made.items():
        page = merchant.get("/orders", f"status={status}").json()
        assert [one["id"] for one in page["data"]] == [order_id], status
        assert page["total"] == 1
        assert page["data"][0]["status"] == status
        own = page["data"][0]["merchant_order_id"]
        assert (
            merchant.get("/orders", f"status={status}&merchant_order_id={own}").json()["total"] == 1
        )
    assert merchant.get("/orders", "status=expired").json()["total"] == 0
    assert merchant.get("/orders", "merchant_order_id=nobody").json()["total"] == 0
    merchant.settle()
    merchant.door.verified(merchant)


def test_an_order_expires(door: Door) -> None:
    merchant = door.merchant()
    charged = merchant.charge(expires_in_seconds=60)
    merchant.advance(seconds=61)
    found = merchant.order(charged["order"]["id"])
    assert (found["order"]["status"], found["payment"]["status"]) == ("expired", "expired")
    assert merchant.get("/orders", "status=expired").json()["total"] == 1
    assert merchant.press(charged).status_code == 409
    refused(merchant.post(f"/orders/{charged['order']['id']}/checkout"), 409, "invalid_state")
    door.verified(merchant)


def test_the_other_dialects_orders_are_not_here(merchant: Merchant) -> None:
    from recoup.kernel.ids import wire_id

    rescue = merchant.door.run(merchant.shop.admit())
    assert merchant.get("/orders").json()["total"] == 0
    for path in ("", "/refund", "/cancel", "/checkout"):
        answer = merchant.call("POST" if path else "GET", f"/orders/{wire_id('ord', rescue)}{path}")
        refused(answer, 404, "not_found")


@each(
    "order_id",
    [UNKNOWN, "ord_1", "x", "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d", "ord_%00", "%F0%9F%98%80"],
)
def test_ids_that_nothing_has(merchant: Merchant, order_id: str) -> None:
    for path in ("", "/refund", "/cancel", "/checkout"):
        answer = merchant.call("POST" if path else "GET", f"/orders/{order_id}{path}")
        refused(answer, 404, "not_found")


def test_another_merchants_order_is_told_as_a_missing_one(
    merchant: Merchant, other: Merchant
) -> None:
    theirs = other.paid()["id"]
    for path, body in (
        ("", None),
        ("/refund", {"amount": "1"}),
        ("/cancel", None),
        ("/checkout", None),
    ):
        method = "POST" if path else "GET"
        foreign = merchant.call(method, f"/orders/{theirs}{path}", body)
        missing = merchant.call(method, f"/orders/{UNKNOWN}{path}", body)
        assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
        refused(foreign, 404, "not_found")
    assert other.order(theirs)["order"]["refunded_amount"] == "0"


# cancel
# --------------------------------------------------------------------------------------------------


def test_an_order_is_called_off_once_and_never_when_paid(merchant: Merchant) -> None:
    charged = merchant.charge()
    order_id = charged["order"]["id"]
    for _ in range(2):
        answer = merchant.post(f"/orders/{order_id}/cancel")
        assert answer.json()["order"]["status"] == "canceled"
    assert merchant.order(order_id)["payment"]["status"] == "canceled"
    assert merchant.press(charged).status_code == 409
    refused(merchant.post(f"/orders/{merchant.paid()['id']}/cancel"), 409, "invalid_state")


# refunds
# --------------------------------------------------------------------------------------------------


def test_refunds_add_up_to_the_whole(merchant: Merchant) -> None:
    order_id = merchant.paid(amount="49.90")["id"]
    refund = f"/orders/{order_id}/refund"
    first = merchant.post(refund, {"amount": "10.00", "reason": "partial refund"}).json()["order"]
    assert (first["status"], first["refunded_amount"], first["amount"]) == (
        "partially_refunded",
        "10.00",
        "49.90",
    )
    error = refused(merchant.post(refund, {"amount": "39.91"}), 400, "refund_exceeds_balance")
    assert error["param"] == "amount"
    rest = merchant.post(refund, {}).json()["order"]
    assert (rest["status"], rest["refunded_amount"]) == ("refunded", "49.90")
    assert (
        merchant.post(refund).json()["order"]["refunded_amount"] == "49.90"
    )  # the same while it is under way
    merchant.settle()
    refused(merchant.post(refund), 409, "order_not_refundable")
    merchant.door.verified(merchant)


@each("amount", [10, 1.5, "0", "-1", "1e1", "x", "0.0000001", True, "9" * 30])
def test_refund_amounts_that_are_none(merchant: Merchant, amount: Any) -> None:
    order_id = merchant.paid()["id"]
    error = refused(
        merchant.post(f"/orders/{order_id}/refund", {"amount": amount}), 400, "invalid_amount"
    )
    assert error["param"] == "amount"
    assert "AmountToRefund" not in error["message"]


def test_what_was_not_paid_is_not_refunded(merchant: Merchant) -> None:
    error = refused(
        merchant.post(f"/orders/{merchant.charge()['order']['id']}/refund"),
        409,
        "order_not_refundable",
    )
    assert error["message"] == "An order that is created cannot be refunded. Cancel it instead."
    gone = merchant.charge()["order"]["id"]
    merchant.post(f"/orders/{gone}/cancel")
    error = refused(merchant.post(f"/orders/{gone}/refund"), 409, "order_not_refundable")
    assert "An order that is canceled cannot be refunded." in error["message"]


def test_direct_orders_are_not_refunded(merchant: Merchant) -> None:
    order_id = merchant.paid(channel="mock_direct")["id"]
    refused(
        merchant.post(f"/orders/{order_id}/refund", {"amount": "1.00"}), 409, "refund_unsupported"
    )
    refused(merchant.post(f"/orders/{order_id}/refund"), 409, "refund_unsupported")


def test_a_key_makes_a_repeated_refund_one(merchant: Merchant) -> None:
    order_id = merchant.paid()["id"]
    refund, key = f"/orders/{order_id}/refund", {"idempotency-key": "once"}
    for _ in range(2):
        answer = merchant.post(refund, {"amount": "10.00"}, headers=key)
        assert answer.json()["order"]["refunded_amount"] == "10.00"
        merchant.settle()
    refused(merchant.post(refund, {"amount": "11.00"}, headers=key), 409, "idempotency_conflict")
    assert merchant.post(refund, {"amount": "10.00"}).json()["order"]["refunded_amount"] == "20.00"


def test_of_32_refunds_of_60_percent_at_once_one_is_taken(merchant: Merchant) -> None:
    order_id = merchant.paid(amount="100.00")["id"]
    path = f"/api/v1/orders/{order_id}/refund"
    bodies = [written({"amount": "60.00", "reason": f"try {n}"}) for n in range(32)]
    headers = [merchant.signer.headers("POST", path, "", body) for body in bodies]

    async def together() -> list[Any]:
        client = merchant.door.client
        calls = (
            client.post(path, content=b, headers=h) for b, h in zip(bodies, headers, strict=True)
        )
        return list(await asyncio.gather(*calls))

    answers = merchant.door.run(together())
    assert sorted(a.status_code for a in answers) == [200] + [400] * 31
    assert {a.json()["error"]["code"] for a in answers if a.status_code == 400} == {
        "refund_exceeds_balance"
    }
    assert merchant.order(order_id)["order"]["refunded_amount"] == "60.00"
    merchant.settle()
    merchant.door.verified(merchant)


def test_the_hosted_page_is_found_again(merchant: Merchant) -> None:
    charged = merchant.charge()
    url = charged["instruction"]["redirect_url"]
    assert merchant.order(charged["order"]["id"])["checkout_url"] == url
    answer = merchant.post(f"/orders/{charged['order']['id']}/checkout").json()
    assert answer == {"checkout_url": url, "expires_at": charged["order"]["expires_at"]}


def test_channels(merchant: Merchant) -> None:
    found = {one["code"]: one for one in merchant.get("/channels").json()["data"]}
    assert set(found) == {"mock", "mock_direct"}
    assert (
        found["mock"] | {"supports_refund": True, "settlement": "custodial", "name": "Mock (test)"}
        == found["mock"]
    )
    assert found["mock_direct"]["supports_refund"] is False
    assert "network" not in found["mock"]


def test_business_time_is_what_an_order_lives_by(door: Door) -> None:
    merchant = door.merchant(clock_behind=timedelta(days=40))
    order = merchant.charge()["order"]
    assert order["created_at"] < order["expires_at"]
    url = merchant.order(order["id"])["checkout_url"]
    assert merchant.press({"instruction": {"redirect_url": url}}).status_code == 303


def test_a_paid_order_of_a_direct_channel_is_not_told_to_refund(merchant: Merchant) -> None:
    direct, custodial = merchant.paid(channel="mock_direct"), merchant.paid()
    told = merchant.post(f"/orders/{direct['id']}/cancel")
    assert told.status_code == 409
    assert "send the money back from there" in told.text
    assert "refund it" not in told.text
    assert "refund it instead" in merchant.post(f"/orders/{custodial['id']}/cancel").text
    merchant.post(f"/orders/{custodial['id']}/refund")
    assert "given back already" in merchant.post(f"/orders/{custodial['id']}/cancel").text
