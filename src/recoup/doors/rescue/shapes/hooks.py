"""Keys of webhooks that are replaced, and events that are sent again."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.shapes.settings import Events
from recoup.doors.rescue.wire import Moment, Shape, Text128

Number = Annotated[int, Meta(ge=1, description="Of the feed, included.")]


class RotateBody(Shape, kw_only=True):
    """How long the old key stays good."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168, description="0: the old key ends at once.")] = 24


class RotatedKey(Shape, kw_only=True):
    """The merchant's new key."""

    signing_key: Annotated[str, Meta(description="Base64; signs for every endpoint without a key of its own.")]
    previous_key_until: Annotated[Moment | None, Meta(description="Until then the key before it is good, too.")]
    success: bool = True


class ReplayBody(Shape, kw_only=True):
    """What shall be sent again: what is left out bounds nothing."""

    from_number: Number | None = None
    to_number: Number | None = None
    since: Annotated[Moment | None, Meta(description="TimeStamp from here on.")] = None
    until: Annotated[Moment | None, Meta(description="TimeStamp before this.")] = None
    events: Annotated[Events | None, Meta(description="Of those that the endpoint listens to; without: all.")] = None
    idempotency_key: Annotated[Text128 | None, Meta(description="Or as header `Idempotency-Key`.")] = None


class ReplayShown(Shape, kw_only=True):
    """A replay."""

    id: UUID
    state: Annotated[str, Meta(
        description="`opening` (the feed is looked through; one event: it waits for others of its order), `sending` or "
                    "`done`.")]  # fmt: skip
    asked: Annotated[dict[str, Any], Meta(
        description="As it was asked for: `fromNumber`, `toNumber`, `since`, `until`, `events`; one event again: "
                    "`event`, `orderId`, `sequence`. What was not said is null.")]  # fmt: skip
    found: Annotated[int, Meta(ge=0, description="Events; while `opening`: so far.")]
    orders_left: Annotated[int, Meta(ge=0, description="Whose events are still on their way; at most 10,000.")]
    created_date: Moment


class Replays(Shape, kw_only=True):
    """The last fifty, newest first."""

    data: list[ReplayShown]
    success: bool = True
