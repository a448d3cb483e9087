"""Keys of webhooks that are replaced, and events that are sent again."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.shapes.settings import Events
from recoup.doors.rescue.wire import Instant, Moment, Shape, Text128
from recoup.flows.messages.rotate import OVERLAP_HOURS_MAX

Number = Annotated[int, Meta(ge=1, le=10**13 - 1, description="Number in the feed, inclusive.")]


class RotateBody(Shape, kw_only=True):
    """How long the old key stays good."""

    overlap_hours: Annotated[int, Meta(ge=0, le=OVERLAP_HOURS_MAX, description="0 ends the old key at once.")] = 24


class RotatedKey(Shape, kw_only=True):
    """The merchant's new key."""

    signing_key: Annotated[str, Meta(description="Base64; signs for every endpoint without its own key.")]
    previous_key_until: Annotated[Moment | None, Meta(description="The previous key is valid until then.")]
    success: bool = True


class ReplayBody(Shape, kw_only=True):
    """What shall be sent again: what is left out bounds nothing."""

    from_number: Number | None = None
    to_number: Number | None = None
    since: Annotated[Instant | None, Meta(description="From this TimeStamp, inclusive.")] = None
    until: Annotated[Instant | None, Meta(description="Before this TimeStamp.")] = None
    events: Annotated[Events | None, Meta(description="Some of the endpoint's events; default: all.")] = None
    idempotency_key: Annotated[Text128 | None, Meta(description="Also as header `Idempotency-Key`.")] = None


class ReplayShown(Shape, kw_only=True):
    """A replay."""

    id: UUID
    state: Annotated[
        str,
        Meta(
            description="`opening` (searching the feed; a single event waits for others of its order), "
            "`sending` or `done`."
        ),
    ]
    asked: Annotated[
        dict[str, Any],
        Meta(
            description="The request: `fromNumber`, `toNumber`, `since`, `until`, `events`; for a single "
            "event `event`, `orderId`, `sequence`. Missing values are null."
        ),
    ]
    found: Annotated[int, Meta(ge=0, description="Number of events; while `opening`, so far.")]
    orders_left: Annotated[int, Meta(ge=0, description="Orders with undelivered events; counted up to 10,000.")]
    created_date: Moment


class Replays(Shape, kw_only=True):
    """The last fifty, newest first."""

    data: list[ReplayShown]
    success: bool = True
