"""/policy: retry policies read, checked and saved as versions; of two who save at once one hears of
the other."""

from typing import Any

from tests.door import UNKNOWN, Caller
from tests.rescue_shapes import fields_of
from tests.rings import each

from recoup.audit.store import AuditFilter
from recoup.kernel.money import EXPONENTS
from recoup.people.flows.audit import read_audit

NIGHT = {"when": {"hours": ["07:00-22:00"]}}


def put(shop: Caller, status: int = 200, **body: Any) -> Any:
    answer = shop.call("PUT", "/policy", json={"reason": "a reason"} | body)
    assert answer.status_code == status, answer.text
    return answer


def test_a_policy_is_saved_read_listed_and_gone_back_from(shop: Caller) -> None:
    before = shop.get("/policy").json()
    assert (
        before["scope"],
        before["version"],
        before["inForce"],
        before["newest"],
        before["bounds"],
    ) == (
        "merchant",
        0,
        None,
        None,
        [],
    )
    made = put(shop, policy=NIGHT, version=0).json()
    assert (made["version"], made["inForce"], made["newest"]["policy"]) == (1, 1, NIGHT)
    assert made["newest"]["author"] == f"api:{shop.shop.keys.app_key}"
    assert made["newest"]["reason"] == "a reason"
    assert put(shop, policy=NIGHT).json()["version"] == 1, "the same again is no new version"
    put(shop, policy={"off": True})
    back = shop.call("POST", "/policy/back", json={"reason": "off was wrong"}).json()
    assert (back["version"], back["newest"]["policy"]) == (3, NIGHT)
    listed = shop.get("/policy/versions?limit=2").json()
    assert ([one["number"] for one in listed["data"]], listed["hasMore"], listed["next"]) == (
        [3, 2],
        True,
        2,
    )
    rest = shop.get("/policy/versions?below=2").json()
    assert ([one["number"] for one in rest["data"]], rest["hasMore"], rest["next"]) == (
        [1],
        False,
        None,
    )
    lines = shop.door.run(
        read_audit(shop.door.world, ("merchant", shop.shop.merchant_id), AuditFilter(), 50)
    )
    noted = [line for line in lines if line.action == "policy.set"]
    assert len(noted) == 3
    assert {"version": 2, "off": ["", "true"]}.items() <= noted[1].facts.items()


def test_a_site_lies_inside_its_merchant(shop: Caller) -> None:
    put(shop, policy={"tries": {"soft": 3}})
    site = str(shop.shop.site_id)
    found = put(shop, policy={"tries": {"soft": 2}}, siteId=site).json()
    assert (found["scope"], found["version"]) == ("site", 1)
    assert found["bounds"] == [{"name": "merchant/1", "policy": {"tries": {"soft": 3}}}]
    wider = put(shop, 400, policy={"tries": {"soft": 4}}, siteId=site)
    assert set(fields_of(wider)) == {"Policy.Tries.Soft"}
    assert "The bound is 3 at most (merchant/1)." in wider.text
    assert wider.headers["x-recoup-hint"] == 'Policy: could be {"tries":{"soft":3}}'
    for where in ({"siteId": UNKNOWN}, {"campaignId": UNKNOWN}):
        assert put(shop, 404, policy={}, **where)
        name, value = next(iter(where.items()))
        assert shop.get(f"/policy?{name}={value}").status_code == 404


def test_the_second_of_two_sees_what_the_first_did(shop: Caller) -> None:
    put(shop, policy={"tries": {"soft": 3}}, version=0)
    put(shop, policy={"tries": {"soft": 2}}, version=1)
    late = put(shop, 409, policy={"off": True}, version=1)
    assert "Version 2 was saved meanwhile: tries.soft: 3 → 2" in late.json()["result"]
    assert shop.get("/policy").json()["version"] == 2


def test_a_check_saves_nothing(shop: Caller) -> None:
    found = shop.call(
        "POST", "/policy/check", json={"policy": {"tries": {"all": 12}, "when": {"gap": "1h"}}}
    ).json()
    assert found["canBeSaved"] is False
    (one,) = found["complaints"]
    assert one["line"] == "tries.all"
    assert "Mastercard allows 10" in one["why"]
    assert found["nearest"] == {"tries": {"all": 12}, "when": {"gap": "145m"}}
    assert {"line": "when.gap", "before": None, "after": "1h"} in found["changes"]
    could = shop.call("POST", "/policy/check", json={"policy": found["nearest"]}).json()
    assert (could["canBeSaved"], could["complaints"]) == (True, [])
    assert shop.get("/policy").json()["version"] == 0


@each(
    ("body", "fields"),
    [
        ({"policy": "off"}, {"Policy"}),
        ({"policy": {"tries": {"all": 19}}}, {"Policy.Tries.All"}),
        (
            {"policy": {"when": {"hours": ["night"]}, "codes": {"never": ["Z9"]}}},
            {"Policy.When.Hours", "Policy.Codes.Never"},
        ),
        ({"policy": {"routes": {"only": ["nowhere"]}}}, {"Policy.Routes.Only"}),
        ({"policy": {"when": {"gap": "999d"}}}, {"Policy.When.Gap"}),
        (
            {"policy": {"amounts": {"max": dict.fromkeys(sorted(EXPONENTS)[:101], 1)}}},
            {"Policy.Amounts.Max"},
        ),
        ({"policy": {"<script>": 1}}, {"Policy"}),
        ({"policy": {}, "reason": ""}, {"Reason"}),
        ({"policy": {}, "reason": "two\nlines"}, {"Reason"}),
        ({"policy": {}, "startsAt": "2020-01-01T00:00:00Z"}, {"StartsAt"}),
        ({"policy": {}, "version": -1}, {"Version"}),
        ({}, {"Policy"}),
    ],
)
def test_what_cannot_be_saved_names_its_field(
    shop: Caller, body: dict[str, Any], fields: set[str]
) -> None:
    refused = put(shop, 400, **body)
    assert set(fields_of(refused)) == fields
    assert shop.get("/policy").json()["version"] == 0
