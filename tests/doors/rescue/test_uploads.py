"""Files of many payments: taken whole, worked row by row, answered row by row (contract §12)."""

import json
from collections.abc import Iterable
from typing import Any

import httpx
from tests.doors.rescue.door import APPROVES, GONE, Caller, Door, everything, transmit_body


def send(shop: Caller, body: bytes | str, query: str = "?kind=transmit", **headers: str) -> httpx.Response:
    content = body.encode() if isinstance(body, str) else body
    return shop.call("POST", f"/uploads{query}", content=content, headers=headers)


def sent(shop: Caller, rows: Any, query: str = "?kind=transmit") -> dict[str, Any]:
    """Stored; the upload."""
    answer = send(shop, rows if isinstance(rows, bytes | str) else json.dumps(rows), query)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def worked(shop: Caller, rows: Any, query: str = "?kind=transmit") -> tuple[dict[str, Any], list[dict[str, Any]]]:
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
    return [transmit_body(shop, sequenceNumber=str(n), orderId=f"SO-{n}", transaction__id=f"tx-{n}")
            for n in range(1, count + 1)]  # fmt: skip


def declines(shop: Caller, count: int, **changes: Any) -> list[dict[str, Any]]:
    token = shop.token_for(APPROVES)
    return [shop.body(paymentMethod={"cardNumber": token, "token": True}, **changes) for _ in range(count)]


def counted(shop: Caller, table: str) -> int:
    return int(shop.door.sql(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", shop.shop.merchant_id)[0][0])


# what a file may look like ------------------------------------------------------------------------------------------


def layouts(rows: list[dict[str, Any]], mid: str) -> Iterable[tuple[str, str]]:
    head = {"mid": mid, "authorizationToken": "eyJ.not-a-token.of-ours"}
    lines = "\n".join(json.dumps(row) for row in rows)
    yield "a list", json.dumps(rows)
    yield "a list, indented", json.dumps(rows, indent=2)
    yield "one object a line", lines
    yield "one object a line, configuration first", json.dumps(head) + "\r\n" + lines.replace("\n", "\r\n") + "\r\n"
    yield "a list that begins with the configuration", json.dumps([head, *rows])
    yield "the configuration, then the list", json.dumps(head) + "\n" + json.dumps(rows)
    yield "a configuration and a list in a list", json.dumps([head, rows])
    yield "an object that holds both", json.dumps({**head, "transactions": rows})
    yield "an object of two", json.dumps({"header": {**head, "bearer": "x"}, "records": rows}, indent=1)
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
            (row["orderId"], row["sequenceNumber"], "SUCCESS") for row in rows], about
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
