"""Hosted page, the processor's page, and back, as the customer's browser meets them: plain pages,
no script."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.banks import BANKS, Bank
from tests.door import Caller, Door
from tests.rescue.api.test_customer import customer
from tests.worlds import change_world

from recoup.orders.flows.hosted_link import signed_token
from recoup.processors.gateways.credential import Stored


@pytest.fixture(params=BANKS, ids=lambda kind: kind.name)
def bank(request: pytest.FixtureRequest, door: Door, tmp_path: Path) -> Iterator[Bank]:
    made: Bank = request.param()
    connector = door.run(made.start(tmp_path))
    own = door.world.processors
    change_world(door.world, processors={made.name: connector})
    yield made
    change_world(door.world, processors=own)
    door.run(connector.close())
    door.run(made.stop())


def asked(shop: Caller, bank: Bank) -> tuple[str, str]:
    """(order id, the hosted page's path)"""
    wants = bank.wants()
    method: Stored | None = wants.get("method")
    given: dict[str, Any] = {"paymentMethod__cardNumber": wants["pan"]}
    if method is not None:
        given = {
            "paymentMethod": {
                "processor": method.route,
                "id": method.id,
                "customer": method.customer,
            }
        }
    told = customer(shop, **given, threeDSecure=None) if method is None else _stored(shop, given)
    assert told["status"] == "CHALLENGE", told
    return told["orderId"], urlsplit(told["challengeUrl"]).path


def _stored(shop: Caller, given: dict[str, Any]) -> dict[str, Any]:
    body = (
        shop.body(isMIT=False, expiryDateUtc=None, customerIp="203.0.113.24", threeDSecure=None)
        | given
    )
    told: dict[str, Any] = shop.post("/evaluate", body).json()
    return told


def gone_to_bank(door: Door, path: str) -> str:
    """The customer confirms and is sent on; the bank's page."""
    asked = door.call("GET", path)
    assert '<script src="/static/browser.js" defer></script>' in asked.text
    assert asked.headers["content-security-policy"].endswith("; script-src 'self'")
    sent = door.call("POST", f"{path}/answer", data={"confirmed": "1"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"{path}/bank")
    page = door.call("GET", f"{path}/bank")
    assert page.status_code == 200
    assert "script" not in page.text.lower()
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == (
        "no-referrer",
        "no-store",
    )
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page.text)
    assert found is not None
    return unescape(found[1])


def pressed(door: Door, url: str, button: str) -> str:
    async def there() -> str:
        async with httpx.AsyncClient() as browser:
            assert "Test bank" in (await browser.get(url)).text
            return (await browser.post(url, data={"result": button})).headers["location"]

    return door.run(there())


def relative(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_declined_asked_confirmed_and_approved(door: Door, shop: Caller, bank: Bank) -> None:
    order_id, path = asked(shop, bank)
    page = door.call("GET", path).text
    assert "You confirm on a page of your bank" in page
    assert "Test bank" not in page
    url = gone_to_bank(door, path)
    waiting = door.call("GET", path).text
    assert "Continue to your bank" in waiting
    assert url in unescape(waiting)
    assert shop.order(order_id)["statusName"] == "PROCESSING"
    again = door.call(
        "POST", f"{path}/answer", data={"confirmed": "1"}
    )  # pressed twice: nothing is sent twice
    assert again.headers["location"] == f"{path}/bank"
    back = relative(pressed(door, url, "passed"))
    look = door.call("HEAD", back)
    assert look.status_code == 200
    assert shop.order(order_id)["statusName"] == "PROCESSING", "a look at the address is no return"
    came = door.call("GET", back)
    assert (came.status_code, came.headers["location"]) == (303, path)
    assert "Done. Thank you." in door.call("GET", path).text
    order = shop.order(order_id)
    assert (order["statusName"], len(order["attempts"])) == ("COMPLETED", 2)
    assert door.call("GET", back).headers["location"] == path
    assert door.call("GET", f"{path}/bank").headers["location"] == path
    assert bank.taken() == [4590]


def test_who_does_not_pass_is_told_and_may_try_again(door: Door, shop: Caller, bank: Bank) -> None:
    order_id, path = asked(shop, bank)
    back = relative(pressed(door, gone_to_bank(door, path), "failed"))
    door.call("GET", back)
    assert "The bank did not accept that." in door.call("GET", path).text
    door.call("GET", relative(pressed(door, gone_to_bank(door, path), "passed")))
    assert shop.order(order_id)["statusName"] == "COMPLETED"


def test_an_address_that_is_not_ours_shows_nothing(door: Door, shop: Caller, bank: Bank) -> None:
    order_id, path = asked(shop, bank)
    url = gone_to_bank(door, path)
    attempt = door.sql(
        "SELECT merchant_id, attempt_id, order_id FROM attempts WHERE order_id = $1::text::uuid",
        order_id,
    )
    merchant_id, own = attempt[0]["merchant_id"], attempt[0]["order_id"]
    for token in (
        path.rpartition("/")[2],  # the hosted link's
        signed_token(door.world, "payer-return", merchant_id, own),  # of no attempt
        "x" * 64,
        "a" * 5000,
    ):
        assert (
            door.call("GET", f"/checkout/return/{token}?redirect_status=succeeded").status_code
            == 404
        )
    assert bank.taken() == []
    door.call("GET", relative(pressed(door, url, "passed")))
    assert shop.order(order_id)["statusName"] == "COMPLETED"


def test_whatever_stands_in_the_address_is_read_by_the_processor_alone(
    door: Door, shop: Caller, bank: Bank
) -> None:
    order_id, path = asked(shop, bank)
    back = relative(pressed(door, gone_to_bank(door, path), "passed")).partition("?")[0]
    for query in (
        "a=%00&b=%ff",
        "&".join(f"p{n}=1" for n in range(200)),
        "redirectResult=" + "x" * 9000,
        "x" * 20_000,
    ):
        assert door.call("GET", f"{back}?{query}").status_code in (303, 414, 431)
    assert shop.order(order_id)["statusName"] in ("COMPLETED", "PROCESSING")
    assert bank.taken() in ([4590], [])
