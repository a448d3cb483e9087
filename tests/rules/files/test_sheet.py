"""Spreadsheets are read as their CSV; what one destroyed is seen, and none takes more than its bounds."""

import io
import random
import zipfile
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
import xlsxwriter
from tests.rings import each
from tests.rules.imports.reading import UNTIL, attempts, bad, look

from recoup.kernel.problem import Problem
from recoup.rules.files.source import source_of

HEADER = ["id", "PaymentIntent ID", "Created date (UTC)", "Amount", "Currency", "Status"]
_NAMES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
)


def xlsx(*sheets: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        for rows in sheets:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                for place, value in enumerate(row):
                    sheet.write(number, place, value, *([day] if isinstance(value, datetime) else []))
    return out.getvalue()


def packed(**parts: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()


def ods(rows: str) -> bytes:
    body = f'<office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet>'
    return packed(META_INF__manifest_xml="<m/>", content_xml=f"<office:c {_NAMES}>{body}</office:c>").replace(
        b"META_INF", b"META-INF"
    )


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
    raw = xlsx([["Payments of our shop"], [], HEADER, ["ch_1", "pi_1", at, 45.9, "usd", "Failed"], [], ["ch_2"]], [])
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
        "ch_1", "pi_1", ("date", "date-value", "2026-03-01T10:00:05"), ("float", "value", "45.9"), "usd", "Paid"
    )
    raw = ods(ods_row("Payments") + ods_row(times=2) + ods_row(*HEADER) + row + ods_row(times=1_000_000))
    [found] = attempts(raw)
    assert (found.line, found.units, found.at.isoformat()) == (5, 4590, "2026-03-01T10:00:05+00:00")


def test_ids_of_more_digits_than_a_spreadsheet_keeps_are_refused() -> None:
    rows = [[number, "pi", "2026-03-01 10:00:00", 45, "usd", "Paid"] for number in (987654321012, 98765432101234567890)]
    raw = xlsx([HEADER, *rows])
    assert [one.ref for one in attempts(raw)] == ["987654321012"]
    assert bad(raw) == [(3, "spreadsheet")]


@each(
    ("raw", "why"),
    [
        (xlsx([HEADER], [HEADER]), "has 2 sheets with cells"),
        (xlsx([[]]), "has 0 sheets with cells"),
        (ods(ods_row(*["x"] * 500)), "or 400 columns"),
        (ods(ods_row("x", times=900_000_00)), "more than"),
        (ods("<table:a>" * 100), "nested too deep"),
        (ods(f'<table:a b="{"x" * (2 << 20)}"/>'), "or not a sheet"),
        (packed(META_INF__manifest_xml="", content_xml="<!DOCTYPE x><x/>"), "declares a document type"),
        (packed(META_INF__manifest_xml="", content_xml='<?xml version="1.0" encoding="UTFd8"?><x/>'), "damaged"),
        (packed(**{"xl/workbook.bin": "x"}), "another format"),
        (xlsx([HEADER])[:-40], "damaged"),
    ],
)
def test_what_is_no_sheet_of_transactions_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why):
        look(raw.replace(b"META_INF", b"META-INF"))


def test_a_sheet_that_was_changed_anywhere_is_read_or_refused() -> None:
    dice = random.Random(36)  # noqa: S311 - no secret
    whole = [xlsx([HEADER, ["ch_1", "pi", "2026-03-01", 45.9, "usd", "Paid"]]), ods(ods_row(*HEADER) + ods_row("ch_1"))]
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
