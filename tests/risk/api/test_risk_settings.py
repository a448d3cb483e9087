"""/engine/risk: the risk check set by API, by the same reader as the portal's form."""

from typing import Any

from tests.door import Caller
from tests.rescue_shapes import check_refused, fields_of
from tests.rings import each

from recoup.risk.flows.risk import newest_risk


def put(shop: Caller, **body: Any) -> dict[str, Any]:
    answer = shop.call("PUT", "/engine/risk", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_it_watches_until_it_is_set_and_what_is_missing_stays(shop: Caller) -> None:
    before = shop.get("/engine/risk").json()
    assert (before["mode"], before["share"], before["holdout"], before["margin"]) == (
        "shadow",
        0,
        10,
        30,
    )
    assert (before["lastChange"], before["weights"]) == (None, None)
    found = put(shop, mode="share", share=50, margin=25)
    assert (found["mode"], found["share"], found["holdout"], found["margin"]) == (
        "share",
        50,
        10,
        25,
    )
    assert found["lastChange"]["by"] == f"api:{shop.shop.keys.app_key}"
    assert put(shop, mode="off")["share"] == 50
    kept = shop.door.run(newest_risk(shop.door.world, shop.shop.merchant_id))
    assert kept is not None
    assert (kept.terms.mode, kept.terms.margin) == ("off", 25)


def test_the_weights_in_use_are_named(shop: Caller) -> None:
    shop.door.sql(
        "INSERT INTO risk_weights (version_no, name, base, terms, used, payments, frauds, "
        "merchants, held_from,"
        " held_payments, held_frauds, score, compared_with, compared_score, note, made_at, "
        "made_by) VALUES"
        " (7, 'risk-abc', -4000, '{}', true, 9000, 90, 1, now(), 900, 12, 0.05, 'risk-prior-2', "
        "0.06, '', now(), 'x')"
        " RETURNING 1"
    )
    found = shop.get("/engine/risk").json()["weights"]
    assert {
        name: found[name] for name in ("version", "payments", "frauds", "heldFrauds", "score")
    } == {
        "version": 7,
        "payments": 9000,
        "frauds": 90,
        "heldFrauds": 12,
        "score": 0.05,
    }


@each(
    ("body", "field", "said"),
    [
        ({"mode": "share", "share": 95}, "Share", "the share is at most 90 %"),
        ({"mode": "share", "holdout": 51}, "Holdout", "from 0 to 50 percent"),
        ({"margin": 0}, "Margin", "from 1 to 100 percent"),
        ({"margin": 2.5}, "Margin", "must be a whole number"),
        ({"mode": "inherit"}, "Mode", "must be one of off, shadow, share"),
        ({"margins": 5}, "Margins", "Did you mean margin?"),
    ],
)
def test_what_is_wrong_names_its_field_and_nothing_changes(
    shop: Caller, body: dict[str, Any], field: str, said: str
) -> None:
    with shop.door.nothing_written():
        answer = shop.call("PUT", "/engine/risk", json=body)
        check_refused(answer, 400, "invalid")
    assert said in (fields_of(answer)[field][0] + answer.text)
