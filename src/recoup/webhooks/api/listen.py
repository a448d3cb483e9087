"""GET /events/listen: events as they happen, signed as webhooks. `recoup listen` forwards them."""

import asyncio
from functools import partial
from time import monotonic
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kernel.texts import is_printable
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.query import at_most, read_query
from recoup.kit.api.wire import Shape
from recoup.kit.edge.asgi import hangs_up
from recoup.orders.rules.events import CATALOGUE, timestamp
from recoup.stablecoin.rules.event_names import NAMES
from recoup.webhooks.api.events import NUMBER_MAX
from recoup.webhooks.flows.listen import Listening

WAIT_MAX: Final = 30


class ListenQuery(Shape):
    """From where, how long, which, and how they are written."""

    after: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="`next` of the previous response; absent: from now on.",
                extra=at_most(NUMBER_MAX),
            ),
        ]
        | None
    ) = None
    wait: Annotated[int, Meta(ge=0, le=WAIT_MAX)] = 0
    """Seconds to wait for an event if there is none yet."""
    event: (
        Annotated[
            list[str],
            Meta(
                description="Only these events, by the names of their API; may be repeated.",
                extra=at_most(len(CATALOGUE) + len(NAMES)),
            ),
        ]
        | None
    ) = None
    format: Literal["rescue", "rescue-text", "standard"] = "rescue"
    """Of the events of this API."""
    host: Annotated[str, Meta(extra=at_most(255))] = "localhost"
    """The `Host` that your receiver gets: it is part of the signature."""


class SignedEvent(Shape):
    """One delivery, ready to be posted."""

    number: Annotated[int, Meta(ge=1)]
    """Place in the feed of both APIs; numbers may be missing."""
    event: str
    """Name of the event, as its API names it."""
    event_id: UUID
    """The same whenever this event is delivered."""
    format: Literal["rescue", "rescue-text", "standard", "stablecoin"]
    timestamp: str
    """Business time of the event."""
    headers: dict[str, str]
    """Signature and content type. Signed now: post it now."""
    body: str
    """Post these bytes (UTF-8) unchanged."""


class SignedEvents(Shape):
    """What happened since."""

    data: list[SignedEvent]
    next: str
    """Send it as `after` in the next call, even if there are no events."""
    has_more: bool
    """True: there are more events already."""
    signing_key: str
    """Your receiver checks these deliveries with it. Each API key has its own; it stays."""
    signed_at: str
    """The server's clock."""
    success: bool = True


_TEXT: Final = (
    "For development: `recoup listen` forwards what this answers to an address of your own "
    "machine. Events of both "
    "APIs, lowest number first, each with the headers and the body that a webhook would have, at "
    "most 20. Without "
    "`after` the answer is empty, and its `next` is where to listen on. With `wait` it comes with "
    "the next event."
)
api: Final = Api(group="Events", scope="orders")


@api("GET /v1/events/listen", text=_TEXT, query=ListenQuery)
@api.example("from now on")
@api.example("the next event", {"after": 0, "wait": 25, "host": "localhost:3000"})
async def listen(call: Call) -> SignedEvents:
    """Listen for events."""
    (wanted, query), caller = read_query(call.query, ListenQuery), call.caller
    if not is_printable(wanted.host) or " " in wanted.host:
        query.complain("host", "must be a host like localhost:3000")
    query.raise_if_any()
    assert caller is not None
    after, listening, merchant_id = wanted.after, call.services.get(Listening), caller.merchant_id
    key, until = listening.key(merchant_id, caller.key_id), monotonic() + wanted.wait
    read = partial(
        listening.read,
        merchant_id,
        key,
        events=wanted.event or [],
        form=wanted.format,
        host=wanted.host,
    )
    page = await read(after)
    gone = asyncio.create_task(hangs_up(call.receive)) if call.receive is not None else None

    def is_over() -> bool:
        return call.services.is_ending() or gone is not None and gone.done()

    try:
        while (
            after is not None
            and not (page.events or page.has_more or is_over())
            and monotonic() < until
        ):
            await listening.wait(merchant_id, page.next, until - monotonic(), is_over)
            page = await read(page.next)
    finally:
        if gone is not None:
            gone.cancel()
    data = [
        SignedEvent(
            number=event.place,
            event=event.name,
            event_id=event.event.event_id,
            format=event.format,
            timestamp=timestamp(event.event.business_at),
            headers=event.sent.headers,
            body=event.sent.body.decode(),
        )
        for event in page.events
    ]
    at = timestamp(call.services.world.clocks.wall())
    return SignedEvents(
        data=data, next=str(page.next), has_more=page.has_more, signing_key=key, signed_at=at
    )
