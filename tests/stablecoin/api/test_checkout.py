"""The hosted page as a browser without a script uses it: every state, no secret, nothing that a
stranger can do."""

import asyncio
import base64
import re
from typing import Any
from uuid import UUID

import pytest
from tests.rings import each
from tests.stablecoin.api.test_money import fault
from tests.stablecoin.door import Door, Merchant, page_of

from recoup.kernel.ids import parse_wire_id
from recoup.kernel.scope import WORKER
from recoup.orders.flows.hosted_link import checkout_token, order_of_token
from recoup.orders.moves.change import Change
from recoup.rescue.flows.locked import Job


def order_id(charged: dict[str, Any]) -> UUID:
    return parse_wire_id("ord", charged["order"]["id"])


def lose_the_answer(door: Door, merchant: Merchant, charged: dict[str, Any]) -> None:
    """The payer pays, the channel takes it, and nobody hears of it."""
    try:
        fault(door, "silent")
        assert merchant.press_raw(charged).status_code == 503
    finally:
        fault(door, None)


def page(merchant: Merchant, charged: dict[str, object]) -> str:
    answer = merchant.door.call("GET", page_of(charged))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


def test_the_page_says_what_is_to_be_paid_and_until_when(merchant: Merchant) -> None:
    charged = merchant.charge(
        amount="49.90", subject="Leaf sampler", cancel_url="https://shop.example/cart"
    )
    text = page(merchant, charged)
    for word in (
        "49.90",
        "USDT",
        "Brightleaf Tea",
        "Leaf sampler",
        "Open until",
        "29 minutes",
        "TEST",
        "Simulate success",
        "Simulate failure",
        "https://shop.example/cart",
    ):
        assert word in text, word
    assert "<script" not in text
    assert "style=" not in text
    assert 'content="width=device-width"' in text
    assert 'content="light dark"' in text


def test_headers_keep_others_out(merchant: Merchant) -> None:
    headers = merchant.door.call("GET", page_of(merchant.charge())).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_a_paid_page_leads_back_and_offers_nothing_more(merchant: Merchant) -> None:
    charged = merchant.charge(return_url="https://shop.example/thanks?a=1&b=2")
    assert merchant.press(charged).status_code == 303
    text = page(merchant, charged)
    assert "Paid. Thank you." in text
    assert 'href="https://shop.example/thanks?a=1&amp;b=2"' in text
    assert "<form" not in text
    assert merchant.press(charged).status_code == 409, "a second press pays nothing"
    assert merchant.get("/ledger").json()["total"] == 1


def test_refunded_failed_canceled_and_expired_pages(door: Door) -> None:
    merchant = door.merchant()
    paid = merchant.charge()
    merchant.press(paid)
    merchant.post(f"/orders/{paid['order']['id']}/refund", {"amount": "1.00"})
    assert "Partly refunded" in page(merchant, paid)
    merchant.post(f"/orders/{paid['order']['id']}/refund")
    assert "Refunded in full" in page(merchant, paid)
    failed, called_off = merchant.charge(), merchant.charge(cancel_url="https://shop.example/cart")
    expired = merchant.charge(expires_in_seconds=60)
    merchant.press(failed, "fail")
    merchant.post(f"/orders/{called_off['order']['id']}/cancel")
    assert "The payment failed" in page(merchant, failed)
    assert "was cancelled" in page(merchant, called_off)
    assert "https://shop.example/cart" in page(merchant, called_off)
    merchant.advance(seconds=61)
    assert "The payment link has expired" in page(merchant, expired)
    for closed in (paid, failed, called_off, expired):
        assert "<form" not in page(merchant, closed)
        assert merchant.press(closed).status_code == 409


