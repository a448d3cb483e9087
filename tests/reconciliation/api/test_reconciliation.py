"""GET /v1/reconciliation: pages, sums, CSV, the period of a report that a webhook told of."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.door import Caller
from tests.rings import each
from tests.settling import terms

PATH = "/reconciliation"


@pytest.fixture
def traded(shop: Caller) -> Caller:
    """Two approved orders, one of them refunded, in settled periods."""
    shop.door.run(terms(shop.shop, period="day", delay_days=0))
    order_id = shop.completed()
    shop.completed()
    shop.advance(days=2)
    assert shop.refund(order_id, {"amountToRefund": "10.00"}).json()["status"] == "SUCCESS"
    shop.advance(days=2)
    return shop


def period(**more: Any) -> dict[str, Any]:
    return {"from": (datetime.now(UTC) - timedelta(days=200)).isoformat()} | more


def test_pages_add_up_to_the_sums(traded: Caller) -> None:
    first = traded.get(PATH, params=period(limit=2))
    assert first.status_code == 200, first.text
    page = first.json()
    (total,) = [t for t in page["totals"] if t["balance"] == "card"]
    lines = page["data"]
    while page["next"]:
        page = traded.get(PATH, params=period(limit=2, after=page["next"])).json()
        assert page["totals"] is None
        lines += page["data"]
    assert len({line["id"] for line in lines}) == len(lines)
    assert sum(line["net"] for line in lines) == total["net"] == sum(total["kinds"].values())
    assert all(line["net"] == line["amount"] + line["fee"] for line in lines)
    amounts = [line for line in lines if line["kind"] == "amount"]
    assert [line["amount"] for line in amounts] == [4590, 4590]
    assert all(
        line["settlementId"] and line["reference"] and line["descriptor"] for line in amounts
    )
    assert [line["amount"] for line in lines if line["kind"] == "refund"] == [-1000]


def test_one_file_with_dates_of_a_zone(traded: Caller) -> None:
    answer = traded.get(PATH, params=period(format="csv", zone="America/New_York"))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    data = traded.get(PATH, params=period(limit=1000)).json()["data"]
    assert [row["line_id"] for row in rows] == [line["id"] for line in data]
    assert {row["date_booked (America/New_York)"][-6:] for row in rows} <= {"-04:00", "-05:00"}
    told = traded.get(PATH, params=period(), headers={"accept": "text/csv"})
    assert told.text.splitlines()[0].startswith("date_placed (UTC)")


def test_a_report_that_a_webhook_told_of(traded: Caller, other: Caller) -> None:
    sql = (
        "SELECT report_id FROM reconciliation_reports WHERE merchant_id = $1 ORDER BY period_to "
        "LIMIT 1"
    )
    report_id = traded.door.run(traded.shop.value(sql, traded.shop.merchant_id))
    answer = traded.get(PATH, params={"id": str(report_id)})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]
    assert other.get(PATH, params={"id": str(report_id)}).status_code == 404


@each(
    ("query", "field"),
    [
        ("", "From"),
        ("from=yesterday", "From"),
        ("from=2026-01-01&limit=0", "Limit"),
        ("from=2026-01-01&after=x", "After"),
        ("from=2026-01-01&format=xml", "Format"),
        ("from=2026-01-01&to=2025-01-01", "To"),
        ("id=x", "Id"),
        ("from=2020-01-01&to=2026-01-01", "To"),
        ("from=2026-01-01&zone=Mars", "Zone"),
        ("form=2026-01-01", "Query"),
        ("from=2026-01-01&after=9999999999999999.01890000000070008000000000000001.1", ""),
        ("from=2026-01-01&id=01890000-0000-7000-8000-000000000001", "Id"),
    ],
)
def test_a_query_that_cannot_be_is_named(shop: Caller, query: str, field: str) -> None:
    answer = shop.get(f"{PATH}?{query}")
    assert answer.status_code == (400 if field else 200), answer.text
    if field:
        assert field in answer.text


def test_the_paging_of_other_lists_is_pointed_to_ours(shop: Caller) -> None:
    answer = shop.get(f"{PATH}?from=2026-01-01&pageSize=10&pageNumber=2")
    assert answer.status_code == 400
    assert "'pageSize' is not known here. This list has limit for it." in answer.text
    assert "'pageNumber' is not known here. This list has after for it." in answer.text
