"""Reads somebody else's statement: a table of any common making becomes lines that can be compared.

It is read twice: what its columns speak for is known before the first line is. What cannot be read
is reported with its number and reason, and the lines beside it are kept. Source: docs/money.md.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from recoup.bank.rules.matching import KINDS, Theirs, is_either, is_inward, signed_type
from recoup.bank.rules.reading import COLUMNS, EVERY, OTHERS, Reading, check
from recoup.imports.rules.profile import profiles
from recoup.kernel.ids import parse_id
from recoup.kernel.money import decimals_of, was_currency, withdrawn_by
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kernel.time import of_these_days
from recoup.kit.files.amounts import NoAmount, SignEvidence, units_of
from recoup.kit.files.ids import BadCell, are_plain, check_id, plain_cell
from recoup.kit.files.lines import Line
from recoup.kit.files.moments import (
    AMBIGUOUS,
    DATES,
    Order,
    OrderEvidence,
    instant,
    read_moment,
    zone_named,
)
from recoup.kit.files.table import Table, plain, shown_name, shown_names
from recoup.networks.card_text import masked_numbers
from recoup.orders.rules.references import is_ours, named_by

LINES_MAX: Final = 2_000_000
FEES_FROM: Final = 1_000_000_000  # the fee of line 7 is number 1,000,000,007
# Stripe's reports and its table of balance transactions, whose `status` says when money is
# available, not whether.
_OF_STRIPE: Final = frozenset({"reportingcategory", "availableon"})
_UNCAPTURED: Final = (
    "partial_capture_reversal"  # Stripe's: what of the charge before it was not captured
)
_STATUSES: Final = {
    plain(word): said for said, words in OTHERS["statuses"].items() for word in words
}
_SPLIT: Final = frozenset(
    {"gross", "fee", "net"}
)  # fees are split off by themselves where all of these stand
_NAMELESS: Final = (
    "fee",
    "fee_returned",
    "funding",
    "funding_return",
)  # types that need no id and no reference
_MINUS, _ANY = (
    frozenset("-(\N{MINUS SIGN}"),
    frozenset("123456789"),
)  # in an amount below zero, in one that is not 0
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
    """The layout of a file. `columns`: our name -> position; `names`: our name -> theirs; `unread`:
    names of columns without use. `exponents`: of amounts in the smallest unit, where they are not
    ISO 4217's; None of major units. `signed`: a minus is money that goes out. `keys`, `refs`:
    positions of further ids, ours and theirs."""

    delimiter: str
    decimal: str
    order: Order
    exponents: Mapping[str, int] | None
    signed: bool
    columns: Mapping[str, int]
    names: Mapping[str, str]
    unread: tuple[str, ...]
    keys: Sequence[int]
    refs: Sequence[int]

    def column(self, name: str) -> str:
        return self.names.get(name, name)


class Statement:
    """A file being read: first its layout, then its lines. Iterating gives `Theirs` and `Broken` in
    the file's order.

    `source` gives its lines, from the first, as often as it is called; `encoding`: in which, where
    that was found out; `file_name`: as its owner calls it. Raises: Problem(invalid) when there is
    no header that can be understood, and for what has to be asked.
    """

    def __init__(
        self,
        source: Callable[[], Iterable[Line]],
        reading: Reading,
        encoding: str = "",
        file_name: str = "",
    ) -> None:
        self.encoding = encoding
        self._reading, self._zone, self._source = reading, check(reading), source
        self.layout = _layout(_table(source(), reading), reading, file_name)
        self.currencies: set[str] = set(reading.currencies) - {EVERY}
        self._first: tuple[int, str] | None = None
        self._nets = any(name in self.layout.columns for name in ("net", "net_debit", "net_credit"))
        self.last_number = 0  # of the line that was read last

    def __iter__(self) -> Iterator[Theirs | Broken]:
        for count, record in enumerate(_table(self._source(), self._reading)):
            self.last_number = record.line
            if count >= LINES_MAX:
                why = Sentence("the file has more than {0} lines; it ends here", figure(LINES_MAX))
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
        self._check_status(values.get("status", ""))
        for name in ("id", "reference"):
            text = values.setdefault(name, "")
            values[name] = plain_cell(text, is_id=True) if text[:1] == "'" else text
        if not are_plain(values["id"] + values["reference"]):
            for name in ("id", "reference"):
                check_id(values[name], layout.column(name))
        has_gross = any(values.get(name) for name in ("amount", "debit", "credit"))
        of_gross = not values.get("net_currency") or has_gross and bool(values.get("currency"))
        at_currency = "currency" if of_gross else "net_currency"
        asset = self._currency(number, values.get(at_currency, "") or _only(reading), at_currency)
        gross = self._money(values, asset, ("amount", "debit", "credit")) if has_gross else None
        stated = _type_of(values.get("type", ""), reading, layout.column("type"))
        our_id, reference = parse_id(values["id"]), values["reference"]
        if values["id"] and our_id is None and not reference:
            reference = values["id"]
        if reading.kind == "bank":
            named = named_by((reference,), values.get("text", ""))
            our_id, reference = our_id or named[0], named[1]
        refs = tuple(text for at in layout.refs if (text := cells[at].strip()) and are_plain(text))
        keys = (parse_id(cells[at].strip().rpartition(".")[2]) for at in layout.keys)
        key = next((reference for reference in keys if reference), our_id)
        if key is None and not reference and not refs and stated not in ("", *_NAMELESS):
            raise BadCell("no_id", Sentence("has neither our id nor a reference"))
        route = values.get("route", "")
        if route and reading.routes and route not in reading.routes:
            raise BadCell(
                "unknown_route",
                Sentence(
                    "holds {0}, which is none of {1}", repr(route[:40]), ", ".join(reading.routes)
                ),
                layout.column("route"),
            )
        same = (values.get("net_currency", "").upper() or asset) == asset
        net = (
            self._money(values, asset, ("net", "net_debit", "net_credit"))
            if same and self._nets
            else None
        )
        kind, units = self._moved(gross if gross else net, stated, ours=is_ours(our_id, reference))
        taken_back = stated == _UNCAPTURED
        fee = self._fee(values, asset, is_inward(reading.kind, kind) and not taken_back, gross, net)
        at = self._date(values)
        if (last := withdrawn_by(asset, at)) is not None:
            raise BadCell(
                "unknown_currency",
                Sentence("holds {0}, which ended on {1}", asset, last),
                layout.column("currency"),
            )
        units = -units if taken_back else units
        made = [self._line(number, kind, our_id, reference, units, asset, at, route)]
        if fee and stated not in ("fee", "fee_returned"):
            of = (
                "dispute_fee" if kind == "dispute" else "fee"
            )  # a dispute's may be booked from its notice
            of = signed_type(reading.kind, of, came_in=fee < 0)
            made.append(
                self._line(FEES_FROM + number, of, our_id, reference, abs(fee), asset, at, route)
            )
        return [entry._replace(our_id=key, refs=refs) for entry in made]

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
        """A file is of one currency, unless others were named or all: two sums must not become
        one."""
        asset, column = text.upper(), self.layout.column(name)
        if not was_currency(asset):
            raise BadCell(
                "unknown_currency",
                Sentence("holds a currency that is not known: {0}", repr(text[:8])),
                column,
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
            raise BadCell(
                "mixed_currencies",
                Sentence("holds {0}, the file is in {1}", asset, known),
                column,
                "name every currency to take all",
            )
        return asset

    def _check_status(self, text: str) -> None:
        """Raises: BadCell for a row whose status says that no money has moved, and for a status
        that is not known."""
        said = self._reading.statuses.get(text) or _STATUSES.get(plain(text))
        if not text or said == "money":
            return
        column = self.layout.column("status")
        if said:
            raise BadCell(
                "no_money", Sentence("holds {0}: no money has moved", repr(text[:40])), column
            )
        raise BadCell(
            "unknown_status",
            Sentence("holds the status {0}, which is not known", repr(text[:40])),
            column,
            "map it to money or none, under [statuses] of the mapping",
        )

    def _money(
        self, values: Mapping[str, str], asset: str, names: tuple[str, str, str]
    ) -> _Sum | None:
        """An amount, or a debit or a credit; None where nothing is told."""
        amount, debit, credit = names
        read = {name: self._cell(values[name], asset, name) for name in names if values.get(name)}
        filled = {name: cell for name, cell in read.items() if cell[0]} or dict([*read.items()][:1])
        if len(filled) > 1:
            raise BadCell(
                "bad_amount",
                Sentence(
                    "has an amount in {0} and in {1}", *map(self.layout.column, [*filled][:2])
                ),
                cure="map one of them",
            )
        for name, (units, negative) in filled.items():
            if name != amount and negative:
                raise BadCell(
                    "bad_amount",
                    Sentence("holds an amount below zero, as a debit or credit"),
                    self.layout.column(name),
                )
            return _Sum(units, negative or name == debit, name)
        return None

    def _cell(self, text: str, asset: str, name: str) -> tuple[int, bool]:
        exponents = self.layout.exponents
        exponent = None if exponents is None else exponents.get(asset, decimals_of(asset))
        units = units_of(text, asset, self.layout.decimal, exponent)
        if isinstance(units, NoAmount):
            raise BadCell("bad_amount", units.what, self.layout.column(name), units.cure)
        return units

    def _fee(
        self,
        values: Mapping[str, str],
        asset: str,
        came_in: bool,
        gross: _Sum | None,
        net: _Sum | None,
    ) -> int:
        """The fee taken from the line's amount, below zero where it was given back; 0 if the file
        has none."""
        fee = self._cell(values["fee"], asset, "fee") if values.get("fee") else None
        if gross is None or (fee is None and net is None):
            return 0
        whole, rest = (
            units * (-1 if negative else 1) for units, negative, *_ in (gross, net or gross)
        )
        if (whole > 0) != came_in:  # written without its sign
            whole, rest = -whole, abs(rest) if came_in else -abs(rest)
        cost = whole - rest if fee is None else -fee[0] if fee[1] else fee[0]
        if net and whole - cost != rest:
            if whole + cost != rest:
                raise BadCell(
                    "bad_amount",
                    Sentence("is not the amount less the fee"),
                    self.layout.column(net.column),
                    _NO_FEES,
                )
            cost = -cost  # the fee stands as what it adds
        if cost < 0 and net is None:
            raise BadCell(
                "bad_amount",
                Sentence("holds a fee that is paid back, which no type says"),
                self.layout.column("fee"),
                _NO_FEES,
            )
        return cost

    def _moved(self, amount: _Sum | None, stated: str, *, ours: bool) -> tuple[str, int]:
        """The line's type by which way its money went, and units without a sign."""
        if amount is None:
            raise BadCell(
                "bad_amount",
                Sentence("has no amount"),
                "" if "debit" in self.layout.columns else "amount",
            )
        units, negative, name = amount
        if not units:
            raise BadCell("bad_amount", Sentence("holds 0"), self.layout.column(name))
        kind = self._reading.kind
        by_sign = is_either(kind, stated) or self.layout.signed or name not in ("amount", "net")
        type_ = signed_type(
            kind, stated, came_in=negative != (by_sign or is_inward(kind, stated)), ours=ours
        )
        if not type_:
            below = Sentence("holds an amount below zero, which a {0} cannot be", stated)
            wrong = below if negative else Sentence("holds a credit, which a {0} cannot be", stated)
            raise BadCell(
                "bad_amount", wrong, self.layout.column(name), "correct its sign, or map its type"
            )
        return type_, units

    def _date(self, values: Mapping[str, str]) -> datetime:
        day, time, form = values.get("date", ""), values.get("time", ""), self._reading.date_format
        if time and not form:
            day = day.removesuffix(" 00:00:00").removesuffix("T00:00:00")
            day = day.replace("-", "/") if day[4:5] == "-" else day
        text = f"{day} {time}".strip()
        at = _formed(text, form, self._zone) if form else self._moment(text, values.get("zone", ""))
        if at is None:
            raise BadCell(
                "bad_date",
                Sentence("holds no date like {0}", form or "2026-03-31 14:05:00"),
                self.layout.column("date"),
            )
        period = self._reading.period
        if period and not period[0] <= at < period[1]:
            raise BadCell(
                "other_period",
                Sentence(
                    "holds {0}, which lies outside the period",
                    f"{at.astimezone(self._zone):%Y-%m-%d}",
                ),
                self.layout.column("date"),
            )
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
            raise BadCell(
                "bad_date",
                Sentence("holds {0}, which has two meanings", word.upper()),
                self.layout.column("zone" if column else "date"),
                "say the file's time zone",
            )
        if word and word.upper() not in AMBIGUOUS:
            zone = zone_named(word)
        return instant(read.at, zone, None) if zone else None


