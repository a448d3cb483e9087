"""/webhooks: the merchant's endpoints, and what was sent there. Source: contract §14, §17.1."""

from typing import Final
from uuid import UUID

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_body, read_whole
from recoup.doors.rescue.partner_caller import owner_of
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.settings import (
    Deliveries,
    Delivery,
    DeliveryQuery,
    EndpointBody,
    EndpointChange,
    Endpoints,
    Health,
    TestAnswer,
    TestBody,
)
from recoup.doors.rescue.shapes.settings import Endpoint as Shown
from recoup.doors.rescue.wire import iso_or_null
from recoup.flows.messages import endpoints
from recoup.flows.messages.endpoints import Endpoint
from recoup.flows.messages.send_sample import SAMPLES_MAX, send_sample
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.rules.messages.endpoint_whys import sentence_of
from recoup.store.messages.endpoints import Try

DELIVERIES_MAX: Final = 200


async def create(call: Call) -> Reply:
    body = read_whole(call.body, EndpointBody)
    owner = await owner_of(call, writes=True)
    made = await endpoints.create(
        call.services.world,
        owner,
        body.url,
        body.events,
        body.format or "rescue",
        own_key=bool(body.own_key),
        encrypt=bool(body.encrypt),
    )
    return Reply(shown(made), 201)


async def list_all(call: Call) -> Reply:
    found = await endpoints.list_all(call.services.world, await owner_of(call))
    return Reply(Endpoints(data=[shown(one) for one in found]))


async def read(call: Call) -> Reply:
    return Reply(shown(await endpoints.read(call.services.world, await owner_of(call), endpoint_id(call))))


async def replace(call: Call) -> Reply:
    return await _change(call, whole=True)


async def change(call: Call) -> Reply:
    return await _change(call, whole=False)


async def _change(call: Call, *, whole: bool) -> Reply:
    which, (body, complaints) = endpoint_id(call), read_body(call.body, EndpointChange)
    if whole and body.url is None:
        complaints.missing("Url")
    complaints.raise_if_any()
    events, form, state, encrypt = body.events, body.format, body.state, body.encrypt
    world, owner = call.services.world, await owner_of(call, writes=True)
    if whole:
        form = form or _usual_format((await endpoints.read(world, owner, which)).format)
        events = list(endpoints.default_events(form)) if events is None else events
        state, encrypt = state or "active", bool(encrypt)
    changed = await endpoints.update(
        world, owner, which, url=body.url, events=events, form=form, state=state, encrypt=encrypt
    )
    return Reply(shown(changed))


async def delete(call: Call) -> Reply:
    await endpoints.delete(call.services.world, await owner_of(call, writes=True), endpoint_id(call))
    return Reply(None, 204)


async def test(call: Call) -> Reply:
    which, name = endpoint_id(call), read_whole(call.body, TestBody).event
    sent = await send_sample(call.services.world, await owner_of(call, writes=True), which, name)
    return Reply(
        TestAnswer(
            success=sent.taken,
            event=sent.event,
            event_id=sent.event_id,
            status=sent.status,
            latency_ms=sent.latency_ms,
            answer=sent.answer,
        )
    )


async def deliveries(call: Call) -> Reply:
    which, query = endpoint_id(call), Query(call.query)
    limit, before = query.number("limit", 50, 1, DELIVERIES_MAX) or 50, query.guid("before")
    query.raise_if_any()
    rows = await endpoints.deliveries(call.services.world, await owner_of(call), which, limit + 1, before)
    more = len(rows) > limit
    data = [_delivery(row) for row in rows[:limit]]
    return Reply(Deliveries(data=data, next=data[-1].id if more else None))


def _usual_format(before: str) -> str:
    """What a replaced endpoint has when none is named: the usual one of its dialect."""
    return "stablecoin" if before == "stablecoin" else "rescue"


def endpoint_id(call: Call) -> UUID:
    found = parse_id(call.path["id"])
    if found is None:
        raise Problem("not_found", "There is no such webhook endpoint.", cure="See GET /v1/webhooks.")
    return found


