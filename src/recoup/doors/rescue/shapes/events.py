"""The feed of events. Source: contract §14.3, §17.1."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from recoup.doors.rescue.wire import Shape


class EventQuery(Shape, kw_only=True):
    """From where, how many, which."""

    after: Annotated[int, Meta(ge=0, description="`next` of the answer before; 0: from the first event.")] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    event: Annotated[list[str], Meta(description="Only these events; may be repeated.")] | None = None


class EventShown(Struct, kw_only=True):
    """An event as its webhook says it, and its number."""

    Number: Annotated[int, Meta(ge=1, description="Its place in the feed; without gaps.")]
    Event: Annotated[str, Meta(description="Its name.")]
    TimeStamp: Annotated[str, Meta(description="When it happened, in business time.")]
    EventData: Annotated[dict[str, Any], Meta(description="See the events' page.")]
    ExternalOrderId: str | None
    OrderId: UUID | None
    ConfirmationId: str | None
    IsTestMode: bool
    IsResent: bool


class Feed(Shape, kw_only=True):
    """A page of events."""

    data: list[EventShown]
    next: Annotated[str, Meta(description="Hand it back as `after`, also when there is nothing more yet.")]
    has_more: Annotated[bool, Meta(description="False: this was all, for now.")]
    success: bool = True
