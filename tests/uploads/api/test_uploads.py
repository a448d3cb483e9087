"""Files of many payments: taken whole, worked row by row, answered row by row (contract §12)."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest
from tests.door import APPROVES, GONE, UNKNOWN, Caller, Door, everything, stands_in, transmit_body
from tests.rescue_shapes import check_refused
from tests.rings import each


def send(
    shop: Caller, body: bytes | str, query: str = "?kind=transmit", **headers: str
) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    return shop.call("POST", f"/uploads{query}", content=content, headers=headers)


def sent(shop: Caller, rows: Any, query: str = "?kind=transmit") -> dict[str, Any]:
    """Stored; the upload."""
    answer = send(shop, rows if isinstance(rows, bytes | str) else json.dumps(rows), query)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def worked(
    shop: Caller, rows: Any, query: str = "?kind=transmit"
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Stored and worked; the upload and its answers."""
    upload_id = sent(shop, rows, query)["id"]
    shop.door.run(shop.shop.run_due())
    upload = shop.get(f"/uploads/{upload_id}").json()
    assert upload["status"] == "completed"
    told = answers(shop, upload_id)
    assert [row["row"] for row in told] == list(range(1, upload["rows"] + 1))
    assert sum(row["status"] == "REFUSED" for row in told) == upload["refused"]
    assert upload["done"] + upload["refused"] == upload["rows"]
    return upload, told


def answers(shop: Caller, upload_id: str) -> list[dict[str, Any]]:
    answer = shop.get(f"/uploads/{upload_id}/answers")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def copies(shop: Caller, count: int) -> list[dict[str, Any]]:
    return [
        transmit_body(shop, sequenceNumber=str(n), orderId=f"SO-{n}", transaction__id=f"tx-{n}")
        for n in range(1, count + 1)
    ]


def declines(shop: Caller, count: int, **changes: Any) -> list[dict[str, Any]]:
    token = shop.token_for(APPROVES)
    return [
        shop.body(paymentMethod={"cardNumber": token, "token": True}, **changes)
        for _ in range(count)
    ]


def counted(shop: Caller, table: str) -> int:
    return int(
        shop.door.sql(
            f"SELECT count(*) FROM {table} WHERE merchant_id = $1", shop.shop.merchant_id
        )[0][0]
    )


# what a file may look like
# ------------------------------------------------------------------------------------------


def layouts(rows: list[dict[str, Any]], mid: str) -> Iterable[tuple[str, str]]:
    head = {"mid": mid, "authorizationToken": "eyJ.not-a-token.of-ours"}
    lines = "\n".join(json.dumps(row) for row in rows)
    yield "a list", json.dumps(rows)
    yield "a list, indented", json.dumps(rows, indent=2)
    yield "one object a line", lines
    yield (
        "one object a line, configuration first",
        json.dumps(head) + "\r\n" + lines.replace("\n", "\r\n") + "\r\n",
    )
    yield "a list that begins with the configuration", json.dumps([head, *rows])
    yield "the configuration, then the list", json.dumps(head) + "\n" + json.dumps(rows)
    yield "a configuration and a list in a list", json.dumps([head, rows])
    yield "an object that holds both", json.dumps({**head, "transactions": rows})
    yield (
        "an object of two",
        json.dumps({"header": {**head, "bearer": "x"}, "records": rows}, indent=1),
    )
    yield "with a byte order mark", "\ufeff" + json.dumps(rows)


def test_the_contracts_2000_rows_are_taken_in_every_layout(shop: Caller) -> None:
    rows = copies(shop, 2_000)
    upload, told = worked(shop, rows)
    assert (upload["rows"], upload["done"], upload["refused"]) == (2_000, 2_000, 0)
    assert {row["status"] for row in told} == {"SUCCESS"}
    assert len({row["transmitId"] for row in told}) == 2_000
    assert counted(shop, "transmissions") == 2_000


def test_each_layout_is_read_the_same(door: Door) -> None:
    for about, text in layouts([], ""):
        assert about, text
    shop = door.shop()
    for number, (about, _) in enumerate(layouts([], "")):
        rows = [row | {"orderId": f"{row['orderId']}-{number}"} for row in copies(shop, 3)]
        text = dict(layouts(rows, shop.mid))[about]
        _, told = worked(shop, text)
        assert [(row["orderId"], row["sequenceNumber"], row["status"]) for row in told] == [
            (row["orderId"], row["sequenceNumber"], "SUCCESS") for row in rows
        ], about
    assert "not-a-token" not in door.run(everything(door.world))


