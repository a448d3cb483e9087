"""The retry policy as data: how often, and when, each group of declines is tried again.

A changed policy is a new version; each that ever decided stays, so that what it decided can be
decided again. Chances are rough priors from published figures, not measurements.

Source: the project's default policy (knowledge on declines and retries, "ready default policy").
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from recoup.kernel.frozen import frozen

_MINIMUM: Final = 1


@frozen
class Pricing:
    """`least_chance`: what a try has to add to the chance of recovery at least: wear of the card's
    allowance, of the issuer's and the customer's patience. `schedules`: what decides where the
    engine does not. `send_units`: the processor's fee, in minor units. `harm`: the share of the
    amount that each send from `harm_from` on costs. `sends_max`: of one order."""

    version: str
    least_chance: float = 0.03
    send_units: int = 12
    harm: float = 0.0
    harm_from: int = 5
    sends_max: int = 20
    schedules: str = "retry-2"

    def prices(self, sends: int, units: int) -> list[float]:
        """The prices of the sends that may still follow `sends` of them, in order, each as a chance
        to recover the amount."""
        fee = self.send_units / max(units, _MINIMUM)
        return [
            self.least_chance + fee + (self.harm if number >= self.harm_from else 0.0)
            for number in range(sends + 1, self.sends_max + 1)
        ]


_ENGINE_1: Final = Pricing("engine-policy-1")
ENGINE_2: Final = replace(_ENGINE_1, version="engine-policy-2", schedules="retry-3")
PRICINGS: Final[Mapping[str, Pricing]] = {
    pricing.version: pricing for pricing in (_ENGINE_1, ENGINE_2)
}


if TYPE_CHECKING:
    from recoup.networks.codes import Reading


Group = Literal["technical", "soft", "funds", "limits"]


@frozen
class Schedule:
    """Tries of one group. `slots` says what kind of instant is looked for; `waits[i]` goes before
    try i + 1.

    Each wait counts from the send before it (the declined payment for the first); where tries
    outnumber waits the last wait holds on. `within` limits the group to that time after the rescue
    began. A wait that no network asks for may be shorter by `slack`: a send that left late does not
    lose the next day's slot.
    """

    slots: Literal["after_wait", "pay_day", "next_day_then_month_start"]
    waits: tuple[timedelta, ...]
    tries_max: int
    within: timedelta | None
    chance: float
    chance_daily: float
    slack: timedelta = timedelta(0)


@frozen
class RetryPolicy:
    """`sends_max`: of one order, over all groups. `network_times`: where the network names the time
    of the next attempt, it is that time, and no slot; before, it was the earliest."""

    version: str
    schedules: Mapping[Group, Schedule]
    sends_max: int = 12
    network_times: bool = False


_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_FUNDS: Final = Schedule("pay_day", (24 * _HOUR,), 6, 21 * _DAY, 0.24, 0.12)
_RETRY_1: Final = RetryPolicy(
    "retry-1",
    {
        "technical": Schedule(
            "after_wait", (15 * _MINUTE, _HOUR, 6 * _HOUR, 24 * _HOUR), 4, None, 0.50, 0.35
        ),
        "soft": Schedule("after_wait", (24 * _HOUR, 72 * _HOUR, 7 * _DAY), 3, None, 0.15, 0.10),
        "funds": _FUNDS,
        "limits": Schedule("next_day_then_month_start", (24 * _HOUR,), 4, None, 0.30, 0.15),
    },
)
RETRY_2: Final = RetryPolicy(
    "retry-2", {**_RETRY_1.schedules, "funds": replace(_FUNDS, slack=_HOUR)}
)
RETRY_3: Final = replace(RETRY_2, version="retry-3", network_times=True)
POLICIES: Final[Mapping[str, RetryPolicy]] = {
    policy.version: policy for policy in (_RETRY_1, RETRY_2, RETRY_3)
}
CURRENT: Final = RETRY_3


def group_of(reading: "Reading") -> Group | None:
    """The schedule that a decline belongs to; None when waiting cures nothing, or something has to
    come first."""
    if reading.retry != "yes":
        return None
    if reading.reason == "limit_exceeded":
        return "limits"
    if reading.klass == "technical":
        return "technical"
    if reading.klass == "funds":
        return "funds"
    return "soft" if reading.klass == "soft" else None