def _type_of(text: str, reading: Reading, column: str) -> str:
    """The type of a line; empty for a bank's line without one. Raises: BadCell for a type that is
    not known."""
    known = KINDS[reading.kind]
    mapped = reading.types.get(text)
    if mapped is not None:
        return mapped
    if not text and reading.kind == "bank":
        return ""
    name = re.sub(r"[^a-z]+", "_", text.lower()).strip("_")
    type_ = name if name in known else OTHERS["types"].get(name, name)
    if type_ not in known and reading.kind == "processor":
        type_ = OTHERS["at_processor"].get(type_, type_)
    if type_ not in known:
        none = Sentence(
            "holds the type {0}, which is none of {1}", repr(text[:40]), ", ".join(known)
        )
        bank = "map it, or read by the sign alone: --map type="
        raise BadCell("unknown_type", none, column, bank if reading.kind == "bank" else "map it")
    return type_


def content_id(
    file_kind: str,
    kind: str,
    our_id: UUID | None,
    reference: str,
    units: int,
    asset: str,
    at: datetime,
) -> UUID:
    """The id of what a line says, wherever it stands: the same line in another file is the same
    line."""
    parts = (
        file_kind,
        kind,
        str(our_id or ""),
        reference,
        str(units),
        asset,
        at.astimezone(UTC).isoformat(),
    )
    return UUID(bytes=sha256("\x1f".join(parts).encode("utf-8", "replace")).digest()[:16])


