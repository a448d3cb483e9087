"""MT940: a bank's statement as SWIFT writes it, in one or several pages, and as banks write it
without the envelope.

Source: SWIFT MT940 Customer Statement Message, fields 20, 25, 28C, 60a, 61, 86, 62a; standards
release 2024.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple, NoReturn

from recoup.bank.rules.entries import Account, BankEntry, Parts, complaint, masked, units_of
from recoup.kernel.problem import Sentence
from recoup.kit.files.lines import Line

FIELD_LINES_MAX: Final = 200
TEXTS_MAX: Final = 10  # of an entry
# blanks, control characters, a byte order mark as it is read
_AROUND: Final = "\x01\x03\x1a\ufeff\xef\xbb\xbf\xa0\t "
_FIELD: Final = re.compile(r":(\d\d[A-Z]?|NS):(.*)", re.S)
_BALANCE: Final = re.compile(r"([CD])([0-9]{6})([A-Z]{3})([0-9,.]{1,20})\s*")
# value date, booking day, mark, third letter of the currency, amount, type, references
_LINE: Final = re.compile(
    r"([0-9]{6})([0-9]{4})? {0,4}(R?[CD])([A-Z])?([0-9,.]{1,20})([NFS][A-Z0-9]{3}|)(.*)", re.S
)
_EXPECTED: Final = re.compile(r"\d{6}(?:\d{4})? {0,4}E[CD]")
_RETURNED: Final = frozenset({"RTI", "RTN", "RET", "RTC"})
_END_TO_END: Final = re.compile(
    r"(?:EREF\+|EREF:|/EREF/)\s*([^/+?\s][^/+?]{0,34}?)(?=\s*+(?:[A-Z]{4}[+:]|/|\?|$))"
)
_SUBFIELD: Final = re.compile(r"\?(2\d|6[0-3])")
_ANY_SUBFIELD: Final = re.compile(r"\?\d\d")
_TEXT_MAX: Final = 4_000


class _Field(NamedTuple):
    line: int
    tag: str
    text: str


@dataclass(slots=True)
class _Page:
    """The parts of a page that were read."""

    line: int
    reference: str = ""
    number: str = ""
    name: str = ""
    opening: tuple[int, str] | None = None
    first: bool = True  # it begins with 60F
    account: Account | None = None
    entry: BankEntry | None = None
    closed: tuple[int, str] | None = None
    last: bool = True  # it ends with 62F
    texts: list[str] = field(default_factory=list)


def read_mt940(lines: Iterable[Line]) -> Parts:
    page: _Page | None = None
    before: _Page | None = None
    pages = 0
    for part in _fields(lines):
        if (
            part.tag == "20"
            or page is None
            or (part.tag in ("25", "25P", "60F", "60M") and page.closed)
        ):
            if page:
                yield from _end(page, before)
                before = page
            page = _Page(part.line, reference=page.reference if page and part.tag != "20" else "")
            pages += 1
        yield from _take(page, part)
    if page is None:
        raise complaint("The file", "it holds no statement")
    yield from _end(page, before)
    if page.closed and not page.last:
        raise complaint(
            Sentence("Line {0}, :62M:", page.line),
            "the last page of this statement is missing",
            "Add the page.",
        )


def _fields(lines: Iterable[Line]) -> Iterator[_Field]:
    kept: list[str] = []
    line, tag = 0, ""
    for text_line in lines:
        if text_line.text is None:
            raise complaint(
                Sentence("Line {0}", text_line.number), Sentence("it {0}", text_line.why)
            )
        text = text_line.text.rstrip("\x03\x1a\t ")
        plain = text.strip(_AROUND)
        if plain.startswith("{") and ":" in plain:  # the envelope; a field may begin behind it
            text = plain = plain.rpartition("{4:")[2] if "{4:" in plain else ""
        begins = _FIELD.fullmatch(plain)
        if begins or plain in ("-", "") or plain.startswith("-}"):
            if tag:
                yield _Field(line, tag, "\n".join(kept))
            line, tag, kept = (text_line.number, begins[1], [begins[2]]) if begins else (0, "", [])
        elif tag:
            if len(kept) >= FIELD_LINES_MAX:
                raise complaint(
                    Sentence("Line {0}", text_line.number),
                    Sentence("the field :{0}: has more than {1} lines", tag, FIELD_LINES_MAX),
                )
            kept.append(text)
    if tag:
        yield _Field(line, tag, "\n".join(kept))


def _take(page: _Page, part: _Field) -> Parts:
    text = part.text.strip()
    if part.tag == "20":
        page.reference = text
    elif part.tag in ("25", "25P"):
        page.name = text
    elif part.tag in ("28", "28C"):
        page.number = text
    elif part.tag in ("60F", "60M"):
        if page.opening:
            _refuse(part, "a second opening balance, and the statement before has no closing one")
        page.opening, page.first = _balance(part), part.tag == "60F"
    elif part.tag == "61":
        yield from _flush(page)
        page.entry = _entry(page, part)
    elif part.tag == "86":
        page.texts = [*page.texts, part.text][-TEXTS_MAX:]
    elif part.tag in ("62F", "62M"):
        yield from _flush(page)
        page.closed, page.last = _balance(part), part.tag == "62F"
    elif part.tag in ("34F", "13D", "90D", "90C") and page.opening is None:
        _refuse(part, "it is an interim report (MT942), whose entries may still change")


def _flush(page: _Page) -> Parts:
    """The entry that was read last, with its :86:."""
    entry, texts = page.entry, page.texts
    page.entry, page.texts = None, []
    if entry is None:
        return
    account = _account(page)
    account.add(entry.asset, entry.units)
    if not entry.units:
        account.leave_out("of 0.00")
        return
    account.entries += 1
    plain = _plain("\n".join(texts))
    reference = _END_TO_END.search(plain)
    references = (reference[1].strip(), *entry.references) if reference else entry.references
    yield account, entry._replace(text=f"{entry.text} {plain}"[:_TEXT_MAX], references=references)


def _account(page: _Page) -> Account:
    if page.account is None:
        assert page.opening
        place = Sentence("Line {0}, statement {1}", page.line, page.number or page.reference or "?")
        name = max(page.name.split("/"), key=len)
        identity = (page.name, page.number, page.reference, str(page.opening))
        page.account = Account(place, masked(name), identity, page.opening[1], page.opening[0])
    return page.account


def _end(page: _Page, before: _Page | None) -> Parts:
    """A page that has ended: its balances, and that it follows the page before."""
    if page.opening is None:
        raise complaint(
            Sentence("Line {0}", page.line), "the statement has no opening balance (:60F:)"
        )
    if page.closed is None:
        message = "the statement has no closing balance (:62F:); the file is cut off"
        raise complaint(Sentence("Line {0}", page.line), message)
    if not page.name:
        raise complaint(Sentence("Line {0}", page.line), "the statement names no account (:25:)")
    account = _account(page)
    if page.closed[1] != account.asset:
        message = Sentence("the balances are in {0} and {1}", account.asset, page.closed[1])
        raise complaint(account.place, message)
    account.closing = page.closed[0]
    account.check(account.place)
    goes_on = before is not None and before.name == page.name and before.closed and not before.last
    if goes_on and before and (page.first or page.opening != before.closed):
        message = (
            "it does not begin with the balance that the page before ended with; a page is missing"
        )
        raise complaint(account.place, message, "Add the page, or fetch the file again.")
    yield account, None


def _balance(part: _Field) -> tuple[int, str]:
    stated = _BALANCE.fullmatch(part.text.strip())
    if stated is None:
        _refuse(
            part, Sentence("{0} is no balance like C261120EUR100,00", repr(part.text.strip()[:40]))
        )
    units = units_of(stated[4], stated[3], _place(part), f":{part.tag}:")
    return units if stated[1] == "C" else -units, stated[3]


def _entry(page: _Page, part: _Field) -> BankEntry:
    if page.opening is None:
        _refuse(part, "an entry before the opening balance (:60F:)")
    if page.closed:
        _refuse(part, "an entry behind the closing balance")
    first, _, more = part.text.partition("\n")
    stated = _LINE.fullmatch(first.strip())
    if stated is None:
        if _EXPECTED.match(first):
            _refuse(part, "an expected entry (EC or ED), which is not booked")
        _refuse(
            part,
            Sentence("{0} is no entry like 2611201120C100,00NTRFPO-1//BANK1", repr(first[:60])),
        )
    asset = page.opening[1]
    if stated[4] and stated[4] != asset[2]:
        _refuse(
            part,
            Sentence(
                "the letter {0} behind the mark is not the third one of {1}", stated[4], asset
            ),
        )
    units = units_of(stated[5], asset, _place(part), "amount")
    back = stated[3].startswith("R")
    # A reversed credit leaves the account, a reversed debit comes back to it.
    inward = stated[3] in ("C", "RD")
    customer, _, bank = stated[7].partition("//")
    code = stated[6]
    return BankEntry(
        _place(part),
        units if inward else -units,
        asset,
        _day(part, stated[1], stated[2]),
        back or code[1:] in _RETURNED,
        code,
        (customer.strip(), bank.strip()),
        f"{stated[7]} {more}".replace("\n", " "),
    )


def _day(part: _Field, value: str, booked: str | None) -> date:
    """The booking day. It has no year: the nearest to the value date, which some banks set on 30
    February."""
    try:
        year, month, day = 2000 + int(value[:2]), int(value[2:4]), int(value[4:])
        if not booked:
            return date(year, month, day)
        near = date(year, month, min(day, 28))
        days = [date(at, int(booked[:2]), int(booked[2:])) for at in _years(year, booked)]
        return min(days, key=lambda day: abs(day - near))
    except ValueError:
        _refuse(
            part, Sentence("{0} is no value date and booking day", repr(f"{value}{booked or ''}"))
        )


def _years(year: int, booked: str) -> Iterator[int]:
    """Neighbouring years that have the day."""
    return (
        at for at in (year - 1, year, year + 1) if _is_day(at, int(booked[:2]), int(booked[2:]))
    )


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _plain(text: str) -> str:
    """The purpose of a German :86: without its field numbers, another text as one line."""
    if len(_ANY_SUBFIELD.findall(text)) < 2:
        return " ".join(text.split())
    joined = text.replace("\n", "")
    pieces = _ANY_SUBFIELD.split(joined)[1:]
    return "".join(
        piece
        for number, piece in zip(_ANY_SUBFIELD.findall(joined), pieces, strict=True)
        if _SUBFIELD.fullmatch(number)
    )


def _place(part: _Field) -> str:
    return Sentence("Line {0}, :{1}:", part.line, part.tag)


def _refuse(part: _Field, what: str) -> NoReturn:
    raise complaint(_place(part), what)