def shown(endpoint: Endpoint) -> Shown:
    health = endpoint.health
    return Shown(
        id=endpoint.endpoint_id,
        url=endpoint.url,
        events=list(endpoint.events),
        format=endpoint.format,
        state=endpoint.state,
        why=sentence_of(endpoint.why) if endpoint.why else None,
        created_date=iso(endpoint.created_at),
        signing_key=endpoint.signing_key,
        encrypt=endpoint.encrypt,
        own_key=endpoint.own_key,
        previous_key_until=iso_or_null(endpoint.previous_until),
        health=Health(
            state=endpoint.health_state,
            since=iso_or_null(health.failing_since),
            failures=health.failures,
            last_error=health.last_error,
            next_try_at=iso_or_null(health.probe_at),
            waiting_events=endpoint.waiting,
        ),
    )


def _delivery(row: Try) -> Delivery:
    return Delivery(
        id=row.try_id,
        mid=row.merchant_id,
        is_resent=row.resent,
        event=row.event or "",
        event_id=row.event_id,
        order_id=row.subject_id,
        external_order_id=row.external_id,
        sequence=row.seq,
        attempt=row.try_no,
        at=iso(row.at),
        status=row.status,
        error=row.error,
        latency_ms=row.latency_ms,
        answer=row.answer,
        result=row.result,
        is_sample=row.is_sample,
    )


_GROUP: Final = "Webhooks"
_HOOK: Final = {"url": "https://hooks.example/recoup", "events": ["order.completed", "order.expired"]}
_STABLE: Final = {"url": "https://hooks.example/stablecoin", "format": "stablecoin", "encrypt": True}
CREATED: Final = (
    "Without `events` the endpoint gets the default events. Each url has one endpoint; a used url is "
    "a conflict that names its endpoint."
)
OF_STABLECOIN: Final = (
    "With `format: stablecoin` it gets the events of stablecoin "
    "orders in the format and signature of the stablecoin API, with `signingKey` of the response as "
    "secret; `encrypt` wraps them in A256GCM. The webhook of `PUT /api/v1/webhook` is separate."
)
METHODS: Final = (
    Method(Operation("POST", "/v1/webhooks", "Create an endpoint",
                     f"{CREATED} {OF_STABLECOIN}",
                     group=_GROUP, body=EndpointBody, answers={201: Shown}, problems=("conflict",),
                     examples=(Example("two events", _HOOK, 201), Example("stablecoin orders", _STABLE, 201))),
           create, "merchants"),
    Method(Operation("GET", "/v1/webhooks", "Endpoints", group=_GROUP, answers={200: Endpoints}), list_all,
           "merchants"),
    Method(Operation("GET", "/v1/webhooks/{id}", "One endpoint", group=_GROUP, answers={200: Shown},
                     problems=("not_found",)), read, "merchants"),
    Method(Operation("PUT", "/v1/webhooks/{id}", "Replace an endpoint", "The endpoint keeps its key and its format.",
                     group=_GROUP, body=EndpointChange, answers={200: Shown}, problems=("not_found", "conflict"),
                     examples=(Example("one event", _HOOK | {"events": ["order.completed"]}),)), replace, "merchants"),
    Method(Operation("PATCH", "/v1/webhooks/{id}", "Change an endpoint", "Missing fields stay unchanged.", group=_GROUP,
                     body=EndpointChange, answers={200: Shown}, problems=("not_found", "conflict"),
                     examples=(Example("switched off", {"state": "disabled"}),)), change, "merchants"),
    Method(Operation("DELETE", "/v1/webhooks/{id}", "Delete an endpoint", "Its waiting events are dropped.",
                     group=_GROUP, answers={204: None}, problems=("not_found",)), delete, "merchants"),
    Method(Operation("POST", "/v1/webhooks/{id}/test", "Send a sample",
                     "Sends a sample event, signed like a real one and marked `IsTestMode`, and returns the receiver's "
                     "response. The sample appears among the deliveries with `isSample`. Limit: "
                     f"{SAMPLES_MAX} per minute to all endpoints together.",
                     group=_GROUP, body=TestBody, answers={200: TestAnswer},
                     problems=("not_found", "bad_gateway", "gateway_timeout"),
                     examples=(Example("a refund", {"event": "order.refunded"}),)), test, "merchants",
           body_optional=True),
    Method(Operation("GET", "/v1/webhooks/{id}/deliveries", "Deliveries",
                     "Each try and each sample, newest first.",
                     group=_GROUP, query=DeliveryQuery, answers={200: Deliveries}, problems=("not_found",)),
           deliveries, "merchants"),
)  # fmt: skip
