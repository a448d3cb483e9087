"""What a stablecoin key allows, operation by operation, and what it shows of payers."""

from typing import Any

import pytest
from tests.rings import each
from tests.stablecoin.door import Door, Merchant
from tests.stablecoin.signer import Signer

from recoup.keys.flows.issue_key import IssuedKey, issue_key
from recoup.keys.rules.key_scopes import covers, every
from recoup.main.stablecoin_api import METHODS

OPERATIONS = [one.operation for one in METHODS]
NOBODY = "ord_01kq1g5z0fd7s8v3m2n4p6r9t1"


def with_key(merchant: Merchant, *scopes: str) -> Merchant:
    async def inside() -> IssuedKey:
        world = merchant.door.world
        async with world.db.transaction() as tx:
            return await issue_key(
                tx, world, merchant.shop.merchant_id, "stablecoin", "user:test", scopes=scopes
            )

    made = merchant.door.run(inside())
    return Merchant(merchant.door, merchant.shop, Signer(made.key, made.secret))


def test_every_operation_but_ones_own_profile_names_a_scope() -> None:
    assert {one.path for one in OPERATIONS if not one.needs} == {"/api/v1/me"}
    assert {one.needs for one in OPERATIONS if one.needs} <= every("merchant")


@each(
    "operation",
    [pytest.param(one, id=f"{one.method} {one.path}") for one in OPERATIONS if one.needs],
)
def test_what_a_key_does_not_allow_is_refused_by_the_name_of_the_scope(
    merchant: Merchant, operation: Any
) -> None:
    path = operation.path.removeprefix("/api/v1").replace("{id}", NOBODY)
    others = with_key(
        merchant, *(one for one in every("merchant") if not covers([one], operation.needs))
    )
    answer = others.call(operation.method, path, {})
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]["code"] == "forbidden"
    assert answer.json()["error"]["scope"] == operation.needs
    assert operation.needs in answer.json()["error"]["message"]
    assert with_key(merchant, operation.needs).call(operation.method, path, {}).status_code != 403


def test_payers_are_masked_through_a_key_that_may_not_read_them(
    door: Door, merchant: Merchant
) -> None:
    charged = merchant.charge(customer="Amelie Pond", metadata={"note": "Amelie Pond, Lindenweg"})
    masked = with_key(merchant, "orders:write", "payments:write", "refunds:write")
    for path in (f"/orders/{charged['order']['id']}", "/orders"):
        assert "Amelie" not in masked.get(path).text
        assert "Amelie" in merchant.get(path).text
    assert "Amelie" not in masked.post(f"/orders/{charged['order']['id']}/cancel").text


def test_a_key_of_before_allows_what_it_did(door: Door, merchant: Merchant) -> None:
    stands = door.sql("SELECT scopes FROM signing_keys WHERE key_id = $1", merchant.signer.key_id)[
        0
    ][0]
    door.sql("UPDATE signing_keys SET scopes = DEFAULT WHERE key_id = $1", merchant.signer.key_id)
    before = door.sql("SELECT scopes FROM signing_keys WHERE key_id = $1", merchant.signer.key_id)[
        0
    ][0]
    assert (before, len(stands)) == (["payments", "orders", "merchants"], 9)
    merchant.charge(customer="Amelie Pond")
    assert "Amelie" in merchant.get("/orders").text
    assert merchant.get("/payouts").status_code == 200
