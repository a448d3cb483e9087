"""Past attempts by API: asked, checked, stored, listed, read again, stopped; nothing of them is
another merchant's."""

import gzip
import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.door import PAST, UNKNOWN, Caller, Door
from tests.rescue_shapes import check_refused

from recoup.db.statement import Read
from recoup.main.settings import Settings
from recoup.main.worlds import live_policy, sandbox_policy
from recoup.uploads.flows import file_turns
from recoup.uploads.store import HeldRows

STRIPE = (
    "id,Created,Amount,Amount Refunded,Currency,Seller Message,Status,Customer ID,PaymentIntent "
    "ID\n"
    "ch_1,2024-03-02 06:00:11,19.00,0.00,usd,`insufficient_funds`,Failed,cus_1,pi_1\n"
    "ch_2,2024-03-05 06:00:11,19.00,0.00,usd,,Paid,cus_1,pi_1\n"
    "ch_3,no date,19.00,0.00,usd,,Paid,cus_1,pi_2\n"
)
VISA = "4242" * 4


def send(
    shop: Caller, content: bytes | str, query: str = "?filename=past.csv", **headers: str
) -> httpx.Response:
    body = content.encode() if isinstance(content, str) else content
    return shop.call("POST", f"/imports{query}", content=body, headers=headers)


def imported(
    shop: Caller, content: bytes | str, query: str = "?filename=past.csv"
) -> dict[str, Any]:
    """Stored and taken over."""
    answer = send(shop, content, query)
    assert answer.status_code == 202, answer.text
    shop.door.run(shop.shop.run_due())
    made: dict[str, Any] = shop.get(f"/imports/{answer.json()['id']}").json()
    return made


def test_what_a_file_does_not_say_is_asked(door: Door) -> None:
    shop = door.shop()
    check_refused(send(shop, STRIPE), 400, "invalid")
    assert "Zone" in send(shop, STRIPE).text
    checked = send(shop, STRIPE, "?dryRun=true").json()
    assert (checked["status"], checked["id"], checked["report"]) == ("checked", None, None)
    assert [(one["parameter"], one["choices"]) for one in checked["questions"]] == [("zone", [])]
    assert shop.get("/imports").json()["data"] == []
    made = imported(shop, STRIPE, "?zone=Europe/Berlin")
    assert (made["status"], made["rows"], made["attempts"], made["bad"], made["new"]) == (
        "completed",
        3,
        2,
        1,
        2,
    )


def test_decimal_order_and_unit_are_answered_by_name(door: Door) -> None:
    shop = door.shop()
    odd = (
        STRIPE.replace("19.00", "1.900")
        .replace("2024-03-02", "02/03/2024")
        .replace("2024-03-05", "05/03/2024")
    )
    checked = send(shop, odd, "?dryRun=true&zone=Z").json()
    choices = {one["parameter"]: one["choices"] for one in checked["questions"]}
    assert choices == {"order": ["day", "month"], "decimal": ["point", "comma"]}
    made = send(shop, odd, "?dryRun=true&zone=Z&order=day&decimal=comma").json()
    assert made["questions"] == []
    assert made["report"]["first"].startswith("2024-03-02")
    check_refused(send(shop, odd, "?decimal=x"), 400, "invalid")
    check_refused(send(shop, odd, "?dry=true"), 400, "invalid")
    check_refused(send(shop, odd, "?zone=Mars"), 400, "invalid")


def test_a_dry_run_says_what_an_import_would_and_stores_nothing(door: Door) -> None:
    shop = door.shop()
    checked = send(shop, STRIPE, "?zone=Z&dryRun=true").json()
    assert (checked["rows"], checked["attempts"], checked["bad"], checked["new"]) == (3, 2, 1, 0)
    assert [(one["line"], one["code"]) for one in checked["lines"]] == [(4, "date")]
    assert shop.get("/imports").json()["data"] == []
    made = imported(shop, STRIPE, "?zone=Z")
    assert made["report"] == checked["report"]
    assert made["lines"] == []


def test_the_same_file_again_is_the_same_import(door: Door) -> None:
    shop = door.shop()
    first = imported(shop, json.dumps({"rows": [PAST]}))
    again = send(shop, gzip.compress(json.dumps({"rows": [PAST]}).encode()))
    assert again.status_code == 200
    assert (again.json()["id"], again.json()["repeated"]) == (first["id"], True)
    assert first["fileName"] == "past.csv"
    form = {"file": ("named.jsonl", json.dumps(PAST | {"orderId": "SO-2"}))}
    named = shop.call("POST", "/imports", files=form)
    assert (named.status_code, named.json()["fileName"]) == (202, "named.jsonl")