def test_rows_of_evaluate_become_orders(shop: Caller) -> None:
    rows = declines(shop, 5, expiryDateUtc=GONE, idempotencyKey=GONE)
    expiry = shop.body()["expiryDateUtc"]
    file = {"mid": shop.mid, "authorizationToken": "x", "expiryDateUtc": expiry, "data": rows}
    upload, told = worked(shop, file, "?kind=evaluate&filename=evaluate_1.json")
    assert upload["fileName"] == "evaluate_1.json"
    for row, given in zip(told, rows, strict=True):
        assert (row["status"], row["orderId"]) == ("SUBMITTED", given["orderId"])
        order = shop.order(row["orderSessionKey"])
        assert order["externalOrderId"] == given["orderId"]
        assert order["expiryDate"][:16] == expiry[:16]
    assert counted(shop, "orders") == 5


# what is refused, row by row
# ------------------------------------------------------------------------------------------


def test_each_row_is_answered_by_itself(shop: Caller, other: Caller) -> None:
    """The order of the rows is kept; the rest is processed."""
    rows = copies(shop, 12)
    rows[1]["transaction"]["amount"] = "a lot"
    rows[2]["mid"] = other.mid
    rows[3]["paymentMethod"]["cardNumber"] = APPROVES
    rows[4]["paymentMethod"]["verificationValue"] = "999"
    rows[5]["orderId"] = ""
    rows[6]["sequenceNumber"] = "1"
    rows[7] = 5  # type: ignore[call-overload]
    rows[8]["extraData"] = {
        "note": f"card {APPROVES[:4]} {APPROVES[4:8]} {APPROVES[8:12]} {APPROVES[12:]}"
    }
    rows[9]["senseKey"] = "\ud800"
    rows[10]["orderId"] = "SO-1"  # another transaction of the same order
    upload, told = worked(shop, rows)
    assert [row["code"] for row in told] == [
        None,
        "invalid",
        "invalid",
        "card_data",
        "card_data",
        "invalid",
        "duplicate_sequence",
        "not_an_object",
        "card_data",
        "malformed",
        None,
        None,
    ]
    assert (upload["rows"], upload["done"], upload["refused"]) == (12, 3, 9)
    assert told[1]["errors"] == [
        {
            "field": "Transaction.Amount",
            "message": "The field Amount must be a whole number of cents: 4590 for 45.90.",
        }
    ]
    assert "does not belong" in told[2]["errors"][0]["message"]
    assert told[3]["errors"][0]["cure"] == "The row was not stored."
    assert counted(shop, "transmissions") == 3
    assert counted(other, "transmissions") == 0


def test_no_card_data_and_no_waiting_row_stays(door: Door, shop: Caller) -> None:
    rows = copies(shop, 4)
    rows[0]["paymentMethod"]["cardNumber"] = APPROVES
    rows[1]["orderId"] = APPROVES
    rows[2]["paymentMethod"]["cvv"] = "73911"
    rows[3]["payer"]["email"] = "zz-waiting@example.test"
    worked(shop, rows)
    kept = door.run(everything(door.world))
    assert APPROVES not in kept
    assert not stands_in("73911", kept)
    rows_kept = door.sql(
        "SELECT given FROM upload_rows WHERE merchant_id = $1", shop.shop.merchant_id
    )
    assert [row["given"] for row in rows_kept] == [None] * 4


def test_files_take_merchant_initiated_payments_by_token(shop: Caller) -> None:
    rows = declines(shop, 5)
    rows[0]["isMIT"] = False
    rows[1]["paymentMethod"] = {
        "cardNumber": APPROVES,
        "expirationMonth": 9,
        "expirationYear": 2031,
    }
    rows[2].pop("expiryDateUtc")
    rows[3]["paymentMethod"] = {"cardNumber": UNKNOWN, "token": True}
    upload, told = worked(shop, rows, "?kind=evaluate")
    assert [row["code"] for row in told] == ["invalid", "card_data", "invalid", "invalid", None]
    assert told[0]["errors"][0]["field"] == "IsMIT"
    assert told[2]["errors"][0]["field"] == "ExpiryDateUtc"
    assert "Tokenize the card first" in told[3]["errors"][0]["cure"]
    assert upload["done"] == counted(shop, "orders") == 1


