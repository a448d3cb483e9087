"""Reads somebody else's statement: a table of any common making becomes lines that can be compared.

It is read twice: what its columns speak for is known before the first line is. What cannot be read is reported with its
number and reason, and the lines beside it are kept. Source: docs/money.md.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from recoup.kernel.currencies import was_currency, withdrawn_by
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.sentence import Sentence
from recoup.kernel.time import of_these_days
from recoup.rules.files.amounts import NoAmount, SignEvidence, units_of
from recoup.rules.files.ids import BadCell, are_plain, check_id
from recoup.rules.files.lines import Line
from recoup.rules.files.moments import AMBIGUOUS, DATES, Order, OrderEvidence, instant, read_moment, zone_named
from recoup.rules.files.table import Table, plain, shown_name, shown_names
from recoup.rules.money.matching import INWARD, KINDS, Theirs
from recoup.rules.money.reading import COLUMNS, EVERY, Reading, check
from recoup.rules.network.card_text import masked_numbers

LINES_MAX: Final = 2_000_000
FEES_FROM: Final = 1_000_000_000  # the fee of line 7 is number 1,000,000,007
# What others call a column that is not mapped. Fees are split off by themselves where gross, fee and net all stand.
_ALSO: Final = {
    "id": ("id", "ourid", "paymentid", "recoupid", "merchantreference"),
    "reference": ("reference", "processorreference", "ref", "txhash", "transactionid", "paymentref", "pspreference",
                  "sourceid", "balancetransactionid"),
    "type": ("type", "kind", "recordtype", "journaltype", "reportingcategory", "actiontype", "transactiontype"),
    "amount": ("amount", "gross", "amountsubmittedforsettlement", "settlementamount"),
    "fee": ("totalfeeamount", "esttotalfeeamount"),
    "debit": ("debit", "grossdebitgc"), "credit": ("credit", "grosscreditgc"), "net_debit": ("netdebitnc",),
    "net_credit": ("netcreditnc",), "net_currency": ("netcurrency",),
    "currency": ("currency", "asset", "grosscurrency", "currencyisocode", "settlementcurrency"),
    "date": ("date", "datetime", "timestamp", "bookingdate", "valuedate", "creationdate", "createdutc", "created",
             "createddateutc", "effectiveatutc", "effectiveat", "disbursementdate", "receiveddate"),
    "time": ("time",), "zone": ("timezone", "zone"), "route": ("route",),
}  # fmt: skip
# Further columns with our ids (behind the order's, where a cell has both), and with theirs; the movement's own first.
_KEYS: Final = (
    "modificationmerchantreference", "refundmetadatarecoupid", "merchantreference", "orderid",
    "paymentmetadatarecoupid",
)  # fmt: skip
_REFS: Final = (
    "modificationreference", "modificationpspreference", "sourceid", "source", "transactionid", "disputeid",
    "balancetransactionid", "pspreference", "chargeid", "paymentintentid",
)  # fmt: skip
_SPLIT: Final = frozenset({"gross", "fee", "net"})
_UNCAPTURED: Final = "partial_capture_reversal"  # Stripe's: what of the charge before it was not captured
_BY_SIGN: Final = "settle"  # NMI's: money out is a refund
_WORDS: Final = {
    "sale": "charge", "payment": "charge", "capture": "charge", "captured": "charge", "purchase": "charge",
    "settled": "charge", "refunded": "refund", "credit": "refund", "reversal": "refund", "void": "refund",
    "refund_failure": "refund_failed", "refundedreversed": "refund_failed", "chargeback": "dispute",
    "secondchargeback": "dispute", "chargeback_reversal": "dispute_won", "chargeback_reversed": "dispute_won",
    "chargebackreversed": "dispute_won", _UNCAPTURED: "charge", "charge_failure": "refund", "capturefailed": "refund",
    "settledreversed": "refund", _BY_SIGN: "charge", "dispute_reversal": "dispute_won", "representment": "dispute_won",
    "chargeback_fee": "dispute_fee", "processing_fee": "fee", "invoicededuction": "fee", "deposit": "funding",
    "sweep": "settlement", "merchantpayout": "funding", "returned": "payout_return", "return": "payout_return",
}  # fmt: skip
_NO_FEES: Final = "to read the amount alone, map no column: --map fee= --map net="
_AMOUNTS: Final = ("amount", "debit", "credit", "fee", "net", "net_debit", "net_credit")


class Broken(NamedTuple):
    """A line from which nothing is taken. `code` for machines, `why` for people."""

    number: int
    code: str
    why: str


class _Sum(NamedTuple):
    """`column`: ours, which holds it."""

    units: int
    negative: bool
    column: str


class Layout(NamedTuple):
    """The layout of a file. `columns`: our name -> position; `names`: our name -> theirs; `unread`: names of
    columns without use. `keys`, `refs`: positions of further ids, ours and theirs."""

    delimiter: str
    decimal: str
    order: Order
    columns: Mapping[str, int]
    names: Mapping[str, str]
    unread: tuple[str, ...]
    keys: Sequence[int]
    refs: Sequence[int]

    def column(self, name: str) -> str:
        return self.names.get(name, name)


class Statement:
    """A file being read: first its layout, then its lines. Iterating gives `Theirs` and `Broken` in the file's order.

    `source` gives its lines, from the first, as often as it is called; `encoding`: in which, where that was found out.
    Raises: Problem(invalid) when there is no header
    that can be understood, and for what has to be asked.
    """

    def __init__(self, source: Callable[[], Iterable[Line]], reading: Reading, encoding: str = "") -> None:
        self.encoding = encoding
        self._reading, self._zone, self._source = reading, check(reading), source
        self.layout = _layout(_table(source(), reading), reading)
        self.currencies: set[str] = set(reading.currencies) - {EVERY}
        self._first: tuple[int, str] | None = None
        self._nets = any(name in self.layout.columns for name in ("net", "net_debit", "net_credit"))
        self.last_number = 0  # of the line that was read last

    def __iter__(self) -> Iterator[Theirs | Broken]:
        for count, record in enumerate(_table(self._source(), self._reading)):
            self.last_number = record.line
            if count >= LINES_MAX:
                why = Sentence("the file has more than {0} lines; it ends here", f"{LINES_MAX:,}")
                yield Broken(record.line, "too_many_lines", why)
                return
            if record.cells is None:
                yield Broken(record.line, record.code, record.why)
                continue
            try:
                yield from self._read(record.line, record.cells)
            except BadCell as bad:
                yield Broken(record.line, bad.complaint.code, bad.complaint.text())

    def _read(self, number: int, cells: Sequence[str]) -> Sequence[Theirs]:
        """The line, and the fee that was taken from it, where the file says both."""
        layout, reading = self.layout, self._reading
        values = {name: cells[position].strip() for name, position in layout.columns.items()} | {
            name: value for name, value in reading.values.items() if name not in layout.columns
        }
        if not are_plain(values.get("id", "") + values.get("reference", "")):
            for name in ("id", "reference"):
                check_id(values.get(name, ""), layout.column(name))
        has_gross = any(values.get(name) for name in ("amount", "debit", "credit"))
        of_gross = not values.get("net_currency") or has_gross and bool(values.get("currency"))
        at_currency = "currency" if of_gross else "net_currency"
        asset = self._currency(number, values.get(at_currency, ""), at_currency)
        gross = self._money(values, asset, ("amount", "debit", "credit")) if has_gross else None
        kind, word = self._type(values.get("type", "")), values.get("type")
        if gross is not None and gross.negative and word == _BY_SIGN:
            kind = "refund"
        our_id, reference = parse_id(values.get("id", "")), values.get("reference", "")
        if values.get("id") and our_id is None and not reference:
            reference = values["id"]
        refs = tuple(text for at in layout.refs if (text := cells[at].strip()) and are_plain(text))
        keys = (parse_id(cells[at].strip().rpartition(".")[2]) for at in layout.keys)
        key = next((one for one in keys if one is not None), None)
        if our_id is None and key is None and not reference and not refs and kind not in ("fee", "funding"):
            raise BadCell("no_id", Sentence("has neither our id nor a reference"))
        route = values.get("route", "")
        if route and reading.routes and route not in reading.routes:
            unknown = Sentence("holds {0}, which is none of {1}", repr(route[:40]), ", ".join(reading.routes))
            raise BadCell("unknown_route", unknown, layout.column("route"))
        same = (values.get("net_currency", "").upper() or asset) == asset
        net = self._money(values, asset, ("net", "net_debit", "net_credit")) if same and self._nets else None
        fee = self._fee(values, asset, kind, gross, net)
        amount = gross if gross is not None else net
        if amount is not None and word in (_BY_SIGN, _UNCAPTURED):
            amount = amount._replace(negative=False)
        units = self._units(amount, kind)
        at = self._date(values)
        if (last := withdrawn_by(asset, at)) is not None:
            ended = Sentence("holds {0}, which ended on {1}", asset, last)
            raise BadCell("unknown_currency", ended, layout.column("currency"))
        units = -units if word == _UNCAPTURED else units
        made = [self._line(number, kind, our_id, reference, units, asset, at, route)]
        if fee and kind != "fee":
            of = "dispute_fee" if kind == "dispute" else "fee"  # a dispute's may be booked from its notice
            made.append(self._line(FEES_FROM + number, of, our_id, reference, fee, asset, at, route))
        return [one._replace(our_id=key or our_id, refs=refs) for one in made]

    def _line(
        self,
        number: int,
        kind: str,
        our_id: UUID | None,
        reference: str,
        units: int,
        asset: str,
        at: datetime,
        route: str,
    ) -> Theirs:
        line_id = content_id(self._reading.kind, kind, our_id, reference, units, asset, at)
        return Theirs(number, line_id, kind, our_id, reference, units, asset, at, route)

    def _currency(self, number: int, text: str, name: str) -> str:
        """A file is of one currency, unless others were named or all: two sums must not become one."""
        asset, column = text.upper(), self.layout.column(name)
        if not was_currency(asset):
            raise BadCell(
                "unknown_currency", Sentence("holds a currency that is not known: {0}", repr(text[:8])), column
            )
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
            mixed = Sentence("holds {0}, the file is in {1}", asset, known)
            raise BadCell("mixed_currencies", mixed, column, "name every currency to take all")
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
            none = Sentence("holds the type {0}, which is none of {1}", repr(text[:40]), ", ".join(known))
            raise BadCell("unknown_type", none, self.layout.column("type"), "map it")
        return found

    def _money(self, values: Mapping[str, str], asset: str, names: tuple[str, str, str]) -> _Sum | None:
        """An amount, or a debit or a credit; None where nothing is told."""
        one, debit, credit = names
        read = {name: self._cell(values[name], asset, name) for name in names if values.get(name)}
        filled = {name: found for name, found in read.items() if found[0]} or dict([*read.items()][:1])
        if len(filled) > 1:
            both = Sentence("has an amount in {0} and in {1}", *map(self.layout.column, [*filled][:2]))
            raise BadCell("bad_amount", both, cure="map one of them")
        for name, (units, negative) in filled.items():
            if name != one and negative:
                below = Sentence("holds an amount below zero, as a debit or credit")
                raise BadCell("bad_amount", below, self.layout.column(name))
            return _Sum(units, negative or name == debit, name)
        return None

    def _cell(self, text: str, asset: str, name: str) -> tuple[int, bool]:
        found = units_of(text, asset, self.layout.decimal)
        if isinstance(found, NoAmount):
            raise BadCell("bad_amount", found.what, self.layout.column(name), found.cure)
        return found

    def _fee(self, values: Mapping[str, str], asset: str, kind: str, gross: _Sum | None, net: _Sum | None) -> int:
        """The fee taken from the line's amount; 0 if the file has none."""
        fee = self._cell(values["fee"], asset, "fee") if values.get("fee") else None
        if gross is None or (fee is None and net is None):
            return 0
        whole, rest = (units * (-1 if negative else 1) for units, negative, *_ in (gross, net or gross))
        if kind not in INWARD and whole > 0:  # money that leaves, written without its sign
            whole, rest = -whole, -abs(rest)
        cost = whole - rest if fee is None else -fee[0] if fee[1] else fee[0]
        if net is not None and whole - cost != rest:
            if whole + cost != rest:
                raise BadCell(
                    "bad_amount", Sentence("is not the amount less the fee"), self.layout.column(net.column), _NO_FEES
                )
            cost = -cost  # the fee stands as what it adds
        if cost < 0:
            back = Sentence("holds a fee that is paid back, which no type says")
            column = self.layout.column(net.column if net and not fee else "fee")
            raise BadCell("bad_amount", back, column, _NO_FEES)
        return cost

    def _units(self, amount: _Sum | None, kind: str) -> int:
        """Units without a sign: the type tells the direction."""
        if amount is None:
            raise BadCell("bad_amount", Sentence("has no amount"), "" if "debit" in self.layout.columns else "amount")
        units, negative, name = amount
        if not units:
            raise BadCell("bad_amount", Sentence("holds 0"), self.layout.column(name))
        inward = kind in INWARD and not (kind == "funding" and self._reading.kind == "processor")
        if negative and inward:
            below = Sentence("holds an amount below zero, which a {0} cannot be", kind)
            raise BadCell("bad_amount", below, self.layout.column(name))
        if not negative and name in ("credit", "net_credit") and kind not in INWARD:
            above = Sentence("holds a credit, which a {0} cannot be", kind)
            raise BadCell("bad_amount", above, self.layout.column(name))
        return units

    def _date(self, values: Mapping[str, str]) -> datetime:
        text, form = f"{values.get('date', '')} {values.get('time', '')}".strip(), self._reading.date_format
        at = _formed(text, form, self._zone) if form else self._moment(text, values.get("zone", ""))
        if at is None:
            none = Sentence("holds no date like {0}", form or "2026-03-31 14:05:00")
            raise BadCell("bad_date", none, self.layout.column("date"))
        period = self._reading.period
        if period is not None and not period[0] <= at < period[1]:
            outside = Sentence("holds {0}, which lies outside the period", f"{at.astimezone(self._zone):%Y-%m-%d}")
            raise BadCell("other_period", outside, self.layout.column("date"))
        return at

    def _moment(self, text: str, column: str) -> datetime | None:
        """Reads a moment in its column's zone, else the cell's own, else the file's."""
        read = read_moment(text, self.layout.order)
        if read is None:
            return None
        word = column if read.zone is not None else ""
        word = word or read.zone or ""
        zone: tzinfo | None = UTC if read.zone is None else self._zone
        if word.upper() in AMBIGUOUS and self._reading.zone == "UTC":
            two = Sentence("holds {0}, which has two meanings", word.upper())
            raise BadCell("bad_date", two, self.layout.column("zone" if column else "date"), "say the file's time zone")
        if word and word.upper() not in AMBIGUOUS:
            zone = zone_named(word)
        return instant(read.at, zone, None) if zone is not None else None