def _table(lines: Iterable[Line], reading: Reading) -> Table[dict[str, int]]:
    return Table(
        lines,
        lambda names: None if _lacks(columns := _columns(names, reading), reading) else columns,
        lambda number, names: _unknown(number, names, reading),
        reading.delimiter,
    )


def _layout(table: Table[dict[str, int]], reading: Reading, file_name: str) -> Layout:
    """Reads the whole file. Raises: Problem(invalid) for what has two readings."""
    sign, dates, columns = SignEvidence(), OrderEvidence(), table.header.known
    amounts, date = [columns[name] for name in _AMOUNTS if name in columns], columns.get("date")
    known, sides = set(map(plain, table.header.names)), Counter[int]()
    for record in table:
        if record.cells is None:
            continue
        for place in amounts:
            sign.look(record.cells[place].strip())
        if date is not None and not reading.date_format:
            dates.look(record.cells[date].strip())
        sides[_side(record.cells, columns, reading)] += 1
    table_of_stripe = "availableon" in known or "balance_transaction" in file_name.lower()
    guessed = table_of_stripe and "amount" in known and not sign.decimals
    minor = reading.amounts == "minor" or not reading.amounts and guessed
    decimal = reading.decimal or ("." if minor else sign.sign())
    order = DATES[reading.dates] or dates.order()
    if not decimal:
        message = Sentence(
            "It cannot be told whether the amount {0} has a decimal sign.", repr(sign.examples())
        )
        raise invalid(message, "decimal", "Say which it is: --decimal , or --decimal .")
    if dates.numbered and not order:
        example = dates.example or f"{dates.day} · {dates.month}"
        message = Sentence(
            "It cannot be told whether the day or the month comes first in {0}.",
            masked_numbers(example),
        )
        raise invalid(message, "dates", "Say which it is: --dates dmy or --dates mdy.")
    names = table.header.names
    positions = {plain(name): position for position, name in enumerate(names)}
    keys, refs = (
        [positions[word] for word in words if word in positions] for words in OTHERS["ids"].values()
    )
    used = {*columns.values(), *keys, *refs}
    unread = tuple(name for position, name in enumerate(names) if position not in used)
    shown = {ours: shown_name(names[position]) for ours, position in columns.items()}
    exponents = (
        (profiles()["stripe-charges"].exponents if table_of_stripe else {}) if minor else None
    )
    return Layout(
        table.header.delimiter,
        decimal,
        order,
        exponents,
        _is_signed(reading.signs, sides, of_stripe=not _OF_STRIPE.isdisjoint(known)),
        columns,
        shown,
        unread,
        keys,
        refs,
    )


