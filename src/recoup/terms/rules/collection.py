"""Times at which the customer of an advanced order is charged: the plan, as dated data, and what
may be hoped of it.

A changed plan is a new version; each that ever decided stays, and an order keeps the one under
which it was advanced. Chances are rough priors from published recovery figures, in basis points,
not measurements.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kit.slots import next_minute, pay_day_slot
from recoup.networks.codes import Reading
from recoup.policies.rules.policy import group_of

PERIOD: Final = timedelta(days=30)  # what is not collected by then is bad debt
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@frozen
class Plan:
    """Tries after the advance, for one group of declines. `waits[i]` goes before try i + 1, counted
    from the try (or the advance) before it; on `pay_day` the next pay day after the wait is taken.
    `chance` is of the whole plan."""

    slots: Literal["after_wait", "pay_day"]
    waits: tuple[timedelta, ...]
    chance: int


@frozen
class CollectionPolicy:
    """Policy of the collection. `out_chance`: that a try which is out and silent turns out to be
    approved."""

    version: str
    plans: Mapping[str, Plan]
    out_chance: int


_COLLECT_1: Final = CollectionPolicy(
    "collect-1",
    {
        "technical": Plan("after_wait", (_HOUR, 6 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY), 8_000),
        "soft": Plan("after_wait", (_DAY, 3 * _DAY, 7 * _DAY, 7 * _DAY), 4_500),
        "funds": Plan("pay_day", (_DAY, _DAY, 3 * _DAY, 3 * _DAY, 3 * _DAY, 3 * _DAY), 6_000),
        "limits": Plan("after_wait", (_DAY, 7 * _DAY, 7 * _DAY, 7 * _DAY), 6_000),
    },
    5_000,
)
COLLECTION_POLICIES: Final[Mapping[str, CollectionPolicy]] = {
    policy.version: policy for policy in (_COLLECT_1,)
}
CURRENT_COLLECTION: Final = _COLLECT_1


def plan_for(reading: Reading, policy: CollectionPolicy) -> Plan | None:
    """The plan of charges; None for what waiting does not cure: that is not collected by trying
    again."""
    group = group_of(reading)
    return policy.plans[group] if group else None


def chance_of(reading: Reading, policy: CollectionPolicy, *, out: bool) -> int:
    """Basis points: that what is advanced now is collected. `out`: a try has left whose answer is
    not known."""
    plan = plan_for(reading, policy)
    later = plan.chance if plan else 0
    return 10_000 - (10_000 - policy.out_chance) * (10_000 - later) // 10_000 if out else later


def next_charge(
    reading: Reading,
    policy: CollectionPolicy,
    *,
    made: int,
    last: datetime,
    now: datetime,
    until: datetime,
    utc_offset: int,
) -> datetime | None:
    """Due time of the next attempt; None when the plan is used up or its time over. `made` attempts
    since the advance, the last one (or the advance) at `last`; times are business time."""
    plan = plan_for(reading, policy)
    if plan is None or made >= len(plan.waits):
        return None
    wait = max(plan.waits[made], timedelta(hours=reading.min_wait_hours or 0))
    earliest = max(last + wait, now + timedelta(microseconds=1))
    if plan.slots == "pay_day":
        earliest = pay_day_slot(earliest, utc_offset, debit=False).astimezone(now.tzinfo)
    due = next_minute(earliest)
    return due if due < until else None