def content_id(
    file_kind: str, kind: str, our_id: UUID | None, reference: str, units: int, asset: str, at: datetime
) -> UUID:
    """What a line says, wherever it stands: the same line in another file is the same line."""
    parts = (file_kind, kind, str(our_id or ""), reference, str(units), asset, at.astimezone(UTC).isoformat())
    return UUID(bytes=sha256("\x1f".join(parts).encode("utf-8", "replace")).digest()[:16])


def shown_reference(text: str) -> str:
    """As it may be kept: what looks like a card number is masked."""
    return masked_numbers(text)


def _table(lines: Iterable[Line], reading: Reading) -> Table[dict[str, int]]:
    return Table(
        lines,
        lambda names: None if _lacks(found := _columns(names, reading), reading) else found,
        lambda number, names: _unknown(number, names, reading),
        reading.delimiter,
    )


def _layout(table: Table[dict[str, int]], reading: Reading) -> Layout:
    """Reads the whole file. Raises: Problem(invalid) for what has two readings."""
    sign, dates, columns = SignEvidence(), OrderEvidence(), table.header.known
    amounts, date = [columns[name] for name in _AMOUNTS if name in columns], columns.get("date")
    for record in table:
        if record.cells is None:
            continue
        for place in amounts:
            sign.look(record.cells[place].strip())
        if date is not None and not reading.date_format:
            dates.look(record.cells[date].strip())
    decimal, order = reading.decimal or sign.sign(), DATES[reading.dates] or dates.order()
    if not decimal:
        message = Sentence("It cannot be told whether the amount {0} has a decimal sign.", repr(sign.examples()))
        raise invalid(message, "decimal", "Say which it is: --decimal , or --decimal .")
    if dates.numbered and not order:
        example = dates.example or f"{dates.day} · {dates.month}"
        message = Sentence(
            "It cannot be told whether the day or the month comes first in {0}.", masked_numbers(example)
        )
        raise invalid(message, "dates", "Say which it is: --dates dmy or --dates mdy.")
    names = table.header.names
    positions = {plain(name): position for position, name in enumerate(names)}
    keys, refs = ([positions[one] for one in words if one in positions] for words in (_KEYS, _REFS))
    used = {*columns.values(), *keys, *refs}
    unread = tuple(name for position, name in enumerate(names) if position not in used)
    shown = {ours: shown_name(names[position]) for ours, position in columns.items()}
    return Layout(table.header.delimiter, decimal, order, columns, shown, unread, keys, refs)


