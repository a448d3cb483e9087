"""The API's reports of what the engine brings: before and after, as a file, and the switch by which
it stops."""

from tests.door import Caller
from tests.rescue_shapes import fields_of
from tests.uplift.flows.compared import with_orders

from recoup.uplift.flows.uplift_report import watch_uplift


def computed(shop: Caller) -> None:
    shop.door.run(with_orders(shop.shop, engine=60, holdout=40, count=300))
    assert shop.door.run(watch_uplift(shop.door.world, shop.shop.merchant_id)) == 1


def test_before_it_is_computed_there_is_nothing_and_no_error(shop: Caller) -> None:
    found = shop.get("/reports/uplift").json()
    assert (found["madeAt"], found["data"], found["returnOnHarm"]) == (None, None, False)
    cohorts = shop.get("/reports/cohorts").json()
    assert (cohorts["madeAt"], cohorts["weeks"], cohorts["places"]) == (None, [], [])
    assert shop.get("/reports/cohorts?format=csv").text.count("\r\n") == 1


def test_groups_weeks_and_sites_are_read(shop: Caller) -> None:
    computed(shop)
    found = shop.get("/reports/uplift").json()
    data = found["data"]
    assert (data["arms"]["engine"]["rescued"], data["arms"]["holdout"]["orders"]) == (0.6, 300)
    assert data["looks"][-1]["low"] < data["looks"][-1]["difference"] == 0.2
    assert data["byAmount"]["USD"]["difference"] == 0.2
    assert data["ordersMissing"] > 0
    assert found["until"] >= found["madeAt"]
    weeks = shop.get("/reports/cohorts").json()
    assert sum(one["orders"] for one in weeks["weeks"]) == 600
    assert weeks["places"] == []
    (place,) = shop.get("/reports/cohorts?by=site").json()["places"]
    assert (place["siteId"], place["site"], place["campaign"]) == (
        str(shop.shop.site_id),
        "Leaf",
        None,
    )
    assert (place["closed"], place["rescued"], place["rate"]) == (600, 300, 0.5)
    lines = shop.get("/reports/cohorts?by=site&format=csv").text.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(f"{shop.shop.site_id},Leaf,,,600,600,300,0.5,")


def test_another_merchant_reads_its_own(shop: Caller) -> None:
    computed(shop)
    other = shop.door.shop(name="Another")
    assert other.get("/reports/uplift").json()["data"] is None


def test_the_engine_stops_by_itself_where_that_is_set(shop: Caller) -> None:
    assert shop.call("PUT", "/engine/return", json={"onHarm": True}).json()["returnOnHarm"] is True
    assert shop.get("/reports/uplift").json()["returnOnHarm"] is True
    assert (
        shop.call("PUT", "/engine/return", json={"onHarm": False}).json()["returnOnHarm"] is False
    )


def test_what_makes_no_sense_is_refused_with_its_field(shop: Caller) -> None:
    for query in ("by=planet", "format=xml"):
        answer = shop.get(f"/reports/cohorts?{query}")
        assert answer.status_code == 400, query
        assert [name.lower() for name in fields_of(answer)] == [query.partition("=")[0]]
    for body in ({}, {"onHarm": "yes"}, {"onHarm": None}):
        answer = shop.call("PUT", "/engine/return", json=body)
        assert answer.status_code == 400
        assert list(fields_of(answer)) == ["OnHarm"]
