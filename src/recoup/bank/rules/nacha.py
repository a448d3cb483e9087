"""NACHA return files: payouts that come back (addenda 99) and notices of change (addenda 98).

Source: Nacha operating rules, appendix 3 (record formats: 1, 5, 6, 799, 798, 8, 9) and 4 (return
and change codes).
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from recoup.bank.rules.bank_answers import PayoutReturn
from recoup.bank.rules.entries import complaint, masked, written
from recoup.kernel.problem import Sentence

WIDTH: Final = 94
WIDEST: Final = (
    100  # some banks pad; what is read stands in the first 64 positions, and the controls prove it
)
ASSET: Final = "USD"
_HASH: Final = 10**10
_CODES: Final = tomllib.loads(Path(__file__).with_name("nacha.toml").read_text("utf-8"))
RETURNS: Final[dict[str, str]] = _CODES["returns"]
CHANGES: Final[dict[str, str]] = _CODES["changes"]
# R61 to R69 dishonour a return, R70 to R77 contest that: banks say it to each other about an
# earlier return.
_DISPUTED: Final = tuple(f"R{number}" for number in range(61, 78))


class _Record(NamedTuple):
    line: int
    text: str

    def part(self, first: int, last: int) -> str:
        """The text between two positions, counted from 1 as in the rules."""
        return self.text[first - 1 : last]


@dataclass(slots=True)
class _Sums:
    records: int = 0
    hash: int = 0
    debits: int = 0
    credits: int = 0
    batches: int = 0

    def add(self, other: "_Sums") -> None:
        self.records += other.records
        self.hash += other.hash
        self.debits += other.debits
        self.credits += other.credits
        self.batches += 1


@dataclass(slots=True)
class _Read:
    """`batch`: the open one's header."""

    file: _Sums = field(default_factory=_Sums)
    held: _Sums = field(default_factory=_Sums)
    batch: _Record | None = None
    entry: _Record | None = None
    answers: list[PayoutReturn] = field(default_factory=list)
    known: int = 0  # addenda 98 and 99
    ended: bool = False


def read_nacha(content: bytes) -> list[PayoutReturn]:
    """Raises: Problem(invalid) for a file of which nothing may be taken."""
    read = _Read()
    for lines, record in enumerate(_records(content), 1):
        if lines == 1 and record.part(1, 1) != "1":
            _refuse(record, "a NACHA file begins with a file header (1)")
        if not read.ended:
            _take(read, record, lines)
        elif record.text.strip("9 "):
            _refuse(record, "a record behind the file control (9)")
    if not read.ended:
        raise complaint(
            "The end of the file", "its file control (9) is missing; the file is cut off"
        )
    if not read.known:
        raise complaint(
            "The file",
            "it has no return (addenda 99) and no notice of change (addenda 98)",
            "It may be the file that was sent; record the one that came back.",
        )
    return _merged(read.answers)


