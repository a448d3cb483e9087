"""/webhooks: the merchant's endpoints. Source: contract §14, §17.1."""

from typing import Any, Final

from recoup.doors.edge.keys import folding
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.resource import Call, Method, Reply
from recoup.flows.messages import endpoints
from recoup.flows.messages.endpoints import Endpoint
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso

_BODY: Final = dict.fromkeys(("url", "events", "format", "ownKey", "mid"))


async def create(call: Call) -> Reply:
    fields = Fields(call.body)
    url = fields.text("url", required=True, maximum=2048)
    form = fields.text("format", maximum=32) or "rescue"
    own_key = bool(fields.flag("ownKey"))
    events = fields.get("events")
    if events is not None and not (isinstance(events, list) and all(isinstance(e, str) for e in events)):
        fields.complain("events", "must be an array of event names")
    fields.raise_if_any()
    made = await endpoints.create(call.services.world, call.scope, url, events, form, own_key=own_key)
    return Reply(_object(made), 201)


async def list_all(call: Call) -> Reply:
    found = await endpoints.list_all(call.services.world, call.scope)
    return Reply({"data": [_object(e) for e in found], "success": True})


async def read(call: Call) -> Reply:
    return Reply(_object(await endpoints.read(call.services.world, call.scope, _id(call))))


async def delete(call: Call) -> Reply:
    await endpoints.delete(call.services.world, call.scope, _id(call))
    return Reply(None, 204)


def _id(call: Call) -> Any:
    found = parse_id(call.path["id"])
    if found is None:
        raise Problem("not_found", "There is no such webhook endpoint.")
    return found


def _object(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.endpoint_id, "url": endpoint.url, "events": endpoint.events, "format": endpoint.format,
        "state": endpoint.state, "why": endpoint.why, "createdDate": iso(endpoint.created_at),
        "signingKey": endpoint.signing_key,
    }  # fmt: skip


ALL: Final = {"POST": Method(create, "merchants", folding(_BODY)), "GET": Method(list_all, "merchants")}
ONE: Final = {"GET": Method(read, "merchants"), "DELETE": Method(delete, "merchants")}
