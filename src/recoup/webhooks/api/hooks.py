"""/webhooks/{id}/rotate and /replay: new signing keys, and events once more. Source: contract
§14.4, §14.5."""

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_body, read_whole
from recoup.kit.api.settings import Endpoint, Events
from recoup.kit.api.wire import Counted, Instant, Moment, Shape, Text128, iso_or_null
from recoup.partners.api.partner_caller import owner_of
from recoup.webhooks.api.webhooks import endpoint_id, shown
from recoup.webhooks.flows import replay as replays
from recoup.webhooks.flows.replay import Replay, ReplayRequest
from recoup.webhooks.flows.rotate import OVERLAP_HOURS_MAX, rotate_endpoint, rotate_shared

Number = Annotated[int, Meta(ge=1, le=10**13 - 1, description="Number in the feed, inclusive.")]


class RotateBody(Shape):
    """How long the old key stays good."""

    overlap_hours: Annotated[int, Meta(ge=0, le=OVERLAP_HOURS_MAX)] = 24
    """0 ends the old key at once."""


class RotatedKey(Shape):
    """The merchant's new key."""

    signing_key: str
    """Base64; signs for every endpoint without its own key."""
    previous_key_until: Moment | None
    """The previous key is valid until then."""
    success: bool = True


class ReplayBody(Shape):
    """What shall be sent again: what is left out bounds nothing."""

    from_number: Number | None = None
    to_number: Number | None = None
    since: Instant | None = None
    """From this TimeStamp, inclusive."""
    until: Instant | None = None
    """Before this TimeStamp."""
    events: Events | None = None
    """Some of the endpoint's events; default: all."""
    idempotency_key: Text128 | None = None
    """Also as header `Idempotency-Key`."""


class ReplayShown(Shape):
    """A replay."""

    id: UUID
    state: str
    """`opening` (searching the feed; a single event waits for others of its order), `sending` or
    `done`."""
    asked: dict[str, Any]
    """The request: `fromNumber`, `toNumber`, `since`, `until`, `events`; for a single event
    `event`, `orderId`, `sequence`. Missing values are null."""
    found: Counted
    """Number of events; while `opening`, so far."""
    orders_left: Counted
    """Orders with undelivered events; counted up to 10,000."""
    created_date: Moment


class Replays(Shape):
    """The last fifty, newest first."""

    data: list[ReplayShown]
    success: bool = True


KEY_MAX: Final = 128


ROTATE: Final = (
    "The answer shows the new key. For `overlapHours` (24) the old one stays good: the format "
    "`standard` then carries "
    "both signatures; the others are signed with the old key, until the receiver refuses that with "
    "400, 401, 403 or "
    "422 and takes the same event signed with the new one. A second one within that time is a "
    "conflict, unless it "
    "ends the old key at once with `overlapHours: 0`."
)
REPLAY: Final = (
    "Sends events of the feed again, marked `IsResent`, with their original ids. They are "
    "delivered like new "
    "events: an order's events in order, its waiting events after them. A repeated call with the "
    "same "
    "`idempotencyKey` is the same replay. An endpoint has one replay at a time; `GET …/replays` "
    "shows the progress."
)
_RANGE: Final = {"since": "2026-03-02T00:00:00Z", "events": ["order.completed"]}
api: Final = Api(group="Webhooks", scope="webhooks")


@api(
    "POST /v1/webhooks/rotate",
    text="This key signs for every endpoint without its own key. " + ROTATE,
    body=RotateBody,
    problems=("conflict",),
    body_optional=True,
)
@api.example("at once: a key that leaked", {"overlapHours": 0})
async def rotate_merchants(call: Call) -> RotatedKey:
    """Rotate the merchant's key."""
    key, until = await rotate_shared(call.services.world, call.scope, _overlap(call))
    return RotatedKey(signing_key=key, previous_key_until=iso_or_null(until))


@api(
    "POST /v1/webhooks/{id}/rotate",
    text="One that had used the merchant's key has one of its own from then on. " + ROTATE,
    body=RotateBody,
    problems=("not_found", "conflict"),
    body_optional=True,
)
@api.example("two days", {"overlapHours": 48})
async def rotate(call: Call) -> Endpoint:
    """Rotate an endpoint's key."""
    which, overlap = endpoint_id(call), _overlap(call)
    changed = await rotate_endpoint(
        call.services.world, await owner_of(call, writes=True), which, overlap
    )
    return shown(changed)


@api(
    "POST /v1/webhooks/{id}/replay",
    status=202,
    text=REPLAY,
    body=ReplayBody,
    keyed=True,
    problems=("not_found", "conflict", "wrong_state"),
)
@api.example("from a day on", _RANGE)
async def replay(call: Call) -> ReplayShown:
    """Send events again."""
    which, (body, complaints) = endpoint_id(call), read_body(call.body, ReplayBody)
    key = body.idempotency_key or call.headers.get("idempotency-key", "").strip()
    if len(key) > KEY_MAX:
        complaints.add("IdempotencyKey", f"must be at most {KEY_MAX} characters long")
    events = tuple(dict.fromkeys(body.events)) if body.events is not None else None
    request = ReplayRequest(body.from_number, body.to_number, body.since, body.until, events)
    if request.since and request.until and request.until <= request.since:
        complaints.add("Until", "must be later than since")
    if request == ReplayRequest() and not complaints:
        complaints.add(
            "FromNumber",
            text="Say what: from fromNumber (1 is the first) or since, or which events.",
        )
    complaints.raise_if_any()
    owner = await owner_of(call, writes=True)
    return _shown(await replays.ask(call.services.world, owner, which, request, key or None))


@api("GET /v1/webhooks/{id}/replays", problems=("not_found",))
async def list_replays(call: Call) -> Replays:
    """Replays."""
    listed = await replays.list_all(call.services.world, await owner_of(call), endpoint_id(call))
    return Replays(data=[_shown(replay) for replay in listed])


def _overlap(call: Call) -> timedelta:
    return timedelta(hours=read_whole(call.body, RotateBody).overlap_hours)


def _shown(replay: Replay) -> ReplayShown:
    return ReplayShown.of(replay, id=replay.replay_id, asked=replay.request)
