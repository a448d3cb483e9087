"""The contract's own story: a charge, its payment on the hosted page, the paid order, a refund."""

from tests.stablecoin.door import Merchant


def test_a_charge_is_paid_on_the_hosted_page(merchant: Merchant) -> None:
    charged = merchant.charge(amount="49.90")
    assert charged["idempotent"] is False
    assert charged["instruction"]["type"] == "redirect"
    order = charged["order"]
    assert order["id"].startswith("ord_")
    assert (order["status"], order["amount"], order["refunded_amount"]) == ("created", "49.90", "0")
    assert charged["payment"]["status"] == "requires_action"
    assert merchant.press(charged).status_code == 303
    found = merchant.order(order["id"])
    assert found["order"]["status"] == "paid"
    assert found["order"]["paid_at"]
    assert found["payment"]["status"] == "succeeded"
    assert found["payment"]["channel_ref"].startswith("0x")
    answer = merchant.post(
        f"/orders/{order['id']}/refund", {"amount": "10.00", "reason": "partial refund"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["order"]["status"] == "partially_refunded"
    assert answer.json()["order"]["refunded_amount"] == "10.00"
    merchant.settle()
    merchant.door.verified(merchant)
