"""Spreadsheets are read as their CSV; what one destroyed is seen, and none takes more than its
bounds."""

import io
import random
import zipfile
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import escape  # noqa: S406 - written, not read

import pytest
import xlsxwriter
from tests.imports.rules.reading import UNTIL, attempts, bad, look
from tests.rings import each

from recoup.bank.rules.matching import Theirs
from recoup.bank.rules.reading import Reading
from recoup.bank.rules.statement import Statement
from recoup.kernel.problem import Problem
from recoup.kit.files.lines import lines
from recoup.kit.files.source import source_of

HEADER = ["id", "PaymentIntent ID", "Created date (UTC)", "Amount", "Currency", "Status"]
_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)


def xlsx(*sheets: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        only = {
            date: book.add_format({"num_format": "d/m/yy"}),
            time: book.add_format({"num_format": "h:mm"}),
        }
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    form = day if isinstance(value, datetime) else only.get(type(value))
                    sheet.write(number, place, value, *([form] if form else []))
    return out.getvalue()


def packed(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()


def ods(rows: str) -> bytes:
    body = (
        f'<office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet>'
    )
    return packed(
        META_INF__manifest_xml="<m/>", content_xml=f"<office:c {_NAMES}>{body}</office:c>"
    ).replace(b"META_INF", b"META-INF")


def ods_row(*cells: str | tuple[str, str, str], times: int = 1) -> str:
    """Cells as texts, or as (type, attribute, value)."""
    made = ""
    for cell in cells:
        kind, name, value = cell if isinstance(cell, tuple) else ("string", "name", "")
        shown = cell if isinstance(cell, str) else "?"
        attributes = f'office:value-type="{kind}" office:{name}="{value}"'
        made += f"<table:table-cell {attributes}><text:p>{shown}</text:p></table:table-cell>"
    tail = '<table:table-cell table:number-columns-repeated="16384"/>'
    return f'<table:table-row table:number-rows-repeated="{times}">{made}{tail}</table:table-row>'


def text_of(raw: bytes) -> list[str]:
    return b"".join(source_of(io.BytesIO(raw))()).decode().splitlines()


def test_a_workbook_is_read_as_its_rows() -> None:
    at = datetime(2026, 3, 1, 10, 0, 5)  # noqa: DTZ001 - a cell has no zone
    raw = xlsx(
        [
            ["Payments of our shop"],
            [],
            HEADER,
            ["ch_1", "pi_1", at, 45.9, "usd", "Failed"],
            [],
            ["ch_2"],
        ],
        [],
    )
    assert text_of(raw)[3:] == ["ch_1,pi_1,2026-03-01 10:00:05,45.9,usd,Failed", "", "ch_2,,,,,"]
    [found] = attempts(raw)
    assert (found.line, found.units, found.at.isoformat()) == (4, 4590, "2026-03-01T10:00:05+00:00")
    assert bad(raw) == [(6, "status")]


def test_how_a_text_is_pronounced_is_left_out() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx([["id", "x"]]))) as whole:
        parts = {name: whole.read(name).decode() for name in whole.namelist()}
    said = "<t>id</t><rPh sb='0' eb='2'><t>ai di</t></rPh>"
    parts["xl/sharedStrings.xml"] = parts["xl/sharedStrings.xml"].replace("<t>id</t>", said)
    assert text_of(packed(**parts)) == ["id,x"]


def test_an_open_document_is_read_as_its_rows() -> None:
    row = ods_row(
        "ch_1",
        "pi_1",
        ("date", "date-value", "2026-03-01T10:00:05"),
        ("float", "value", "45.9"),
        "usd",
        "Paid",
    )
    raw = ods(
        ods_row("Payments") + ods_row(times=2) + ods_row(*HEADER) + row + ods_row(times=1_000_000)
    )
    [found] = attempts(raw)
    assert (found.line, found.units, found.at.isoformat()) == (5, 4590, "2026-03-01T10:00:05+00:00")


def test_ids_of_more_digits_than_a_spreadsheet_keeps_are_refused() -> None:
    rows = [
        [number, "pi", "2026-03-01 10:00:00", 45, "usd", "Paid"]
        for number in (987654321012, 98765432101234567890)
    ]
    raw = xlsx([HEADER, *rows])
    assert [one.ref for one in attempts(raw)] == ["987654321012"]
    assert bad(raw) == [(3, "spreadsheet")]


