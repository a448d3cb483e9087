"""How often each network lets a card be tried, counted from what was sent of it alone.

Imports nothing of the gate, its tables or its reading of codes: the limits are written down once
more, in whole microseconds since 1970, so that an error of the gate shows. Every send counts,
whatever came of it; one whose message never left does not. A declined payment that a merchant
reports is that merchant's word: it counts, and bars, when that merchant asks, and when anybody else
does it is as if it were not there.

Each window is counted twice, and neither count may pass its number: what left, whoever sent it, and
what the asking merchant sent and reported. What another merchant sent counts until a full day is
over, in the short ones a full hour.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

HOUR = 3_600_000_000
DAY = 24 * HOUR
MONTH = 30 * DAY
NEVER = 1 << 62  # later than any instant

# Days since 1970 from which another number holds.
_OCTOBER_2022, _FEBRUARY_2023, _MAY_25_2025 = 19_266, 19_389, 20_233
_NOVEMBER_29_2026 = 20_786
# From here on what ends a card binds its merchant alone, and not what the customer starts for
# another amount; the times that Mastercard advises are followed by the plan.
_NOVEMBER_30_2026 = 20_787
_STOPS = frozenset(
    {"R0", "R1", "R3"}
)  # bind the merchant that was stopped; the other bans bind the card
_VISA_CATEGORY_1 = frozenset({"04", "07", "12", "14", "15", "41", "43", "46", "57"}) | _STOPS
_FOR_EVER = frozenset({"03", "21"})
# Ours, where no network bans it by its code: lost, stolen, closed or revoked, for 30 days.
_FINAL = frozenset({"04", "15", "18", "35", "41", "42", "43", "44", "46", "56"}) | _STOPS
_FINAL_OF = {"amex": _FINAL | {"105", "188", "189", "200"}, "mastercard": _FINAL | {"76", "77"}}
_WAITS = {"24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}  # hours
_ELO_SAME_DATA = frozenset(
    "12 13 14 19 23 30 41 43 46 54 55 56 57 58 63 64 76 77 82 83 AB AC FM".split()  # noqa: SIM905
)


class Sent(NamedTuple):
    """`who`: customer or merchant. `lowered`: the operator's own number for Visa. `ours`: the gate
    was asked; otherwise it is a declined payment that the merchant reports."""

    at: int
    merchant: str
    acceptor: str
    region: str
    units: int
    currency: str
    who: str
    lowered: int
    ours: bool


class Window(NamedTuple):
    name: str
    span: int
    most: int
    key: Hashable


def windows(scheme: str, one: Sent) -> tuple[Window, ...]:
    """Those that a send of the card falls into."""
    day, amount = one.at // DAY, (one.units, one.currency)
    brazil = one.region == "brazil"
    if scheme == "visa":
        if day < _MAY_25_2025:
            return (Window("visa 15 in 30 days", MONTH, min(15, one.lowered), ("all", amount)),)
        return (Window("visa 20 in 30 days", MONTH, min(20, one.lowered), (one.who, amount)),)
    if scheme == "mastercard":
        months = Window("mastercard 35 in 30 days", MONTH, 35, ("amount", one.acceptor, amount))
        key = ("acceptor", one.acceptor)
        if brazil and day >= _FEBRUARY_2023:
            brazils = (
                Window("mastercard 7 in 24 hours", DAY, 7, key),
                Window("mastercard 7 in 30 days", MONTH, 7, key),
            )
            return (*brazils, months)
        if day < _OCTOBER_2022:
            return Window("mastercard 20 in 24 hours", DAY, 20, key), months
        return Window("mastercard 10 in 24 hours", DAY, 10, key), months
    if scheme == "elo":
        return (Window("elo 15 in 30 days", MONTH, 15, (one.acceptor, amount)),)
    return (Window(f"{scheme} 20 in 30 days", MONTH, 20, amount),)


def _every_key(scheme: str, one: Sent) -> tuple[Hashable, ...]:
    """Of all windows that hold the send at some date of another: the dates of the asking send
    decide."""
    amount = (one.units, one.currency)
    if scheme == "visa":
        return ("all", amount), (one.who, amount)
    if scheme == "mastercard":
        return ("acceptor", one.acceptor), ("amount", one.acceptor, amount)
    if scheme == "elo":
        return ((one.acceptor, amount),)
    return (amount,)


@dataclass(slots=True)
class Count:
    """One card. `log`: its sends as they left, by id. `left_at`: when each left, and whose it was,
    by key. `of_one`: when a merchant's left, and when payments were declined that it reports, by
    both. `waits`: the last decline that advised one, by how long. `barred`: the final answers, each
    with what it is called here."""

    scheme: str
    log: dict[int, Sent] = field(default_factory=dict)
    left_at: dict[Hashable, list[tuple[int, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    of_one: dict[Hashable, list[int]] = field(default_factory=lambda: defaultdict(list))
    barred: list[tuple[str, Sent]] = field(default_factory=list)
    waits: dict[tuple[int, str, bool, str, int, str], int] = field(default_factory=dict)

    def free_at(self, one: Sent) -> int:
        """0 where it may be sent; otherwise the first instant at which it could, NEVER for none."""
        free = 0
        for window in windows(self.scheme, one):
            for ends in self._ends(window, one):
                if len(ends) >= window.most:
                    free = max(free, ends[-window.most] if window.most else NEVER)
        return max(free, self._barred_until(one))

    def fullest(self, one: Sent) -> list[tuple[str, int]]:
        """How many each window of the send holds, itself left out."""
        found = []
        for window in windows(self.scheme, one):
            found.append((window.name, max(len(ends) for ends in self._ends(window, one))))
        return found

    def _ends(self, window: Window, one: Sent) -> tuple[list[int], list[int]]:
        """Until when the sends count that the window holds: the merchant's own, and everybody's."""
        mine, span = self.of_one[one.merchant, window.key], window.span
        everybody = self.left_at[window.key]
        since = bisect_right(everybody, (one.at - span - DAY, ""))
        ends = [
            at + span if whose == one.merchant else rounded(at + span, span)
            for at, whose in everybody[since:]
        ]
        return (
            [at + span for at in mine[bisect_right(mine, one.at - span) :]],
            sorted(end for end in ends if end > one.at),
        )

    def left(self, one: Sent) -> int:
        """How many more the nearest window allows, as its merchant may know: by its own sends,
        while there is room."""
        lefts = []
        for window in windows(self.scheme, one):
            mine, everybody = self._ends(window, one)
            lefts.append(0 if len(everybody) >= window.most else max(0, window.most - len(mine)))
        return min(lefts)

    def _barred_until(self, one: Sent) -> int:
        key, until = (one.acceptor, one.units, one.currency), 0
        waits = self.waits if one.at < _NOVEMBER_30_2026 * DAY else {}
        for (span, whose, reported, *about), heard_at in waits.items():
            if tuple(about) == key and (whose == one.merchant or not reported):
                end = heard_at + span
                until = max(until, end if whose == one.merchant else rounded(end, span))
        rule = _barred_now if one.at >= _NOVEMBER_30_2026 * DAY else _barred_before
        for name, answer in self.barred:
            if (
                answer.merchant != one.merchant
                and not answer.ours
                or not (span := rule(name, answer, one))
            ):
                continue
            end = answer.at + span
            until = max(
                until,
                NEVER
                if span == NEVER
                else end
                if answer.merchant == one.merchant
                else rounded(end, span),
            )
        return until if until > one.at else 0

    def sent(self, id: int, one: Sent) -> None:
        """It left, or was reported."""
        self.log[id] = one
        for key in _every_key(self.scheme, one):
            insort(self.of_one[one.merchant, key], one.at)
            if one.ours:
                insort(self.left_at[key], (one.at, one.merchant))

    def never_left(self, id: int) -> None:
        one = self.log.pop(id)
        for key in _every_key(self.scheme, one):
            times, everybody = self.of_one[one.merchant, key], self.left_at[key]
            del (
                times[bisect_left(times, one.at)],
                everybody[bisect_left(everybody, (one.at, one.merchant))],
            )

    def declined(self, id: int, code: str, advice: str | None) -> None:
        """The answer is known from here on."""
        one = self.log[id]
        if self.scheme == "visa":
            name = code if code in _STOPS else "category 1" if code in _VISA_CATEGORY_1 else ""
        elif self.scheme == "elo":
            name = "irreversible" if code in _ELO_SAME_DATA else ""
        elif self.scheme == "mastercard" and advice in _FOR_EVER:
            name = f"advice {advice}"
        else:
            is_final = advice is None and code in _FINAL_OF.get(self.scheme, _FINAL)
            name = ("final stop" if code in _STOPS else "final") if is_final else ""
        if name:
            self.barred.append((name, one))
        elif self.scheme == "mastercard" and advice in _WAITS:
            # By its length: of two, the one that ends first may be rounded to end last.
            key = (
                _WAITS[advice] * HOUR,
                one.merchant,
                not one.ours,
                one.acceptor,
                one.units,
                one.currency,
            )
            self.waits[key] = max(self.waits.get(key, one.at), one.at)

    def beyond(self) -> list[str]:
        """After the fact: each window that ends with a send of ours and held more than it may, as a
        reader of the finished list counts. With what the same merchant reported, only what was
        known before that send left."""
        ours: dict[Hashable, list[int]] = defaultdict(list)
        for one in self.log.values():
            if one.ours:
                for key in _every_key(self.scheme, one):
                    ours[key].append(one.at)
        for times in ours.values():
            times.sort()
        known: dict[Hashable, list[int]] = defaultdict(list)
        found = []
        for one in self.log.values():
            for key in _every_key(self.scheme, one):
                insort(known[one.merchant, key], one.at)
            for window in windows(self.scheme, one) if one.ours else ():
                inside = max(
                    _between(ours[window.key], one.at, window.span),
                    _between(known[one.merchant, window.key], one.at, window.span),
                )
                if inside > window.most:
                    found.append(f"{window.name}: {inside}, at most {window.most}")
        return found


def _barred_before(name: str, answer: Sent, one: Sent) -> int:
    own, shared = answer.merchant == one.merchant, answer.acceptor == one.acceptor
    if name.startswith("final"):
        day = one.at >= _NOVEMBER_29_2026 * DAY
        return MONTH if day and (own or name == "final") else 0
    if name in _STOPS:
        return NEVER if own else 0
    return NEVER if name == "category 1" or shared else 0


def _barred_now(name: str, answer: Sent, one: Sent) -> int:
    """R3 binds the card, R0 and R1 the merchant, all three what comes without the customer; the
    others the merchant, by its name or its acceptor's, and of what the customer starts the same
    amount."""
    own, shared = answer.merchant == one.merchant, answer.acceptor == one.acceptor
    if name == "irreversible":
        return NEVER if shared else 0
    if name in _STOPS:
        return NEVER if one.who == "merchant" and (own or name == "R3") else 0
    same_amount = (answer.units, answer.currency) == (one.units, one.currency)
    if not (own or shared) or one.who == "customer" and not same_amount:
        return 0
    return MONTH if name in ("final", "final stop", "advice 03") else NEVER


def rounded(end: int, span: int) -> int:
    """To the end of the day by UTC, for windows and waits below two days of the hour."""
    step = HOUR if span < 2 * DAY else DAY
    return -(-end // step) * step


def _between(times: list[int], at: int, span: int) -> int:
    return bisect_right(times, at) - bisect_right(times, at - span)