def _records(content: bytes) -> Iterator[_Record]:
    """Records of a file: one a line, or without any line's end."""
    text = content.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n\x1a ")
    if "\n" not in text and len(text) > WIDTH:
        text = "\n".join(text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(line.rstrip()) > WIDEST:
            raise complaint(
                Sentence("Line {0}", number),
                Sentence("the record has {0} characters instead of {1}", len(line), WIDTH),
            )
        yield _Record(number, line[:WIDTH].ljust(WIDTH))


def _take(read: _Read, record: _Record, lines: int) -> None:
    kind = record.part(1, 1)
    if (
        (kind == "1") != (lines == 1)
        or (kind in "678") != (read.batch is not None)
        or kind not in "156789"
    ):
        _refuse(
            record,
            Sentence(
                "the record {0} cannot stand here; records are missing or doubled", repr(kind)
            ),
        )
    if kind == "5":
        read.batch, read.held, read.entry = record, _Sums(), None
    elif kind == "6":
        _finish(read)
        read.entry = record
        read.held.records += 1
        read.held.hash += _number(record, 4, 11, "receiving bank")
        units = _number(record, 30, 39, "amount")
        if _is_credit(record):
            read.held.credits += units
        else:
            read.held.debits += units
    elif kind == "7":
        read.held.records += 1
        if record.part(2, 3) in ("98", "99"):
            _answer(read, record)
    elif kind == "8":
        _finish(read)
        _check(record, read.held, ((5, 10), (11, 20), (21, 32), (33, 44)))
        read.file.add(read.held)
        read.batch = None
    elif kind == "9":
        _check(record, read.file, ((14, 21), (22, 31), (32, 43), (44, 55)))
        if _number(record, 2, 7, "batch count") != read.file.batches:
            _refuse(record, Sentence("the batch count is not {0}", read.file.batches))
        read.ended = True


def _finish(read: _Read) -> None:
    """The entry that was read last: without addenda 98 or 99 it is no answer."""
    if read.entry:
        place, payout = read.entry.line, read.entry.part(40, 54).strip()
        read.answers.append(
            PayoutReturn(place, payout, "notice", "", "is no return: it has no addenda 99")
        )
        read.entry = None


def _answer(read: _Read, record: _Record) -> None:
    entry, code = read.entry, record.part(4, 6)
    if entry is None:
        if code not in _DISPUTED or not read.answers:
            _refuse(record, "an addenda of no entry")
        read.answers[-1] = _disputed(read.answers[-1], code)  # behind the return that is disputed
        return
    read.entry = None
    read.known += 1
    international = read.batch is not None and read.batch.part(51, 53) == "IAT"
    payout = "" if international else entry.part(40, 54).strip()
    units = _number(entry, 30, 39, "amount")
    answer = PayoutReturn(entry.line, payout, "notice", "", None if payout else "names no payout")
    if record.part(2, 3) == "98":
        read.answers.append(answer._replace(reason=_change(record)))
    elif code in _DISPUTED:
        read.answers.append(_disputed(answer, code))
    elif code not in RETURNS:
        read.answers.append(answer._replace(wrong=f"the return code {code!r} is unknown"))
    elif not _is_credit(entry):
        read.answers.append(answer._replace(wrong="is a returned debit, not a payout"))
    else:
        read.answers.append(
            answer._replace(
                outcome="returned", reason=f"{code}: {RETURNS[code]}", units=units, asset=ASSET
            )
        )


def _disputed(answer: PayoutReturn, code: str) -> PayoutReturn:
    text = Sentence("{0}: the banks dispute an earlier return of it", code)
    return answer._replace(outcome="notice", reason=text, units=None, asset="")


def _change(record: _Record) -> str:
    code, given = record.part(4, 6), record.part(36, 64).strip()
    what = CHANGES.get(code, "an unknown part")
    parts = " ".join(masked(part) for part in given.split())
    return Sentence(
        "{0}: the bank asks to change the {1} to {2}; correct the merchant's bank account",
        code,
        what,
        parts or "?",
    )


def _merged(answers: list[PayoutReturn]) -> list[PayoutReturn]:
    """A large payout is several entries: returned when all of them are."""
    returns: dict[tuple[str, str], PayoutReturn] = {}
    others: list[PayoutReturn] = []
    for answer in answers:
        key = (answer.payout, answer.reason)
        if answer.wrong or answer.outcome != "returned":
            others.append(answer)
        elif key in returns:
            returns[key] = returns[key]._replace(
                units=(returns[key].units or 0) + (answer.units or 0)
            )
        else:
            returns[key] = answer
    return sorted((*returns.values(), *others), key=lambda entry: entry.line)


def _is_credit(entry: _Record) -> bool:
    """Tells credits by transaction code: 21 to 24, 31 to 34 …"""
    code = entry.part(2, 3)
    if not (code.isascii() and code.isdigit()):
        _refuse(entry, Sentence("the transaction code {0} is no number", repr(code)))
    return int(code[1]) < 5


def _check(record: _Record, sums: _Sums, at: tuple[tuple[int, int], ...]) -> None:
    for (first, last), name, counted in zip(
        at,
        ("entry and addenda count", "entry hash", "total of debits", "total of credits"),
        (sums.records, sums.hash % _HASH, sums.debits, sums.credits),
        strict=True,
    ):
        said = _number(record, first, last, name)
        if said != counted:
            is_money = name.startswith("total")
            stated, is_ = (
                (written(said, ASSET), written(counted, ASSET))
                if is_money
                else (str(said), str(counted))
            )
            _refuse(record, Sentence("the {0} is {1}, but the file has {2}", name, stated, is_))


def _number(record: _Record, first: int, last: int, name: str) -> int:
    text = record.part(first, last).strip()
    if not (text.isascii() and text.isdigit()):
        message = Sentence(
            "the {0} (positions {1} to {2}) is no number: {3}", name, first, last, repr(text)
        )
        _refuse(record, message)
    return int(text)


def _refuse(record: _Record, what: str) -> NoReturn:
    raise complaint(Sentence("Line {0}, record {1}", record.line, record.part(1, 1)), what)
