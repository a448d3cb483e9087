"""GET /events: the feed. Source: contract §17.1; decision 0028."""

from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.query import at_most
from recoup.kit.api.wire import Shape
from recoup.orders.rules.events import CATALOGUE, rescue_object
from recoup.partners.api.partner_caller import owner_of
from recoup.webhooks.flows.publish import LIMIT_MAX, read_feed

NUMBER_MAX: Final = 10**13 - 1


class EventQuery(Shape):
    """From where, how many, which."""

    after: Annotated[int, Meta(ge=0, extra=at_most(NUMBER_MAX))] = 0
    """`next` of the previous response; 0: from the first event."""
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 100
    event: (
        Annotated[
            list[str],
            Meta(description="Only these events; may be repeated.", extra=at_most(len(CATALOGUE))),
        ]
        | None
    ) = None


EventName = Annotated[
    str,
    Meta(
        description="Name of the event.",
        extra_json_schema={"$ref": "#/components/schemas/EventName"},
    ),
]


class RescueEvent(Struct, kw_only=True):
    """A webhook of the format `rescue` or `rescue-text`."""

    Event: EventName
    TimeStamp: str
    """Business time of the event."""
    EventData: dict[str, Any]
    """See the events page."""
    ExternalOrderId: str | None
    OrderId: UUID | None
    ConfirmationId: str | None
    IsTestMode: bool
    IsResent: bool


class EventShown(RescueEvent, kw_only=True):
    """An event as its webhook says it, and its number."""

    Number: Annotated[int, Meta(ge=1)]
    """Position in the feed, without gaps."""


class StandardEvent(Struct, kw_only=True):
    """A webhook of the format `standard`."""

    type: EventName
    timestamp: str
    """Business time of the event."""
    data: dict[str, Any]
    """`EventData`, ids and flags of the format `rescue`."""


class Feed(Shape):
    """A page of events."""

    data: list[EventShown]
    next: str
    """Send it as `after` in the next call, even if there are no more events yet."""
    has_more: bool
    """False: there are no more events yet."""
    success: bool = True


_TEXT: Final = (
    "Every event, lowest number first, with or without a webhook. Numbers have no gaps and follow "
    "the order of "
    "commits: store `next` and send it as `after` to miss no event and read none twice. Each item "
    "is the webhook's "
    "body with its `Number`. With `event` a page may be short or empty while `hasMore` is true: "
    "continue with "
    "`next`. Events of the stablecoin API are not included. A partner's key reads the events of "
    "all its merchants, "
    "with their own order and numbers."
)
api: Final = Api(group="Events", scope="orders", partners=True)


@api("GET /v1/events", text=_TEXT, query=EventQuery)
@api.example("from the first")
@api.example(
    "two kinds",
    {
        "after": 0,
        "limit": 20,
        "event": ["order.completed", "order.cancelled"],
    },
)
async def get_events(call: Call) -> Feed:
    """Events."""
    query = call.parameters(EventQuery)
    page = await read_feed(
        call.services.world, await owner_of(call), query.after, query.limit, query.event or []
    )
    data = [EventShown(Number=number, **rescue_object(event)) for number, event in page.events]
    return Feed(data=data, next=str(page.next), has_more=page.has_more)
