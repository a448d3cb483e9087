"""/switches and /sites/{id}/campaigns: kinds of orders on and off, and what orders then find (seed
004)."""

from typing import Any

import pytest
from tests.door import GONE, Caller, Door
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.kernel.ids import parse_id
from recoup.kernel.scope import Actor, Scope
from recoup.switches.flows.switches import Subject, change

SPRING = {"key": "Spring-26", "name": "Spring", "descriptor": "LEAF*SPRING"}
ID = "018f2f0c-7d5e-7e44-8a55-0f8a1b7e2c41"
ANY_SITE = {"siteId": GONE, "transaction__dynamicDescriptor": GONE}


def switched(shop: Caller, kind: str, on: bool, **more: Any) -> dict[str, Any]:
    answer = shop.call("PUT", "/switches", json={"kind": kind, "on": on} | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def campaign_of(shop: Caller, **more: Any) -> dict[str, Any]:
    answer = shop.post(f"/sites/{shop.shop.site_id}/campaigns", SPRING | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


# switches
# --------------------------------------------------------------------------------------------------


def test_all_switches_stand_with_their_last_change(shop: Caller) -> None:
    campaign = campaign_of(shop)
    before = shop.get("/switches").json()
    assert [(one["level"], one["kind"], one["on"]) for one in before["data"]] == [
        (level, kind, True)
        for level in ("merchant", "site", "campaign")
        for kind in ("cit_web", "cit_callcenter", "mit")
    ]
    assert all(one["lastChange"] is None for one in before["data"])
    assert before["unknownSites"] == "use_default"
    done = switched(
        shop, "cit_callcenter", False, campaignId=campaign["id"], why="the desk is closed"
    )
    assert done["changed"] is True
    last = done["switch"]["lastChange"]
    assert (last["by"], last["why"]) == (f"api:{shop.shop.keys.app_key}", "the desk is closed")
    [off] = [one for one in shop.get("/switches").json()["data"] if not one["on"]]
    assert off == done["switch"]
    assert (off["id"], off["key"], off["siteId"]) == (
        campaign["id"],
        "Spring-26",
        str(shop.shop.site_id),
    )
    assert switched(shop, "cit_callcenter", False, campaignId=campaign["id"])["changed"] is False


def test_an_order_of_a_switched_off_kind_is_told_where_and_who_can_switch_it_on(
    shop: Caller,
) -> None:
    campaign = campaign_of(shop)
    switched(shop, "mit", False, siteId=str(shop.shop.site_id))
    switched(shop, "mit", False, campaignId=campaign["id"])
    with shop.door.nothing_written():
        told = check_refused(shop.evaluate(campaign="spring-26"), 403, "kind_switched_off")
    assert told["result"].startswith(
        "MIT orders are switched off for the site Leaf and the campaign Spring."
    )
    assert (
        "The campaign Spring: the merchant, its partner or the operator can switch it on."
        in told["result"]
    )
    assert told["customProperties"] == {"kind": "mit", "off": "site,campaign"}
    switched(shop, "mit", True, siteId=str(shop.shop.site_id))
    assert shop.evaluate().json()["status"] == "SUBMITTED", "the campaign alone is off"
    check_refused(shop.evaluate(campaign="spring-26"), 403, "kind_switched_off")


def test_what_the_operator_switched_off_stays_off(door: Door, shop: Caller) -> None:
    door.sql(
        "INSERT INTO switch_changes SELECT merchant_id, version, 'merchant', merchant_id, 'mit', "
        "false, 'risk',"
        " 'operator:desk', 'r', now() FROM merchants WHERE merchant_id = $1",
        shop.shop.merchant_id,
    )
    shop.set(mit=False)
    told = check_refused(shop.evaluate(), 403, "kind_switched_off")
    assert "This merchant: the operator can switch it on." in told["result"]
    refused = shop.call("PUT", "/switches", json={"kind": "mit", "on": True})
    assert "by the operator" in check_refused(refused, 403, "forbidden")["result"]


def test_changes_are_paged_newest_first(shop: Caller) -> None:
    for n in range(7):
        switched(shop, "mit", bool(n % 2), why=f"change {n}")
    found, after = [], None
    for _ in range(4):
        page = shop.get("/switches/history?limit=2" + (f"&after={after}" if after else "")).json()
        found += [one["why"] for one in page["data"]]
        after = page["next"]
        if after is None:
            break
    assert found == [f"change {n}" for n in reversed(range(7))]


@each(
    ("body", "fields"),
    [
        ({}, {"Kind", "On"}),
        ({"kind": "all", "on": True}, {"Kind"}),
        ({"kind": "mit", "on": "yes"}, {"On"}),
        ({"kind": "mit", "on": True, "siteId": "x"}, {"SiteId"}),
        ({"kind": "mit", "on": True, "why": "x" * 257}, {"Why"}),
        ({"kind": "mit", "on": False, "why": "two\nlines"}, {"Why"}),
        ({"kind": "mit", "on": True, "mid": ID}, {"Mid"}),
    ],
)
def test_a_wrong_body_names_its_fields(
    shop: Caller, body: dict[str, Any], fields: set[str]
) -> None:
    with shop.door.nothing_written():
        assert set(fields_of(shop.call("PUT", "/switches", json=body))) == fields


def test_no_merchant_reaches_anothers_switches(shop: Caller, other: Caller) -> None:
    campaign = campaign_of(other)
    site = str(other.shop.site_id)
    with shop.door.nothing_written():
        for body in (
            {"siteId": site},
            {"campaignId": campaign["id"]},
            {"siteId": str(shop.shop.site_id), "campaignId": campaign["id"]},
        ):
            answer = shop.call("PUT", "/switches", json={"kind": "mit", "on": False} | body)
            check_refused(answer, 404, "not_found")
        path = f"/sites/{site}/campaigns"
        for method, at, sent in (
            ("GET", path, None),
            ("POST", path, SPRING),
            ("GET", f"{path}/{campaign['id']}", None),
            ("PATCH", f"{path}/{campaign['id']}", {"mit": False}),
            ("DELETE", f"{path}/{campaign['id']}", None),
        ):
            check_refused(shop.call(method, at, json=sent), 404, "not_found")
    assert str(other.shop.site_id) not in shop.get("/switches").text
    switched(other, "mit", False)
    assert shop.get("/switches/history").json()["data"] == []


@pytest.mark.parametrize("after", ["x", "1", "1.2.mit", f"1.{ID}.all", f"99999999999.{ID}.mit"])
def test_a_place_in_the_history_that_is_none_is_said(shop: Caller, after: str) -> None:
    assert list(fields_of(shop.get(f"/switches/history?after={after}"))) == ["After"]


# campaigns
# --------------------------------------------------------------------------------------------------


def test_a_campaign_from_its_making_to_its_end(shop: Caller) -> None:
    campaign = campaign_of(shop, mit=False)
    path = f"/sites/{shop.shop.site_id}/campaigns"
    assert {name: campaign[name] for name in SPRING} == SPRING
    assert (campaign["citWeb"], campaign["mit"]) == (True, False)
    assert shop.get(f"{path}/{campaign['id']}").json() == campaign
    assert shop.get(path).json()["data"] == [campaign]
    check_refused(shop.evaluate(campaign="SPRING-26"), 403, "kind_switched_off")
    changed = shop.call(
        "PATCH", f"{path}/{campaign['id']}", json={"mit": True, "descriptor": ""}
    ).json()
    assert changed == campaign | {"mit": True, "descriptor": ""}
    put = shop.call("PUT", f"{path}/{campaign['id']}", json=SPRING).json()
    assert put == campaign | {"mit": True}
    order_id = shop.admit(campaign="spring-26", **ANY_SITE)
    order = shop.order(order_id)
    assert (order["campaignId"], order["descriptor"]) == (campaign["id"], "LEAF*SPRING")
    assert shop.call("DELETE", f"{path}/{campaign['id']}").status_code == 204
    for method, body in (
        ("GET", None),
        ("PATCH", {"mit": False}),
        ("PUT", SPRING),
        ("DELETE", None),
    ):
        check_refused(shop.call(method, f"{path}/{campaign['id']}", json=body), 404, "not_found")
    assert shop.order(order_id)["campaignId"] == campaign["id"]
    assert campaign_of(shop)["id"] != campaign["id"], "its key is free again"


def test_an_order_says_which_campaign_and_a_guess_is_warned_of(shop: Caller) -> None:
    campaign = campaign_of(shop, descriptor="")
    answer = shop.evaluate(campaign="Spring-26").json()
    assert "warning" not in answer["customProperties"]
    assert shop.order(answer["orderId"])["campaignId"] == campaign["id"]
    answer = shop.evaluate(campaign="autumn").json()
    assert "campaign is not known" in answer["customProperties"]["warning"]
    assert "campaignId" not in shop.order(answer["orderId"])


def test_the_same_order_with_another_campaign_under_its_key_is_another_content(
    shop: Caller,
) -> None:
    body = shop.body(campaign="spring-26")
    assert shop.evaluate(body).status_code == 200
    assert shop.evaluate(body).status_code == 200
    check_refused(shop.evaluate(body | {"campaign": "autumn"}), 409, "conflict")


def test_a_merchant_may_have_orders_of_unknown_sites_refused(shop: Caller) -> None:
    campaign_of(shop)
    answer = shop.call("PUT", "/switches/unknown-sites", json={"unknownSites": "refuse"})
    assert answer.json()["unknownSites"] == "refuse"
    with shop.door.nothing_written():
        assert list(fields_of(shop.evaluate(campaign="autumn"))) == ["Campaign"]
        assert list(fields_of(shop.evaluate(siteUrl="https://nobody.example", **ANY_SITE))) == [
            "SiteUrl"
        ]
        assert list(fields_of(shop.evaluate(siteId=GONE))) == ["Transaction.DynamicDescriptor"]
    assert shop.evaluate(**ANY_SITE).json()["status"] == "SUBMITTED"
    assert list(
        fields_of(shop.call("PUT", "/switches/unknown-sites", json={"unknownSites": "create"}))
    ) == ["UnknownSites"]


def test_a_retired_sites_campaigns_are_gone_with_it(shop: Caller) -> None:
    site = shop.post(
        "/sites", {"url": "https://b.example", "name": "B", "descriptor": "SHOP*BEE"}
    ).json()
    path = f"/sites/{site['id']}/campaigns"
    shop.post(path, SPRING)
    shop.call("DELETE", f"/sites/{site['id']}")
    check_refused(shop.get(path), 404, "not_found")
    assert {one["level"] for one in shop.get("/switches").json()["data"]} == {"merchant", "site"}


@each(
    ("body", "field"),
    [
        ({"key": ""}, "Key"),
        ({"key": "a b"}, "Key"),
        ({"key": "é"}, "Key"),
        ({"key": "x" * 65}, "Key"),
        ({"key": None}, "Key"),
        ({"descriptor": "ABCD"}, "Descriptor"),
        ({"descriptor": "A<B>CDE"}, "Descriptor"),
        ({"name": "x" * 129}, "Name"),
        ({"mit": 1}, "Mit"),
    ],
)
def test_a_wrong_campaign_names_the_field(shop: Caller, body: dict[str, Any], field: str) -> None:
    with shop.door.nothing_written():
        assert list(
            fields_of(shop.post(f"/sites/{shop.shop.site_id}/campaigns", SPRING | body))
        ) == [field]


def test_a_key_belongs_to_one_campaign_of_a_site(shop: Caller) -> None:
    first = campaign_of(shop)
    path = f"/sites/{shop.shop.site_id}/campaigns"
    with shop.door.nothing_written():
        check_refused(shop.post(path, SPRING | {"key": "SPRING-26"}), 409, "conflict")
    second = campaign_of(shop, key="summer-26")
    check_refused(
        shop.call("PATCH", f"{path}/{second['id']}", json={"key": "spring-26"}), 409, "conflict"
    )
    assert (
        shop.call("PATCH", f"{path}/{first['id']}", json={"key": "SPRING-26"}).json()["key"]
        == "SPRING-26"
    )


def test_a_closed_site_is_not_opened_by_making_it_anew(door: Door, shop: Caller) -> None:
    """Retired, or moved to another address, it had left its own to a new site
    with everything on."""
    here = {"url": "https://second.example", "name": "Second", "descriptor": "SECONDSHOP"}
    made = shop.post("/sites", here).json()["id"]
    door.sql(
        "UPDATE sites SET mit = false WHERE merchant_id = $1 AND site_id = $2",
        shop.shop.merchant_id,
        made,
    )
    door.sql(
        "INSERT INTO switch_changes SELECT merchant_id, version, 'site', $2, 'mit', false, 'risk', "
        "'operator:desk',"
        " 'r', now() FROM merchants WHERE merchant_id = $1",
        shop.shop.merchant_id,
        made,
    )
    for refused in (
        shop.call("DELETE", f"/sites/{made}"),
        shop.call("PATCH", f"/sites/{made}", json={"url": "https://elsewhere.example"}),
    ):
        assert "by the operator" in check_refused(refused, 403, "forbidden")["result"]
    assert shop.call("PATCH", f"/sites/{made}", json={"name": "Other name"}).status_code == 200


def test_a_closed_campaign_is_not_opened_by_making_it_anew(door: Door, shop: Caller) -> None:
    """Retired, renamed, or left behind with its site, it had left its key to a new one with
    everything on."""
    here = {"url": "https://second.example", "name": "Second", "descriptor": "SECONDSHOP"}
    site = shop.post("/sites", here).json()["id"]
    path = f"/sites/{site}/campaigns"
    made = shop.post(path, {"key": "autumn"}).json()["id"]
    acting = Scope(shop.shop.merchant_id, Actor("partner", "test"), "r")
    door.run(change(door.world, acting, Subject("campaign", parse_id(made)), "mit", False, "risk"))
    for refused in (
        shop.call("DELETE", f"{path}/{made}"),
        shop.call("PATCH", f"{path}/{made}", json={"key": "winter"}),
        shop.call("PATCH", f"{path}/{made}", json={"mit": True}),
        shop.call("DELETE", f"/sites/{site}"),
        shop.call("PATCH", f"/sites/{site}", json={"url": "https://elsewhere.example"}),
    ):
        assert (
            "the campaign autumn by its partner"
            in check_refused(refused, 403, "forbidden")["result"]
        )
    assert (
        shop.call("PATCH", f"{path}/{made}", json={"key": "Autumn", "name": "Autumn"}).status_code
        == 200
    )
    door.run(change(door.world, acting, Subject("campaign", parse_id(made)), "mit", True))
    assert shop.call("DELETE", f"{path}/{made}").status_code in (200, 204)
    assert shop.call("DELETE", f"/sites/{site}").status_code in (200, 204)
