"""A workbook of a few kilobytes that would become gigabytes, or take minutes: it is refused, or
read in part, or ended at its deadline, and the process that asked stays as it was."""

import asyncio
import io
import os
import sys
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from tests.kit.rules.test_sheet import ods, ods_row, xlsx
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kit import workbooks
from recoup.kit.files.lines import LINE_MAX, lines
from recoup.kit.files.sheet import ROWS_MAX
from recoup.kit.workbooks import opened

MEMORY_MAX = 32 << 20


def zipped(parts: list[tuple[str, str]]) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of a name that comes twice
        for name, text in parts:
            archive.writestr(name, text)
    return out.getvalue()


def book(rows: str, shared: str = "", sheets: int = 1) -> list[tuple[str, str]]:
    """All of its sheets are one part."""
    named = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(sheets))
    targets = "".join(
        f'<Relationship Id="r{n}" Target="worksheets/sheet1.xml"/>' for n in range(sheets)
    )
    return [
        ("xl/workbook.xml", f'<workbook xmlns:r="r"><sheets>{named}</sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", f"<Relationships>{targets}</Relationships>"),
        ("xl/sharedStrings.xml", f"<sst>{shared}</sst>"),
        ("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{rows}</sheetData></worksheet>"),
    ]


def row(number: int, cells: int) -> str:
    return f'<row r="{number}">' + '<c t="s"><v>0</v></c>' * cells + "</row>"


def read(content: bytes) -> bytes:
    async def inside() -> bytes:
        async with opened(io.BytesIO(content)) as plain:
            return plain.read()

    return asyncio.run(inside())


def memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


RUNS = "<si>" + f"<r><t>{'x' * LINE_MAX}</t></r>" * 60 + "</si>"
BOMBS = {
    "cells that share a text of four megabytes": zipped(book(row(1, 400) * 3, RUNS)),
    "a cell that is repeated, in a row that is": ods(
        f'<table:table-row table:number-rows-repeated="{ROWS_MAX}"><table:table-cell '
        f'office:value-type="string" '
        f'table:number-columns-repeated="400"><text:p>{"x" * LINE_MAX}</text:p>'
        "</table:table-cell></table:table-row>"
    ),
    "an empty row far below": zipped(book(row(1, 1) + row(ROWS_MAX // 8, 1), "<si><t>x</t></si>")),
}
REFUSED = {
    "one part as ten sheets": (zipped(book(row(1, 3), sheets=10)), "same part twice"),
    "one name ten times": (
        zipped([*book(row(1, 3)), *[("xl/styles.xml", "<s/>")] * 10]),
        "same part twice",
    ),
    "more rows than a sheet has": (ods(ods_row("x", times=ROWS_MAX + 1)), "rows or"),
    "a column far to the right": (zipped(book('<row><c r="ZZZ1"><v>1</v></c></row>')), "columns"),
    "many files": (zipped([(f"{n}.csv", "x") for n in range(3)]), "holds 3 files"),
}


@each("name", BOMBS)
def test_a_workbook_that_would_become_gigabytes_leaves_nothing(name: str) -> None:
    before, found = memory(), b""
    with suppress(Problem):
        found = read(BOMBS[name])
    assert all(len(one.text or "") <= LINE_MAX for one in lines([found], "utf-8"))
    assert memory() - before < MEMORY_MAX, name


@each("name", REFUSED)
def test_what_no_spreadsheet_writes_is_refused(name: str) -> None:
    content, why = REFUSED[name]
    with pytest.raises(Problem, match=why) as problem:
        read(content)
    assert problem.value.cure


def test_other_files_are_left_as_they_are() -> None:
    sheet = xlsx([["id", "amount"], ["a", 1.5]])
    assert read(sheet) == b"id,amount\na,1.5\n"
    for other in (b"id\n1\n", b"", zipped([("a.csv", "id\n1\n")])):
        assert read(other) == other


def slow() -> bytes:
    """Small, and it takes seconds to read."""
    return zipped(
        book("".join(row(number, 300) for number in range(1, 2_000)), "<si><t>x</t></si>")
    )


def processes_of_workbooks() -> list[str]:
    """Of this one, which still run."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [
        one
        for one in children
        if b"recoup.kit.workbooks" in Path(f"/proc/{one}/cmdline").read_bytes()
    ]


def test_a_workbook_is_ended_with_its_reader() -> None:
    """Whatever it does just then."""

    async def story() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(opened(io.BytesIO(slow())).__aenter__(), 0.4)

    asyncio.run(story())
    assert not processes_of_workbooks()


@each("does", ["os.kill(os.getpid(), 9)", "raise MemoryError", "os._exit(1)"])
def test_a_workbook_that_wants_more_memory_than_a_sheet_is_ended(does: str) -> None:
    """Its process was told no, or was killed by the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbooks, "_COMMAND", (sys.executable, "-c", f"import os; {does}"))
        with pytest.raises(Problem) as problem:
            read(xlsx([["id"], ["a"]]))
    assert problem.value.code == "too_large"