def _is_signed(stated: str, sides: Counter[int], *, of_stripe: bool) -> bool:
    """True when a minus is money that goes out, as in most files. In one that writes that without a
    minus, it is money that came back. Raises: Problem(invalid) where it may be either."""
    if stated:
        return stated == "out"
    if of_stripe or not sides[-1]:
        return of_stripe
    if sides[-1] >= sides[1]:
        return True
    raise invalid(
        "Money that goes out is written with a minus and without it: which of it came back?",
        "mapping",
        "Say under [format] of the mapping what a minus is: signs = 'out' or signs = 'back'.",
    )


def _side(cells: Sequence[str], columns: Mapping[str, int], reading: Reading) -> int:
    """1 for money that goes out and is written above zero, -1 for below zero, else 0. Of a bank all
    below zero are -1."""
    text = cells[columns["amount"]] if "amount" in columns else ""
    if _ANY.isdisjoint(text):
        return 0
    below = not _MINUS.isdisjoint(text)
    if reading.kind == "bank":
        return -below
    stated = cells[columns["type"]] if "type" in columns else reading.values.get("type", "")
    try:
        type_ = _type_of(stated.strip(), reading, "")
    except BadCell:
        return 0
    if is_inward(reading.kind, type_) or is_either(reading.kind, type_):
        return 0
    return -1 if below else 1


