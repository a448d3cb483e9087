"""How somebody else's statement is read: a CSV of any common making becomes lines that can be compared.

A record is one line: a quote that is not closed on its line breaks that line and no other. What cannot be read is
reported with its number and reason, and the lines beside it are kept. Source: docs/reconciliation.md.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from hashlib import sha256
from itertools import chain, islice
from typing import Final, NamedTuple
from uuid import UUID

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.kernel.time import of_these_days
from recoup.rules.files.lines import Line
from recoup.rules.money.matching import INWARD, KINDS, Theirs
from recoup.rules.money.reading import COLUMNS, EVERY, Reading, check
from recoup.rules.network.card_text import masked_numbers

FIELDS_MAX: Final = 200
LINES_MAX: Final = 2_000_000
SAMPLE_LINES: Final = 200
TEXT_MAX: Final = 200
UNITS_MAX: Final = 10**15
DELIMITERS: Final = (",", ";", "\t", "|")
# What others call a column that is not mapped; names are compared in lower case, without blanks and punctuation.
_ALSO: Final = {
    "id": ("id", "ourid", "paymentid", "recoupid", "merchantreference"),
    "reference": ("reference", "processorreference", "ref", "txhash", "transactionid", "paymentref"),
    "type": ("type", "kind", "recordtype"), "amount": ("amount",), "currency": ("currency", "asset"),
    "date": ("date", "datetime", "timestamp", "bookingdate", "valuedate"), "route": ("route",),
}  # fmt: skip
_WORDS: Final = {
    "sale": "charge", "payment": "charge", "capture": "charge", "captured": "charge", "purchase": "charge",
    "refunded": "refund", "credit": "refund", "reversal": "refund", "void": "refund", "chargeback": "dispute",
    "chargeback_reversal": "dispute_won", "chargeback_reversed": "dispute_won", "representment": "dispute_won",
    "chargeback_fee": "dispute_fee", "processing_fee": "fee", "deposit": "funding", "sweep": "settlement",
    "returned": "payout_return", "return": "payout_return",
}  # fmt: skip
_GROUPED: Final = {
    ".": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?"), ",": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?")
}  # fmt: skip
_PLAIN: Final = {".": re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?"), ",": re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18})?")}


class Broken(NamedTuple):
    """A line from which nothing is taken. `code` for machines, `why` for people."""

    number: int
    code: str
    why: str


class Layout(NamedTuple):
    """What was found out about a file. `columns`: our name -> position; `unread`: names of columns without use."""

    delimiter: str
    decimal: str
    columns: Mapping[str, int]
    width: int
    unread: tuple[str, ...]


class Statement:
    """A file being read: first its layout, then its lines. Iterating gives `Theirs` and `Broken` in the file's order.

    Raises: Problem(invalid) when there is no header that can be understood.
    """

    def __init__(self, lines: Iterable[Line], reading: Reading) -> None:
        self._reading, self._zone = reading, check(reading)
        every = iter(lines)
        sample = [line for line in islice(every, SAMPLE_LINES) if line.text is None or line.text.strip()]
        if not sample:
            raise Problem("invalid", "The file is empty.", field="file", cure="Add a header and lines.")
        header, rest = sample[0], sample[1:]
        if header.text is None:
            raise Problem(
                "invalid",
                Sentence("Line {0}, the header, {1}.", header.number, header.why),
                field="file",
                cure="Save the file as CSV UTF-8 again.",
            )
        self.layout = _layout(header, rest, reading)
        self._lines = chain(rest, every)
        self.currencies: set[str] = set(reading.currencies) - {EVERY}
        self._first: tuple[int, str] | None = None
        self.last_number = header.number  # of the line that was read last

    def __iter__(self) -> Iterator[Theirs | Broken]:
        for count, line in enumerate(self._lines):
            self.last_number = line.number
            if count >= LINES_MAX:
                yield Broken(
                    line.number,
                    "too_many_lines",
                    Sentence("the file has more than {0} lines; it ends here", f"{LINES_MAX:,}"),
                )
                return
            if line.text is None:
                yield Broken(line.number, line.code, line.why)
            elif line.text.strip():
                yield self._line(line.number, line.text)

    def _line(self, number: int, text: str) -> Theirs | Broken:
        try:
            return self._read(number, _cells(text, self.layout.delimiter))
        except Problem as problem:
            return Broken(number, problem.facts.get("reason", "broken"), problem.message)

    def _read(self, number: int, cells: Sequence[str]) -> Theirs:
        layout, reading = self.layout, self._reading
        if len(cells) != layout.width:
            raise _no(
                "broken", Sentence("its number of fields is {0}, that of the header {1}", len(cells), layout.width)
            )
        values = {name: cells[position].strip() for name, position in layout.columns.items()} | {
            name: value for name, value in reading.values.items() if name not in layout.columns
        }
        for name, value in values.items():
            if len(value) > TEXT_MAX:
                raise _no("broken", Sentence("its {0} is longer than {1} characters", name, TEXT_MAX))
        asset = self._currency(number, values.get("currency", ""))
        kind = self._type(values.get("type", ""))
        our_id, reference = parse_id(values.get("id", "")), values.get("reference", "")
        if values.get("id") and our_id is None and not reference:
            reference = values["id"]
        if our_id is None and not reference and kind != "fee":
            raise _no("no_id", "it has neither our id nor a reference")
        route = values.get("route", "")
        if route and reading.routes and route not in reading.routes:
            raise _no(
                "unknown_route", Sentence("the route {0} is none of {1}", repr(route[:40]), ", ".join(reading.routes))
            )
        units = _units(values.get("amount", ""), asset, layout.decimal, kind)
        at = self._date(values.get("date", ""))
        line_id = content_id(reading.kind, kind, our_id, reference, units, asset, at)
        return Theirs(number, line_id, kind, our_id, reference, units, asset, at, route)

    def _currency(self, number: int, text: str) -> str:
        """A file is of one currency, unless others were named or all: two sums must not become one."""
        asset = text.upper()
        if asset not in EXPONENTS:
            raise _no("unknown_currency", Sentence("the currency {0} is unknown", repr(text[:8])))
        if EVERY in self._reading.currencies:
            self.currencies.add(asset)
        elif not self.currencies:
            self.currencies, self._first = {asset}, (number, asset)
        if asset not in self.currencies:
            known = (
                Sentence("{0} since line {1}", self._first[1], self._first[0])
                if self._first
                else " and ".join(sorted(self.currencies))
            )
            raise _no(
                "mixed_currencies",
                Sentence("it is in {0}, the file in {1}; name every currency to take all", asset, known),
            )
        return asset

    def _type(self, text: str) -> str:
        known = KINDS[self._reading.kind]
        mapped = self._reading.types.get(text)
        if mapped is not None:
            return mapped
        name = re.sub(r"[^a-z]+", "_", text.lower()).strip("_")
        found = name if name in known else _WORDS.get(name, name)
        if found not in known and self._reading.kind == "processor" and found in ("payout", "settlement"):
            found = "funding"
        if found not in known:
            raise _no(
                "unknown_type", Sentence("the type {0} is none of {1}; map it", repr(text[:40]), ", ".join(known))
            )
        return found

    def _date(self, text: str) -> datetime:
        at = _moment(text, self._reading.date_format, self._zone)
        if at is None:
            form = self._reading.date_format or "ISO 8601"
            raise _no("bad_date", Sentence("the date {0} is not {1}", repr(text[:40]), form))
        period = self._reading.period
        if period is not None and not period[0] <= at < period[1]:
            raise _no(
                "other_period",
                Sentence("its date {0} lies outside the period", f"{at.astimezone(self._zone):%Y-%m-%d}"),
            )
        return at


def content_id(
    file_kind: str, kind: str, our_id: UUID | None, reference: str, units: int, asset: str, at: datetime
) -> UUID:
    """What a line says, wherever it stands: the same line in another file is the same line."""
    parts = (file_kind, kind, str(our_id or ""), reference, str(units), asset, at.astimezone(UTC).isoformat())
    return UUID(bytes=sha256("\x1f".join(parts).encode("utf-8", "replace")).digest()[:16])


def shown_reference(text: str) -> str:
    """As it may be kept: what looks like a card number is masked."""
    return masked_numbers(text)


def _layout(header: Line, rest: Sequence[Line], reading: Reading) -> Layout:
    assert header.text is not None
    delimiter = reading.delimiter or max(DELIMITERS, key=lambda d: _known(header.text or "", d, reading))
    names = [name.strip() for name in _header_cells(header, delimiter)]
    columns = _columns(names, reading, header.number)
    amounts = []
    for line in rest:
        try:
            cells = _cells(line.text or "", delimiter)
        except Problem:
            continue
        if len(cells) == len(names):
            amounts.append(cells[columns["amount"]].strip())
    decimal = reading.decimal or sniff_decimal(amounts)
    if not decimal:
        message = Sentence("It cannot be told whether the amount {0} has a decimal sign.", repr(amounts[0][:20]))
        raise Problem("invalid", message, field="decimal", cure="Say which it is: --decimal , or --decimal .")
    used = set(columns.values())
    unread = tuple(name[:60] for position, name in enumerate(names) if position not in used)
    return Layout(delimiter, decimal, columns, len(names), unread)


def sniff_decimal(amounts: Iterable[str]) -> str:
    """`.`, `,`, or nothing where it is unclear. The last of two kinds of signs is the decimal one; of one kind,
    that which three digits follow may be either, anything else tells."""
    doubt = False
    for text in (amount.lstrip("-+ ") for amount in amounts):
        dot, comma = text.rfind("."), text.rfind(",")
        if dot >= 0 and comma >= 0:
            return "." if dot > comma else ","
        if dot < 0 and comma < 0:
            continue
        sign = "." if dot >= 0 else ","
        if text.count(sign) > 1:
            return "," if sign == "." else "."
        if len(text) - text.rfind(sign) - 1 != 3:
            return sign
        doubt = True
    return "" if doubt else "."


def _known(text: str, delimiter: str, reading: Reading) -> int:
    names = {_plain(name) for name in text.split(delimiter)}
    theirs = {_plain(name) for name in reading.columns.values()}
    return len(names & (theirs | {also for words in _ALSO.values() for also in words}))


def _columns(names: Sequence[str], reading: Reading, number: int) -> dict[str, int]:
    """Our name -> position. Raises: Problem(invalid) naming what is missing and what there is."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        positions.setdefault(_plain(name), position)
    have = ", ".join(repr(name[:40]) for name in names[:20])
    found: dict[str, int] = {}
    for ours, theirs in reading.columns.items():
        if ours not in COLUMNS:
            raise Problem(
                "invalid",
                Sentence("{0} is not a known column; there are {1}.", repr(ours), ", ".join(COLUMNS)),
                field="map",
                cure="Map one of these.",
            )
        if _plain(theirs) not in positions:
            message = Sentence("Line {0}, the header, has no column {1}; it has {2}.", number, repr(theirs[:40]), have)
            raise Problem("invalid", message, field="map", cure="Look at the file's first line.")
        found[ours] = positions[_plain(theirs)]
    for ours in COLUMNS:
        also = next((a for a in _ALSO[ours] if a in positions and positions[a] not in found.values()), None)
        if ours not in found and also is not None:
            found[ours] = positions[also]
    wanted = [name for name in ("type", "amount", "currency", "date") if name not in found | dict(reading.values)]
    if not {"id", "reference"} & set(found):
        wanted.insert(0, "id or reference")
    if wanted:
        message = Sentence("Line {0}, the header, has no {1}; it has {2}.", number, ", no ".join(wanted), have)
        first = wanted[0].split(" ", maxsplit=1)[0]
        raise Problem("invalid", message, field="file", cure=Sentence("Map a column: {0}=Their name.", first))
    return found


