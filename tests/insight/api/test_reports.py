"""GET /v1/reports/…: pages, sums, CSV; what is asked wrongly is named."""

import csv
import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.door import GONE, Caller
from tests.rescue_shapes import check_refused
from tests.rings import each

REPORTS = ("transactions", "descriptors", "sites", "campaigns")
AMOUNTS = (
    "approved",
    "refunded",
    "chargebacks",
    "fees",
    "chargebackFees",
    "adjusted",
    "net",
    "disputed",
)


@pytest.fixture
def traded(shop: Caller) -> Caller:
    """Three approved orders under two descriptors, one of a campaign, one of them part refunded."""
    shop.post(
        f"/sites/{shop.shop.site_id}/campaigns", {"key": "spring", "descriptor": "LEAF*SPRING"}
    )
    order_id = shop.completed()
    shop.completed()
    shop.completed(campaign="spring", transaction__dynamicDescriptor=GONE)
    assert shop.refund(order_id, {"amountToRefund": "10.00"}).json()["status"] == "SUCCESS"
    return shop


def period(**more: Any) -> dict[str, Any]:
    return {"from": (datetime.now(UTC) - timedelta(days=200)).isoformat()} | more


def read(shop: Caller, report: str, **more: Any) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """All rows, a page of two at a time, and the totals of the first page."""
    rows: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    totals: dict[str, int] = {}
    while True:
        answer = shop.get(f"/reports/{report}", params=period(limit=2, **after, **more))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        if not rows:
            totals = page["totals"][0] if page["totals"] else {}
        else:
            assert page["totals"] is None
        rows += page["data"]
        if page["next"] is None:
            return rows, totals
        after = {"after": page["next"]}


@pytest.mark.parametrize("report", REPORTS)
def test_rows_add_up_to_the_totals_of_every_report(traded: Caller, report: str) -> None:
    rows, totals = read(traded, report)
    sums = Counter[str]()
    for row in rows:
        sums.update({name: row[name] for name in AMOUNTS})
    assert {name: sums[name] for name in AMOUNTS} == {name: totals[name] for name in AMOUNTS}
    assert (totals["approved"], totals["refunded"], totals["approvals"]) == (3 * 4590, -1000, 3)
    assert totals["net"] == 3 * 4590 - 1000
    answer = traded.get(f"/reports/{report}", params=period(), headers={"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    found = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(found) == len(rows)
    assert sum(float(row["approved"]) for row in found) == pytest.approx(137.70)


def test_rows_say_what_they_are_of(traded: Caller) -> None:
    rows, _ = read(traded, "transactions")
    assert [row["campaign"] for row in rows] == [None, None, "spring"]
    assert [row["refunded"] for row in rows] == [-1000, 0, 0]
    assert {row["site"] for row in rows} == {"Leaf"}
    by_text = {row["descriptor"]: row["approvals"] for row in read(traded, "descriptors")[0]}
    assert by_text == {"LEAF*CLUB": 2, "LEAF*SPRING": 1}
    by_campaign = {row["campaign"]: row["approved"] for row in read(traded, "campaigns")[0]}
    assert by_campaign == {"spring": 4590, None: 2 * 4590}
    [site] = read(traded, "sites")[0]
    assert (site["siteId"], site["url"]) == (str(traded.shop.site_id), "https://leaf.example.test")


def test_a_period_or_currency_without_bookings_is_empty(traded: Caller, other: Caller) -> None:
    for report in REPORTS:
        assert read(traded, report, currency="jpy")[0] == []
        assert read(other, report)[0] == []
        before = {"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}
        assert traded.get(f"/reports/{report}", params=before).json()["data"] == []


@each("report", REPORTS)
@each(
    ("query", "field"),
    [
        ("", "From"),
        ("from=yesterday", "From"),
        ("from=2026-01-01&limit=0", "Limit"),
        ("from=2026-01-01&after=x", "After"),
        ("from=2026-01-01&format=xml", "Format"),
        ("from=2026-01-01&to=2025-01-01", "To"),
        ("form=2026-01-01", "Query"),
        ("from=2020-01-01&to=2026-01-01", "To"),
        ("from=2026-01-01&currency=XXXY", "Currency"),
    ],
)
def test_a_query_that_cannot_be_is_named(shop: Caller, report: str, query: str, field: str) -> None:
    answer = shop.get(f"/reports/{report}?{query}")
    assert answer.status_code == 400, answer.text
    assert field in answer.json()


def test_a_key_without_orders_reads_no_report(shop: Caller) -> None:
    shop.door.sql(
        "UPDATE api_keys SET scopes = '{payments}' WHERE merchant_id = $1", shop.shop.merchant_id
    )
    shop.sign_in()
    for report in REPORTS:
        check_refused(shop.get(f"/reports/{report}", params=period()), 403, "forbidden")
