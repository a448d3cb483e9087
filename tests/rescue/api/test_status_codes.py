"""Every HTTP status that seed 001 lists, and every six digits of the table, from a call that a
merchant could make."""

import asyncio
import socket
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.door import GONE, UNKNOWN, Caller, Door, another
from tests.receiver import receiving
from tests.rescue_shapes import check_refused

from recoup.db.pool import Database
from recoup.kit.api.errors import REFUND_CODES, REFUND_DIGITS, TABLE
from recoup.kit.edge import spool
from recoup.kit.edge.rate import Buckets
from recoup.kit.edge.spool import Rooms
from recoup.merchants.flows.blocks import block_of_order
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.moves import capture

SEED_001 = {200, 201, 204, 400, 401, 403, 404, 405, 409, 413, 429, 500, 502, 503, 504, 507}
CAPTURE_CODES = {"capture_amount", "capture_refused"}
AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}
SITE = {"url": "https://hats.example", "name": "Hats", "descriptor": "EXAMPLEHATS"}


def hook(shop: Caller, url: str) -> str:
    return f"/webhooks/{shop.post('/webhooks', {'url': url}).json()['id']}/test"


def malformed(door: Door, shop: Caller) -> httpx.Response:
    return shop.raw("/evaluate", b"{")


def invalid(door: Door, shop: Caller) -> httpx.Response:
    return shop.evaluate(idempotencyKey=GONE)


def bad_credentials(door: Door, shop: Caller) -> httpx.Response:
    return door.call(
        "POST", "/v1/oauth2/token", json={"AppKey": shop.shop.keys.app_key, "AppSecret": "wrong"}
    )


def unauthenticated(door: Door, shop: Caller) -> httpx.Response:
    return door.call("GET", "/v1/orders", headers={"authorization": "Bearer stale"})


def forbidden(door: Door, shop: Caller) -> httpx.Response:
    door.sql("UPDATE api_keys SET scopes = '{payments}' WHERE app_key = $1", shop.shop.keys.app_key)
    shop.sign_in()
    return shop.get("/orders")


def kind_switched_off(door: Door, shop: Caller) -> httpx.Response:
    site = shop.post("/sites", SITE | {"mit": False}).json()
    return shop.evaluate(siteId=site["id"])


def blocked(door: Door, shop: Caller) -> httpx.Response:
    payer = {"id": "blocked-1", "email": "blocked@example.test"}
    door.run(
        block_of_order(
            door.world, shop.shop.scope, uuid.UUID(shop.admit(payer=payer)), "customer", "fraud"
        )
    )
    return shop.evaluate(payer=payer)


def no_such_path(door: Door, shop: Caller) -> httpx.Response:
    return shop.get("/order")


def not_found(door: Door, shop: Caller) -> httpx.Response:
    return shop.get(f"/orders/{UNKNOWN}")


def method_not_allowed(door: Door, shop: Caller) -> httpx.Response:
    return shop.call("PUT", "/orders", json={})


def conflict(door: Door, shop: Caller) -> httpx.Response:
    body = shop.body()
    shop.evaluate(body)
    return shop.evaluate(body | {"orderId": "another"})


def wrong_state(door: Door, shop: Caller) -> httpx.Response:
    return shop.post(f"/orders/{shop.admit(**AT_ONCE)}/cancel", {})


def in_progress(door: Door, shop: Caller) -> httpx.Response:
    async def never(*args: Any, **more: Any) -> None: ...

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Evaluate, "_admit", never)
        return shop.evaluate()


def too_large(door: Door, shop: Caller) -> httpx.Response:
    return shop.raw("/evaluate", b'{"orderId":"' + b"x" * (1 << 20) + b'"}')


def too_many_requests(door: Door, shop: Caller) -> httpx.Response:
    slow = another(door, buckets=Buckets(per_second=0.1, burst=1))
    answers = [slow.call("GET", "/v1/orders", headers=shop.headers) for _ in range(2)]
    slow.close()
    return answers[-1]


def internal(door: Door, shop: Caller) -> httpx.Response:
    """What stands in a row is none of ours."""
    order_id = shop.admit(**AT_ONCE)
    door.sql(
        "UPDATE attempts SET code_reason = 'nonsense' WHERE order_id = $1", uuid.UUID(order_id)
    )
    return shop.call("GET", f"/orders/{order_id}", allow_5xx=True)


def bad_gateway(door: Door, shop: Caller) -> httpx.Response:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{one.getsockname()[1]}/"
    return shop.call("POST", hook(shop, nobody), json={}, allow_5xx=True)


def unavailable(door: Door, shop: Caller) -> httpx.Response:
    """No database listens where it should."""
    db = door.run(Database("postgresql://127.0.0.1:1/none", size=1, name="away").open())
    away = another(door, world=replace(door.world, db=db))
    answer = away.call("GET", f"/v1/orders/{UNKNOWN}", headers=shop.headers, allow_5xx=True)
    away.close()
    door.run(db.close())
    return answer


def gateway_timeout(door: Door, shop: Caller) -> httpx.Response:
    impatient = replace(door.world.policy, webhook_timeout=timedelta(seconds=0.2))
    slow = another(door, world=replace(door.world, policy=impatient))
    with receiving(door) as hooks:
        hooks.holding = asyncio.Event()
        path = "/v1" + hook(shop, hooks.url())
        answer = slow.call("POST", path, headers=shop.headers, json={}, allow_5xx=True)
        hooks.holding.set()
    slow.close()
    return answer


