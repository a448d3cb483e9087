"""A bank's statement, whatever its format: entries of accounts become lines that can be compared.

A file is taken whole or not at all: what cannot be read, or does not add up, is refused with its
place and cure.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final, NamedTuple

from recoup.bank.rules.matching import Theirs, signed_type
from recoup.bank.rules.reading import EVERY, Reading, check
from recoup.bank.rules.statement import LINES_MAX, Broken, content_id
from recoup.kernel.money import EXPONENTS, UNITS_MAX
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kernel.time import of_these_days
from recoup.kit.files.xml_parts import Element, XmlError, parts
from recoup.orders.rules.references import is_ours, named_by

AGAIN: Final = "Fetch the file from the bank again."
STATEMENTS_MAX: Final = 100_000  # of a file
SHOWN_MAX: Final = 20
_AMOUNT: Final = re.compile(r"[0-9]{1,18}(?:[.,][0-9]{0,18})?|[.,][0-9]{1,18}")


class BankEntry(NamedTuple):
    """A movement on the account. `units`: signed, + is a credit; `back`: it undoes an earlier one;
    `code`: the bank's own; `references`: the best first; `text`: may hold our reference."""

    place: str
    units: int
    asset: str
    day: date
    back: bool
    code: str
    references: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Account:
    """Statement of one account. `opening`, `closing`: None where the file does not say. `left_out`:
    why -> entries that move no money (yet)."""

    place: str
    name: str
    identity: tuple[str, ...]
    asset: str = ""
    opening: int | None = None
    closing: int | None = None
    entries: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    whole: int = 0  # entries that are batches whose details do not add up to them

    def key(self) -> str:
        """The statement's identity, whichever file it came in."""
        return sha256("\x1f".join(self.identity).encode("utf-8", "replace")).hexdigest()[:32]

    def add(self, asset: str, units: int) -> None:
        self.sums[asset] = self.sums.get(asset, 0) + units

    def leave_out(self, why: str) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + 1

    def check(self, place: str) -> None:
        """Raises: Problem(invalid) unless the entries are the difference of the balances."""
        if self.opening is None or self.closing is None:
            return
        moved = self.sums.get(self.asset, 0)
        if self.opening + moved != self.closing:
            raise complaint(
                place,
                Sentence(
                    "account {0}: the balance goes from {1} to {2} {3}, "
                    "but the entries come to {4}",
                    self.name,
                    written(self.opening, self.asset),
                    written(self.closing, self.asset),
                    self.asset,
                    written(moved, self.asset),
                ),
                "Fetch the file from the bank again: entries are missing, doubled or changed.",
            )


Parts = Iterator[tuple[Account, BankEntry | None]]
"""Each entry with its statement; None: the statement has ended, and is checked."""


class BankStatement:
    """A file being read. Iterating gives lines, and at its end `notes` say what each account comes
    to.

    Raises: Problem(invalid), while it is read, for a file of which nothing may be taken.
    """

    def __init__(self, named: str, parts: Callable[[], Parts], reading: Reading) -> None:
        self._named, self._parts, self._reading, self._zone = named, parts, reading, check(reading)
        self.currencies: set[str] = set(reading.currencies) - {EVERY}
        self._wanted = frozenset(self.currencies)
        self.last_number = 0
        self._accounts: list[Account] = []
        self._seen: set[str] = set()
        self._open: tuple[Account | None, str] = (None, "")

    def __iter__(self) -> Iterator[Theirs | Broken]:
        for account, entry in self._parts():
            if entry is None:
                self._end(account)
                continue
            self.last_number += 1
            if self.last_number > LINES_MAX:
                raise complaint(
                    entry.place,
                    Sentence("the file has more than {0} entries", figure(LINES_MAX)),
                    "Ask for a file of fewer days.",
                )
            yield self._line(self.last_number, account, entry)

    def notes(self) -> list[str]:
        said: list[str] = [
            Sentence("Read as {0}; the line is the number of the entry.", self._named)
        ]
        for account in self._accounts:
            said += _said(account)
        if len(self._seen) > SHOWN_MAX:
            said.append(Sentence("Further statements: {0}.", len(self._seen) - SHOWN_MAX))
        return said

    def _end(self, account: Account) -> None:
        if account.key() in self._seen:
            message = Sentence(
                "the statement {0} is in the file twice", " ".join(account.identity)[:80]
            )
            raise complaint(
                account.place, message, "Remove one of the two, or fetch the file again."
            )
        if len(self._seen) >= STATEMENTS_MAX:
            message = Sentence("the file has more than {0} statements", figure(STATEMENTS_MAX))
            raise complaint(account.place, message, "Ask for a file of fewer days.")
        self._seen.add(account.key())
        if len(self._accounts) < SHOWN_MAX:
            self._accounts.append(account)

    def _line(self, number: int, account: Account, entry: BankEntry) -> Theirs | Broken:
        our_id, reference = named_by(entry.references, entry.text)
        ours = is_ours(our_id, reference)
        stated = self._reading.types.get(entry.code) or kind_of(entry, ours=ours)
        kind = signed_type("bank", stated, came_in=entry.units > 0, ours=ours)
        if self._wanted and entry.asset not in self._wanted:
            why = Sentence(
                "it is in {0}, and only {1} was asked for",
                entry.asset,
                " and ".join(sorted(self._wanted)),
            )
            return Broken(number, "mixed_currencies", why)
        self.currencies.add(entry.asset)
        at = of_these_days(datetime.combine(entry.day, datetime.min.time()), self._zone)
        if at is None:
            raise complaint(
                entry.place,
                Sentence("the day {0} is not of the years 2000 to 2200", entry.day.isoformat()),
            )
        period = self._reading.period
        if period and not period[0] <= at < period[1]:
            why = Sentence("its date {0} lies outside the period", entry.day.isoformat())
            return Broken(number, "other_period", why)
        units = abs(entry.units)
        said = (
            reference if our_id or reference else f"\x1e{account.name}"
        )  # equal ones of two accounts are no equals
        line_id = content_id("bank", kind, our_id, said, units, entry.asset, at)
        if self._open[0] is not account:
            self._open = account, account.key()
        return Theirs(
            number, line_id, kind, our_id, reference, units, entry.asset, at, "", self._open[1]
        )


