"""Past of an order, shown beside its present state."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from recoup.kit.api.wire import Instant, Moment, Shape

Version = Annotated[int, Meta(ge=1, le=10**6)]


class AsOfBalance(Shape, kw_only=True):
    """What the order had booked on an account; debit is positive."""

    account: str
    amount: Annotated[int, Meta(description="Minor units.")]


class AsOf(Shape, kw_only=True):
    """Which moment of its past is shown: the one after this line of its log."""

    version: Annotated[int, Meta(ge=1, description="Number of the line: `Sequence` of its event.")]
    at: Annotated[Moment, Meta(description="Business time of the line.")]
    recorded_at: Annotated[Moment, Meta(description="Real time at which it was recorded.")]
    decision_id: Annotated[
        UUID | None,
        Meta(
            description="What had been decided last, with what was known then: see its decisions."
        ),
    ]
    balances: Annotated[list[AsOfBalance], Meta(description="The order's balances as they stood.")]


class OrderAt(Shape, kw_only=True):
    """At most one of them."""

    as_of: Annotated[
        Instant | None, Meta(description="The order as it stood at this business time.")
    ] = None
    as_of_recorded: Annotated[
        Instant | None,
        Meta(description="As it was recorded at this real time, whatever was dated back since."),
    ] = None
    as_of_version: Annotated[
        Version | None, Meta(description="As it stood after this line of its log.")
    ] = None