def no_space(door: Door, shop: Caller) -> httpx.Response:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(spool, "ROOMS", Rooms(lambda: (0, 1 << 40)))
        answer = shop.call("POST", "/imports", content=b"a", allow_5xx=True)
    assert answer.headers["retry-after"] == "60"
    return answer


TRIGGERS: dict[str, Callable[[Door, Caller], httpx.Response]] = {
    one.__name__: one
    for one in (
        malformed,
        invalid,
        bad_credentials,
        unauthenticated,
        forbidden,
        kind_switched_off,
        blocked,
        no_such_path,
        not_found,
        method_not_allowed,
        conflict,
        wrong_state,
        in_progress,
        too_large,
        too_many_requests,
        internal,
        bad_gateway,
        unavailable,
        gateway_timeout,
        no_space,
    )
}


@pytest.mark.parametrize("name", TRIGGERS)
def test_each_code_has_a_call_that_hears_it(door: Door, shop: Caller, name: str) -> None:
    answer = TRIGGERS[name](door, shop)
    body = check_refused(answer, TABLE[name].status, name)
    assert answer.headers["x-request-id"]
    assert "Traceback" not in str(body)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("over_remainder", {"amountToRefund": 100}),
        ("refund_currency", {"amountToRefund": 1, "currency": "EUR"}),
        ("refund_items", {"items": [{"sku": "none", "quantity": 1}]}),
        ("wrong_state", {"amountToRefund": 1}),
    ],
)
def test_a_refused_refund_is_200_with_its_codes(
    shop: Caller, name: str, body: dict[str, object]
) -> None:
    order_id = shop.admit() if name == "wrong_state" else shop.admit(**AT_ONCE)
    answer = shop.refund(order_id, body)
    told = answer.json()
    assert (answer.status_code, told["status"], told["success"]) == (200, "FAILED", False)
    assert (told["responseCode"], told["statusCode"]) == (REFUND_CODES[name], REFUND_DIGITS[name])


def test_a_refused_capture_is_200_with_its_codes(shop: Caller) -> None:
    hold = {"isMIT": False, "expiryDateUtc": None, "transactionType": "AUTHORIZATION"}
    order_id = shop.evaluate(**hold, paymentMethod__cardNumber=APPROVE_CARDS[1]).json()["orderId"]
    body = {"idempotencyKey": "capture-1", "orderId": order_id, "amount": 1, "currency": "USD"}
    answer = shop.post("/capture", body)
    told = answer.json()
    assert (answer.status_code, told["captureStatus"], told["success"]) == (200, "FAILED", False)
    assert told["statusCode"] == TABLE["capture_amount"].digits
    shop.door.sql(
        "UPDATE issuer.sends SET decision = 'declined' WHERE order_id = $1", uuid.UUID(order_id)
    )
    told = shop.post("/capture", body | {"amount": 4590, "idempotencyKey": "capture-2"}).json()
    assert (told["status"], told["statusCode"]) == ("FAILED", TABLE["capture_refused"].digits)
    assert shop.order(order_id)["statusName"] == "CAPTUREREQUIRED"


def test_an_order_whose_captures_were_refused_very_often_takes_no_more(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is loaded with all of them, as with its refunds."""
    monkeypatch.setattr(capture, "REFUSED_MAX", 3)
    hold = {"isMIT": False, "expiryDateUtc": None, "transactionType": "AUTHORIZATION"}
    order_id = shop.evaluate(**hold, paymentMethod__cardNumber=APPROVE_CARDS[1]).json()["orderId"]
    body = {"orderId": order_id, "amount": 4590, "currency": "USD"}
    shop.door.sql(
        "UPDATE issuer.sends SET decision = 'declined' WHERE order_id = $1", uuid.UUID(order_id)
    )
    for n in range(3):
        assert (
            shop.post("/capture", body | {"idempotencyKey": f"capture-{n}"}).json()["status"]
            == "FAILED"
        )
    for _ in range(2):
        told = shop.post("/capture", body | {"idempotencyKey": "capture-3"})
        assert (told.status_code, told.json()["statusCode"]) == (409, TABLE["wrong_state"].digits)
        assert "refused 3 captures" in told.text
    again = shop.post("/capture", body | {"idempotencyKey": "capture-0"}).json()
    assert (again["status"], again["statusCode"]) == ("FAILED", TABLE["capture_refused"].digits), (
        "a repeat is no more"
    )
    shop.door.sql(
        "UPDATE issuer.sends SET decision = 'approved' WHERE order_id = $1", uuid.UUID(order_id)
    )
    assert shop.post(f"/orders/{order_id}/cancel").status_code == 200


def test_what_goes_well_is_200_201_or_204(shop: Caller) -> None:
    assert shop.get("/sites").status_code == 200
    made = shop.post("/sites", SITE)
    assert made.status_code == 201
    gone = shop.call("DELETE", f"/sites/{made.json()['id']}")
    assert (gone.status_code, gone.content) == (204, b"")


def test_every_code_of_the_table_and_every_status_of_the_seed_is_here() -> None:
    plain = {name.partition("/")[0] for name in TABLE}  # behind a stroke: of some calls
    assert plain == set(TRIGGERS) | set(REFUND_CODES) | CAPTURE_CODES
    assert {TABLE[name].status for name in TRIGGERS} | {200, 201, 204} == SEED_001
