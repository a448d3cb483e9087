"""A World is everything a flow may reach, built only in `main`. No code branches on its name."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
    training: str = "off"  # by night: off, candidate or take
    training_hour: int = 3  # UTC
    staff_second_factor: bool = False  # the operator's people must have one


class NoModels:
    """Where nothing is learned: the ladders decide. The port that `flows.models` fills."""

    async def ready(self) -> None:
        """Nothing to read."""

    def current(self, now: datetime) -> None:
        return None

    def why_none(self, now: datetime) -> str:
        return "no_model"


@dataclass(frozen=True, slots=True)
class World:
    """`db`, `keys`, `processors` (by route), `channels` (by code), `web`, `mail`, `bank` and `models` are ports; their
    types stand in store, gateways and flows. Without `mail` mails wait, and are given up at last; without a `bank`
    somebody carries the files there.
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
    models: Any = field(default_factory=NoModels)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What links and session tokens of this world begin with, so that a door knows the world by them alone."""
        return "" if self.policy.test_mode else LIVE_MARK
