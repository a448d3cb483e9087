"""/partner/policy: a partner bounds its merchants inside the operator's bounds; a merchant sees
what its bounds cut."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.door import Caller
from tests.partner import Partner, make_one
from tests.rescue_shapes import fields_of

from recoup.kernel.scope import Actor, Scope
from recoup.policy_versions.flows.policies import save_policy
from recoup.policy_versions.flows.policy_scopes import where_of
from recoup.uplift.flows.arms import ArmsChange, set_arms

NIGHT = {"when": {"hours": ["07:00-22:00"]}}


@pytest.fixture
def partner(shop: Caller) -> Iterator[Partner]:
    """Of the shop. Other tests at the door know no bounds of the operator."""
    made = make_one(shop.door)
    shop.door.sql(
        "UPDATE merchants SET partner_id = $2 WHERE merchant_id = $1",
        shop.shop.merchant_id,
        made.partner_id,
    )
    yield made
    shop.door.sql("DELETE FROM policy_bounds")


def put(who: Partner, status: int = 200, **body: Any) -> Any:
    answer = who.call("PUT", "/partner/policy", json={"reason": "a reason"} | body)
    assert answer.status_code == status, answer.text
    return answer


def by_operator(shop: Caller, lines: Any) -> None:
    async def save() -> None:
        world = shop.door.world
        scope = Scope(shop.shop.merchant_id, Actor("operator", "anna"), "test")
        await save_policy(world, scope, await where_of(world), lines, "a reason")

    shop.door.run(save())


def set_own(shop: Caller, lines: Any) -> httpx.Response:
    return shop.call("PUT", "/policy", json={"policy": lines, "reason": "ours"})


def test_bounds_are_saved_read_listed_and_gone_back_from(partner: Partner) -> None:
    before = partner.get("/partner/policy").json()
    assert (before["scope"], before["version"], before["newest"], before["bounds"]) == (
        "partner",
        0,
        None,
        [],
    )
    made = put(partner, policy=NIGHT, version=0).json()
    assert (made["version"], made["inForce"], made["newest"]["policy"]) == (1, 1, NIGHT)
    assert made["newest"]["author"] == f"partner:{partner.key.app_key}"
    put(partner, policy={"off": True})
    back = partner.post("/partner/policy/back", {"reason": "off was wrong"}).json()
    assert (back["version"], back["newest"]["policy"]) == (3, NIGHT)
    listed = partner.get("/partner/policy/versions?limit=2").json()
    assert ([one["number"] for one in listed["data"]], listed["hasMore"]) == ([3, 2], True)
    rows = partner.door.sql(
        "SELECT about FROM partner_log WHERE partner_id = $1 AND happening = 'policy_set' ORDER BY "
        "log_id",
        partner.partner_id,
    )
    noted = [json.loads(row["about"]) for row in rows]
    assert [one["version"] for one in noted] == [1, 2, 3]
    assert noted[1]["off"] == ["", "true"]


def test_the_second_of_two_sees_what_the_first_did(partner: Partner) -> None:
    put(partner, policy={"tries": {"soft": 3}}, version=0)
    put(partner, policy={"tries": {"soft": 2}}, version=1)
    late = put(partner, 409, policy={"off": True}, version=1)
    assert "Version 2 was saved meanwhile: tries.soft: 3 → 2" in late.json()["result"]
    assert partner.get("/partner/policy").json()["version"] == 2


def test_it_stays_inside_the_operators_bounds(shop: Caller, partner: Partner) -> None:
    by_operator(shop, {"tries": {"all": 6}})
    assert partner.get("/partner/policy").json()["bounds"] == [
        {"name": "operator/1", "policy": {"tries": {"all": 6}}}
    ]
    wider = put(partner, 400, policy={"tries": {"all": 7}})
    assert set(fields_of(wider)) == {"Policy.Tries.All"}
    assert "The bound is 6 at most (operator/1)." in wider.text
    found = partner.post("/partner/policy/check", {"policy": {"tries": {"all": 7}}}).json()
    assert (found["canBeSaved"], found["nearest"], found["backtestId"]) == (
        False,
        {"tries": {"all": 6}},
        None,
    )
    assert [one["line"] for one in found["complaints"]] == ["tries.all"]
    assert (found["merchants"], found["merchantsInAll"]) == ([], 0)
    assert partner.get("/partner/policy").json()["version"] == 0, "nothing was saved"


def test_a_check_says_what_each_merchants_orders_would_have_brought(
    shop: Caller, partner: Partner
) -> None:
    shop.door.run(set_arms(shop.door.world, shop.shop.scope, None, ArmsChange("shadow")))
    shop.admit()
    found = partner.post("/partner/policy/check", {"policy": {"tries": {"all": 2}}}).json()
    (one,) = found["merchants"]
    assert (found["merchantsInAll"], one["mid"], one["name"], one["failed"]) == (
        1,
        shop.mid,
        "Brightleaf Tea",
        None,
    )
    assert one["madeAt"]
    assert (one["report"]["orders"], one["report"]["open"], one["report"]["rescued"]) == (
        0,
        1,
        None,
    )
    assert one["report"]["policy"] == f"retry-3 within partner:{partner.partner_id}/1"
    assert shop.get("/backtests").json()["data"] == [], "what a partner tries is not the merchant's"
    other = make_one(shop.door, "Another")
    theirs = other.post("/partner/policy/check", {"policy": {"tries": {"all": 2}}}).json()
    assert (theirs["merchants"], theirs["merchantsInAll"]) == ([], 0)


def test_a_merchant_sees_which_of_its_lines_are_cut_and_by_which_scope(
    shop: Caller, partner: Partner
) -> None:
    assert (
        set_own(shop, {"tries": {"all": 8}, "when": {"hours": ["06:00-20:00"]}}).json()["clipped"]
        == []
    )
    put(partner, policy={"tries": {"all": 4}, **NIGHT}, reason="known to the partner")
    seen = shop.get("/policy")
    assert seen.json()["clipped"] == [
        {"line": "tries.all", "set": "8", "holds": "4", "by": ["partner"]},
        {"line": "when.hours", "set": "06:00-20:00", "holds": "07:00-20:00", "by": ["partner"]},
    ]
    for of_the_partner in ("known to the partner", partner.key.app_key, "Subscriptions Inc"):
        assert of_the_partner not in seen.text
    by_operator(shop, {"tries": {"all": 3}, "off": True})
    assert shop.get("/policy").json()["clipped"][:2] == [
        {"line": "off", "set": None, "holds": "true", "by": ["operator"]},
        {"line": "tries.all", "set": "8", "holds": "3", "by": ["operator", "partner"]},
    ]
    assert partner.get("/partner/policy").json()["clipped"][1] == {
        "line": "tries.all",
        "set": "4",
        "holds": "3",
        "by": ["operator"],
    }


def test_a_partner_neither_sees_nor_binds_anothers_merchants(
    shop: Caller, partner: Partner
) -> None:
    other = make_one(shop.door, "Another")
    put(other, policy={"tries": {"all": 1}}, reason="of another")
    put(partner, policy={"tries": {"all": 5}})
    assert [one["name"] for one in set_own(shop, {"tries": {"all": 5}}).json()["bounds"]] == [
        f"partner:{partner.partner_id}/1"
    ]
    for path in ("/partner/policy", "/partner/policy/versions"):
        assert "of another" not in partner.get(path).text
    assert shop.get("/partner/policy").status_code == 403
    assert partner.get("/policy").status_code == 403


def test_who_is_paused_reads_and_sets_nothing(partner: Partner) -> None:
    put(partner, policy=NIGHT)
    partner.set(state="paused")
    put(partner, 403, policy={})
    assert partner.post("/partner/policy/back", {"reason": "x"}).status_code == 403
    assert partner.get("/partner/policy").json()["version"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"policy": "off"}, "Policy"),
        ({"policy": {"when": {"hours": ["night"]}}}, "Policy.When.Hours"),
        ({"policy": {}, "reason": ""}, "Reason"),
        ({"policy": {}, "startsAt": "2020-01-01T00:00:00Z"}, "StartsAt"),
        ({"policy": {}, "siteId": "5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41"}, "SiteId"),
    ],
)
def test_what_cannot_be_saved_names_its_field(
    partner: Partner, body: dict[str, Any], field: str
) -> None:
    assert set(fields_of(put(partner, 400, **body))) == {field}
    assert partner.get("/partner/policy").json()["version"] == 0
