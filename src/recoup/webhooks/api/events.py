"""GET /events: the feed. Source: contract §17.1; decision 0028."""

from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.query import Query
from recoup.kit.api.wire import Shape
from recoup.kit.edge.field_names import names_of
from recoup.orders.rules.events import CATALOGUE, rescue_object
from recoup.partners.api.partner_caller import owner_of
from recoup.webhooks.flows.read_feed import LIMIT_MAX, read_feed


class EventQuery(Shape, kw_only=True):
    """From where, how many, which."""

    after: Annotated[
        int, Meta(ge=0, description="`next` of the previous response; 0: from the first event.")
    ] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    event: Annotated[list[str], Meta(description="Only these events; may be repeated.")] | None = (
        None
    )


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
    TimeStamp: Annotated[str, Meta(description="Business time of the event.")]
    EventData: Annotated[dict[str, Any], Meta(description="See the events page.")]
    ExternalOrderId: str | None
    OrderId: UUID | None
    ConfirmationId: str | None
    IsTestMode: bool
    IsResent: bool


class EventShown(RescueEvent, kw_only=True):
    """An event as its webhook says it, and its number."""

    Number: Annotated[int, Meta(ge=1, description="Position in the feed, without gaps.")]


class StandardEvent(Struct, kw_only=True):
    """A webhook of the format `standard`."""

    type: EventName
    timestamp: Annotated[str, Meta(description="Business time of the event.")]
    data: Annotated[
        dict[str, Any], Meta(description="`EventData`, ids and flags of the format `rescue`.")
    ]


class Feed(Shape, kw_only=True):
    """A page of events."""

    data: list[EventShown]
    next: Annotated[
        str,
        Meta(
            description="Send it as `after` in the next call, even if there are no more events yet."
        ),
    ]
    has_more: Annotated[bool, Meta(description="False: there are no more events yet.")]
    success: bool = True


NUMBER_MAX: Final = 10**13 - 1
_NAMES: Final = tuple(names_of(EventQuery))


_TEXT: Final = (
    "Every event, lowest number first, with or without a webhook. Numbers have no gaps and follow the order of "
    "commits: store `next` and send it as `after` to miss no event and read none twice. Each item is the webhook's "
    "body with its `Number`. With `event` a page may be short or empty while `hasMore` is true: continue with "
    "`next`. Events of the stablecoin API are not included. A partner's key reads the events of all its merchants, "
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
    query = Query(call.query, _NAMES)
    after, limit = (
        query.number("after", 0, 0, NUMBER_MAX) or 0,
        query.number("limit", 100, 1, LIMIT_MAX) or 100,
    )
    names = query.many("event", maximum=len(CATALOGUE))
    query.raise_if_any()
    page = await read_feed(call.services.world, await owner_of(call), after, limit, names)
    data = [EventShown(Number=number, **rescue_object(event)) for number, event in page.events]
    return Feed(data=data, next=str(page.next), has_more=page.has_more)
