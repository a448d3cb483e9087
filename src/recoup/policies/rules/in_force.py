"""The policies that hold for an order, the widest first, as one: what a decider is asked within.
Pure.

What is set narrower lies inside what is wider; where a wider scope was narrowed since, the wider
one wins. Operator and partner bound only: what they say is no setting of a merchant that has set
nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cached_property
from typing import Final, NamedTuple

from recoup.policies.rules.budget import COUNTED, Counted, MonthSends
from recoup.policies.rules.policy import Group, Pricing, RetryPolicy
from recoup.policies.rules.terms import (
    ARMS,
    ATTRIBUTES,
    DAY_MINUTES,
    LINKS,
    OWN,
    ArmMost,
    Hours,
    Link,
    PolicyTerms,
    ScopeKind,
)

_ALL_DAY: Final = (1 << DAY_MINUTES) - 1
_ALL_WEEK: Final = (1 << 7) - 1
_MINUTE: Final = timedelta(minutes=1)
_BASIS: Final = 10_000


class Part(NamedTuple):
    """Part of a policy: one version. `subject`: the id of the partner, site or campaign that it is
    of; empty for operator and merchant, of whom there is one."""

    scope: ScopeKind
    subject: str
    number: int
    terms: PolicyTerms

    @property
    def name(self) -> str:
        """`merchant/14`, `site:4f0c…/2`."""
        return (
            f"{self.scope}:{self.subject}/{self.number}"
            if self.subject
            else f"{self.scope}/{self.number}"
        )


@dataclass(frozen=True)
class InForce:
    """`parts`: one of a scope at most, the widest first."""

    parts: tuple[Part, ...]

    @cached_property
    def name(self) -> str:
        """The name of all its versions, as a decision names them."""
        return " ".join(part.name for part in self.parts)

    @cached_property
    def off(self) -> bool:
        return any(part.terms.off for part in self.parts)

    def tries(self, default: int) -> int:
        """The attempts of an order in all; `default`: the decider's own."""
        tries = self._within(lambda terms: terms.tries, default)
        return default if tries is None else tries

    def group_tries(self, group: Group, default: int | None = None) -> int | None:
        """The attempts of the group; None: as many as in all."""
        return self._within(lambda terms: terms.group_tries.get(group), default)

    @cached_property
    def gap(self) -> timedelta:
        return max(
            [timedelta(minutes=part.terms.gap or 0) for part in self.parts], default=timedelta(0)
        )

    @cached_property
    def hours(self) -> int:
        """A bit for each minute of the day that is open."""
        mask = _ALL_DAY
        for part in self.parts:
            mask &= mask_of(part.terms.hours)
        return mask

    @cached_property
    def days(self) -> int:
        """A bit for each day of the week that is open."""
        mask = _ALL_WEEK
        for part in self.parts:
            mask &= sum(1 << day for day in part.terms.days) or _ALL_WEEK
        return mask

    @cached_property
    def link(self) -> Link:
        return min(
            (part.terms.link for part in self.parts if part.terms.link),
            key=LINKS.index,
            default="beside",
        )

    @cached_property
    def routes(self) -> frozenset[str] | None:
        """The routes that are allowed; None: any."""
        given = [frozenset(part.terms.routes) for part in self.parts if part.terms.routes]
        return frozenset.intersection(*given) if given else None

    @cached_property
    def arm(self) -> ArmMost:
        """The most that the engine does about new orders."""
        return min(
            (part.terms.arm for part in self.parts if part.terms.arm),
            key=ARMS.index,
            default="share",
        )

    @cached_property
    def share(self) -> int | None:
        return _least(part.terms.share for part in self.parts)

    @cached_property
    def explore(self) -> int | None:
        return _least(part.terms.explore for part in self.parts)

    @cached_property
    def budgets(self) -> Mapping[Counted, int]:
        """Sends in a month at most, by what they are counted by; of several that count the same the
        least."""
        budgets: dict[Counted, int] = {}
        for part in self.parts:
            if part.terms.budget is not None:
                counted = COUNTED[part.scope]
                budgets[counted] = min(part.terms.budget, budgets.get(counted, part.terms.budget))
        return budgets

    def is_open(self, at: datetime, offset: int) -> bool:
        """True when a send may leave in that minute. `offset`: minutes east of UTC at the card
        holder."""
        local = at.astimezone(timezone(timedelta(minutes=offset)))
        return bool(
            self.days >> local.weekday() & 1 and self.hours >> (local.hour * 60 + local.minute) & 1
        )

    def opens(self, at: datetime, offset: int) -> datetime | None:
        """The first full minute from `at` on in which a send may leave; None: there is none."""
        zone = timezone(timedelta(minutes=offset))
        local = at.astimezone(zone)
        if local.second or local.microsecond:
            local = local.replace(second=0, microsecond=0) + _MINUTE
        for _ in range(9):
            rest = self.hours >> (local.hour * 60 + local.minute)
            if self.days >> local.weekday() & 1 and rest:
                return (local + ((rest & -rest).bit_length() - 1) * _MINUTE).astimezone(UTC)
            local = local.replace(hour=0, minute=0) + timedelta(days=1)
        return None

    def end(self, declined_at: datetime, expires_at: datetime) -> datetime:
        last = _least(part.terms.last_day for part in self.parts)
        return expires_at if last is None else min(expires_at, declined_at + timedelta(days=last))

    def fresh(self, now: datetime, sent: MonthSends | None) -> datetime:
        """The time when every budget has room: now, or with the next month (UTC)."""
        spent = sent.to_plain() if sent is not None else {}
        if not any(spent.get(counted, -1) >= budget for counted, budget in self.budgets.items()):
            return now
        first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return (first + timedelta(days=32)).replace(day=1)

    def forbids(self, units: int, currency: str, code: str | None) -> str | None:
        """The rule by which such an order is not tried at all."""
        if self.off:
            return "policy_off"
        if any(
            units < part.terms.amount_min.get(currency, 0)
            or units > part.terms.amount_max.get(currency, units)
            for part in self.parts
        ):
            return "policy_amount"
        if code is not None and any(code.upper() in part.terms.codes for part in self.parts):
            return "policy_code"
        return None

    def bounded(self, policy: RetryPolicy) -> RetryPolicy:
        """The schedules with the tries that are set."""
        schedules = {
            group: replace(schedule, tries_max=self.group_tries(group, schedule.tries_max) or 0)
            for group, schedule in policy.schedules.items()
        }
        return replace(policy, schedules=schedules, sends_max=self.tries(policy.sends_max))

    def priced(self, pricing: Pricing) -> Pricing:
        """The pricing by what a send costs here; of several that say so the dearest."""
        cost = max(
            (part.terms.send_cost for part in self.parts if part.terms.send_cost is not None),
            default=None,
        )
        harm = max(
            (part.terms.harm for part in self.parts if part.terms.harm is not None), default=None
        )
        return replace(
            pricing,
            send_units=pricing.send_units if cost is None else cost,
            harm=pricing.harm if harm is None else harm / _BASIS,
            harm_from=pricing.harm_from if harm is None else 1,
            sends_max=self.tries(pricing.sends_max),
        )

    def lines(self) -> list[str]:
        """The keys of all lines that somebody set, in the order of a file."""
        lines = {line for part in self.parts for line in part.terms.lines()}
        return [line for line in ATTRIBUTES if line in lines]

    def without(self, line: str) -> "InForce":
        return InForce(tuple(part._replace(terms=part.terms.without(line)) for part in self.parts))

    def free(self) -> "InForce":
        """The policies as if none said what a send costs."""
        parts = (
            part._replace(terms=replace(part.terms, send_cost=None, harm=None))
            for part in self.parts
        )
        return InForce(tuple(parts))

    def _within(self, of: Callable[[PolicyTerms], int | None], default: int | None) -> int | None:
        """The value that is set, else the default, inside every bound."""
        own = _least(of(part.terms) for part in self.parts if part.scope in OWN)
        bound = _least(of(part.terms) for part in self.parts if part.scope not in OWN)
        return _least((default if own is None else own, bound))


