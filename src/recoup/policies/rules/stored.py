"""Versions as they were stored, and those of them that hold at an instant. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.policies.rules.budget import MonthSends
from recoup.policies.rules.in_force import InForce, Part
from recoup.policies.rules.read import read_policy
from recoup.policies.rules.terms import OWN, SCOPES, PolicyTerms, ScopeKind

WAITING_MAX: Final = (
    2  # of one scope, versions whose time has not come; whoever reads three sees the one that holds
)
READ_MAX: Final = WAITING_MAX + 1
_NAME: Final = re.compile(r"([a-z]+)(?::([0-9a-f-]{36}))?/([0-9]{1,9})")
_WITHOUT_SUBJECT: Final = frozenset({"operator", "merchant"})


class Version(NamedTuple):
    part: Part
    from_at: datetime


class Held(NamedTuple):
    """`month_sends`: what the budgets count, where a policy has one."""

    policies: InForce | None = None
    month_sends: MonthSends | None = None


NOTHING_HELD: Final = Held()


def terms_of(content: Mapping[str, Any]) -> PolicyTerms:
    """Raises: ValueError for what no version says."""
    terms, complaints = read_policy(content)
    if complaints:
        raise ValueError(f"a stored policy with a line that cannot be read: {complaints[0].line}")
    return terms


def part_of(scope: ScopeKind, subject: str, number: int, content: Mapping[str, Any]) -> Part:
    return Part(scope, "" if scope in _WITHOUT_SUBJECT else subject, number, terms_of(content))


class Named(NamedTuple):
    """A version as a decision names it. `subject_id`: as it is stored."""

    scope: ScopeKind
    subject_id: UUID
    number: int

    @property
    def is_own(self) -> bool:
        """The merchant's own, not one that bounds it."""
        return self.scope in OWN


def named_in(names: str, merchant_id: UUID) -> tuple[Named, ...] | None:
    """The versions in `operator/3 merchant/14 site:4f0c…/2`, as `InForce.name`; None for what names
    nothing."""
    versions = []
    for name in names.split(" "):
        match = _NAME.fullmatch(name)
        scope = next((scope for scope in SCOPES if match is not None and scope == match[1]), None)
        if match is None or scope is None:
            return None
        subject = UUID(match[2]) if match[2] else merchant_id if scope in OWN else UUID(int=0)
        versions.append(Named(scope, subject, int(match[3])))
    return tuple(versions)


def holding(versions: Sequence[Version], now: datetime) -> tuple[Part, ...]:
    """The version of each scope with the highest number whose time has come, the widest scope
    first."""
    parts: dict[str, Part] = {}
    for version in sorted(versions, key=lambda row: row.part.number):
        if version.from_at <= now:
            parts[version.part.scope] = version.part
    return tuple(parts[scope] for scope in SCOPES if scope in parts)


def held_of(text: str | None, now: datetime) -> Held:
    """The policies, from what `store.orders.evidence` reads beside an order."""
    if text is None:
        return NOTHING_HELD
    versions, counts = _read(text)
    in_force = _in_force(text, tuple(part.name for part in holding(versions, now)))
    if in_force is None:
        return NOTHING_HELD
    if not in_force.budgets:
        return Held(in_force)
    month = now.date().replace(day=1)
    sent = {
        budget: counts[budget].sends if budget in counts and counts[budget].month == month else 0
        for budget in in_force.budgets
    }
    return Held(in_force, MonthSends(**sent))


class _Count(NamedTuple):
    """The last month in which something was counted."""

    month: date
    sends: int


@lru_cache(maxsize=1024)
def _read(text: str) -> tuple[tuple[Version, ...], Mapping[str, _Count]]:
    plain = json.loads(text)
    versions = tuple(
        Version(
            part_of(row["scope"], row["subject_id"], row["number"], row["content"]),
            datetime.fromisoformat(row["from_at"]),
        )
        for row in plain["versions"]
    )
    sent = plain["sent"] or {}
    return versions, {
        name: _Count(date.fromisoformat(row["month"]), row["sends"]) for name, row in sent.items()
    }


@lru_cache(maxsize=1024)
def _in_force(text: str, names: tuple[str, ...]) -> InForce | None:
    """Made once, for it keeps what it has worked out."""
    by_name = {version.part.name: version.part for version in _read(text)[0]}
    parts = tuple(by_name[name] for name in names)
    return InForce(parts) if parts else None
