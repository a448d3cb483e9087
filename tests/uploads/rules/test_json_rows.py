"""A JSON file as rows, whatever its layout, however it is cut into pieces, and wherever it is
broken."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.uploads.rules.rows import ROW_CHARS_MAX, SEARCHES_MAX, Header, JsonRows, Record

HEAD = {"mid": "m-1", "authorizationToken": "secret", "expiryDateUtc": "2026-03-23"}


def read(text: str, size: int = 50) -> tuple[list[Record], JsonRows]:
    rows = JsonRows(text[at : at + size] for at in range(0, len(text), size))
    return list(rows), rows


def row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "sequenceNumber": str(number),
        "orderId": f"o-{number}",
        "transaction": {"amount": number},
        "orderItems": [{"sku": "a"}, {"sku": "b}]"}],
    } | more


NAMES = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
ROWS = st.lists(
    st.fixed_dictionaries({"orderId": st.text(max_size=6)}, optional={"extraData": VALUES}),
    max_size=6,
)


@given(
    ROWS.filter(bool),
    st.integers(1, 60),
    st.sampled_from([None, 2]),
    st.sampled_from(["list", "lines", "head", "object", "both"]),
)
def test_rows_come_out_as_they_went_in(
    rows: list[Any], size: int, indent: int | None, layout: str
) -> None:
    listed = json.dumps(rows, indent=indent, ensure_ascii=bool(indent))
    text = {
        "list": listed,
        "lines": "\n".join(map(json.dumps, rows)),
        "head": json.dumps([HEAD, *rows], indent=indent),
        "object": json.dumps(HEAD | {"rows": rows}, indent=indent),
        "both": json.dumps(HEAD) + listed,
    }[layout]
    found, source = read(text, size)
    assert [json.loads(one.text or "") for one in found] == rows
    assert [one.number for one in found] == list(range(1, len(rows) + 1))
    assert source.header == (
        Header() if layout in ("list", "lines") else Header("", "m-1", "2026-03-23")
    )
    assert not source.notes


@each(
    "wrong",
    [
        lambda text: text.replace('"amount": 5', '"amount": 5,,'),
        lambda text: text.replace('"o-5"', '"o-5'),
        lambda text: text.replace('"o-5",', '"o-5"'),
        lambda text: text.replace('{"amount": 5}', '{"amount": 5'),
        lambda text: text.replace('"amount": 5', '"amount": NaN'),
        lambda text: text.replace('"o-5"', "o-5"),
        lambda text: text.replace('{"amount": 5}', '"' + "x" * (3 * ROW_CHARS_MAX)),
        lambda text: text.replace('{"amount": 5}', "[" * 100_000),
    ],
)
@each("indent", [None, 1])
def test_a_broken_row_costs_itself(wrong: Any, indent: int | None) -> None:
    text = wrong(json.dumps([row(n) for n in range(1, 10)]))
    if indent:
        text = text.replace('{"sequenceNumber', '\n{"sequenceNumber')
    found, _ = read(text, 4_096)
    taken = [json.loads(one.text)["orderId"] for one in found if one.text]
    assert [f"o-{n}" for n in (1, 2, 3, 4, 6, 7, 8, 9)] == [name for name in taken if name != "o-5"]
    assert sum(one.code == "broken" for one in found) == 1
    broken = next(one for one in found if one.code)
    assert broken.number == 5
    assert broken.line == (6 if indent else 1)


def test_one_row_that_is_too_long_is_told() -> None:
    found, _ = read(json.dumps([row(1), row(2, extraData="x" * ROW_CHARS_MAX), row(3)]), 60_000)
    assert [one.code for one in found] == ["", "too_long", ""]


def test_a_file_that_ends_early_gives_what_came() -> None:
    text = json.dumps([row(n) for n in range(1, 6)])
    found, source = read(text[:-30])
    assert [one.code for one in found] == ["", "", "", "", "broken"]
    found, source = read(text[:-1])
    assert [one.code for one in found] == [""] * 5
    assert "ends before its list" in source.notes[0]


def test_what_is_no_object_is_told() -> None:
    found, _ = read('[1, "a", null, true, ' + json.dumps(row(1)) + "]")
    assert [one.code for one in found] == ["not_an_object"] * 4 + [""]


def test_bytes_that_are_no_utf_8_are_told() -> None:
    found, _ = read(json.dumps([row(1), row(2, senseKey="\ufffd")], ensure_ascii=False))
    assert [one.code for one in found] == ["", "wrong_encoding"]


@pytest.mark.parametrize("text", ["", "   ", "hello", "\n\n", "1,2,3"])
def test_what_is_no_file_of_rows_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        read(text)


@pytest.mark.parametrize(
    "tail", ['"mid": "m-1"', '"expiryDateUtc": "2026"', '"header": {"mid": "x"}']
)
def test_a_configuration_after_the_rows_is_refused(tail: str) -> None:
    with pytest.raises(Problem, match="after rows"):
        read('{"rows": [' + json.dumps(row(1)) + "], " + tail + "}")
    assert (
        len(
            read('{"rows": [' + json.dumps(row(1)) + '], "note": [1, {"a": 2}], "more": {"b": 1}}')[
                0
            ]
        )
        == 1
    )


def test_a_configuration_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(Problem, match="twice"):
        read(json.dumps([{"mid": "a"}, {"mid": "b"}, row(1)]))


def test_a_file_of_broken_places_is_given_up() -> None:
    """Bounded, whatever stands in it: looking for the next row costs time."""
    with pytest.raises(Problem, match="too many places"):
        read("[" + '{"orderId": "1, {"a": ' * (2 * SEARCHES_MAX) + "]", 1 << 16)


def test_a_brace_and_a_megabyte_of_blanks_is_a_broken_row_not_an_error_of_ours() -> None:
    for blanks in (1 << 18, 1 << 20):
        records, _ = read("{" + " " * blanks, 1 << 16)
        assert [record.code for record in records] == ["broken"]


def test_a_configuration_without_end_is_refused() -> None:
    with pytest.raises(Problem, match="no rows"):
        read('{"mid":""}\n' * 300_000, 1 << 16)


@pytest.mark.parametrize("size", [7, 50, 4_096])
def test_a_line_that_is_a_list_of_values_is_one_row(size: int) -> None:
    """It had counted as two, so that the numbers of later rows were others than those of the
    answers."""
    text = "\n".join([json.dumps(row(1)), "[1,2]", json.dumps(row(3)), json.dumps(row(4))])
    found, _ = read(text, size)
    assert [(one.number, one.line, one.code) for one in found] == [
        (1, 1, ""),
        (2, 2, "not_an_object"),
        (3, 3, ""),
        (4, 4, ""),
    ]
    lists, _ = read("\n".join([json.dumps([row(1)]), json.dumps([row(2), row(3)])]), size)
    assert [one.number for one in lists if not one.code] == [1, 2, 3], (
        "lists of rows are read as before"
    )


def test_values_without_end_that_are_no_rows_are_refused() -> None:
    """The reader of a list of numbers tells of some of them; a row begins the count anew."""
    row = '{"orderId": "1"}'
    some = ",".join(["0"] * SEARCHES_MAX)
    assert len(list(JsonRows(iter([f"[{some},{row},{some}]"])))) == 2 * SEARCHES_MAX + 1
    with pytest.raises(Problem, match="broken in too many places"):
        list(JsonRows(iter([f"[{some},0,{row}]"])))