def test_a_switched_off_kind_is_told_by_row(shop: Caller) -> None:
    rows = declines(shop, 2)
    shop.set(mit=False)
    _, told = worked(shop, rows, "?kind=evaluate")
    assert {row["code"] for row in told} == {"kind_switched_off"}


def test_a_broken_row_costs_itself(shop: Caller) -> None:
    text = json.dumps(copies(shop, 5), indent=1).replace('"orderId": "SO-3",', '"orderId": "SO-3')
    _, told = worked(shop, text)
    assert [(row["status"], row["code"]) for row in told] == [
        ("SUCCESS", None),
        ("SUCCESS", None),
        ("REFUSED", "broken"),
        ("SUCCESS", None),
        ("SUCCESS", None),
    ]
    assert told[2]["line"] > told[1]["line"]


def test_a_csv_is_answered_as_one(shop: Caller) -> None:
    lines = [
        (
            "sequenceNumber;orderId;isDeclined;transaction.id;"
            "amount;transaction.currency;payer.email;Shop"
        )
    ]
    lines += [f"{n};SO-{n};no;tx-{n};4590;USD;ana{n}@example.test;north" for n in range(1, 4)]
    lines += [
        "4;=SO-4;maybe;tx-4;45.90;USD;;north",
        '5;"SO-5;no',
        "6;SO-6;no;tx-6;4590;USD;x@example.test;north",
    ]
    made = sent(shop, "\ufeff" + "\r\n".join(lines) + "\r\n")
    assert made["form"] == "csv"
    assert made["notes"] == ["Columns that nothing was read from: Shop."]
    shop.door.run(shop.shop.run_due())
    answer = shop.get(f"/uploads/{made['id']}/answers")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    told = list(csv.DictReader(io.StringIO(answer.text)))
    assert [
        (row["row"], row["line"], row["orderId"], row["status"], row["code"]) for row in told
    ] == [
        ("1", "2", "SO-1", "SUCCESS", ""),
        ("2", "3", "SO-2", "SUCCESS", ""),
        ("3", "4", "SO-3", "SUCCESS", ""),
        ("4", "5", "'=SO-4", "REFUSED", "invalid"),
        ("5", "6", "", "REFUSED", "broken"),
        ("6", "7", "SO-6", "SUCCESS", ""),
    ]
    assert told[3]["field"] == "IsDeclined"
    assert told[0]["transmitId"]


def test_a_row_tells_what_became_of_an_earlier_one(shop: Caller) -> None:
    _, told = worked(shop, copies(shop, 1))
    rows = [
        {"transmitId": told[0]["transmitId"], "chargeback": {"id": "c-1", "amount": 4590}},
        {"transmitId": UNKNOWN, "outcome": "APPROVED"},
    ]
    _, later = worked(shop, rows)
    assert [(row["status"], row["code"]) for row in later] == [
        ("SUCCESS", None),
        ("REFUSED", "not_found"),
    ]
    outcome = shop.door.sql(
        "SELECT outcome FROM transmissions WHERE merchant_id = $1", shop.shop.merchant_id
    )[0][0]
    assert json.loads(outcome)["chargeback"]["id"] == "c-1"


# twice
# --------------------------------------------------------------------------------------------------


def test_the_same_file_again_is_the_same_upload(shop: Caller, other: Caller) -> None:
    text = json.dumps(copies(shop, 3))
    upload, told = worked(shop, text)
    for again in (text.encode(), gzip.compress(text.encode())):
        answer = send(shop, again)
        assert answer.status_code == 200
        assert answer.json()["id"] == upload["id"]
        assert answer.json()["repeated"] is True
    assert answers(shop, upload["id"]) == told
    assert counted(shop, "transmissions") == 3
    assert counted(shop, "uploads") == 1
    theirs = json.dumps([row | {"mid": other.mid} for row in copies(shop, 3)])
    assert sent(other, theirs)["id"] != upload["id"]


