"""Differences between the worlds: a policy, and marks by which a door knows one. No code branches
on a world's name."""

from datetime import timedelta
from typing import Final

from recoup.kernel.frozen import frozen

LIVE_MARK: Final = "live."  # what links and session tokens of the live world begin with
WORLD_CLAIM: Final = "custom:world"  # of access tokens


@frozen
class Policy:
    """Settings that differ between sandbox and live, and those that the operator may set.

    Units: durations are business time where an order lives by them, wall time for call time-outs.
    """

    test_mode: bool = True
    magic_inputs: bool = True
    world_cards: bool = False  # with magic inputs: a world is plugged, and its cards are taken too
    expiry_floor: timedelta = timedelta(days=1)
    expiry_recommended: timedelta = timedelta(days=14)
    short_recurring_refused: bool = (
        False  # an expiry under the recommended one; else it is warned of
    )
    expiry_max: timedelta = timedelta(days=30)
    expiry_grace: timedelta = timedelta(hours=1)
    sync_period: timedelta = timedelta(days=21)
    visa_limit: int = 20
    cit_deadline: timedelta = timedelta(seconds=2)
    call_timeout: timedelta = timedelta(seconds=10)
    settled_after: timedelta = timedelta(seconds=60)
    review_after: timedelta = timedelta(hours=24)
    refund_cap_percent: int | None = None
    file_rows_max: int = 20_000_000  # kept of a merchant's files
    loopback_webhooks: bool = True
    digest_hour: int = 8
    webhook_timeout: timedelta = timedelta(seconds=10)
    training: str = "off"  # by night: off, candidate or take
    risk_training: str = "off"  # the same of the risk check's weights
    training_hour: int = 3  # UTC
    staff_second_factor: bool = False  # the operator's people must have one

    @property
    def mark(self) -> str:
        """The mark that links and session tokens begin with, so that a door knows the world by them
        alone."""
        return "" if self.test_mode else LIVE_MARK
