"""POST /connection-test: the way of an order, tried hop by hop. Source: seed 004 (independent
testing)."""

from typing import Any, Final

from recoup.keys.api.v1_resource import Api, Call
from recoup.rescue.api.payment import read_own
from recoup.switches.api.switches import Hop, Tested, TestedBody
from recoup.switches.flows.try_connection import try_connection

api: Final = Api(group="Settings", scope="merchants")


@api("POST /v1/connection-test", body=TestedBody)
@api.example("recurring payments", {"kind": "mit"})
async def test(call: Call) -> Tested:
    """Test a connection. Checks each step of an order of one kind: credential, merchant, switches,
    token key, processor, webhook, outcome. Nothing is charged and no order is created; each active
    webhook endpoint gets a signed sample. It takes 15 seconds at most."""
    body = read_own(call, TestedBody)
    assert call.caller is not None
    world = call.services.world
    hops = await try_connection(
        world, call.scope, body.kind, body.site_id, body.campaign, call.caller.scopes
    )
    failed = [hop for hop in hops if hop.state == "failed"]
    shown = [
        Hop(name=h.name, state=h.state, told=h.finding, cure=h.cure, latency_ms=h.latency_ms)
        for h in hops
    ]
    result = f"{failed[0].finding} {failed[0].cure or ''}".strip() if failed else "Success"
    place: Any = "sandbox" if world.policy.test_mode else "live"
    return Tested(kind=body.kind, world=place, hops=shown, success=not failed, result=result)
