"""One merchant, two dialects, one core: both doors' orders, lists and refunds end in the same flows
and tables."""

from collections.abc import Iterator

import pytest
from tests.door import Caller
from tests.door import door_of as rescue_door_of
from tests.rescue.api.test_customer import customer
from tests.stablecoin.door import Door, Merchant, opened_door

from recoup.db.server import ServerAddress
from recoup.desk.api import order as rescue_order
from recoup.desk.api import stablecoin_orders
from recoup.refunds.api import refund as rescue_refund
from recoup.refunds.flows.refund import refund
from recoup.rescue.flows import cancel as card_cancel
from recoup.rescue.moves.ending import cancel
from recoup.stablecoin.flows import expire as stable_cancel


@pytest.fixture(scope="module")
def door(server: ServerAddress) -> Iterator[Door]:
    with opened_door(server) as door:
        yield door


@pytest.fixture
def both(door: Door, server: ServerAddress) -> Iterator[tuple[Caller, Merchant]]:
    """The same merchant behind both doors."""
    merchant = door.merchant()
    beside = rescue_door_of(door.runner, server, door.world, door.orders, door.deliveries)
    caller = Caller(beside, merchant.shop)
    caller.sign_in()
    yield caller, merchant
    beside.close()


def test_the_doors_call_the_same_refund_and_the_same_end() -> None:
    assert rescue_refund.refund_order is stablecoin_orders.refund_order is refund
    assert card_cancel.cancel_move is stable_cancel.cancel_move is cancel
    assert rescue_order.cancel_order is card_cancel.cancel


def test_an_order_of_each_is_told_in_the_same_lines_and_books(
    door: Door, both: tuple[Caller, Merchant]
) -> None:
    caller, merchant = both
    card = customer(caller)["orderId"]
    coin = merchant.paid(amount="45.90", currency="USD")
    assert caller.refund(card, {"amountToRefund": 10}).json()["status"] == "SUCCESS"
    assert merchant.post(f"/orders/{coin['id']}/refund", {"amount": "10.00"}).status_code == 200
    merchant.settle()
    told = door.sql(
        "SELECT o.door, (SELECT array_agg(l.happening ORDER BY l.seq) FROM order_log l WHERE "
        "l.order_id = o.order_id)"
        " AS lines, (SELECT array_agg(p.recipe ORDER BY p.recipe) FROM postings p WHERE p.order_id "
        "= o.order_id)"
        " AS book, h.refunded_units, h.status FROM orders o JOIN order_heads h USING (merchant_id, "
        "order_id)"
        " WHERE o.merchant_id = $1 ORDER BY o.door",
        merchant.shop.merchant_id,
    )
    assert [row["door"] for row in told] == ["rescue", "stablecoin"]
    ends = ["attempt_approved", "collected", "refund_owed", "refund_sent", "refund_done"]
    assert all(row["lines"][-5:] == ends for row in told)
    assert told[0]["book"] == told[1]["book"] == ["approve", "charge", "refund_done", "refund_owed"]
    assert {(row["refunded_units"], row["status"]) for row in told} == {(1000, 7)}
    door.verified(merchant)


def test_each_door_lists_its_own_of_one_table(door: Door, both: tuple[Caller, Merchant]) -> None:
    caller, merchant = both
    card, coin = customer(caller)["orderId"], merchant.charge()["order"]["id"]
    listed = caller.get("/orders").json()["orders"]
    assert [one["id"] for one in listed["data"]] == [card]
    assert [one["id"] for one in merchant.get("/orders").json()["data"]] == [coin]
    heads = door.sql(
        "SELECT count(*) AS n FROM order_heads WHERE merchant_id = $1", merchant.shop.merchant_id
    )
    assert heads[0]["n"] == 2
    foreign = door.sql(
        "SELECT order_id FROM orders WHERE merchant_id = $1 AND door = 'stablecoin'",
        merchant.shop.merchant_id,
    )[0]["order_id"]
    assert caller.get(f"/orders/{foreign}").status_code == 404
    assert caller.refund(str(foreign), {"amountToRefund": 1}).status_code == 404
    assert caller.post(f"/orders/{foreign}/cancel", {}).status_code == 404
