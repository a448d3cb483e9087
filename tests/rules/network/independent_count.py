"""How often each network lets a card be tried, counted from what was sent of it alone.

Imports nothing of the gate, its tables or its reading of codes: the limits are written down once more, in whole
microseconds since 1970, so that an error of the gate shows. Every send counts, whatever came of it; one whose message
never left does not. A declined payment that a merchant reports is that merchant's word: it counts, and bars, when that
merchant asks, and when anybody else does it is as if it were not there.
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
_OCTOBER_2022, _FEBRUARY_2023, _MAY_19_2025, _MAY_25_2025 = 19_266, 19_389, 20_227, 20_233
_STOPS = frozenset({"R0", "R1", "R3"})  # bind the merchant that was stopped; the other bans bind the card
_VISA_CATEGORY_1 = frozenset({"04", "07", "12", "14", "15", "41", "43", "46", "57"}) | _STOPS
_FOR_EVER = frozenset({"03", "21"})
_WAITS = {"24": 1, "25": 24, "26": 48, "27": 96, "28": 144, "29": 192, "30": 240}  # hours
_ELO_SAME_DATA = frozenset(
    "12 13 14 19 23 30 41 43 46 54 55 56 57 58 63 64 76 77 82 83 AB AC FM".split()  # noqa: SIM905
)


class Sent(NamedTuple):
    """`who`: customer or merchant. `lowered`: the operator's own number for Visa. `ours`: the gate was asked; otherwise
    it is a declined payment that the merchant reports."""

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
        if day < (_MAY_25_2025 if brazil else _MAY_19_2025):
            return (Window("visa 15 in 30 days", MONTH, min(15, one.lowered), ("all", amount)),)
        return (Window("visa 20 in 30 days", MONTH, min(20, one.lowered), (one.who, amount)),)
    if scheme == "mastercard":
        months = Window("mastercard 35 in 30 days", MONTH, 35, ("amount", one.acceptor, amount))
        key = ("acceptor", one.acceptor)
        if brazil and day >= _FEBRUARY_2023:
            brazils = Window("mastercard 7 in 24 hours", DAY, 7, key), Window("mastercard 7 in 30 days", MONTH, 7, key)
            return (*brazils, months)
        if day < _OCTOBER_2022:
            return Window("mastercard 20 in 24 hours", DAY, 20, key), months
        return Window("mastercard 10 in 24 hours", DAY, 10, key), months
    if scheme == "elo":
        return (Window("elo 15 in 30 days", MONTH, 15, (one.acceptor, amount)),)
    return (Window(f"{scheme} 20 in 30 days", MONTH, 20, amount),)


def _every_key(scheme: str, one: Sent) -> tuple[Hashable, ...]:
    """Of all windows that hold the send at some date of another: the dates of the asking send decide."""
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
    """One card. `log`: its sends in the order in which they left, by id. `told`: when payments were declined that a
    merchant reports, by merchant and key."""

    scheme: str
    log: dict[int, Sent] = field(default_factory=dict)
    times: dict[Hashable, list[int]] = field(default_factory=lambda: defaultdict(list))
    told: dict[Hashable, list[int]] = field(default_factory=dict)
    barred: set[Hashable] = field(default_factory=set)
    waits: dict[Hashable, int] = field(default_factory=dict)

    def free_at(self, one: Sent) -> int:
        """0 where it may be sent; otherwise the first instant at which it could, NEVER for none."""
        free = 0
        for window in windows(self.scheme, one):
            inside = self._inside(window, one)
            if len(inside) >= window.most:
                free = max(free, inside[-window.most] + window.span if window.most else NEVER)
        return max(free, self._barred_until(one))

    def fullest(self, one: Sent) -> list[tuple[str, int]]:
        """How many each window of the send holds, itself left out."""
        found = []
        for window in windows(self.scheme, one):
            found.append((window.name, len(self._inside(window, one))))
        return found

    def _inside(self, window: Window, one: Sent) -> list[int]:
        """When the sends were that the window holds for the merchant of this one."""
        times, told = self.times[window.key], self.told.get((one.merchant, window.key))
        inside = times[bisect_right(times, one.at - window.span) :]
        return sorted(inside + told[bisect_right(told, one.at - window.span) :]) if told else inside

    def left(self, one: Sent) -> int:
        """How many more the nearest window allows."""
        most = {window.name: window.most for window in windows(self.scheme, one)}
        return min(max(0, most[name] - inside) for name, inside in self.fullest(one))

    def _barred_until(self, one: Sent) -> int:
        if self.barred and not self.barred.isdisjoint(("card", ("merchant", one.merchant), ("acceptor", one.acceptor))):
            return NEVER
        key = one.acceptor, one.units, one.currency
        until = max(self.waits.get(key, 0), self.waits.get((one.merchant, *key), 0))
        return until if until > one.at else 0

    def sent(self, id: int, one: Sent) -> None:
        """It left, or was reported."""
        self.log[id] = one
        for key in _every_key(self.scheme, one):
            insort(self.times[key] if one.ours else self.told.setdefault((one.merchant, key), []), one.at)

    def never_left(self, id: int) -> None:
        one = self.log.pop(id)
        for key in _every_key(self.scheme, one):
            times = self.times[key]
            del times[bisect_left(times, one.at)]

    def declined(self, id: int, code: str, advice: str | None) -> None:
        """The answer is known from here on."""
        one = self.log[id]
        itself = ("merchant", one.merchant)
        if self.scheme == "visa" and code in _VISA_CATEGORY_1:
            self.barred.add(itself if code in _STOPS or not one.ours else "card")
        elif self.scheme == "elo" and code in _ELO_SAME_DATA or self.scheme == "mastercard" and advice in _FOR_EVER:
            self.barred.add(("acceptor", one.acceptor) if one.ours else itself)
        elif self.scheme == "mastercard" and advice in _WAITS:
            key: Hashable = (one.acceptor, one.units, one.currency)
            if not one.ours:
                key = (one.merchant, one.acceptor, one.units, one.currency)
            self.waits[key] = max(self.waits.get(key, 0), one.at + _WAITS[advice] * HOUR)

    def beyond(self) -> list[str]:
        """After the fact: each window that ends with a send of ours and held more than it may, as a reader of the
        finished list counts. With what the same merchant reported, only what was known before that send left."""
        ours: dict[Hashable, list[int]] = defaultdict(list)
        for one in self.log.values():
            if one.ours:
                for key in _every_key(self.scheme, one):
                    ours[key].append(one.at)
        for times in ours.values():
            times.sort()
        known: dict[Hashable, list[int]] = defaultdict(list)
        told: dict[Hashable, list[int]] = {}
        found = []
        for one in self.log.values():
            for key in _every_key(self.scheme, one):
                insort(known[key] if one.ours else told.setdefault((one.merchant, key), []), one.at)
            for window in windows(self.scheme, one) if one.ours else ():
                inside = _between(ours[window.key], one.at, window.span)
                if (one.merchant, window.key) in told:
                    before = _between(known[window.key], one.at, window.span)
                    before += _between(told[one.merchant, window.key], one.at, window.span)
                    inside = max(inside, before)
                if inside > window.most:
                    found.append(f"{window.name}: {inside}, at most {window.most}")
        return found


def _between(times: list[int], at: int, span: int) -> int:
    return bisect_right(times, at) - bisect_right(times, at - span)
