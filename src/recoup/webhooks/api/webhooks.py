"""/webhooks: the merchant's endpoints, and what was sent there. Source: contract §14, §17.1."""

from typing import Final
from uuid import UUID

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_body, read_whole
from recoup.kit.api.settings import (
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
from recoup.kit.api.settings import Endpoint as Shown
from recoup.kit.api.wire import iso_or_null
from recoup.kit.lists.paging import page_of
from recoup.partners.api.partner_caller import owner_of
from recoup.webhooks.flows import endpoints
from recoup.webhooks.flows.endpoints import Endpoint
from recoup.webhooks.flows.send_sample import SAMPLES_MAX, send_sample
from recoup.webhooks.rules.endpoint_whys import sentence_of
from recoup.webhooks.store.endpoints import Try

_HOOK: Final = {
    "url": "https://hooks.example/recoup",
    "events": ["order.completed", "order.expired"],
}
_STABLE: Final = {
    "url": "https://hooks.example/stablecoin",
    "format": "stablecoin",
    "encrypt": True,
}
CREATED: Final = (
    "Without `events` the endpoint gets the default events. Each url has one endpoint; a used url "
    "is "
    "a conflict that names its endpoint."
)
OF_STABLECOIN: Final = (
    "With `format: stablecoin` it gets the events of stablecoin "
    "orders in the format and signature of the stablecoin API, with `signingKey` of the response "
    "as "
    "secret; `encrypt` wraps them in A256GCM. The webhook of `PUT /api/v1/webhook` is separate."
)
api: Final = Api(group="Webhooks", scope="webhooks")


@api(
    "POST /v1/webhooks",
    status=201,
    text=f"{CREATED} {OF_STABLECOIN}",
    body=EndpointBody,
    problems=("conflict",),
)
@api.example("two events", _HOOK)
@api.example("stablecoin orders", _STABLE)
async def create(call: Call) -> Shown:
    """Create an endpoint."""
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
    return shown(made)


@api("GET /v1/webhooks")
async def list_all(call: Call) -> Endpoints:
    """Endpoints."""
    listed = await endpoints.list_all(call.services.world, await owner_of(call))
    return Endpoints(data=[shown(endpoint) for endpoint in listed])


@api("GET /v1/webhooks/{id}", problems=("not_found",))
async def read(call: Call) -> Shown:
    """One endpoint."""
    return shown(await endpoints.read(call.services.world, await owner_of(call), endpoint_id(call)))


@api("PUT /v1/webhooks/{id}", body=EndpointChange, problems=("not_found", "conflict"))
@api.example("one event", _HOOK | {"events": ["order.completed"]})
async def replace(call: Call) -> Shown:
    """Replace an endpoint. The endpoint keeps its key and its format."""
    return await _change(call, whole=True)


@api("PATCH /v1/webhooks/{id}", body=EndpointChange, problems=("not_found", "conflict"))
@api.example("switched off", {"state": "disabled"})
async def change(call: Call) -> Shown:
    """Change an endpoint. Missing fields stay unchanged."""
    return await _change(call, whole=False)


async def _change(call: Call, *, whole: bool) -> Shown:
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
    return shown(changed)


@api("DELETE /v1/webhooks/{id}", problems=("not_found",))
async def delete(call: Call) -> None:
    """Delete an endpoint. Its waiting events are dropped."""
    await endpoints.delete(
        call.services.world, await owner_of(call, writes=True), endpoint_id(call)
    )


@api(
    "POST /v1/webhooks/{id}/test",
    text="Sends a sample event, signed like a real one and marked `IsTestMode`, and returns the "
    "receiver's "
    "response. The sample appears among the deliveries with `isSample`. Limit: "
    f"{SAMPLES_MAX} per minute to all endpoints together.",
    body=TestBody,
    problems=("not_found", "bad_gateway", "gateway_timeout"),
    body_optional=True,
)
@api.example("a refund", {"event": "order.refunded"})
async def test(call: Call) -> TestAnswer:
    """Send a sample."""
    which, name = endpoint_id(call), read_whole(call.body, TestBody).event
    sent = await send_sample(call.services.world, await owner_of(call, writes=True), which, name)
    return TestAnswer.of(sent, success=sent.taken)


@api("GET /v1/webhooks/{id}/deliveries", query=DeliveryQuery, problems=("not_found",))
async def deliveries(call: Call) -> Deliveries:
    """Deliveries. Each try and each sample, newest first."""
    which, query = endpoint_id(call), call.parameters(DeliveryQuery, any_names=True)
    rows = await endpoints.deliveries(
        call.services.world, await owner_of(call), which, query.limit + 1, query.before
    )
    return page_of(Deliveries, rows, query.limit, _delivery, lambda row: row.try_id)


def _usual_format(before: str) -> str:
    """Format of a replaced endpoint when none is named: the usual one of its dialect."""
    return "stablecoin" if before == "stablecoin" else "rescue"


def endpoint_id(call: Call) -> UUID:
    return call.object_id(noun="webhook endpoint", cure="See GET /v1/webhooks.")


def shown(endpoint: Endpoint) -> Shown:
    health = endpoint.health
    return Shown.of(
        endpoint,
        id=endpoint.endpoint_id,
        events=list(endpoint.events),
        why=sentence_of(endpoint.why) if endpoint.why else None,
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
    return Delivery.of(
        row,
        id=row.try_id,
        mid=row.merchant_id,
        is_resent=row.resent,
        event=row.event or "",
        order_id=row.subject_id,
        sequence=row.seq,
        attempt=row.try_no,
    )
