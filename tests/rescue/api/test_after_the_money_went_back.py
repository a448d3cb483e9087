"""/evaluate again for an order whose money went back since: the state of now, never that it is
paid."""

import uuid
from typing import Any

import pytest
from tests.disputes.flows.test_disputes import disputed
from tests.door import GONE, Caller, Door
from tests.rescue.api.test_repeats import new_key

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


def again(shop: Caller, body: dict[str, Any]) -> dict[str, Any]:
    told = shop.evaluate(new_key(body, transaction__id=f"tx-{uuid.uuid4().hex[:8]}"))
    assert told.status_code == 200
    return {name: told.json()[name] for name in ("status", "success", "final", "cause", "result")}


def paid(shop: Caller, **more: Any) -> tuple[dict[str, Any], str]:
    body = shop.body(**AT_ONCE | more)
    told = shop.evaluate(body).json()
    assert (told["status"], told["cause"]) == ("APPROVED", None)
    return body, told["orderId"]


def test_a_part_that_went_back_leaves_it_paid(shop: Caller) -> None:
    body, order_id = paid(shop)
    assert shop.refund(order_id, {"amountToRefund": 1}).json()["status"] == "SUCCESS"
    assert again(shop, body)["status"] == "APPROVED"


def test_an_order_that_was_refunded_is_not_approved(shop: Caller) -> None:
    body, order_id = paid(shop)
    assert shop.refund(order_id, {"amountToRefund": 45.90}).json()["status"] == "SUCCESS"
    assert again(shop, body) == {
        "status": "CANCELLED",
        "success": False,
        "final": True,
        "cause": "refunded",
        "result": "The payment was approved, and refunded in full since.",
    }
    assert shop.evaluate(body).json()["cause"] == "refunded"
    assert len(shop.order(order_id)["attempts"]) == 1


@pytest.mark.parametrize("decided", [None, "lost"])
def test_an_order_that_was_charged_back_is_not_approved(
    door: Door, shop: Caller, decided: str | None
) -> None:
    body, order_id = paid(shop)
    door.run(disputed(shop.shop, uuid.UUID(order_id), decided=decided))
    told = again(shop, body)
    assert (told["status"], told["success"], told["cause"]) == ("CANCELLED", False, "charged_back")
