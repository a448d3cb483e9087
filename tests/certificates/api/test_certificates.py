"""GET /v1/reports/certificates, one, and the file that proves it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.door import Caller

from recoup.certificates.rules.certificate_file import ProvedCertificate, prove
from recoup.certificates.rules.months import month_start, month_text
from recoup.insight.flows.certify import certify_month
from recoup.kernel.ids import new_id


@pytest.fixture
def certified(shop: Caller) -> Caller:
    """The month of the first sends, closed."""
    shop.completed()
    shop.admit()
    shop.advance(days=45)
    (first,) = shop.door.sql("SELECT min(at) AS at FROM network_sends WHERE NOT claimed")
    shop.door.run(certify_month(shop.shop.world, shop.shop.merchant_id, month_start(first["at"])))
    return shop


def listed(shop: Caller, **params: Any) -> list[dict[str, Any]]:
    answer = shop.get("/reports/certificates", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def test_a_certificate_is_listed_shown_and_proved(certified: Caller) -> None:
    row = min((one for one in listed(certified) if one["sends"]), key=lambda one: one["month"])
    assert (row["number"], row["breaches"], row["recountedBy"], row["reasons"]) == (
        1,
        0,
        "issuer",
        [],
    )
    assert listed(certified, month=row["month"], acceptorId=row["acceptorId"]) == [row]
    assert listed(certified, acceptorId="nobody") == []
    shown = certified.get(f"/reports/certificates/{row['id']}").json()
    assert shown.items() >= row.items()
    assert sum(one["sends"] for one in shown["schemes"]) == row["sends"] > 0
    assert shown["recount"]["matched"] == row["sends"]
    assert {one["rule"] for one in shown["rules"]} >= {"visa-reattempt-30d"}
    assert not shown["corrected"]
    file = certified.get(f"/reports/certificates/{row['id']}/file")
    assert file.headers["content-type"].startswith("application/x-ndjson")
    found = prove(iter(file.content.splitlines(keepends=True)), row["root"])
    assert isinstance(found, ProvedCertificate)
    assert (found.certificate_id, found.sends) == (row["id"], row["sends"])


@pytest.mark.parametrize("text", ["2199-01", "2026-13", "soon", "<script>", "now"])
def test_a_month_that_is_none_or_is_not_closed_names_its_field(shop: Caller, text: str) -> None:
    month = month_text(month_start(datetime.now(UTC))) if text == "now" else text
    answer = shop.get("/reports/certificates", params={"month": month})
    assert answer.status_code == 400
    assert "Month" in answer.json(), answer.text


def test_hostile_words_are_refused_or_find_nothing(certified: Caller) -> None:
    for params in ({"limit": "0"}, {"after": "x"}, {"mont": "2026-01"}, {"acceptorId": "a" * 65}):
        assert certified.get("/reports/certificates", params=params).status_code == 400, params
    assert listed(certified, acceptorId="'; DROP TABLE certificates; --") == []
    for wrong in (new_id(), "nothing", "%00"):
        for more in ("", "/file"):
            assert certified.get(f"/reports/certificates/{wrong}{more}").status_code == 404