def test_the_payer_picks_where_the_charge_left_it_open(merchant: Merchant) -> None:
    charged = merchant.charge(channel=None)
    assert charged["instruction"]["type"] == "redirect"
    assert (charged["order"]["channel_code"], charged["order"]["settlement_mode"]) == ("", None)
    text = page(merchant, charged)
    assert re.findall(r'<option value="(\w+)">', text) == ["mock", "mock_direct"]
    assert merchant.press(charged, channel="nothing").status_code == 400
    assert merchant.press(charged, channel="mock_direct").status_code == 303
    found = merchant.order(charged["order"]["id"])
    assert (found["order"]["channel_code"], found["order"]["settlement_mode"]) == (
        "mock_direct",
        "direct",
    )
    assert found["payment"]["channel_code"] == "mock_direct"
    merchant.run_due()
    merchant.door.verified(merchant)


def test_the_payer_cannot_pick_where_the_charge_did(merchant: Merchant) -> None:
    charged = merchant.charge(channel="mock")
    merchant.press(charged, channel="mock_direct")
    assert merchant.order(charged["order"]["id"])["order"]["channel_code"] == "mock"


def test_two_windows_with_two_channels_pay_once(door: Door, merchant: Merchant) -> None:
    for _ in range(4):
        charged = merchant.charge(channel=None)
        address = page_of(charged) + "/pay"

        async def both(address: str = address) -> list[int]:
            calls = (
                door.client.post(address, data={"channel": code})
                for code in ("mock", "mock_direct")
            )
            return [answer.status_code for answer in await asyncio.gather(*calls)]

        assert set(door.run(both())) <= {303, 409, 503}
        order = merchant.order(charged["order"]["id"])["order"]
        assert order["status"] == "paid"
        taken = door.sql(
            "SELECT channel FROM mock_channel.payments WHERE order_id = $1", order_id(charged)
        )
        assert [row["channel"] for row in taken] == [order["channel_code"]]
    merchant.run_due()
    door.verified(merchant)


def test_a_payment_on_the_first_channel_is_found_when_the_payer_picks_another(door: Door) -> None:
    merchant = door.merchant()
    charged = merchant.charge(channel=None)
    lose_the_answer(door, merchant, charged)
    assert merchant.press(charged, channel="mock_direct").status_code == 303
    found = merchant.order(charged["order"]["id"])
    assert (found["order"]["status"], found["order"]["channel_code"]) == ("paid", "mock")
    assert found["settlements"] == []
    door.verified(merchant)


def test_another_channel_is_another_attempt_when_the_first_knows_nothing(door: Door) -> None:
    merchant = door.merchant()
    charged = merchant.charge(channel=None)
    try:
        fault(door, "outage")
        assert merchant.press_raw(charged).status_code == 503
    finally:
        fault(door, None)
    early = door.call(
        "POST", page_of(charged) + "/pay", data={"channel": "mock_direct"}, allow_5xx=True
    )
    assert early.status_code == 503, "the first may still be on its way"
    door.sql(
        "UPDATE attempts SET send_before = send_before - interval '1 minute' WHERE order_id = $1",
        order_id(charged),
    )
    assert merchant.press(charged, channel="mock_direct").status_code == 303
    found = merchant.order(charged["order"]["id"])
    assert (found["order"]["status"], found["order"]["channel_code"]) == ("paid", "mock_direct")
    states = door.sql(
        "SELECT route, state FROM attempts WHERE order_id = $1 ORDER BY attempt_no",
        order_id(charged),
    )
    assert [tuple(row) for row in states] == [("mock", "not_sent"), ("mock_direct", "approved")]
    merchant.run_due()
    door.verified(merchant)


def test_what_merchants_send_cannot_write_the_page(door: Door) -> None:
    merchant = door.merchant(name='<script>alert(1)</script>"')
    text = page(
        merchant,
        merchant.charge(
            subject="<img src=x onerror=alert(1)>", description="</p><script>x</script>"
        ),
    )
    assert "<script" not in text
    assert "<img" not in text


