"""The feed of events. Source: contract §14.3, §17.1."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from recoup.doors.rescue.wire import Shape


class EventQuery(Shape, kw_only=True):
    """From where, how many, which."""

    after: Annotated[int, Meta(ge=0, description="`next` of the previous response; 0: from the first event.")] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    event: Annotated[list[str], Meta(description="Only these events; may be repeated.")] | None = None


class EventShown(Struct, kw_only=True):
    """An event as its webhook says it, and its number."""

    Number: Annotated[int, Meta(ge=1, description="Position in the feed, without gaps.")]
    Event: Annotated[str, Meta(description="Name of the event.")]
    TimeStamp: Annotated[str, Meta(description="Business time of the event.")]
    EventData: Annotated[dict[str, Any], Meta(description="See the events page.")]
    ExternalOrderId: str | None
    OrderId: UUID | None
    ConfirmationId: str | None
    IsTestMode: bool
    IsResent: bool


class Feed(Shape, kw_only=True):
    """A page of events."""

    data: list[EventShown]
    next: Annotated[str, Meta(description="Send it as `after` in the next call, even if there are no more events yet.")]
    has_more: Annotated[bool, Meta(description="False: there are no more events yet.")]
    success: bool = True
