"""Past of an order, shown beside its present state."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from recoup.kit.api.wire import Instant, Moment, Shape

Version = Annotated[int, Meta(ge=1, le=10**6)]


class AsOfBalance(Shape):
    """What the order had booked on an account; debit is positive."""

    account: str
    amount: int
    """Minor units."""


class AsOf(Shape):
    """Which moment of its past is shown: the one after this line of its log."""

    version: Annotated[int, Meta(ge=1)]
    """Number of the line: `Sequence` of its event."""
    at: Moment
    """Business time of the line."""
    recorded_at: Moment
    """Real time at which it was recorded."""
    decision_id: UUID | None
    """What had been decided last, with what was known then: see its decisions."""
    balances: list[AsOfBalance]
    """The order's balances as they stood."""


class OrderAt(Shape):
    """At most one of them."""

    as_of: Instant | None = None
    """The order as it stood at this business time."""
    as_of_recorded: Instant | None = None
    """As it was recorded at this real time, whatever was dated back since."""
    as_of_version: Version | None = None
    """As it stood after this line of its log."""
