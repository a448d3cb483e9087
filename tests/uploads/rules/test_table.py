"""A CSV as rows: columns by their names, cells as the body has them."""

from typing import Any

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit.files.lines import lines
from recoup.uploads.api import columns_of
from recoup.uploads.rules.rows import Record
from recoup.uploads.rules.table import TableRows, body_of


def read(
    text: str | bytes, kind: str = "transmit", encoding: str = "utf-8-sig"
) -> tuple[list[Record], TableRows]:
    raw = text.encode() if isinstance(text, str) else text
    table = TableRows(lines([raw], encoding), columns_of(kind))
    return list(table), table


def bodies(text: str, kind: str = "transmit") -> list[dict[str, Any]]:
    records, table = read(text, kind)
    return [body_of(table.columns, record.cells or ()) for record in records]


def test_a_file_of_empty_lines_is_refused_before_it_takes_minutes() -> None:
    with pytest.raises(Problem, match="empty lines"):
        read(b"orderId\n" + b"\n" * 300_000)


@each("delimiter", [",", ";", "\t", "|"])
@each("end", ["\n", "\r\n"])
def test_names_with_dots_become_objects(delimiter: str, end: str) -> None:
    text = end.join(
        delimiter.join(row)
        for row in (
            (
                "Order ID",
                "isDeclined",
                "transaction.amount",
                "TRANSACTION CURRENCY",
                "payer_email",
                "sequenceNumber",
                "Shop",
            ),
            ("SO-1", "yes", "4590", "USD", "a@example.test", "1", "x"),
            ("SO-2", "0", "45.90", "", "", "2", "y"),
        )
    )
    assert bodies("\ufeff" + text) == [
        {
            "orderId": "SO-1",
            "isDeclined": True,
            "transaction": {"amount": 4590, "currency": "USD"},
            "payer": {"email": "a@example.test"},
            "sequenceNumber": "1",
        },
        {
            "orderId": "SO-2",
            "isDeclined": False,
            "transaction": {"amount": "45.90"},
            "sequenceNumber": "2",
        },
    ]
    assert read(text)[1].notes == ["Columns that nothing was read from: Shop."]


def test_quotes_hold_the_delimiter() -> None:
    assert bodies('orderId,holderName\nSO-1,"Roe, Ana ""A"""\n') == [
        {"orderId": "SO-1", "paymentMethod": {"holderName": 'Roe, Ana "A"'}}
    ]


def test_a_broken_line_costs_itself() -> None:
    records, _ = read('orderId,amount\nSO-1,1\nSO-2,"2\nSO-3\nSO-4,4,4\n\nSO-5,5\n')
    assert [(record.number, record.line, record.code) for record in records] == [
        (1, 2, ""),
        (2, 3, "broken"),
        (3, 4, "broken"),
        (4, 5, "broken"),
        (5, 7, ""),
    ]


def test_a_nul_costs_its_line_and_a_header_with_one_the_file() -> None:
    records, _ = read(b"orderId,Shop\nSO-1,x\nSO-2,a\x00b\n")
    assert [record.code for record in records] == ["", "broken"]
    with pytest.raises(Problem, match="NUL"):
        read(b"orderId,a\x00b\nSO-1,x\n")


def test_bytes_of_another_encoding_cost_their_line() -> None:
    records, _ = read(b"orderId,holderName\nSO-1,Ana\n" + "SO-2,Zoë\n".encode("cp1252"))
    assert [record.code for record in records] == ["", "wrong_encoding"]
    records, _ = read("orderId,holderName\nSO-1,Zoë\n".encode("utf-16"), encoding="utf-16")
    assert [record.code for record in records] == [""]


@each(
    ("header", "why"),
    [
        ("a,b", "no orderId"),
        ("orderId,orderId", "twice"),
        ("orderId,Order_ID", "twice"),
        ("orderId,expiryDateUct", "did you mean expiryDateUtc"),
        ("orderId,expiry_date", "did you mean expiryDateUtc"),
        ('orderId,"b', "quotes"),
        ("orderId," + ",".join(f"c{n}" for n in range(500)), "400 columns"),
        ("c," * 1_000_000, "longer than"),
        ("", "empty"),
    ],
)
def test_a_header_that_cannot_be_is_refused(header: str, why: str) -> None:
    with pytest.raises(Problem, match=why):
        read(header + "\nx,y\n" if header else header, "evaluate")


def test_every_plain_field_of_the_bodies_has_a_column() -> None:
    for kind in ("transmit", "evaluate"):
        paths = {".".join(column.path) for column in columns_of(kind).values()}
        assert {
            "orderId",
            "isMIT",
            "isDeclined",
            "transaction.amount",
            "transaction.responseCode",
            "payer.email",
            "billingInformation.countryCode",
            "paymentMethod.cardLast4Digits",
            "expiryDateUtc",
            "mid",
            "siteId",
            "sequenceNumber",
        } <= paths
        assert not {path for path in paths if path.startswith(("orderItems", "additionalFields"))}


def test_currency_stands_alone_and_what_several_may_mean_is_told() -> None:
    [body] = bodies("orderId,amount,currency,isMIT\no-1,4590,USD,true\n", "evaluate")
    assert body["transaction"] == {"amount": 4590, "currency": "USD"}
    _, source = read("orderId,id\no-1,7\n", "evaluate")
    assert any("payer.id or" in note and "transaction.id" in note for note in source.notes), (
        source.notes
    )
