"""A spreadsheet's only sheet as the lines of a CSV, row by row: XLSX and ODS, within bounds.

Line numbers are its rows. A number of more than 15 digits, of which a spreadsheet keeps no more,
comes as it would show it, so that an id that was destroyed is seen. Source: ECMA-376 parts 1 and 3
(SpreadsheetML), OASIS OpenDocument 1.3 part 3, ch. 9; what they say of cells alone.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from posixpath import join, normpath
from typing import Final

from recoup.kernel.problem import Problem, Sentence, figure, invalid, too_large
from recoup.kernel.stop import look_up
from recoup.kernel.texts import is_digits, parse_whole
from recoup.kit.files.lines import LINE_MAX
from recoup.kit.files.table import COLUMNS_MAX
from recoup.kit.files.unpack import check_unpacked
from recoup.kit.files.xml_parts import Element, XmlError, parts

CHUNK: Final = 1 << 16
ROWS_MAX: Final = 1_048_576  # as many as a sheet can have
SHEETS_MAX: Final = 10
BYTES_MAX: Final = 256 << 20  # of one part's XML
SHARED_MAX: Final = 64_000_000  # characters of texts that cells share
STYLES_MAX: Final = 65_536
DIGITS: Final = 15  # of a number that a spreadsheet keeps
_DATES: Final = frozenset(
    {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
)  # built-in formats of dates
# What a format says beside its numbers: texts, brackets, the fill and the paddings as wide as the
# next character.
_QUOTED: Final = re.compile(r'"[^"]*"?|[\\_*].?|\[[^\]]*\]?|general|standard')
_NUMBER: Final = re.compile(r"[#?]|(?<![.,0])0")  # a moment's noughts stand for parts of a second
_DURATION: Final = re.compile(r"PT([0-9]{1,2})H([0-9]{1,2})M([0-9]{1,2})(?:[.,][0-9]{1,9})?S")
_PLACE: Final = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_PLAIN: Final = ("t", "v", "p")  # elements of text
_TWICE: Final = "It holds the same part twice."
Row = list[str]
Rows = Iterator[tuple[int, int, Row]]  # which sheet, the row's number, its cells


def is_sheet(names: Sequence[str]) -> bool:
    """True when a ZIP of these files is a workbook."""
    return any(
        name in names for name in ("xl/workbook.xml", "xl/workbook.bin", "META-INF/manifest.xml")
    )


def sheet_lines(packed: zipfile.ZipFile) -> Iterator[bytes]:
    """Raises: Problem(invalid) for what is no such file, or has several sheets;
    Problem(too_large)."""
    names = packed.namelist()
    if len(set(names)) < len(names):
        raise _unreadable(_TWICE)
    if "xl/workbook.xml" in names:
        rows = _xlsx(packed)
    elif "content.xml" in names:
        rows = partial(_ods_rows, packed)
    else:
        raise _unreadable("It is of another format than XLSX and ODS.")
    filled = {sheet for sheet, _, row in rows() if any(row)}
    if len(filled) != 1:
        raise invalid(
            Sentence("The workbook has {0} sheets with cells, not one.", len(filled)),
            "file",
            "Save the sheet of transactions as a file of its own.",
        )
    size = max(1, sum(part.compress_size for part in packed.infolist()))
    made = width = 0
    for row in _filled((number, row) for sheet, number, row in rows() if sheet in filled):
        width = max(width, len(row))
        line = _line(row, width)
        made += len(line)
        check_unpacked(made, size)
        yield line


def _line(row: Row, width: int) -> bytes:
    """Writes a row as a line; one that is longer than a line can be is only that."""
    if not any(row):
        return b"\n"
    if sum(map(len, row)) > LINE_MAX:
        return b" " * (LINE_MAX + 1) + b"\n"
    out, cells = io.StringIO(), (*row, *[""] * (width - len(row)))
    csv.writer(out, lineterminator="\n").writerow(
        " ".join(cell.split("\n")).replace("\r", " ") for cell in cells
    )
    return out.getvalue().encode("utf-8", "replace")


# XML
# --------------------------------------------------------------------------------------------------


def _elements(
    packed: zipfile.ZipFile, name: str, *cut: str
) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    try:
        yield from parts(_pieces(packed, name), cut, _PLAIN, LINE_MAX)
    except XmlError as error:
        raise _refused(error) from None
    except (
        LookupError,
        ValueError,
        zipfile.BadZipFile,
        OSError,
        RuntimeError,
        EOFError,
        zlib.error,
    ):
        raise _unreadable("It is damaged or encrypted.") from None


def _pieces(packed: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    info, made = packed.getinfo(name), 0
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unreadable("It is packed by another method than Deflate.")
    with packed.open(info) as entry:
        while piece := entry.read(CHUNK):
            look_up()
            made += len(piece)
            check_unpacked(made, max(1, info.compress_size))
            if made > BYTES_MAX:
                raise _no_sheet()
            yield piece


def _refused(error: XmlError) -> Problem:
    if error.kind in ("large", "endless"):
        return _no_sheet()
    if error.kind == "deep":
        return _unreadable("Its elements are nested too deep.")
    return _unreadable(
        "It declares a document type."
        if error.kind == "declares"
        else "It is damaged or encrypted."
    )


def _no_sheet() -> Problem:
    message = Sentence("The sheet is larger than {0} MB, or not a sheet.", BYTES_MAX >> 20)
    return too_large(message, "Save it as CSV, and split it.")


def _unreadable(why: str) -> Problem:
    return invalid(
        Sentence("The spreadsheet cannot be read. {0}", Sentence(why)),
        "file",
        "Save it as XLSX, ODS or CSV UTF-8 again.",
    )


def _filled(rows: Iterator[tuple[int, Row]]) -> Iterator[Row]:
    """Adds the empty rows between those that are there. Raises: Problem(too_large)."""
    last = 0
    for number, row in rows:
        _check_size(number, len(row))
        for _ in range(last + 1, number):
            yield []
        last = max(last, number)
        yield row


def _check_size(rows: int, columns: int) -> None:
    """Raises: Problem(too_large)."""
    if rows > ROWS_MAX or columns > COLUMNS_MAX:
        raise too_large(
            Sentence(
                "The sheet has more than {0} rows or {1} columns.", figure(ROWS_MAX), COLUMNS_MAX
            )
        )


# XLSX
# --------------------------------------------------------------------------------------------------


def _xlsx(packed: zipfile.ZipFile) -> Callable[[], Rows]:
    targets = {
        link.attributes.get("Id", ""): normpath(
            join("xl", link.attributes.get("Target", ""))
        ).removeprefix("/")
        for link, _ in _elements(packed, "xl/_rels/workbook.xml.rels", "Relationship")
    }
    epoch, places = datetime(1899, 12, 30), list[str]()  # noqa: DTZ001 - a cell has no zone
    for element, _ in _elements(packed, "xl/workbook.xml", "sheet", "workbookPr"):
        if element.name == "workbookPr" and element.attributes.get("date1904") in ("1", "true"):
            epoch = datetime(1904, 1, 1)  # noqa: DTZ001 - a cell has no zone
        elif element.name == "sheet" and len(places) < SHEETS_MAX:
            places.append(targets.get(element.attributes.get("id", ""), ""))
    names = frozenset(packed.namelist())
    shared = _shared(packed) if "xl/sharedStrings.xml" in names else []
    dates = _date_styles(packed) if "xl/styles.xml" in names else frozenset()
    places = [place for place in places if place in names]
    if len(set(places)) < len(places):
        raise _unreadable(_TWICE)
    return lambda: (
        (sheet, number, row)
        for sheet, place in enumerate(places)
        for number, row in _xlsx_rows(packed, place, shared, dates, epoch)
    )


def _shared(packed: zipfile.ZipFile) -> list[str]:
    texts, size = list[str](), 0
    for element, _ in _elements(packed, "xl/sharedStrings.xml", "si"):
        texts.append(_runs(element))
        size += len(texts[-1]) + 1
        if size > SHARED_MAX or len(texts) > SHARED_MAX // 16:
            raise too_large("The sheet has too much text.")
    return texts


def _runs(text: Element) -> str:
    """A text, in one piece or in runs; how it is pronounced is left out."""
    return "".join(piece.text for part in (text, *text.all("r")) for piece in part.all("t"))[
        :LINE_MAX
    ]


def _date_styles(packed: zipfile.ZipFile) -> frozenset[str]:
    """Numbers of the cells' styles that show dates."""
    own: dict[str, bool] = {}
    dates, number = set[str](), 0
    for element, above in _elements(packed, "xl/styles.xml", "numFmt", "xf"):
        form = element.attributes.get("numFmtId", "")
        if element.name == "numFmt" and len(own) < STYLES_MAX:
            shape = _QUOTED.sub("", element.attributes.get("formatCode", "").lower())
            own[form] = _NUMBER.search(shape) is None and re.search("[ymdhs]", shape) is not None
        elif (
            element.name == "xf"
            and above[-1:]
            and above[-1].name == "cellXfs"
            and number < STYLES_MAX
        ):
            if own.get(form, parse_whole(form, 3) in _DATES):
                dates.add(str(number))
            number += 1
    return frozenset(dates)


