"""BAI2: a bank's cash management report. Detail records (16) are entries; totals and counts must be
right.

Source: BAI, Cash Management Balance Reporting Specifications, version 2 (2005): records and type
codes.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from typing import Final, NamedTuple, NoReturn

from recoup.bank.rules.entries import Account, BankEntry, Parts, complaint, masked
from recoup.kernel.money import EXPONENTS, UNITS_MAX
from recoup.kernel.problem import Sentence
from recoup.kit.files.lines import Line

CONTINUED_MAX: Final = 5_000
RECORD_MAX: Final = 1 << 20  # characters
_CODES: Final = ("01", "02", "03", "16", "49", "88", "98", "99")
_BEGINS: Final = re.compile(r"(\d\d)([,/].*|)$", re.S)
_CODE: Final = re.compile(r"[1-9][0-9]{2}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_OPENING, _CLOSING = "010", "015"
# Detail type codes of money that comes back or is taken back: reversals, returned and rejected
# items.
_BACK: Final = frozenset(
    ("123", "252", "255", "257", "258", "261", "266", "268", "395",
     "423", "552", "555", "557", "558", "561", "566", "568", "694")
)  # fmt: skip
_GROUPS: Final = {"2": "a deletion", "3": "a correction", "4": "a test"}


class _Record(NamedTuple):
    """A record with its continuations (88). `body`: without the code; `lines`: of the file;
    `slash`: how it ends."""

    line: int
    code: str
    body: str
    lines: int
    slash: bool


class _Count:
    """Counts that a trailer must match."""

    def __init__(self) -> None:
        self.records = self.parts = self.total = 0


def read_bai2(lines: Iterable[Line]) -> Parts:
    return _Reader().parts(_records(lines))


class _Reader:
    def __init__(self) -> None:
        self._file, self._group, self._held = _Count(), _Count(), _Count()
        self._sender: tuple[str, ...] = ()
        self._about: tuple[str, ...] = ()
        self._currency = "USD"
        self._day: date | None = None
        self._account: Account | None = None
        self._accounts = 0

    def parts(self, records: Iterable[_Record]) -> Parts:
        inside = ""
        for record in records:
            _check_order(record, inside)
            self._file.records += record.lines
            self._group.records += record.lines
            self._held.records += record.lines
            if record.code == "16":
                yield from self._entry(record)
                continue
            fields = [part.strip() for part in record.body.split(",")]
            if record.code == "01":
                inside, self._sender = (
                    "01",
                    (*fields[:2], fields[2] if len(fields) > 2 else "", *fields[4:5]),
                )
            elif record.code == "02":
                inside = "02"
                self._begin_group(record, fields)
            elif record.code == "03":
                inside = "03"
                self._begin_account(record, fields)
            elif record.code == "49":
                inside = "02"
                yield from self._end_account(record, fields)
            elif record.code == "98":
                inside = "01"
                _check(record, self._group, fields, "accounts")
                self._file.parts += 1
                self._file.total += self._group.total
            elif record.code == "99":
                inside = "99"
                _check(record, self._file, fields, "groups")
        if inside != "99":
            raise complaint(
                "The end of the file", "its last record (99) is missing; the file is cut off"
            )

    def _begin_group(self, record: _Record, fields: list[str]) -> None:
        self._group = _Count()
        self._group.records = record.lines
        status = _at(fields, 2)
        if status in _GROUPS:
            raise complaint(
                _place(record),
                Sentence(
                    "the group is {0} (status {1}), which is not taken", _GROUPS[status], status
                ),
                "Ask the bank for the whole report of the day.",
            )
        self._day = _date(record, _at(fields, 3))
        self._currency = _at(fields, 5) or "USD"
        self._about = (_at(fields, 1), _at(fields, 3), _at(fields, 4), _at(fields, 6))

    def _begin_account(self, record: _Record, fields: list[str]) -> None:
        self._held = _Count()
        self._held.records = record.lines
        self._accounts += 1
        asset = _at(fields, 1) or self._currency
        if asset not in EXPONENTS:
            raise complaint(
                _place(record),
                Sentence("the currency {0} is unknown", repr(asset[:8])),
                "Leave this account out of the file.",
            )
        name = _at(fields, 0)
        place = Sentence("Line {0}, account {1}", record.line, masked(name))
        identity = (
            *self._sender,
            *self._about,
            name,
            asset,
            sha256(record.body.encode()).hexdigest()[:16],
        )
        self._account = Account(place, masked(name), identity, asset)
        for code, units in _summaries(record, fields[2:]):
            if units is None:
                continue
            self._held.total += units
            if code == _OPENING:
                self._account.opening = units
            elif code == _CLOSING:
                self._account.closing = units

    def _end_account(self, record: _Record, fields: list[str]) -> Parts:
        account = self._account
        assert account
        _check(record, self._held, fields, "")
        self._group.parts += 1
        self._group.total += self._held.total
        if not account.entries:
            account.opening = account.closing = None  # balances alone
        account.check(account.place)
        self._account = None
        yield account, None

    def _entry(self, record: _Record) -> Parts:
        account, day = self._account, self._day
        assert account
        assert day
        fields = record.body.split(",")
        code, amount = _at(fields, 0), _at(fields, 1)
        units = _number(record, amount, "amount")
        if units < 0:
            _refuse(record, Sentence("the amount {0} of an entry is below zero", repr(amount[:40])))
        self._held.total += units
        if not _CODE.fullmatch(code):
            _refuse(record, Sentence("the type code {0} is none of 100 to 999", repr(code[:20])))
        kind = int(code)
        if 700 <= kind < 920:
            account.leave_out("of loans and of the bank's own codes (700 to 919)")
            return
        if code in ("890", "100", "400"):
            account.leave_out("that are totals")
            return
        inward = kind < 400 or 920 <= kind < 960
        at = _behind_funds(record, fields, 2)
        bank, customer, text = _at(fields, at), _at(fields, at + 1), ",".join(fields[at + 2 :])
        signed = units if inward else -units
        account.add(account.asset, signed)
        if not units:
            account.leave_out("of 0.00")
            return
        account.entries += 1
        place = _place(record)
        yield (
            account,
            BankEntry(
                place, signed, account.asset, day, code in _BACK, code, (customer, bank), text
            ),
        )


def _records(lines: Iterable[Line]) -> Iterator[_Record]:
    held: _Record | None = None
    size = 0
    for line in lines:
        if line.text is None:
            raise complaint(Sentence("Line {0}", line.number), Sentence("it {0}", line.why))
        text = line.text.strip(" \x1a\ufeff")
        if not text:
            continue
        begins = _BEGINS.match(text)
        code = begins[1] if begins else ""
        if begins is None or code not in _CODES:
            raise complaint(
                Sentence("Line {0}", line.number),
                Sentence(
                    "{0} begins with no record code of {1}", repr(text[:20]), " ".join(_CODES)
                ),
            )
        body = begins[2].removeprefix(",")
        slash = body.endswith("/")
        body = body.removesuffix("/")
        if code != "88":
            if held:
                yield held
            held, size = _Record(line.number, code, body, 1, slash), len(body)
            continue
        if held is None:
            raise complaint(Sentence("Line {0}", line.number), "a continuation (88) of nothing")
        size += len(body)
        if held.lines > CONTINUED_MAX or size > RECORD_MAX:
            raise complaint(
                Sentence("Line {0}", line.number), "the record is continued without end"
            )
        held = held._replace(body=_continued(held, body), lines=held.lines + 1, slash=slash)
    if held:
        yield held


def _continued(held: _Record, body: str) -> str:
    """A record that ended with a slash goes on with its next field; without, an entry goes on
    within its text."""
    return f"{held.body} {body}" if held.code == "16" and not held.slash else f"{held.body},{body}"


def _check_order(record: _Record, inside: str) -> None:
    """Checks that a record may stand here. `inside`: the header that is open."""
    wanted = {"01": "", "02": "01", "03": "02", "16": "03", "49": "03", "98": "02", "99": "01"}
    if record.code not in wanted or wanted[record.code] != inside:
        _refuse(
            record,
            Sentence(
                "the record {0} cannot stand here; records are missing or doubled", record.code
            ),
        )


def _summaries(record: _Record, fields: list[str]) -> Iterator[tuple[str, int | None]]:
    at = 0
    while at < len(fields):
        code, amount = _at(fields, at), _at(fields, at + 1)
        if not code:  # empty fields before a continuation
            at += 1
            continue
        yield code, _number(record, amount, f"amount of {code[:3]}") if amount else None
        at = _behind_funds(record, fields, at + 3)


def _behind_funds(record: _Record, fields: list[str], at: int) -> int:
    """The position of the first field behind the funds type at `at`."""
    funds = _at(fields, at)
    if funds == "S":
        return at + 4
    if funds == "V":
        return at + 3
    if funds == "D":
        times = _at(fields, at + 1)
        if not re.fullmatch(r"[0-9]{1,3}", times):
            _refuse(
                record,
                Sentence("the funds type D is followed by {0}, not by a number", repr(times[:20])),
            )
        return at + 2 + 2 * int(times)
    if funds not in ("", "0", "1", "2", "Z"):
        _refuse(
            record, Sentence("the funds type {0} is none of 0, 1, 2, S, V, D, Z", repr(funds[:20]))
        )
    return at + 1


def _check(record: _Record, counted: _Count, fields: list[str], parts: str) -> None:
    said = [_number(record, text or "0", "total or count") for text in fields[: 3 if parts else 2]]
    wanted = [counted.total, *([counted.parts] if parts else []), counted.records]
    names = ["control total", *([f"number of {parts}"] if parts else []), "number of records"]
    if len(said) != len(wanted):
        _refuse(record, "the record has too few fields")
    for name, stated, counted_sum in zip(names, said, wanted, strict=True):
        if stated != counted_sum:
            _refuse(
                record, Sentence("the {0} is {1}, but the file has {2}", name, stated, counted_sum)
            )


def _number(record: _Record, text: str, name: str) -> int:
    text = text.strip()
    if not _NUMBER.fullmatch(text) or abs(int(text)) > UNITS_MAX:
        _refuse(record, Sentence("the {0} {1} is no whole number", name, repr(text[:40])))
    return int(text)


def _date(record: _Record, text: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{6}", text):
            raise ValueError
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        _refuse(record, Sentence("the as-of date {0} is not written YYMMDD", repr(text[:20])))


def _at(fields: list[str], position: int) -> str:
    return fields[position].strip() if position < len(fields) else ""


def _place(record: _Record) -> str:
    return Sentence("Line {0}, record {1}", record.line, record.code)


def _refuse(record: _Record, what: str) -> NoReturn:
    raise complaint(_place(record), what)
