"""A customer at a page of ours whose bank may want them: where they are to confirm, and until when.
Pure.

It is kept with the attempt from its plan on: what they confirm is that charge and no other. The
page of the processor and what a browser brought back are kept only as long as the attempt is out.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kernel.time import WallTime

AT_BANK_MIN: Final = timedelta(minutes=10)  # however late the customer presses the button
AT_BANK: Final = timedelta(minutes=15)  # who came by a link, which is open for as long as its order
LOOK_EVERY: Final = timedelta(seconds=30)  # who closed the bank's page may have confirmed before
RETURNED_MAX: Final = 8_192


@frozen
class Authentication:
    """Authentication of an attempt's customer. `until`: wall time; what is not confirmed by then is
    withdrawn. `is_wanted`: the bank, or the risk check, wants it, so that only a processor is
    picked that can ask for it. `url`: the processor's page, as soon as it named one. `returned`:
    what the customer's browser brought back, once, the first time; empty where nothing is
    needed."""

    until: datetime
    is_wanted: bool = False
    url: str | None = None
    returned: str | None = None

    def may_wait(self, wall: WallTime) -> bool:
        return wall < self.until

    def closed(self) -> "Authentication":
        """The authentication as it stands once the attempt has its answer."""
        return replace(self, url=None, returned=None)


def authentication(
    wall: WallTime,
    *,
    is_wanted: bool,
    challenge_ends: WallTime,
    at_checkout: bool,
    order_ends: WallTime | None,
) -> Authentication:
    """The authentication of a customer who has just answered. `at_checkout`: their challenge ends
    before its order."""
    until = max(wall + AT_BANK_MIN, challenge_ends) if at_checkout else wall + AT_BANK
    return Authentication(min(until, order_ends) if order_ends is not None else until, is_wanted)