Policies = Mapping[str, InForce]
"""By name, those that decided."""
NO_POLICIES: Final[Policies] = {}


def mask_of(hours: Iterable[Hours]) -> int:
    """A bit for each minute; all of them where there are none."""
    mask = 0
    for hour in hours:
        mask |= (
            _span(hour.start, hour.end)
            if hour.start < hour.end
            else _span(hour.start, DAY_MINUTES) | _span(0, hour.end)
        )
    return mask or _ALL_DAY


def spans_of(mask: int) -> tuple[Hours, ...]:
    """The spans of a mask, one over midnight as one; nothing of all or none."""
    if mask in (0, _ALL_DAY):
        return ()
    edges = [
        minute
        for minute in range(DAY_MINUTES)
        if (mask >> minute & 1) != (mask >> (minute - 1) % DAY_MINUTES & 1)
    ]
    starts = [minute for minute in edges if mask >> minute & 1]
    ends = [minute for minute in edges if not mask >> minute & 1]
    return tuple(
        Hours(start, next((end for end in ends if end > start), ends[0]) or DAY_MINUTES)
        for start in starts
    )


def closed(mask: int) -> tuple[Hours, ...]:
    return spans_of(_ALL_DAY & ~mask)


def _span(start: int, end: int) -> int:
    return (1 << end) - (1 << start)


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)
