"""GET /v1/settlements, one, its lines as JSON and CSV."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from tests.door import Caller
from tests.settling import terms

from recoup.settlement.store import batches


@pytest.fixture
def settled(shop: Caller) -> Caller:
    """Two settlements: one that is paid, one that is carried."""
    shop.door.run(terms(shop.shop, period="day", delay_days=0, reserve_basis_points=1_000))
    order_id = shop.completed()
    shop.completed()
    shop.advance(days=2)
    assert shop.refund(order_id, {"amountToRefund": "45.90"}).json()["status"] == "SUCCESS"
    shop.advance(days=2)
    return shop


def listed(shop: Caller, **params: Any) -> dict[str, Any]:
    answer = shop.get("/settlements", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_settlements_are_listed_newest_first_and_add_up(settled: Caller) -> None:
    page = listed(settled, pageSize=50)
    rows = page["data"]
    assert page["totalItemCount"] == len(rows) >= 2
    assert [r["closedDate"] for r in rows] == sorted((r["closedDate"] for r in rows), reverse=True)
    parts = (
        "totalValue",
        "fees",
        "chargebackFees",
        "chargebacks",
        "returns",
        "adjustment",
        "reserve",
        "carried",
    )
    assert all(sum(r[name] for name in parts) == r["payout"] for r in rows)
    assert rows[0]["status"] == "carried"
    assert rows[0]["returns"] == -4590
    assert rows[-1]["status"] == "created"
    one = settled.get(f"/settlements/{rows[0]['id']}").json()
    assert one == rows[0] | {"success": True}


def test_pages_and_filters(settled: Caller) -> None:
    everything = listed(settled, pageSize=50)["data"]
    paged = [
        listed(settled, pageSize=1, pageNumber=n)["data"][0] for n in range(1, len(everything) + 1)
    ]
    assert paged == everything
    first = everything[-1]
    assert listed(settled, to=everything[-2]["closedDate"])["data"] == [first]
    assert first not in listed(settled, **{"from": everything[-2]["closedDate"]})["data"]
    assert listed(settled, currency="EUR")["data"] == []
    assert len(listed(settled, currency="usd", pageSize=50)["data"]) == len(everything)


def test_pages_go_on_where_no_more_settlements_are_counted(
    settled: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = listed(settled, pageSize=50)["data"]
    monkeypatch.setattr(batches, "COUNTED_MAX", 1)
    found, number, page = [], 0, {"hasNextPage": True}
    while page["hasNextPage"]:
        number += 1
        page = listed(settled, pageSize=1, pageNumber=number)
        found += page["data"]
        assert page["totalItemCount"] == 1
    assert found == everything
    assert number == len(everything) + 1, "the last full page cannot know that none follows"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/settlements?pageSize=0", "PageSize"),
        ("/settlements?from=yesterday", "From"),
        ("/settlements?currency=XXX", "Currency"),
        ("/settlements?pageNumber=x", "PageNumber"),
    ],
)
def test_a_wrong_parameter_is_named(shop: Caller, path: str, name: str) -> None:
    answer = shop.get(path)
    assert answer.status_code == 400
    assert name in answer.json()


def test_lines_come_in_pages_and_are_the_settlement(settled: Caller) -> None:
    for one in listed(settled, pageSize=50)["data"]:
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = settled.get(
                f"/settlements/{one['id']}/lines", params={"limit": 2} | after
            ).json()
            found += page["data"]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        assert len(found) == len({line["id"] for line in found}) == one["lines"]
        assert not sum(line["amount"] for line in found)
        amounts = settled.get(f"/settlements/{one['id']}/lines", params={"kind": "amount"}).json()[
            "data"
        ]
        assert sum(line["amount"] for line in amounts) == one["totalValue"]
        assert all(
            line["orderId"] and line["externalOrderId"] and line["descriptor"] for line in amounts
        )


@pytest.mark.parametrize("how", ["format", "accept"])
def test_lines_come_as_csv(settled: Caller, how: str) -> None:
    one = listed(settled)["data"][0]
    given: dict[str, Any] = (
        {"params": {"format": "csv"}} if how == "format" else {"headers": {"accept": "text/csv"}}
    )
    answer = settled.get(f"/settlements/{one['id']}/lines", **given)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert one["id"] in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == one["lines"]
    assert not sum(Decimal(row["amount"]) for row in rows)


def test_another_merchants_settlement_is_not_found(settled: Caller, other: Caller) -> None:
    one = listed(settled)["data"][0]
    for path in (
        f"/settlements/{one['id']}",
        f"/settlements/{one['id']}/lines",
        "/settlements/none",
        f"/settlements/{one['id']}/lines?format=csv",
    ):
        assert other.get(path).status_code == 404, path
    for query in ("after=x", "limit=1001", "kind=other", "format=xml"):
        assert settled.get(f"/settlements/{one['id']}/lines?{query}").status_code == 400, query
    assert listed(other)["data"] == []


def test_an_id_that_cannot_be_one_is_no_settlement(shop: Caller) -> None:
    for path in ("/settlements/nope", "/settlements/nope/lines"):
        answer = shop.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["result"].startswith("There is no such settlement."), path
