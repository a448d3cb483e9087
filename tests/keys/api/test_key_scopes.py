"""What a key allows: each operation takes the keys that allow it and no others, and says which
scope is missing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.door import Caller, Door
from tests.rescue_shapes import check_refused
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import PARTNER
from recoup.keys.flows.issue_key import IssuedKey, issue_key
from recoup.keys.rules.key_scopes import CUSTOMERS, covers, every
from recoup.kit.personal import DOTS
from recoup.main.api import METHODS
from recoup.onboarding.flows.partners import PartnerKey, make_partner, make_partner_key
from recoup.outside.keys.jwt import access_claims

MERCHANTS = [
    one.operation for one in METHODS if one.operation.needs and one.operation.credential != PARTNER
]
PARTNERS = [
    one.operation for one in METHODS if one.operation.needs and one.operation.credential == PARTNER
]


def issued(shop: Caller, *scopes: str, kind: str = "api") -> IssuedKey:
    async def inside() -> IssuedKey:
        async with shop.door.world.db.transaction() as tx:
            return await issue_key(
                tx, shop.door.world, shop.shop.merchant_id, kind, "user:test", scopes=scopes
            )

    return shop.door.run(inside())


def headers_of(key: IssuedKey | PartnerKey) -> dict[str, str]:
    pair = (key.key, key.secret) if isinstance(key, IssuedKey) else (key.app_key, key.app_secret)
    return {"authorization": f"ApiKey {pair[0]}:{pair[1]}"}


def path_of(path: str) -> str:
    for name in ("{id}", "{mid}", "{dispute}", "{file}", "{campaign}", "{document}"):
        path = path.replace(name, "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d")
    return path


def test_every_operation_names_a_scope_that_there_is() -> None:
    for whose, operations in (("merchant", MERCHANTS), ("partner", PARTNERS)):
        needed = {one.needs for one in operations}
        assert needed <= every(whose), needed - every(whose)
    reads = {
        (one.method, one.path)
        for one in MERCHANTS
        if one.needs.endswith(":read") and one.method != "GET"
    }
    assert reads == {("POST", "/v1/evaluate/check"), ("POST", "/v1/outcome")}


@pytest.fixture(scope="module")
def narrow(door: Door) -> dict[str, dict[str, str]]:
    """For each scope the headers of a key that allows all others."""
    shop, known = door.shop(), every("merchant")
    return {
        one: headers_of(issued(shop, *(has for has in known if not covers([has], one))))
        for one in known
    }


@each("operation", [pytest.param(one, id=f"{one.method} {one.path}") for one in MERCHANTS])
def test_a_key_that_allows_everything_else_is_refused_and_told_what_it_lacks(
    door: Door, narrow: dict[str, dict[str, str]], operation: Any
) -> None:
    answer = door.call(
        operation.method, path_of(operation.path), headers=narrow[operation.needs], json={}
    )
    body = check_refused(answer, 403, "forbidden")
    assert body["customProperties"] == {"scope": operation.needs}
    assert operation.needs in body["result"]


@each("operation", [pytest.param(one, id=f"{one.method} {one.path}") for one in MERCHANTS])
def test_one_scope_is_enough_for_what_needs_it(door: Door, shop: Caller, operation: Any) -> None:
    key = headers_of(issued(shop, operation.needs))
    answer = door.call(
        operation.method, path_of(operation.path), headers=key, json={}, allow_5xx=True
    )
    assert answer.status_code != 403, answer.text


def test_writing_includes_reading_and_no_more(door: Door, shop: Caller) -> None:
    order_id = shop.completed()
    reads, refunds = (
        headers_of(issued(shop, "orders:read")),
        headers_of(issued(shop, "refunds:write")),
    )
    writes = headers_of(issued(shop, "orders:write"))
    assert door.call("GET", f"/v1/orders/{order_id}", headers=reads).status_code == 200
    assert door.call("GET", f"/v1/orders/{order_id}", headers=writes).status_code == 200
    check_refused(
        door.call("POST", f"/v1/orders/{order_id}/cancel", headers=reads), 403, "forbidden"
    )
    check_refused(door.call("GET", f"/v1/orders/{order_id}", headers=refunds), 403, "forbidden")
    asked = {"amountToRefund": 1}
    check_refused(
        door.call("POST", f"/v1/orders/{order_id}/refund", headers=writes, json=asked),
        403,
        "forbidden",
    )
    assert door.call("POST", f"/v1/orders/{order_id}/refund", headers=refunds, json=asked).json()[
        "success"
    ]


SECRETS = ("Amelie", "Pond", "amelie@pond.example", "555 010 2030", "Lindenweg", "notes about her")


def _customer(shop: Caller) -> str:
    body = shop.body()
    body["billingInformation"] |= {
        "firstName": "Amelie",
        "lastName": "Pond",
        "addressLine1": "Lindenweg 7",
    }
    body["payer"] |= {"email": "amelie@pond.example"}
    order_id = str(shop.evaluate(body).json()["orderId"])
    noted = shop.call(
        "PATCH", f"/orders/{order_id}", json={"metadata": {"note": "notes about her"}}
    )
    assert noted.status_code == 200, noted.text
    shop.advance(days=20)
    return order_id


def test_without_customers_read_an_answer_is_masked_wherever_it_comes(
    door: Door, shop: Caller
) -> None:
    order_id = _customer(shop)
    shop.refund(order_id, {"amountToRefund": 1, "refundMessage": "back to Amelie Pond"})
    masked = headers_of(issued(shop, "orders:write", "reports:read", "refunds:read"))
    clear = headers_of(issued(shop, "orders:read", CUSTOMERS))
    whole = door.call("GET", f"/v1/orders/{order_id}", headers=clear).text
    assert [secret for secret in SECRETS if secret in whole] == list(SECRETS), whole
    for path in (
        f"/orders/{order_id}",
        "/orders",
        f"/orders/{order_id}?asOfVersion=2",
        "/orders?query=Pond",
    ):
        answer = door.call("GET", f"/v1{path}", headers=masked)
        assert answer.status_code == 200
        assert not [secret for secret in SECRETS if secret in answer.text], answer.text
    shown = door.call("GET", f"/v1/orders/{order_id}", headers=masked).json()
    assert shown["firstName"] == f"A{DOTS}"
    assert shown["refunds"][0]["message"] == DOTS


def test_nobody_is_found_letter_by_letter_through_a_key_that_is_masked(
    door: Door, shop: Caller
) -> None:
    _customer(shop)
    masked, clear = (
        headers_of(issued(shop, "orders:read")),
        headers_of(issued(shop, "orders:read", CUSTOMERS)),
    )
    found: Callable[[dict[str, str], str], int] = lambda key, text: int(  # noqa: E731
        door.call("GET", f"/v1/orders?query={text}", headers=key).json()["orders"]["totalItemCount"]
    )
    assert found(clear, "ameli") == 1
    assert found(masked, "ameli") == 0
    assert found(masked, "amelie@pond.example") == 1


def test_keys_and_tokens_of_before_allow_what_they_did(door: Door, shop: Caller) -> None:
    key = issued(shop)
    door.sql(
        "UPDATE api_keys SET scopes = '{payments,orders,merchants}' WHERE app_key = $1", key.key
    )
    order_id = _customer(shop)
    claims = access_claims(
        client_id=key.key,
        mid=shop.mid,
        pid=None,
        audience=["payments", "orders", "merchants"],
        world="sandbox",
        token_id=str(new_id()),
        now=door.world.clocks.wall(),
    )
    token = {"authorization": f"Bearer {door.world.keys.sign_token(claims)}"}
    for headers in (headers_of(key), token):
        shown = door.call("GET", f"/v1/orders/{order_id}", headers=headers).json()
        assert shown["firstName"] == "Amelie"
        for operation in MERCHANTS:
            answer = door.call(
                operation.method, path_of(operation.path), headers=headers, json={}, allow_5xx=True
            )
            assert answer.status_code != 403, operation.path


@pytest.fixture(scope="module")
def partner(door: Door) -> UUID:
    partner_id = new_id()
    door.run(make_partner(door.world, partner_id, "Subscriptions Inc"))
    return partner_id


@each("operation", [pytest.param(one, id=f"{one.method} {one.path}") for one in PARTNERS])
def test_a_partners_key_is_bounded_alike(door: Door, partner: UUID, operation: Any) -> None:
    others = [one for one in every("partner") if not covers([one], operation.needs)]
    for scopes, refused in ((others, True), ([operation.needs], False)):
        key = door.run(
            make_partner_key(door.world, partner, timedelta(hours=1), scopes=scopes, is_first=True)
        )
        door.sql("UPDATE partner_keys SET retires_at = now() WHERE app_key <> $1", key.app_key)
        answer = door.call(
            operation.method,
            path_of(operation.path),
            headers=headers_of(key),
            json={},
            allow_5xx=True,
        )
        assert (answer.status_code == 403) is refused, answer.text
        assert not refused or operation.needs in answer.json()["result"]


def test_a_partners_key_that_makes_no_keys_gets_none_of_a_merchants(
    door: Door, partner: UUID
) -> None:
    key = headers_of(door.run(make_partner_key(door.world, partner, scopes=["partner:write"])))
    shop = {"name": "A", "site": {"url": "https://a.example", "name": "A", "descriptor": "A*SHOP"}}
    check_refused(
        door.call("POST", "/v1/partner/merchants", headers=key, json=shop), 403, "forbidden"
    )
    mints = headers_of(
        door.run(make_partner_key(door.world, partner, scopes=["partner:write", "keys:write"]))
    )
    made = door.call("POST", "/v1/partner/merchants", headers=mints, json=shop).json()
    path = f"/v1/partner/merchants/{made['mid']}/keys"
    check_refused(door.call("POST", path, headers=key, json={}), 401, "unauthenticated")
    only = {"kinds": ["api"], "scopes": ["orders:read"], "overlapHours": 0}
    assert door.call("POST", path, headers=mints, json=only).status_code == 201
    assert door.call("POST", path, headers=mints, json={"kinds": ["api"]}).status_code == 201, (
        "rotated"
    )
    keys = door.call("GET", f"/v1/partner/merchants/{made['mid']}", headers=mints).json()["keys"]
    assert [one["scopes"] for one in keys if one["kind"] == "api"][:2] == [["orders:read"]] * 2, (
        "kept at rotation"
    )
    assert (
        door.call("POST", path, headers=mints, json={"scopes": ["orders:all"]}).status_code == 400
    )


def test_what_is_no_scope_is_refused_with_those_that_are(shop: Caller) -> None:
    with pytest.raises(Problem) as refused:
        issued(shop, "refunds:everything")
    assert refused.value.field == "scopes"
    assert "refunds:write" in refused.value.cure