def test_rows_that_came_before_are_answered_with_what_they_became(shop: Caller) -> None:
    rows = declines(shop, 3)
    _, first = worked(shop, rows, "?kind=evaluate")
    more = declines(shop, 1)
    changed = [row | {"idempotencyKey": f"new-{n}"} for n, row in enumerate(rows)]
    changed[2] = changed[2] | {"transaction": changed[2]["transaction"] | {"amount": 100}}
    _, told = worked(shop, [*rows[:1], *changed[1:], *more], "?kind=evaluate")
    assert [row["orderSessionKey"] for row in told[:2]] == [
        row["orderSessionKey"] for row in first[:2]
    ]
    assert told[2]["code"] == "conflict"
    assert counted(shop, "orders") == 4
    copied, before = worked(shop, copies(shop, 3))
    _, after = worked(shop, copies(shop, 4))
    assert [row["transmitId"] for row in after[:3]] == [row["transmitId"] for row in before]
    assert after[0]["warning"] == "It was transmitted before."
    assert counted(shop, "transmissions") == 4
    assert copied["refused"] == 0


def test_rows_about_one_order_go_in_turn(shop: Caller) -> None:
    row = declines(shop, 1)[0]
    other_amount = row | {"transaction": row["transaction"] | {"amount": 1}, "idempotencyKey": "x"}
    _, told = worked(
        shop, [row, row, other_amount, row | {"idempotencyKey": "y"}], "?kind=evaluate"
    )
    assert [line["code"] for line in told] == [None, None, "conflict", None]
    assert len({line["orderSessionKey"] for line in told} - {None}) == 1
    same = copies(shop, 1)[0]
    _, told = worked(shop, [same, same | {"sequenceNumber": "2"}])
    assert told[0]["transmitId"] == told[1]["transmitId"]
    assert counted(shop, "transmissions") == 1


# files that are refused
# ---------------------------------------------------------------------------------------------


@each(
    ("body", "query", "field"),
    [
        (b"", "?kind=transmit", "File"),
        (b"   \n", "?kind=transmit", "File"),
        (b"[]", "?kind=transmit", "File"),
        (b"hello", "?kind=transmit", "File"),
        (b"\x00\x01\x02", "?kind=transmit", "File"),
        (b"PK\x03\x04xxxx", "?kind=transmit", "File"),
        (b"%PDF-1.4", "?kind=evaluate", "File"),
        (b'[{"orderId": "1"}]', "", "Kind"),
        (b'[{"orderId": "1"}]', "?kind=orders", "Kind"),
        (b'[{"orderId": "1"}]', "?kind=transmit&filename=day.json", "Filename"),
        (b'[{"orderId": "1"}]', "?kind=evaluate&filename=transmit_1.json", "Kind"),
        (b'[{"orderId": "1"}]', "?kind=transmit&filename=evaluate_1.json", "Kind"),
        (b'{"kind": "evaluate", "rows": [{"orderId": "1"}]}', "?kind=transmit", "Kind"),
        (
            b'{"mid": "' + UNKNOWN.encode() + b'", "rows": [{"orderId": "1"}]}',
            "?kind=transmit",
            "Mid",
        ),
        (
            b'[{"mid": "' + UNKNOWN.encode() + b'", "bearer": "x"}, {"orderId": "1"}]',
            "?kind=transmit",
            "Mid",
        ),
        (b'{"rows": [{"orderId": "1"}], "mid": "x"}', "?kind=transmit", "File"),
        (b"a,b\n1,2\n", "?kind=transmit", "File"),
        (b"orderId,a\n", "?kind=transmit", "File"),
        (b"orderId," * 125_000 + b"x\n1\n", "?kind=transmit", "File"),
        (b'[{"orderId": "1"}]', "?kind=transmit&filename=" + APPROVES, "Filename"),
        (b'[{"orderId": "1"}]', "?kindd=transmit", "Query"),
    ],
)
def test_a_file_of_which_nothing_can_be_taken(
    shop: Caller, body: bytes, query: str, field: str
) -> None:
    with shop.door.nothing_written():
        answer = send(shop, body, query)
    told = check_refused(answer, 400, "invalid")
    assert field.lower() in {name.lower() for name in told}, told


