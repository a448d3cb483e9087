"""/engine: who decides about declined payments, set by API for the merchant and its sites, and the
engine stopped."""

from typing import Any

from tests.door import UNKNOWN, Caller
from tests.engine.flows.taken_model import model_at
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.audit.store import AuditFilter
from recoup.kernel.scope import Actor, Scope
from recoup.people.flows.audit import read_audit
from recoup.uplift.flows.arms import stop


def put(shop: Caller, **body: Any) -> dict[str, Any]:
    answer = shop.call("PUT", "/engine", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def audit_of(shop: Caller) -> list[str]:
    lines = shop.door.run(
        read_audit(shop.door.world, ("merchant", shop.shop.merchant_id), AuditFilter(), 50)
    )
    return [line.action for line in lines if line.action.startswith(("arms.", "engine."))]


def test_the_share_is_set_for_the_merchant_and_another_for_a_site(shop: Caller) -> None:
    before = shop.get("/engine").json()
    assert [
        (one["siteId"], one["name"], one["mode"], one["lastChange"]) for one in before["data"]
    ] == [
        (None, "", "off", None),
        (str(shop.shop.site_id), "Leaf", "inherit", None),
    ]
    assert (before["model"], before["stops"]) == (None, [])
    assert "No model" in before["whyNone"]
    refused = shop.call("PUT", "/engine", json={"mode": "share", "share": 60})
    check_refused(refused, 400, "invalid")
    assert "The engine cannot take traffic. No model is in use yet" in fields_of(refused)["Mode"][0]
    with model_at(shop.door):
        own = put(shop, mode="share", share=60, explore=5, exploreMax={"USD": 50000, "eur": 9050})[
            "data"
        ][0]
        assert (own["share"], own["holdout"], own["explore"]) == (60, 10, 5)
        assert own["exploreMax"] == {"USD": 50000, "EUR": 9050}
        assert own["lastChange"]["by"] == f"api:{shop.shop.keys.app_key}"
        merchants, sites = put(shop, mode="shadow", siteId=str(shop.shop.site_id))["data"]
        assert (merchants["mode"], sites["mode"]) == ("share", "shadow")
        assert put(shop, mode="off")["data"][0] | {"lastChange": 0} == own | {
            "mode": "off",
            "lastChange": 0,
        }
        assert put(shop, mode="off", exploreMax={})["data"][0]["exploreMax"] == {}
        assert audit_of(shop) == ["arms.changed"] * 4


def test_it_says_what_the_policies_leave_and_whose_they_are(shop: Caller) -> None:
    with model_at(shop.door):
        shown = put(shop, mode="share", share=50)["data"]
        assert [one["inForce"] for one in shown] == [None, None]
        policy = {"policy": {"engine": {"share": 20}}, "reason": "a trial first"}
        assert shop.call("PUT", "/policy", json=policy).status_code == 200
        left = {"mode": "share", "share": 20, "by": ["merchant"]}
        shown = shop.get("/engine").json()["data"]
        assert [(one["mode"], one["share"], one["inForce"]) for one in shown] == [
            ("share", 50, left),
            ("inherit", 0, left),
        ]


def test_what_is_as_it_was_makes_no_new_version(shop: Caller) -> None:
    """A program that sends its settings every minute must not keep orders from being taken."""
    with model_at(shop.door):
        put(shop, mode="share", share=20)
        version = shop.door.sql(
            "SELECT version FROM merchants WHERE merchant_id = $1", shop.shop.merchant_id
        )
        put(shop, mode="share", share=20)
        assert (
            shop.door.sql(
                "SELECT version FROM merchants WHERE merchant_id = $1", shop.shop.merchant_id
            )
            == version
        )
        assert audit_of(shop) == ["arms.changed"]


@each(
    ("body", "field", "said"),
    [
        ({"mode": "share", "share": 95}, "Share", "the share is at most 90 %"),
        ({"mode": "share", "holdout": 51}, "Holdout", "from 0 to 50 percent"),
        ({"mode": "share", "explore": -1}, "Explore", "from 0 to 20 percent"),
        ({"mode": "share", "explore": 2.5}, "Explore", "must be a whole number"),
        ({"share": 5}, "Mode", "required"),
        ({"mode": "all"}, "Mode", "must be one of inherit, off"),
        ({"mode": "inherit"}, "Mode", "Only a site"),
        ({"mode": "off", "siteId": "x"}, "SiteId", "must be a GUID"),
        ({"mode": "share", "exploreMax": {"USD": "500"}}, "ExploreMax", "minor units"),
        (
            {"mode": "share", "exploreMax": {"XYZ": 5}},
            "ExploreMax",
            "'XYZ' is not an ISO 4217 code",
        ),
        (
            {"mode": "share", "exploreMax": {f"A{n}": 5 for n in range(31)}},
            "ExploreMax",
            "at most 30",
        ),
        ({"mode": "share", "holdouts": 5}, "Holdouts", "Did you mean holdout?"),
    ],
)
def test_what_is_wrong_names_its_field_and_nothing_changes(
    shop: Caller, body: dict[str, Any], field: str, said: str
) -> None:
    with shop.door.nothing_written():
        answer = shop.call("PUT", "/engine", json=body)
        check_refused(answer, 400, "invalid")
    assert said in fields_of(answer)[field][0]


def test_it_says_what_the_last_night_has_found(shop: Caller) -> None:
    assert shop.get("/engine").json()["lastTraining"] is None
    shop.door.sql(
        "INSERT INTO trainings VALUES (now(), '2026-11-22T03:00:05Z', 'take', 'failed', 0, null, "
        "null, null,"
        " null, 'a secret of the operator')"
    )
    assert shop.get("/engine").json()["lastTraining"] == {
        "at": "2026-11-22T03:00:05.000Z",
        "result": "failed",
    }


def test_a_site_that_is_not_there(shop: Caller) -> None:
    check_refused(
        shop.call("PUT", "/engine", json={"mode": "off", "siteId": UNKNOWN}), 404, "not_found"
    )


def test_the_engine_is_stopped_and_let_go_on_but_not_past_the_operator(shop: Caller) -> None:
    check_refused(shop.post("/engine/stop", {"why": " "}), 400, "invalid")
    [stopped] = shop.post("/engine/stop", {"why": "odd approvals"}).json()["stops"]
    assert (stopped["allMerchants"], stopped["why"]) == (False, "odd approvals")
    shop.post("/engine/stop", {"why": "again"})
    operator = Scope(shop.shop.merchant_id, Actor("operator", "anna"), "test")
    shop.door.run(stop(shop.door.world, operator, "bad data", all_merchants=True))
    left = shop.post("/engine/resume").json()["stops"]
    assert [(one["allMerchants"], one["why"], one["by"]) for one in left] == [
        (True, "bad data", "operator:anna")
    ]
    assert audit_of(shop) == ["engine.resumed", "engine.stopped"]
