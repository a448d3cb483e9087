"""A sample event to an endpoint, signed as a real one: the receiver's developer sees what it says."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from recoup.flows.messages.endpoints import read
from recoup.gateways.web.guard import check_url
from recoup.gateways.web.port import Answer, Web
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.world import World
from recoup.rules.messages.events import CATALOGUE, Event, render
from recoup.rules.messages.samples import SAMPLE_ID, sample_data
from recoup.store.read.merchants import load_merchant

_WORDS = {
    "dns": "its name is not known", "connect": "it takes no connection", "tls": "its certificate is not valid",
    "refused_address": "its name leads to an address that may not be called",
    "too_large": "its answer's head is too long", "protocol": "what it answers is no HTTP",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sent:
    """What the receiver said to the event; `latency_ms` from the start of the call to its end."""

    event: str
    event_id: UUID
    status: int
    latency_ms: int
    answer: str
    taken: bool


async def send_sample(world: World, scope: Scope, endpoint_id: UUID, name: str) -> Sent:
    """Nothing is kept of it. An endpoint that is disabled may be tried, too.

    Raises: Problem(not_found); Problem(invalid) for an unknown event; Problem(bad_gateway) for a receiver that cannot
    be reached or understood; Problem(gateway_timeout) for one that is silent.
    """
    endpoint = await read(world, scope, endpoint_id)
    if name not in CATALOGUE:
        raise Problem("invalid", f"Unknown event {name[:64]!r}.", field="Event",
                      cure="Events are: " + ", ".join(CATALOGUE) + ".")  # fmt: skip
    async with world.db.connection() as connection:
        known = await load_merchant(connection, scope.merchant_id)
    if known is None:
        raise Problem("forbidden", "This merchant does not exist in this environment.", field="Mid")
    checked = check_url(endpoint.url, loopback=world.policy.loopback_webhooks)
    if isinstance(checked, Problem):
        raise Problem("bad_gateway", checked.message, cure=checked.cure)
    wall = world.clocks.wall()
    now = known.merchant.business(wall)
    event = Event(
        event_id=new_id(), merchant_id=scope.merchant_id, site_id=known.sites[0].site_id, order_id=SAMPLE_ID,
        external_order_id="SAMPLE", name=name, sequence=1, business_at=now, data=sample_data(name, now), test_mode=True,
    )  # fmt: skip
    form: Any = endpoint.format
    sent = render(event, form, endpoint.signing_key, checked.host_header, secrets.token_hex(16), wall)
    web: Web = world.web
    seconds = world.policy.webhook_timeout / timedelta(seconds=1)
    answer = await web.post(endpoint.url, sent.headers, sent.body, timeout_seconds=seconds)
    return Sent(name, event.event_id, _status(answer), round(answer.latency_ms),
                answer.body_start.decode("utf-8", "replace").replace("\x00", ""), answer.taken)  # fmt: skip


def _status(answer: Answer) -> int:
    if answer.error == "timeout":
        raise Problem("gateway_timeout", "The receiver did not answer in time.",
                      cure="Answer at once, and work on the event afterwards.")  # fmt: skip
    if answer.error is not None or answer.status is None:
        why = _WORDS.get(answer.error or "", "it did not answer")
        raise Problem("bad_gateway", f"The receiver cannot be reached: {why}.", cure="Check the endpoint's url.")
    return answer.status