def _columns(names: Sequence[str], reading: Reading) -> dict[str, int]:
    """Our name -> position, of those that are found."""
    positions: dict[str, int] = {}
    for position, name in enumerate(names):
        positions.setdefault(plain(name), position)
    columns = {
        ours: positions[plain(theirs)]
        for ours, theirs in reading.columns.items()
        if plain(theirs) in positions
    }
    split = {name: (name,) for name in ("fee", "net")} if set(positions) >= _SPLIT else {}
    gross = {"amount", "debit", "credit"} & reading.columns.keys()
    for ours, words in (OTHERS["columns"] | split).items():
        if (
            ours in reading.columns
            or ours in reading.values
            or gross
            and ours in ("amount", "debit", "credit")
        ):
            continue
        if (
            ours == "text"
            and reading.kind != "bank"
            or ours == "status"
            and not _OF_STRIPE.isdisjoint(positions)
        ):
            continue
        also = next(
            (
                word
                for word in words
                if word in positions and positions[word] not in columns.values()
            ),
            None,
        )
        if also is not None:
            columns[ours] = positions[also]
    return columns


def _only(reading: Reading) -> str:
    """The one currency that was named."""
    return (
        reading.currencies[0]
        if len(reading.currencies) == 1 and reading.currencies != (EVERY,)
        else ""
    )


def _lacks(columns: Mapping[str, int], reading: Reading) -> list[str]:
    """Columns that a header needs, and mapped ones that it does not have."""
    known = {
        *columns,
        *reading.values,
        *["type"] * (reading.kind == "bank"),
        *["currency"] * bool(_only(reading)),
    }
    lacks = [name for name in ("type", "currency", "date") if name not in known]
    if "amount" not in columns and not {"debit", "credit"} <= columns.keys():
        lacks.insert(1 if lacks[:1] == ["type"] else 0, "amount")
    if not {"id", "reference", "text"} & columns.keys():
        lacks.insert(0, "id or reference")
    return lacks + [
        name for name, theirs in reading.columns.items() if theirs and name not in columns
    ]


def _unknown(number: int, names: Sequence[str], reading: Reading) -> Problem:
    """Names what is missing and what there is."""
    for ours in reading.columns:
        if ours not in COLUMNS:
            message = Sentence(
                "{0} is not a known column; there are {1}.", repr(ours), ", ".join(COLUMNS)
            )
            return invalid(message, "map", "Map one of these.")
    have, columns = shown_names(names), _columns(names, reading)
    for ours, theirs in reading.columns.items():
        if theirs and ours not in columns:
            message = Sentence(
                "Line {0}, the header, has no column {1}; it has {2}.",
                number,
                repr(theirs[:40]),
                have,
            )
            return invalid(message, "map", "Look at the file's first line.")
    lacks = _lacks(columns, reading)
    message = Sentence(
        "Line {0}, the header, has no {1}; it has {2}.", number, ", no ".join(lacks), have
    )
    first = lacks[0].split(" ", maxsplit=1)[0]
    return invalid(message, "file", Sentence("Map a column: {0}=Their name.", first))


def _formed(text: str, form: str, zone: tzinfo) -> datetime | None:
    try:
        return of_these_days(datetime.strptime(text, form), zone)  # noqa: DTZ007 - the zone follows
    except (ValueError, OverflowError):
        return None
