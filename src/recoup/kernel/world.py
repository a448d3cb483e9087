"""A World is everything a flow may reach, built only in `main`. No code branches on its name."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from recoup.kernel.time import Clocks

LIVE_MARK: Final = "live."
WORLD_CLAIM: Final = "custom:world"  # of access tokens


@dataclass(frozen=True, slots=True)
class Policy:
    """What differs between sandbox and live, and what the operator may set.

    Units: durations are business time where an order lives by them, wall time for call time-outs.
    """

    test_mode: bool = True
    magic_inputs: bool = True
    world_cards: bool = False  # with magic inputs: a world is plugged, and its cards are taken too
    expiry_floor: timedelta = timedelta(days=1)
    expiry_recommended: timedelta = timedelta(days=14)
    short_recurring_refused: bool = False  # an expiry under the recommended one; else it is warned of
    expiry_max: timedelta = timedelta(days=30)
    expiry_grace: timedelta = timedelta(hours=1)
    sync_period: timedelta = timedelta(days=21)
    amount_max: int = 100_000_000
    visa_limit: int = 20
    cit_deadline: timedelta = timedelta(seconds=2)
    call_timeout: timedelta = timedelta(seconds=10)
    settled_after: timedelta = timedelta(seconds=60)
    desk_after: timedelta = timedelta(hours=24)
    refund_cap_percent: int | None = None
    loopback_webhooks: bool = True
    digest_hour: int = 8
    webhook_timeout: timedelta = timedelta(seconds=10)
    staff_second_factor: bool = False  # the operator's people must have one


@dataclass(frozen=True, slots=True)
class World:
    """`db`, `keys`, `processors` (by route), `channels` (by code), `web`, `mail` and `bank` are ports; their types
    stand in store and gateways. Without `mail` mails wait, and are given up at last; without a `bank` somebody carries
    the files there.
    """

    name: str
    db: Any
    keys: Any
    processors: Any
    web: Any
    clocks: Clocks = field(default_factory=Clocks)
    policy: Policy = field(default_factory=Policy)
    channels: Any = field(default_factory=dict)
    mail: Any = None
    bank: Any = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What links and session tokens of this world begin with, so that a door knows the world by them alone."""
        return "" if self.policy.test_mode else LIVE_MARK
