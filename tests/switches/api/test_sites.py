"""/sites: what a merchant sets up by itself, and
what orders then find (contract §17.1, seed 004)."""

import asyncio
from typing import Any

import pytest
from tests.door import UNKNOWN, Caller, Door
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

SHOES = {"url": "https://shoes.merchant.example", "name": "Shoes", "descriptor": "EXAMPLESHOES"}


def made(shop: Caller, **more: Any) -> dict[str, Any]:
    answer = shop.post("/sites", SHOES | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def default_of(shop: Caller) -> dict[str, Any]:
    [found] = [site for site in shop.get("/sites").json()["data"] if site["isDefault"]]
    return dict(found)


def admitted(shop: Caller, **more: Any) -> dict[str, Any]:
    return shop.order(
        shop.admit(**({"siteId": None, "transaction__dynamicDescriptor": None} | more))
    )


def test_a_site_from_its_making_to_its_end(shop: Caller) -> None:
    site = made(shop)
    assert {name: site[name] for name in SHOES} == SHOES
    assert (site["citWeb"], site["citCallcenter"], site["mit"], site["isDefault"]) == (
        True,
        True,
        True,
        False,
    )
    assert shop.get(f"/sites/{site['id']}").json() == site
    assert [one["id"] for one in shop.get("/sites").json()["data"]] == [
        str(shop.shop.site_id),
        site["id"],
    ]
    order = admitted(shop, siteUrl="https://www.shoes.merchant.example/checkout")
    assert (order["siteId"], order["descriptor"]) == (site["id"], "EXAMPLESHOES")
    assert shop.call("DELETE", f"/sites/{site['id']}").status_code == 204
    for method, body in (
        ("GET", None),
        ("PATCH", {"mit": False}),
        ("PUT", SHOES),
        ("DELETE", None),
    ):
        check_refused(shop.call(method, f"/sites/{site['id']}", json=body), 404, "not_found")
    assert len(shop.get("/sites").json()["data"]) == 1


def test_a_retired_site_takes_no_orders_and_keeps_those_it_had(shop: Caller) -> None:
    site = made(shop)
    order_id = shop.admit(siteId=site["id"])
    shop.call("DELETE", f"/sites/{site['id']}")
    assert list(fields_of(shop.evaluate(siteId=site["id"]))) == ["SiteId"]
    again = admitted(shop, siteUrl=site["url"])
    assert again["siteId"] == str(shop.shop.site_id)
    assert shop.order(order_id)["siteId"] == site["id"]
    found = shop.get(f"/orders?siteId={site['id']}").json()["orders"]["data"]
    assert [one["id"] for one in found] == [order_id]


def test_the_address_of_a_retired_site_is_free_again(shop: Caller) -> None:
    site = made(shop)
    shop.call("DELETE", f"/sites/{site['id']}")
    assert made(shop)["id"] != site["id"]


def test_switches_decide_at_once_which_orders_are_taken(shop: Caller) -> None:
    site = made(shop, mit=False)
    assert site["mit"] is False
    told = check_refused(shop.evaluate(siteId=site["id"]), 403, "kind_switched_off")
    assert "Shoes" in told["result"]
    changed = shop.call("PATCH", f"/sites/{site['id']}", json={"MIT": True}).json()
    assert (changed["mit"], changed["name"]) == (True, "Shoes")
    assert shop.evaluate(siteId=site["id"]).json()["status"] == "SUBMITTED"
    shop.call("PATCH", f"/sites/{site['id']}", json={"mit": False})
    check_refused(shop.evaluate(siteId=site["id"]), 403, "kind_switched_off")


def test_another_process_learns_of_a_change_by_the_merchants_version(
    door: Door, shop: Caller
) -> None:
    """Its kept settings may be a second old; an order is never taken by settings that are over."""
    site = made(shop)
    known = door.run(door.services.merchants.get(shop.shop.merchant_id))
    shop.call("PATCH", f"/sites/{site['id']}", json={"mit": False})
    now = door.run(door.services.merchants.get(shop.shop.merchant_id))
    assert now.merchant.version > known.merchant.version
    door.services.merchants._kept[shop.shop.merchant_id] = (
        door.world.clocks.monotonic(),
        known,
    )  # as elsewhere
    check_refused(shop.evaluate(siteId=site["id"]), 403, "kind_switched_off")


def test_put_replaces_and_patch_changes(shop: Caller) -> None:
    site = made(shop, citWeb=False)
    new = {"url": "https://boots.merchant.example", "name": "Boots", "descriptor": "EXAMPLE*BOOTS"}
    put = shop.call("PUT", f"/sites/{site['id']}", json=new).json()
    assert {name: put[name] for name in new} == new
    assert put["citWeb"] is True
    assert put["createdDate"] == site["createdDate"]
    assert set(fields_of(shop.call("PUT", f"/sites/{site['id']}", json={"name": "x"}))) == {
        "Url",
        "Descriptor",
    }


def test_there_is_always_one_default_site(shop: Caller) -> None:
    first = default_of(shop)
    told = check_refused(shop.call("DELETE", f"/sites/{first['id']}"), 409, "conflict")
    assert "default" in told["result"]
    check_refused(
        shop.call("PATCH", f"/sites/{first['id']}", json={"isDefault": False}), 409, "conflict"
    )
    site = made(shop, isDefault=True)
    assert default_of(shop)["id"] == site["id"]
    assert admitted(shop)["siteId"] == site["id"]
    assert shop.call("DELETE", f"/sites/{first['id']}").status_code == 204


@pytest.mark.parametrize(
    "url",
    [
        "https://shoes.merchant.example",
        "https://SHOES.merchant.example/other",
        "shoes.merchant.example",
        "https://www.shoes.merchant.example:8080",
    ],
)
def test_an_address_belongs_to_one_site(shop: Caller, url: str) -> None:
    made(shop)
    with shop.door.nothing_written():
        told = check_refused(shop.post("/sites", SHOES | {"url": url}), 409, "conflict")
        assert "shoes.merchant.example" in told["result"]
    second = made(shop, url="https://hats.merchant.example")
    check_refused(shop.call("PATCH", f"/sites/{second['id']}", json={"url": url}), 409, "conflict")


def test_an_address_made_twice_at_once_is_made_once(door: Door, shop: Caller) -> None:
    async def both() -> list[int]:
        calls = (door.client.post("/v1/sites", headers=shop.headers, json=SHOES) for _ in range(6))
        return sorted([answer.status_code for answer in await asyncio.gather(*calls)])

    assert door.run(both()) == [201, 409, 409, 409, 409, 409]


@each(
    ("body", "field"),
    [
        ({}, "Url"),
        ({"url": ""}, "Url"),
        ({"url": "https://"}, "Url"),
        ({"url": "ftp://a.example"}, "Url"),
        ({"url": "https://a:b@c.example"}, "Url"),
        ({"url": "https://[::1"}, "Url"),
        ({"url": "a b"}, "Url"),
        ({"url": "http://a.example"}, "Url"),
        ({"url": 5.5}, "Url"),
        ({"name": ""}, "Name"),
        ({"name": "x" * 129}, "Name"),
        ({"descriptor": "ABCD"}, "Descriptor"),
        ({"descriptor": "A" * 23}, "Descriptor"),
        ({"descriptor": "12345"}, "Descriptor"),
        ({"descriptor": "SHOES<1>"}, "Descriptor"),
        ({"descriptor": "SCHÖNE SCHUHE"}, "Descriptor"),
        ({"descriptor": "TOM'S SHOES"}, "Descriptor"),
        ({"descriptor": 'SHOES"S'}, "Descriptor"),
        ({"descriptor": "SHOES\\S"}, "Descriptor"),
        ({"descriptor": "SHOES\tS"}, "Descriptor"),
        ({"mit": "yes"}, "Mit"),
        ({"citWeb": 1}, "CitWeb"),
    ],
)
def test_forms_that_are_wrong_name_the_field(
    shop: Caller, body: dict[str, Any], field: str
) -> None:
    with shop.door.nothing_written():
        assert field in fields_of(shop.post("/sites", SHOES | body if body else {}))
        if body.get("url") != "" and body.get("name") != "":  # in a PATCH empty is left out
            assert field in fields_of(
                shop.call("PATCH", f"/sites/{shop.shop.site_id}", json=body or {"url": "a b"})
            )


@pytest.mark.parametrize("descriptor", ["ABCDE", "A" * 22, "DEMO*COFFEE", "A&B.C-D/E #1", "1234A"])
def test_descriptors_that_schemes_take(shop: Caller, descriptor: str) -> None:
    assert made(shop, descriptor=descriptor)["descriptor"] == descriptor


def test_anothers_sites_are_not_there(shop: Caller, other: Caller) -> None:
    site = made(shop)
    with shop.door.nothing_written():
        for method in ("GET", "DELETE"):
            check_refused(other.call(method, f"/sites/{site['id']}"), 404, "not_found")
        check_refused(
            other.call("PATCH", f"/sites/{site['id']}", json={"mit": False}), 404, "not_found"
        )
        for unknown in (UNKNOWN, "nonsense"):
            check_refused(shop.get(f"/sites/{unknown}"), 404, "not_found")
    assert made(other)["url"] == site["url"], "what is taken by one merchant is free for another"


def test_there_is_an_end_to_how_many(shop: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from recoup.switches.flows import sites

    monkeypatch.setattr(sites, "SITES_MAX", 3)
    for number in range(2):
        made(shop, url=f"https://s{number}.example")
    told = check_refused(shop.post("/sites", SHOES), 409, "conflict")
    assert "at most 3" in told["result"]


def test_sites_made_and_deleted_without_end_slow_nobody_down(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request of a merchant reads its sites, deleted ones too: 30,000 of them held all doors
    for half a second."""
    from recoup.switches.flows import sites

    monkeypatch.setattr(sites, "SITES_EVER", 3)  # the default one is the first
    for number in range(2):
        shop.call("DELETE", f"/sites/{made(shop, url=f'https://s{number}.example')['id']}")
    told = check_refused(shop.post("/sites", SHOES), 409, "conflict")
    assert "at most 3 sites, deleted ones included" in told["result"]


@each(
    "url",
    [
        "hello",
        "just some text",
        "http://shop.example",
        "javascript:alert(1)",
        "//shop.example",
        "https:shop.example",
        "https://user@shop.example",
        "https://user:word@shop.example",
        "shop.example/path",
        "https://shop..example",
        "https://-shop.example",
        "https://shop_.example",
        "https://10.0.0.1",
        "https://[2001:db8::1]",
        "https://2130706433",
        "https://shop.0x7f",
        "https://localhost",
        "https://shop.example:0x1",
        "https://shop.example:99999",
        "https://shop.example/#part",
        "https://shop.example/<script>",
        "https://xn--zz.example",
        "https://ß\u0301\u200b.example",
        "https://" + "a" * 64 + ".example",
        "https://" + "a." * 127 + "example",
        "\u202eexample.shop",
    ],
)
def test_a_site_address_of_any_text_is_refused_and_told_what_is_allowed(
    shop: Caller, url: str
) -> None:
    with shop.door.nothing_written():
        for answer in (
            shop.post("/sites", SHOES | {"url": url}),
            shop.call("PATCH", f"/sites/{shop.shop.site_id}", json={"url": url}),
        ):
            wrong = fields_of(answer)
            assert list(wrong) == ["Url"]
            assert "https://shop.example" in wrong["Url"][0]


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://schöne-schuhe.example", "https://www.xn--schne-schuhe-6ib.example/kasse"),
        ("xn--schne-schuhe-6ib.example", "https://SCHÖNE-SCHUHE.example"),
        ("https://shop.example:8443/de?a=1", "shop.example"),
        ("Shop.Example", "http://www.shop.example/"),
    ],
)
def test_a_site_address_in_any_script_is_found_again(shop: Caller, url: str, sent: str) -> None:
    site = made(shop, url=url)
    assert site["url"] == url
    assert admitted(shop, siteUrl=sent)["siteId"] == site["id"]
    assert (
        shop.post("/sites", SHOES | {"url": "https://" + sent.split("//")[-1]}).status_code == 409
    )