def test_lines_and_attempts_are_read_page_by_page(door: Door) -> None:
    shop = door.shop()
    rows = [
        PAST | {"orderId": f"SO-{n}", "amount": -1 if n < 3 else "x" if n < 8 else 100}
        for n in range(10)
    ]
    made = imported(shop, "\n".join(map(json.dumps, rows)))
    assert (made["rows"], made["attempts"], made["bad"]) == (10, 2, 5)
    assert made["report"]["skipped"] == {"refund": 3}
    page = shop.get(f"/imports/{made['id']}/lines?limit=3").json()
    assert [one["line"] for one in page["data"]] == [4, 5, 6]
    rest = shop.get(f"/imports/{made['id']}/lines?after={page['next']}").json()
    assert [one["line"] for one in rest["data"]] == [7, 8]
    assert rest["next"] is None
    told = shop.get(f"/imports/{made['id']}/attempts")
    assert told.headers["content-type"].startswith("application/x-ndjson")
    attempts = [json.loads(line) for line in told.text.splitlines()]
    assert [one["orderId"] for one in attempts] == ["SO-8", "SO-9"]
    assert {(one["amount"], one["state"]) for one in attempts} == {(100, "declined")}


def test_one_that_was_stopped_may_be_sent_again(door: Door) -> None:
    shop = door.shop()
    made = send(shop, json.dumps(PAST)).json()
    assert shop.post(f"/imports/{made['id']}/stop").json()["stopping"]
    door.run(shop.shop.run_due())
    stopped = shop.get(f"/imports/{made['id']}").json()
    assert (stopped["status"], stopped["done"], stopped["stopping"]) == ("stopped", 0, False)
    assert shop.post(f"/imports/{made['id']}/stop").json()["status"] == "stopped"
    again = imported(shop, json.dumps(PAST))
    assert (again["status"], again["new"]) == ("completed", 1)
    check_refused(shop.post(f"/imports/{again['id']}/stop"), 409, "wrong_state")


def test_imports_of_others_are_not_there(door: Door) -> None:
    shop, other = door.shop(), door.shop()
    made = imported(shop, json.dumps(PAST))
    for path, method in (("", "GET"), ("/lines", "GET"), ("/attempts", "GET"), ("/stop", "POST")):
        check_refused(other.call(method, f"/imports/{made['id']}{path}"), 404, "not_found")
        check_refused(other.call(method, f"/imports/{UNKNOWN}{path}"), 404, "not_found")
    assert other.get("/imports").json()["data"] == []
    assert other.call("POST", "/imports", content=json.dumps(PAST).encode()).status_code == 202


def test_the_list_goes_page_by_page(door: Door) -> None:
    shop = door.shop()
    ids = [send(shop, json.dumps(PAST | {"orderId": f"SO-{n}"})).json()["id"] for n in range(3)]
    first = shop.get("/imports?limit=2").json()
    assert [one["id"] for one in first["data"]] == [ids[2], ids[1]]
    assert [one["id"] for one in shop.get(f"/imports?after={first['next']}").json()["data"]] == ids[
        :1
    ]
    check_refused(shop.call("GET", "/imports?limit=0"), 400, "invalid")


@pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"%PDF-1.7 ...", b"a,b,c\n1,2,3\n", b"[]"])
def test_what_is_no_file_of_attempts_is_refused(door: Door, content: bytes) -> None:
    shop = door.shop()
    check_refused(send(shop, content), 400, "invalid")
    assert shop.get("/imports").json()["data"] == []


def test_a_card_number_is_nowhere_in_what_is_answered(door: Door) -> None:
    shop = door.shop()
    rows = [PAST, PAST | {"orderId": VISA}, PAST | {"orderId": "SO-3", "note": f"card {VISA}"}]
    lines = "\n".join(map(json.dumps, rows))
    made = imported(shop, lines)
    assert made["report"]["bad"] == {"card_data": 2}
    for path in ("", "/lines", "/attempts"):
        assert VISA not in shop.get(f"/imports/{made['id']}{path}").text
    check_refused(send(shop, lines, f"?filename={VISA}.csv"), 400, "invalid")


def test_a_merchant_whose_rows_wait_or_who_keeps_very_many_sends_no_further_file(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = door.shop()
    made = send(shop, STRIPE, "?zone=Z").json()
    assert (made["status"], made["attempts"]) == ("received", 2)
    monkeypatch.setattr(file_turns, "WAITING_ROWS_MAX", 2)
    refused = send(shop, STRIPE, "?zone=Z&dryRun=true")
    check_refused(refused, 429, "too_many_requests")
    assert refused.headers["retry-after"] == "60"
    shop.door.run(shop.shop.run_due())
    assert send(shop, STRIPE, "?zone=Z").json()["status"] == "completed"
    kept = shop.door.world.policy.file_rows_max  # which the operator sets for both worlds
    assert [
        of(Settings(file_rows_max=7)).file_rows_max for of in (sandbox_policy, live_policy)
    ] == [7, 7]

    async def held(db: Read, merchant_id: UUID) -> HeldRows:
        return HeldRows(0, kept)

    monkeypatch.setattr(file_turns, "held_rows", held)
    check_refused(
        shop.call("POST", "/imports?zone=Z", content=b"x", allow_5xx=True), 507, "no_space"
    )
