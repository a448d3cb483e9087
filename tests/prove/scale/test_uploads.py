"""A file of 100,000 rows over HTTP, into a whole installation: stored, worked and answered row by
row, in time.

Again: `pytest tests/prove/scale/test_uploads.py --timeout=0 -s`
"""

import gzip
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.kills.installation import installed

from recoup.networks.magic import script_card

ROWS = int(os.environ.get("PROVE_ROWS", "100000"))
SECONDS_MAX = 60.0
BAD_EVERY = 1_000


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with installed(tmp_path_factory.mktemp("uploads")) as one:
        told = one.credentials()
        with httpx.Client(base_url=one.url + "/v1", timeout=300) as made:
            made.headers["authorization"] = f"ApiKey {told['app_key']}:{told['app_secret']}"
            yield made


def rows(client: httpx.Client, kind: str) -> list[dict[str, Any]]:
    """Every thousandth cannot be taken."""
    now = datetime.now(UTC)
    card = {
        "first_name": "Ana",
        "last_name": "Roe",
        "number": script_card("visa", "51", 0),
        "month": "09",
        "year": "2031",
    }
    token = client.post("/tokenize", json={"payment_method": {"credit_card": card}}).json()[
        "transaction"
    ]["payment_method"]["token"]
    transaction = {
        "timestampUtc": now.isoformat(),
        "amount": 4590,
        "currency": "USD",
        "responseCode": "51",
        "responseCodeSource": "nmi",
        "responseDescription": "Insufficient funds",
        "avsResultCode": "NA",
        "cvvResultCode": "NA",
        "cavvResultCode": "NA",
        "dynamicDescriptor": "LEAF*CLUB",
    }
    method = (
        {"cardNumber": token, "token": True} if kind == "evaluate" else {"cardBinNumber": "400010"}
    )
    return [
        {
            "sequenceNumber": str(n),
            "orderId": f"{kind}-{n}",
            "isDeclined": True,
            "isMIT": True,
            "isRecurring": True,
            "idempotencyKey": f"key-{n}",
            "expiryDateUtc": (now + timedelta(days=21)).isoformat(),
            "transaction": transaction
            | {"id": f"tx-{n}"}
            | ({} if n % BAD_EVERY else {"amount": "much"}),
            "payer": {
                "id": f"c-{n}",
                "email": f"payer-{n}@example.test",
                "phone": "+1 555 010 2030",
            },
            "billingInformation": {
                "firstName": "Ana",
                "lastName": "Roe",
                "countryCode": "US",
                "city": "Austin",
                "zipcode": "73301",
            },
            "paymentMethod": method,
        }
        for n in range(1, ROWS + 1)
    ]


@pytest.mark.parametrize("kind", ["transmit", "evaluate"])
def test_a_hundred_thousand_rows_are_each_answered_in_time(client: httpx.Client, kind: str) -> None:
    content = gzip.compress(json.dumps(rows(client, kind)).encode(), 1)
    began = time.monotonic()
    answer = client.post("/uploads", params={"kind": kind}, content=content)
    assert answer.status_code == 202, answer.text
    stored = time.monotonic() - began
    upload = answer.json()
    while upload["finishedDate"] is None:
        time.sleep(0.2)
        upload = client.get(f"/uploads/{upload['id']}").json()
    worked = time.monotonic() - began
    told = [
        json.loads(line)
        for line in client.get(f"/uploads/{upload['id']}/answers").text.splitlines()
    ]
    seconds = time.monotonic() - began
    print(
        f"\n{kind}: {ROWS:,} rows stored after {stored:.1f} s, worked after {worked:.1f} s, "
        f"answers {seconds:.1f} s"
    )
    bad = ROWS // BAD_EVERY
    assert (upload["rows"], upload["done"], upload["refused"]) == (ROWS, ROWS - bad, bad)
    assert [row["row"] for row in told] == list(range(1, ROWS + 1))
    good = "SUBMITTED" if kind == "evaluate" else "SUCCESS"
    assert Counter(row["status"] for row in told) == {good: ROWS - bad, "REFUSED": bad}
    again = client.post("/uploads", params={"kind": kind}, content=content)
    assert (again.status_code, again.json()["id"]) == (200, upload["id"])
    assert seconds <= SECONDS_MAX