def _xlsx_rows(
    packed: zipfile.ZipFile,
    place: str,
    shared: Sequence[str],
    dates: frozenset[str],
    epoch: datetime,
) -> Iterator[tuple[int, Row]]:
    number = 0
    for element, _ in _elements(packed, place, "row"):
        given, row = element.attributes.get("r", ""), list[str]()
        number = int(given) if is_digits(given, 1, 8) else number + 1
        for cell in element.all("c"):
            content = cell.said("v") or "".join(map(_runs, cell.all("is")))
            at = _column(cell.attributes.get("r", ""), len(row))
            if content and at >= COLUMNS_MAX:
                _check_size(number, at + 1)
            elif content:
                row += [""] * (at - len(row))
                row[at:] = [_xlsx_text(content, cell.attributes, shared, dates, epoch)]
        yield number, row


def _column(place: str, following: int) -> int:
    match = _PLACE.fullmatch(place)
    if match is None:
        return following
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return max(number - 1, following)


def _xlsx_text(
    content: str,
    cell: Mapping[str, str],
    shared: Sequence[str],
    dates: frozenset[str],
    epoch: datetime,
) -> str:
    kind = cell.get("t", "n")
    if kind == "s":
        index = parse_whole(content, 8)
        return shared[index] if index is not None and index < len(shared) else ""
    if kind == "b":
        return "true" if content == "1" else "false"
    if kind != "n":
        return content
    try:
        value = float(content)
    except ValueError:
        return content
    if cell.get("s") in dates and 0 <= value < 3_000_000:  # noqa: PLR2004 - of the year 9999
        at = epoch + timedelta(seconds=round(value * 86_400))
        if value < 1:
            return f"{at:%H:%M:%S}"  # a time of day
        return f"{at:%Y-%m-%d}" if value == int(value) else f"{at:%Y-%m-%d %H:%M:%S}"
    return _number(value)