def _header_cells(header: Line, delimiter: str) -> list[str]:
    try:
        return _cells(header.text or "", delimiter)
    except Problem as problem:
        raise Problem(
            "invalid",
            Sentence("Line {0}, the header: {1}.", header.number, problem.message),
            field="file",
            cure="Fix the first line, or export the file again.",
        ) from None


def _cells(text: str, delimiter: str) -> list[str]:
    """Raises: Problem: one record a line."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise _no("broken", Sentence("its quotes do not fit ({0})", error)) from None
    cells = rows[0] if rows else []
    if len(rows) != 1 or len(cells) > FIELDS_MAX:
        raise _no("broken", Sentence("it has more than {0} fields or a line break in quotes", FIELDS_MAX))
    return cells


def _units(text: str, asset: str, decimal: str, kind: str) -> int:
    """Without its sign: the type says which way money went."""
    negative, digits = text[:1] in ("-", "\N{MINUS SIGN}"), text.lstrip("+-\N{MINUS SIGN}").strip()
    if text.startswith("(") and text.endswith(")"):
        negative, digits = True, text[1:-1].strip()
    if _GROUPED[decimal].fullmatch(digits):
        digits = digits.replace("," if decimal == "." else ".", "")
    if not _PLAIN[decimal].fullmatch(digits):
        raise _no("bad_amount", Sentence("the amount {0} is no decimal with {1}", repr(text[:40]), repr(decimal)))
    value = Decimal(digits.replace(decimal, ".")).scaleb(EXPONENTS[asset])
    if value != value.to_integral_value() or not 0 < value <= UNITS_MAX:
        raise _no(
            "bad_amount", Sentence("the amount {0} is 0, too large, or finer than {1} is", repr(text[:40]), asset)
        )
    if negative and kind in INWARD:
        raise _no("bad_amount", Sentence("the amount {0} of a {1} is below zero", repr(text[:40]), kind))
    return int(value)


def _moment(text: str, form: str, zone: tzinfo) -> datetime | None:
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007 - below
    except (ValueError, OverflowError):
        return None
    return of_these_days(found, zone)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower())


def _no(code: str, why: str) -> Problem:
    return Problem("invalid", why, reason=code)
