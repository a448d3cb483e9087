"""/charge: a cardholder with a statement in hand learns which shop it was; nobody else learns
anything."""

import asyncio
import itertools
import time
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.door import Caller, Door
from tests.rescue.api.test_customer import customer
from tests.rings import each

from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.descriptor import statement_text

ADDRESSES = (
    f"198.51.{block}.{host}" for block, host in itertools.product(range(100), range(1, 250))
)


def look_up(door: Door, address: str | None = None, **form: Any) -> httpx.Response:
    """Each call from another household, unless it is told."""
    transport: Any = httpx.ASGITransport(
        app=door.app,
        client=(address or next(ADDRESSES), 5000),
    )  # type: ignore[arg-type]

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://door.test") as client:
            return await client.post("/charge", data=form)

    return door.run(ask())


@pytest.fixture
def charged(door: Door, shop: Caller) -> dict[str, Any]:
    """A payment of 45.90 USD, and what its cardholder's statement says."""
    card = APPROVE_CARDS[2]
    order = shop.order(customer(shop, paymentMethod__cardNumber=card)["orderId"])
    assert order["statusName"] == "COMPLETED"
    day = door.sql(
        "SELECT closed_at::date::text AS day FROM attempts WHERE state = 'approved' ORDER BY "
        "attempt_id DESC LIMIT 1"
    )[0]["day"]
    return {"last4": card[-4:], "amount": "45.90", "currency": "USD", "date": day, "order": order}


def test_a_cardholder_finds_the_shop(door: Door, shop: Caller, charged: dict[str, Any]) -> None:
    order = charged.pop("order")
    site = shop.get(f"/sites/{order['siteId']}").json()
    shop.call("PATCH", f"/sites/{order['siteId']}", json={"supportContact": "help@leaf.example"})
    page = look_up(door, **charged)
    assert page.status_code == 200
    shown = statement_text(order["descriptor"], "visa")
    for told in (site["name"], site["url"], "help@leaf.example", shown, "Charged."):
        assert told in page.text, told
    digits = look_up(door, **charged | {"date": charged["date"].replace("-", "")})
    assert "Charged." in digits.text, "a field without a calendar is filled with digits"
    secret = [order["orderId"], order["externalOrderId"], "Ana", "payer", shop.shop.merchant_id]
    assert not [word for word in secret if str(word) in page.text]
    assert page.headers["cache-control"] == "no-store"


def test_a_charge_that_the_bank_took_back_is_said_to_be(
    door: Door, shop: Caller, charged: dict[str, Any]
) -> None:
    order = charged.pop("order")
    key = (shop.shop.merchant_id, UUID(order["orderId"]))
    door.run(dispute_on_demand(door.world, door.orders, key))
    assert "Charged, then charged back by your bank." in look_up(door, **charged).text


def test_a_refund_shows(door: Door, shop: Caller, charged: dict[str, Any]) -> None:
    order = charged.pop("order")
    day = charged["date"]
    # A sum of its own, so that no other test's charge is meant.
    shop.refund(order["orderId"], {"amountToRefund": 10.00})
    assert "then partly refunded." in look_up(door, **charged).text
    assert day in look_up(door, **charged).text


@pytest.mark.parametrize(
    "other",
    [
        {"last4": "0000"},
        {"amount": "45.91"},
        {"currency": "EUR"},
        {"date": "2001-01-01"},
    ],
)
def test_whoever_misses_one_fact_hears_the_same(
    door: Door, charged: dict[str, Any], other: dict[str, str]
) -> None:
    charged.pop("order")
    began = time.monotonic()
    missed = look_up(door, **(charged | other))
    took = time.monotonic() - began
    assert missed.status_code == 200
    assert "No matching charge found" in missed.text
    assert "<dl" not in missed.text
    began = time.monotonic()
    assert "No matching charge found" not in look_up(door, **charged).text
    # Neither comes before its time: which of both it is cannot be told from how soon it came.
    assert min(took, time.monotonic() - began) >= 0.4


@each(
    ("wrong", "field"),
    [
        ({"last4": "12"}, "last4"),
        ({"last4": "12a4"}, "last4"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "45.901"}, "amount"),
        ({"currency": "ZZZ"}, "currency"),
        ({"date": "31.1.2026"}, "date"),
        ({"date": "0001-01-01"}, "date"),
        ({"last4": "١٢٣٤"}, "last4"),
        ({"last4": "<b>1"}, "last4"),
        ({"amount": "9" * 18, "currency": "USDC"}, "amount"),
        ({"amount": "10000000000000.01"}, "amount"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(
    door: Door, wrong: dict[str, str], field: str
) -> None:
    usual = {"last4": "1111", "amount": "45.90", "currency": "USD", "date": "2026-01-31"}
    page = look_up(door, **(usual | wrong))
    assert page.status_code == 400
    assert f'id="{field}-e"' in page.text
    assert "<b>1" not in page.text


def test_nobody_tries_them_all(door: Door) -> None:
    usual = {"last4": "1111", "amount": "1.00", "currency": "USD", "date": "2026-01-31"}
    answers = [look_up(door, "203.0.113.9", **(usual | {"last4": f"{n:04d}"})) for n in range(9)]
    assert [a.status_code for a in answers[:6]] == [200] * 6
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert look_up(door, "203.0.113.10", **usual).status_code == 200


def test_a_handful_of_addresses_does_not_shut_it_for_others(
    door: Door, charged: dict[str, Any]
) -> None:
    charged.pop("order")
    wrong = charged | {"date": "2001-01-01"}

    async def guess(host: int) -> list[int]:
        transport: Any = httpx.ASGITransport(
            app=door.app,
            client=(f"203.0.114.{host}", 5000),
        )  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://door.test") as client:
            return [(await client.post("/charge", data=wrong)).status_code for _ in range(8)]

    async def flood() -> list[list[int]]:
        return await asyncio.gather(*(guess(host) for host in range(1, 31)))

    assert all(answers[:6] == [200] * 6 and answers[-1] == 429 for answers in door.run(flood()))
    assert "<dl" in look_up(door, **charged).text


def test_right_answers_and_slips_of_the_pen_are_not_counted(
    door: Door, charged: dict[str, Any]
) -> None:
    charged.pop("order")
    for _ in range(8):
        assert look_up(door, "203.0.115.9", **charged).status_code == 200
        assert look_up(door, "203.0.115.9", **(charged | {"last4": "12"})).status_code == 400
    wrong = charged | {"date": "2001-01-01"}
    assert [look_up(door, "203.0.115.9", **wrong).status_code for _ in range(9)][-1] == 429


def test_a_form_that_is_none(door: Door) -> None:
    assert door.call("GET", "/charge").status_code == 200
    form = "multipart/form-data; boundary=x"
    long_head = (
        b"--x\r\ncontent-disposition: form-data; name=" + b"a" * 30_000 + b"\r\n\r\n\r\n--x--\r\n"
    )
    for body, kind in (
        (b"\xff\x00", "application/x-www-form-urlencoded"),
        (b"--x", form),
        (long_head, form),
    ):
        assert (
            door.call("POST", "/charge", content=body, headers={"content-type": kind}).status_code
            == 400
        )