def kind_of(entry: BankEntry, *, ours: bool) -> str:
    """The line type of an account's movement. `ours`: it has a payout's id or reference."""
    if entry.units > 0:
        return "payout_return" if entry.back or ours else "funding"
    return "funding_return" if entry.back and not ours else "payout"


def complaint(place: str, what: str, cure: str = AGAIN) -> Problem:
    """Problem with a file, of which nothing is taken."""
    return invalid(
        Sentence("{0}: {1}. Nothing of the file was taken.", _said_once(place), _said_once(what)),
        "file",
        cure,
    )


def bank_parts(
    chunks: Iterable[bytes], cut: Collection[str]
) -> Iterator[tuple[Element, tuple[Element, ...]]]:
    """The parts of a bank's XML. Raises: Problem(invalid) with the line, for what is no such
    XML."""
    try:
        yield from parts(chunks, cut)
    except XmlError as error:
        raise complaint(Sentence("Line {0}", error.line), error.what) from None


def _said_once(text: str) -> Sentence:
    return text if isinstance(text, Sentence) else Sentence(text)


def units_of(text: str, asset: str, place: str, name: str) -> int:
    """An amount without sign, its decimal sign a dot or a comma. Raises: Problem(invalid)."""
    if asset not in EXPONENTS:
        raise complaint(
            place,
            Sentence("{0}: the currency {1} is unknown", name, repr(asset[:8])),
            "Leave this account out of the file.",
        )
    text = text.strip()
    value = (
        Decimal(text.replace(",", ".")).scaleb(EXPONENTS[asset])
        if _AMOUNT.fullmatch(text)
        else Decimal(-1)
    )
    if value < 0 or value != value.to_integral_value() or value > UNITS_MAX:
        raise complaint(
            place, Sentence("{0}: {1} is no amount of {2}", name, repr(text[:40]), asset)
        )
    return int(value)


def written(units: int, asset: str) -> str:
    places = EXPONENTS.get(asset, 2)
    return f"{Decimal(units).scaleb(-places):.{places}f}"


def masked(number: str) -> str:
    """An account's number as notes and complaints show it."""
    plain = "".join(number.split())
    return f"…{plain[-4:]}" if len(plain) > 4 else plain or "?"


def _said(account: Account) -> list[str]:
    sums: Mapping[str, int] = account.sums or {account.asset: 0}
    said: list[str] = [
        Sentence(
            "Account {0}: {1} entries, sum {2}.",
            account.name,
            account.entries,
            ", ".join(
                f"{written(units, asset)} {asset}".strip()
                for asset, units in sorted(sums.items())[:SHOWN_MAX]
            ),
        )
    ]
    if account.opening is not None and account.closing is not None:
        said.append(
            Sentence(
                "Its balance goes from {0} to {1} {2}, as the entries say.",
                written(account.opening, account.asset),
                written(account.closing, account.asset),
                account.asset,
            )
        )
    else:
        said.append(
            Sentence(
                "The file has no opening and closing balance of it, so its sum could not be "
                "checked."
            )
        )
    for why, count in sorted(account.left_out.items()):
        said.append(Sentence("Entries left out, {0}: {1}.", _said_once(why), count))
    if account.whole:
        said.append(
            Sentence(
                "Batches taken as one entry, because their details do not add up to it: {0}.",
                account.whole,
            )
        )
    return said