def shown(form: str, value: float) -> str:
    """A number as a cell of this format is read."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, value, book.add_format({"num_format": form}))
        sheet.write(0, 1, "x")
    return text_of(out.getvalue())[0].partition(",")[0]


def test_only_a_format_of_dates_makes_a_number_a_date() -> None:
    """Letters stand in paddings, texts, colours and currencies too: an amount of 45.90 was a day of
    1900."""
    numbers = (
        "0.00_d",
        "0_m",
        '_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)',
        '"days" 0',
        '0.00 "USD"',
        "[Red]0.00",
        "[$USD] #,##0.00",
        "#,##0.00 [$kr.-41D]",
        "_-* #,##0.00\\ _s_-",
        "*d0.00",
        "\\d0.00",
        "0.00E+00",
        "[<100]0.00;0.0",
        "[Yellow][$-409]#,##0.00",
        '0.00"',
        '"ds',
        "General",
        "000.00",
        "$#,##0.00_h",
    )
    assert {form: shown(form, 45.9) for form in numbers} == dict.fromkeys(numbers, "45.9")
    days = (
        "yyyy-mm-dd",
        "dd.mm.yyyy",
        "[$-409]d-mmm-yy;@",
        "[$-F800]dddd\\, mmmm dd\\, yyyy",
        '"on "d/m/yy_)',
        "mmm yyyy",
    )
    assert {form: shown(form, 46329) for form in days} == dict.fromkeys(days, "2026-11-03")
    times = (
        "h:mm",
        "h:mm AM/PM",
        "hh:mm:ss.000",
        "[h]:mm",
        "[$-409]h:mm:ss;@",
        "mm:ss.0",
        "yyyy-mm-dd hh:mm",
    )
    assert {form: shown(form, 0.375) for form in times} == dict.fromkeys(times, "09:00:00")
    assert shown("h:mm", 0) == "00:00:00"
    assert shown("yyyy-mm-dd hh:mm", 46329.375) == "2026-11-03 09:00:00"


def test_a_day_and_a_time_of_day_in_two_columns_of_a_sheet() -> None:
    head = ["reference", "type", "amount", "currency", "date", "time"]
    rows = [
        xlsx([head, ["ch_X4", "charge", 45.9, "USD", date(2026, 11, 3), time(9)]]),
        ods(
            ods_row(*head)
            + ods_row(
                "ch_X4",
                "charge",
                ("float", "value", "45.9"),
                "USD",
                ("date", "date-value", "2026-11-03"),
                ("time", "time-value", "PT09H00M00S"),
            )
        ),
    ]
    for raw in rows:
        source = source_of(io.BytesIO(raw))
        [line] = Statement(
            lambda source=source: lines(source(), "utf-8"),
            Reading(),
        )  # type: ignore[misc]
        assert isinstance(line, Theirs)
        assert (line.units, line.at.isoformat()) == (4590, "2026-11-03T09:00:00+00:00")


def test_an_id_that_is_protected_as_text_is_the_id_in_a_sheet_too() -> None:
    for written in ('="00123"', "'00123", "00123\u00a0", "\u200b00123"):
        row = [written, written, "2026-03-01 10:00:00", "45.9", "usd", "Paid"]
        for raw in (
            xlsx([HEADER, row]),
            ods(ods_row(*HEADER) + ods_row(*(escape(cell) for cell in row))),
        ):
            assert [(one.ref, one.payment) for one in attempts(raw)] == [("00123", "00123")], (
                written
            )


@each(
    ("raw", "why"),
    [
        (xlsx([HEADER], [HEADER]), "has 2 sheets with cells"),
        (xlsx([[]]), "has 0 sheets with cells"),
        (ods(ods_row(*["x"] * 500)), "or 400 columns"),
        (ods(ods_row("x", times=900_000_00)), "more than"),
        (ods("<table:a>" * 100), "nested too deep"),
        (ods(f'<table:a b="{"x" * (2 << 20)}"/>'), "or not a sheet"),
        (
            packed(META_INF__manifest_xml="", content_xml="<!DOCTYPE x><x/>"),
            "declares a document type",
        ),
        (
            packed(
                META_INF__manifest_xml="", content_xml='<?xml version="1.0" encoding="UTFd8"?><x/>'
            ),
            "damaged",
        ),
        (packed(**{"xl/workbook.bin": "x"}), "another format"),
        (xlsx([HEADER])[:-40], "damaged"),
    ],
)
def test_what_is_no_sheet_of_transactions_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why):
        look(raw.replace(b"META_INF", b"META-INF"))


def test_a_sheet_that_was_changed_anywhere_is_read_or_refused() -> None:
    dice = random.Random(36)  # noqa: S311 - no secret
    whole = [
        xlsx([HEADER, ["ch_1", "pi", "2026-03-01", 45.9, "usd", "Paid"]]),
        ods(ods_row(*HEADER) + ods_row("ch_1")),
    ]
    for turn in range(40):
        changed = {}
        with zipfile.ZipFile(io.BytesIO(whole[turn % 2])) as archive:
            for name in archive.namelist():
                part = bytearray(archive.read(name))
                place = dice.randrange(len(part))
                part[place : place + dice.randrange(3)] = dice.randbytes(dice.randrange(3))
                changed[name] = part.decode("latin-1")
        with suppress(Problem):
            list(look(packed(**changed)).read(UNTIL, world=False))


def test_a_text_of_a_workbook_that_there_is_not_is_empty() -> None:
    """Its number may have more digits than Python reads."""
    with zipfile.ZipFile(io.BytesIO(xlsx([[*HEADER, "note"]]))) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    last = f"<v>{len(HEADER)}</v>"
    assert last in sheet
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(last, f"<v>{'9' * 5_000}</v>")
    source = source_of(io.BytesIO(packed(**parts)))
    assert next(iter(source())).decode().strip() == ",".join([*HEADER, ""])