@each("token", ["x", "a" * 64, "é" * 64, "%00", "..%2f..", "A" * 63 + "="])
def test_links_that_we_did_not_sign(door: Door, token: str) -> None:
    for method, path in (("GET", f"/checkout/{token}"), ("POST", f"/checkout/{token}/pay")):
        answer = door.call(method, path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith(("text/html", "application/json"))


def test_a_link_is_bound_to_its_order(merchant: Merchant, other: Merchant) -> None:
    world = merchant.door.world
    mine, theirs = merchant.charge(), other.charge()
    token = page_of(mine).rpartition("/")[2]
    plain = bytearray(base64.urlsafe_b64decode(token))
    foreign = base64.urlsafe_b64decode(page_of(theirs).rpartition("/")[2])
    plain[:32] = foreign[:32]
    assert (
        merchant.door.call(
            "GET", f"/checkout/{base64.urlsafe_b64encode(bytes(plain)).decode()}"
        ).status_code
        == 404
    )
    assert order_of_token(world, token) is not None
    assert token == checkout_token(world, *order_of_token(world, token))  # type: ignore[misc]
    assert merchant.signer.secret not in token
    unknown = checkout_token(world, merchant.shop.merchant_id, UUID(int=7))
    assert merchant.door.call("GET", f"/checkout/{unknown}").status_code == 404
    assert merchant.door.call("POST", f"/checkout/{unknown}/pay").status_code == 404


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"channel=%00", b"a&" * 30 + b"b=1&" * 30, b"channel=" + b"x" * 9999]
)
def test_forms_that_are_none(merchant: Merchant, body: bytes) -> None:
    charged = merchant.charge(channel=None)
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain"):
        answer = merchant.door.call(
            "POST", f"{page_of(charged)}/pay", content=body, headers={"content-type": kind}
        )
        assert answer.status_code in (303, 400, 409)


def test_a_rescue_order_has_no_page(merchant: Merchant) -> None:
    order_id = merchant.door.run(merchant.shop.admit())
    token = checkout_token(merchant.door.world, merchant.shop.merchant_id, order_id)
    assert merchant.door.call("GET", f"/checkout/{token}").status_code == 404
    assert merchant.door.call("POST", f"/checkout/{token}/pay").status_code == 404


def test_a_payment_that_is_out_is_found_before_the_merchant_cancels(door: Door) -> None:
    merchant = door.merchant()
    charged = merchant.charge()
    path = f"/orders/{charged['order']['id']}/cancel"
    lose_the_answer(door, merchant, charged)
    try:
        fault(door, "outage")
        assert merchant.post(path, allow_5xx=True).status_code == 503, "the channel cannot be asked"
    finally:
        fault(door, None)
    assert merchant.post(path).status_code == 409
    assert merchant.order(charged["order"]["id"])["order"]["status"] == "paid"
    door.verified(merchant)


def test_a_held_order_can_be_paid(door: Door) -> None:
    merchant = door.merchant()
    charged = merchant.charge()

    def hold(change: Change) -> None:
        change.step("held", why="Somebody looks at it.")

    key = (merchant.shop.merchant_id, order_id(charged))
    door.run(door.orders.change(Job(key, hold, WORKER, "test")))
    assert merchant.press(charged).status_code == 303
    assert merchant.order(charged["order"]["id"])["order"]["status"] == "paid"
    merchant.run_due()
    door.verified(merchant)


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("de", "Warten auf Ihre Zahlung"),
        ("es", "Esperando su pago"),
        ("fr", "En attente de votre paiement"),
        ("zh", "等待您的付款"),
        ("en", "Waiting for your payment"),
    ],
)
def test_a_payer_reads_the_page_in_their_language(
    merchant: Merchant, language: str, word: str
) -> None:
    charged = merchant.charge(amount="49.90")
    asked = {"accept-language": f"{language},en;q=0.5"}
    answer = merchant.door.call("GET", page_of(charged), headers=asked)
    assert word in answer.text
    assert f'<html lang="{language}">' in answer.text
    assert ("29 minutes" in answer.text) == (language in ("en", "fr"))
    merchant.press(charged)
    assert ("Thank you" in merchant.door.call("GET", page_of(charged), headers=asked).text) == (
        language == "en"
    )