def _number(value: float) -> str:
    """The number as it was typed, as far as the file kept it."""
    if value != value or abs(value) >= 10**DIGITS:
        return f"{value:.5E}"
    return str(int(value)) if value == int(value) else f"{value:.{DIGITS}g}"


# ODS
# --------------------------------------------------------------------------------------------------


def _ods_rows(packed: zipfile.ZipFile) -> Rows:
    """Raises: Problem(too_large) for more rows than a sheet can have, before they are made."""
    number, table = 1, 0
    for element, _ in _elements(packed, "content.xml", "table", "table-row"):
        if element.name == "table":
            number, table = 1, table + 1
            if table > SHEETS_MAX:
                raise _unreadable("It has too many sheets.")
            continue
        row = list[str]()
        for cell in element.children:
            if cell.name in ("table-cell", "covered-table-cell"):
                content = _ods_text(cell)
                times = min(_times(cell, "number-columns-repeated"), COLUMNS_MAX + 1)
                row += [content] * (times if content or len(row) < COLUMNS_MAX else 0)
                _check_size(number, len(row) if content else 0)
        while row and not row[-1]:
            row.pop()
        times = _times(element, "number-rows-repeated")
        if row:
            _check_size(number + times - 1, 0)
            for again in range(times):
                yield table, number + again, row
        number += times


def _times(of: Element, name: str) -> int:
    return parse_whole(of.attributes.get(name, "1"), 8) or 1


def _ods_text(cell: Element) -> str:
    """Text of a cell as its type has it, else its paragraphs; notes beside them are left out."""
    kind, attributes = cell.attributes.get("value-type", "string"), cell.attributes
    if kind in ("float", "currency", "percentage"):
        try:
            return _number(float(attributes.get("value", "")))
        except ValueError:
            return ""
    if kind == "date":
        return attributes.get("date-value", "").replace("T", " ")
    if kind == "time" and (time := _DURATION.fullmatch(attributes.get("time-value", ""))):
        return ":".join(part.zfill(2) for part in time.groups())
    if kind == "boolean":
        return attributes.get("boolean-value", "")
    return " ".join(paragraph.text for paragraph in cell.all("p"))[:LINE_MAX]