def _columns(names: Sequence[str], reading: Reading) -> dict[str, int]:
    """Our name -> position, of those that are found."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        positions.setdefault(plain(name), position)
    found = {ours: positions[plain(theirs)] for ours, theirs in reading.columns.items() if plain(theirs) in positions}
    split = {name: (name,) for name in ("fee", "net")} if set(positions) >= _SPLIT else {}
    gross = {"amount", "debit", "credit"} & reading.columns.keys()
    for ours, words in (_ALSO | split).items():
        if ours in reading.columns or ours in reading.values or gross and ours in ("amount", "debit", "credit"):
            continue
        also = next((word for word in words if word in positions and positions[word] not in found.values()), None)
        if also is not None:
            found[ours] = positions[also]
    return found


def _lacks(found: Mapping[str, int], reading: Reading) -> list[str]:
    """Columns that a header needs, and mapped ones that it does not have."""
    lacks = [name for name in ("type", "currency", "date") if name not in found and name not in reading.values]
    if "amount" not in found and not {"debit", "credit"} <= found.keys():
        lacks.insert(1 if lacks[:1] == ["type"] else 0, "amount")
    if not {"id", "reference"} & found.keys():
        lacks.insert(0, "id or reference")
    return lacks + [name for name, theirs in reading.columns.items() if theirs and name not in found]


def _unknown(number: int, names: Sequence[str], reading: Reading) -> Problem:
    """Names what is missing and what there is."""
    for ours in reading.columns:
        if ours not in COLUMNS:
            known = ", ".join(COLUMNS)
            message = Sentence("{0} is not a known column; there are {1}.", repr(ours), known)
            return invalid(message, "map", "Map one of these.")
    have, found = shown_names(names), _columns(names, reading)
    for ours, theirs in reading.columns.items():
        if theirs and ours not in found:
            message = Sentence("Line {0}, the header, has no column {1}; it has {2}.", number, repr(theirs[:40]), have)
            return invalid(message, "map", "Look at the file's first line.")
    lacks = _lacks(found, reading)
    message = Sentence("Line {0}, the header, has no {1}; it has {2}.", number, ", no ".join(lacks), have)
    first = lacks[0].split(" ", maxsplit=1)[0]
    return invalid(message, "file", Sentence("Map a column: {0}=Their name.", first))


def _formed(text: str, form: str, zone: tzinfo) -> datetime | None:
    try:
        return of_these_days(datetime.strptime(text, form), zone)  # noqa: DTZ007 - the zone follows
    except (ValueError, OverflowError):
        return None
