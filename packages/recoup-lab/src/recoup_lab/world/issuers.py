"""Issuers: their hours and weekdays, code habits, outages, maintenance, and how attempts harden
them."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, NamedTuple

from recoup_lab.world.draws import Choice, Draws, instants, quantile
from recoup_lab.world.money import HOUR, MONTH
from recoup_lab.world.parameters import Parameters
from recoup_lab.world.paydays import DAY, weekday
from recoup_lab.world.port import Scheme

PREFIXES: Final[dict[Scheme, str]] = {"visa": "400088", "mastercard": "555588", "amex": "370088"}
_MAINTENANCE_BEGINS: Final = 2  # local hour


class Habits(NamedTuple):
    """Local hours from midnight, weekdays from Monday 0. Outside the easy hours a held card is
    refused."""

    strict_from: float
    strict_hours: float
    strict_factor: float
    strict_weekday: int
    weekday_factor: float
    easy_from: float
    easy_hours: float


@dataclass(frozen=True, slots=True)
class Closures:
    """Spans of time that do not overlap, for look-up."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def hold(self, instant: int) -> bool:
        place = bisect_right(self.starts, instant)
        return place > 0 and instant < self.ends[place - 1]


@dataclass(frozen=True, slots=True)
class Issuer:
    """`hardening`: what one declined send adds to the mood, `mend_seconds`: in which time that much
    mends."""

    number: int
    scheme: Scheme
    digits: str
    approval: float
    habits: Habits
    later_habits: Habits
    generic_share: float
    advises: bool
    hardening: float
    mend_seconds: float
    outages: Closures
    maintenance_weekday: int | None
    maintenance_seconds: float
    weak_route: int | None

    def in_maintenance(self, local: int) -> bool:
        if self.maintenance_weekday is None or weekday(local // DAY) != self.maintenance_weekday:
            return False
        return 0 <= local % DAY - _MAINTENANCE_BEGINS * HOUR < self.maintenance_seconds


def strict_here(habits: Habits, local: int) -> bool:
    return (local % DAY / HOUR - habits.strict_from) % 24 < habits.strict_hours


def easy_here(habits: Habits, local: int) -> bool:
    return (local % DAY / HOUR - habits.easy_from) % 24 < habits.easy_hours


def approval_factor(habits: Habits, local: int) -> float:
    factor = habits.strict_factor if strict_here(habits, local) else 1.0
    return (
        factor * habits.weekday_factor if weekday(local // DAY) == habits.strict_weekday else factor
    )


def closures(
    draws: Draws,
    purpose: bytes,
    subject: int,
    span: tuple[int, int],
    rate: float,
    hours: tuple[float, ...],
) -> Closures:
    starts: list[int] = []
    ends: list[int] = []
    begun = instants(draws, purpose, subject, *span, MONTH / rate if rate else 0.0)
    for at in begun:
        until = at + int(quantile(hours, draws.one(purpose + b" lasts", subject, at)) * HOUR)
        if not ends or at >= ends[-1]:
            starts.append(at)
            ends.append(until)
    return Closures(tuple(starts), tuple(ends))


def make_issuers(parameters: Parameters, draws: Draws, span: tuple[int, int]) -> list[Issuer]:
    return [_issuer(number, parameters, draws, span) for number in range(parameters.issuers.number)]


def _issuer(number: int, parameters: Parameters, draws: Draws, span: tuple[int, int]) -> Issuer:
    settings, mood, cards = parameters.issuers, parameters.mood, parameters.cards
    n = draws.many(b"issuer", number)
    schemes = Choice[Scheme](
        [("visa", cards.visa), ("mastercard", cards.mastercard), ("amex", cards.amex)]
    )
    scheme = schemes.of((number + 0.5) / settings.number)
    habits = _habits(parameters, draws, number, 0)
    changes = n[0] < parameters.change.issuers_share
    return Issuer(
        number=number,
        scheme=scheme,
        digits=f"{(number * 37 + 101) % 1000:03d}",
        approval=quantile(settings.approval, n[1]),
        habits=habits,
        later_habits=_habits(parameters, draws, number, 1) if changes else habits,
        generic_share=quantile(settings.generic_share, n[2]),
        advises=scheme == "mastercard" and n[3] < settings.advice_share,
        hardening=quantile(mood.hardening, n[4]),
        mend_seconds=max(1.0, quantile(mood.mend_hours, n[5]) * HOUR),
        outages=closures(
            draws, b"outage", number, span, settings.outage_rate, settings.outage_hours
        ),
        maintenance_weekday=int(n[6] * 7) if n[7] < settings.maintenance_share else None,
        maintenance_seconds=quantile(settings.maintenance_hours, n[8]) * HOUR,
        weak_route=int(n[9] * len(parameters.routes.names))
        if n[10] < parameters.routes.weak_share
        else None,
    )


def _habits(parameters: Parameters, draws: Draws, number: int, half: int) -> Habits:
    settings = parameters.issuers
    n = draws.many(b"issuer's habits", number, half)
    return Habits(
        strict_from=n[0] * 24,
        strict_hours=quantile(settings.strict_hours, n[1])
        if n[2] < settings.strict_hours_share
        else 0.0,
        strict_factor=quantile(settings.strict_hours_factor, n[3]),
        strict_weekday=int(n[4] * 7) if n[5] < settings.strict_weekdays_share else -1,
        weekday_factor=quantile(settings.strict_weekdays_factor, n[6]),
        easy_from=n[7] * 24,
        easy_hours=quantile(settings.easy_hours, n[8]),
    )
