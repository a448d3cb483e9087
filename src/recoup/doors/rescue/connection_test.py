"""POST /connection-test: the way of an order, tried hop by hop. Source: seed 004 (independent testing)."""

from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_body
from recoup.doors.rescue.payment import check_own
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.switches import Hop, Tested, TestedBody
from recoup.flows.try_connection import try_connection


async def test(call: Call) -> Reply:
    body, complaints = read_body(call.body, TestedBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    complaints.raise_if_any()
    assert call.caller is not None
    world = call.services.world
    hops = await try_connection(world, call.scope, body.kind, body.site_id, body.campaign, call.caller.scopes)
    failed = [hop for hop in hops if hop.state == "failed"]
    shown = [Hop(name=h.name, state=h.state, told=h.finding, cure=h.cure, latency_ms=h.latency_ms) for h in hops]
    result = f"{failed[0].finding} {failed[0].cure or ''}".strip() if failed else "Success"
    place: Any = "sandbox" if world.policy.test_mode else "live"
    return Reply(Tested(kind=body.kind, world=place, hops=shown, success=not failed, result=result))


TEST: Final = Operation(
    "POST",
    "/v1/connection-test",
    "Test a connection",
    "Checks each step of an order of one kind: credential, merchant, switches, token key, processor, webhook, "
    "outcome. Nothing is charged and no order is created; each active webhook endpoint gets a signed sample. It takes "
    "15 seconds at most.",
    group="Settings",
    body=TestedBody,
    answers={200: Tested},
    examples=(Example("recurring payments", {"kind": "mit"}),),
)
METHODS: Final = (Method(TEST, test, "merchants"),)