def test_truncated_and_damaged_packs_give_what_came(shop: Caller) -> None:
    packed = gzip.compress(json.dumps(copies(shop, 400)).encode())
    upload, told = worked(shop, packed[: len(packed) // 2])
    assert 0 < upload["done"] < 400
    assert "ends early" in " ".join(upload["notes"])
    assert told[-1]["code"] in ("broken", None)


def test_a_bomb_is_refused(shop: Caller) -> None:
    bomb = gzip.compress(b" " * (80 << 20), 9)
    with shop.door.nothing_written():
        check_refused(send(shop, bomb), 413, "too_large")


def test_one_line_of_a_megabyte_costs_itself(shop: Caller) -> None:
    rows = [json.dumps(row) for row in copies(shop, 3)]
    rows[1] = rows[1][:-1] + ', "extraData": "' + "x" * 1_000_000 + '"}'
    _, told = worked(shop, "\n".join(rows))
    assert [row["code"] for row in told] == [None, "broken", None] or [
        row["code"] for row in told
    ] == [
        None,
        "too_long",
        None,
    ]


def test_a_body_that_stops_coming_leaves_nothing(
    shop: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recoup.kit.edge.spool.PIECE_SECONDS_MAX", 0.1)

    async def stops() -> AsyncIterator[bytes]:
        yield b'[{"orderId": '
        await asyncio.sleep(30)
        yield b""

    with shop.door.nothing_written():
        answer = shop.call("POST", "/uploads?kind=transmit", content=stops())
    check_refused(answer, 400, "malformed")


def test_a_form_with_one_file(shop: Caller) -> None:
    files = {
        "file": ("transmit_day.json", json.dumps(copies(shop, 2)).encode(), "application/json")
    }
    answer = shop.call("POST", "/uploads", files=files)
    assert answer.status_code == 202
    assert (answer.json()["fileName"], answer.json()["kind"]) == ("transmit_day.json", "transmit")
    check_refused(
        shop.call(
            "POST", "/uploads?kind=transmit", files={"a": ("transmit_a", b"[]"), "b": ("b", b"[]")}
        ),
        400,
        "malformed",
    )
    check_refused(shop.call("POST", "/uploads?kind=transmit", data={"a": "b"}, files={}), 400)


# stopping, reading
# --------------------------------------------------------------------------------------------------


def test_a_file_can_be_stopped_and_sent_again(shop: Caller) -> None:
    rows = copies(shop, 5)
    made = sent(shop, rows)
    stopped = shop.call("POST", f"/uploads/{made['id']}/stop").json()
    assert stopped["stopping"] is True
    shop.door.run(shop.shop.run_due())
    upload = shop.get(f"/uploads/{made['id']}").json()
    assert (upload["status"], upload["done"], upload["stopping"]) == ("stopped", 0, False)
    assert {row["status"] for row in answers(shop, made["id"])} == {"STOPPED"}
    assert shop.call("POST", f"/uploads/{made['id']}/stop").json()["status"] == "stopped"
    again, _ = worked(shop, rows)
    assert again["id"] != made["id"]
    check_refused(shop.call("POST", f"/uploads/{again['id']}/stop"), 409, "wrong_state")


def test_only_its_own_merchant_sees_a_file(shop: Caller, other: Caller) -> None:
    made = sent(shop, copies(shop, 2))
    for way, method in (
        (f"/uploads/{made['id']}", "GET"),
        (f"/uploads/{made['id']}/answers", "GET"),
        (f"/uploads/{made['id']}/stop", "POST"),
    ):
        check_refused(other.call(method, way), 404, "not_found")
    assert made["id"] not in {one["id"] for one in other.get("/uploads").json()["data"]}


def test_the_list_is_paged(shop: Caller) -> None:
    ids = [sent(shop, [row])["id"] for row in copies(shop, 3)]
    first = shop.get("/uploads?limit=2").json()
    assert [one["id"] for one in first["data"]] == ids[:0:-1]
    assert [one["id"] for one in shop.get(f"/uploads?after={first['next']}").json()["data"]] == ids[
        :1
    ]
    assert shop.get("/uploads?kind=evaluate").json()["data"] == []


def test_the_end_is_told(shop: Caller) -> None:
    upload, _ = worked(
        shop, [*copies(shop, 2), {"orderId": "x"}], "?kind=transmit&filename=transmit_1"
    )
    row = shop.door.sql(
        "SELECT body FROM outbox WHERE merchant_id = $1 AND event = 'upload.completed'",
        shop.shop.merchant_id,
    )
    assert [json.loads(one["body"]) for one in row] == [
        {
            "UploadId": upload["id"],
            "Kind": "transmit",
            "State": "completed",
            "FileName": "transmit_1",
            "Rows": 3,
            "Done": 2,
            "Refused": 1,
        }
    ]
    assert (
        shop.door.sql(
            "SELECT count(*) FROM due_work WHERE kind = 'upload' AND merchant_id = $1",
            shop.shop.merchant_id,
        )[0][0]
        == 0
    )
