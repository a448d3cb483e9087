"""/v1/backtests: asked, listed, read; a policy that is checked names its back-test."""

from typing import Any

from tests.door import UNKNOWN, Caller
from tests.rescue_shapes import fields_of
from tests.rings import each


def ask(shop: Caller, status: int = 200, **body: Any) -> Any:
    answer = shop.call("POST", "/backtests", json=body)
    assert answer.status_code == status, answer.text
    return answer


def test_it_is_asked_listed_and_read(shop: Caller) -> None:
    made = ask(shop, decider="retry-2").json()
    assert (made["decider"], made["policy"], made["days"], made["purpose"]) == (
        "retry-2",
        None,
        90,
        "request",
    )
    assert made["report"]["orders"] == 0
    assert made["report"]["rescued"] is None
    assert {one["what"] for one in made["report"]["missing"]} >= {"days", "rescued", "not_rescued"}
    assert shop.get(f"/backtests/{made['id']}").json()["report"] == made["report"]
    assert shop.get(f"/backtests/{made['id']}/payments").json()["data"] == []
    ask(shop, decider="retry-1", policy={"tries": {"soft": 1}}, days=30)
    listed = shop.get("/backtests?limit=1").json()
    assert listed["data"][0]["policy"] == {"tries": {"soft": 1}}
    (last,) = shop.get(f"/backtests?limit=1&after={listed['next']}").json()["data"]
    assert (last["id"], shop.get(f"/backtests?after={last['id']}").json()["data"]) == (
        made["id"],
        [],
    )


def test_a_check_names_its_back_test(shop: Caller) -> None:
    checked = shop.call("POST", "/policy/check", json={"policy": {"tries": {"all": 2}}}).json()
    found = shop.get(f"/backtests/{checked['backtestId']}").json()
    assert (found["purpose"], found["version"], found["policy"]) == (
        "draft",
        1,
        {"tries": {"all": 2}},
    )
    put = shop.call("PUT", "/policy", json={"policy": {"tries": {"all": 2}}, "reason": "less"})
    assert put.status_code == 200
    assert shop.get(f"/backtests/{checked['backtestId']}").json()["savedAs"] == 1
    bad = shop.call("POST", "/policy/check", json={"policy": {"tries": {"all": 99}}}).json()
    assert bad["backtestId"] is None


@each(
    ("body", "status", "field"),
    [
        ({"decider": "retry-99"}, 400, "Decider"),
        ({"decider": "engine"}, 400, "Decider"),
        ({"days": 3}, 400, "Days"),
        ({"policy": {"tries": {"all": 19}}}, 400, "Policy.Tries.All"),
        ({"policy": {}, "version": 1}, 400, "Version"),
        ({"version": 5}, 404, ""),
        ({"siteId": UNKNOWN}, 404, ""),
        ({"importId": UNKNOWN}, 404, ""),
    ],
)
def test_what_makes_no_sense_is_refused(
    shop: Caller, body: dict[str, Any], status: int, field: str
) -> None:
    answer = ask(shop, status, **body)
    if field:
        assert field in fields_of(answer)
