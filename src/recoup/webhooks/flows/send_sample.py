"""A sample event to an endpoint, signed as a real one: the receiver's developer sees what it
says."""

import asyncio
import math
import secrets
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import PartnerScope, Scope
from recoup.kernel.time import WallTime
from recoup.keys.rules.site_address import host_of
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import caller_settings
from recoup.orders.rules.events import Event, Rendered, render
from recoup.outside.web.guard import check_url
from recoup.outside.web.port import Answer
from recoup.people.flows.owner import Owner, lock_owner, note, owner_id
from recoup.stablecoin.rules.stable_events import render_stable
from recoup.switches.flows.try_connection import Hop, ms_since
from recoup.webhooks.flows.endpoints import Endpoint, list_all, names_in, of_partner, read
from recoup.webhooks.flows.post import answer_text
from recoup.webhooks.rules.samples import sample_event
from recoup.webhooks.store.deliveries import last_but
from recoup.webhooks.store.endpoints import SampleTry, add_sample_try

SAMPLES_MAX: Final = 20  # to all endpoints of one owner, who chose their addresses
WITHIN: Final = timedelta(minutes=1)
WEBHOOK_SECONDS: Final = 12.0
WEBHOOKS_MAX: Final = 5  # that one test of a connection tries
_WORDS = {
    "dns": "its host name is unknown",
    "connect": "it refuses connections",
    "tls": "its certificate is not valid",
    "refused_address": "its host name resolves to an address that is not allowed",
    "too_large": "its answer's head is too long, or it has too many parts",
    "protocol": "its answer is not HTTP, or it sent more than one",
}


@frozen
class Sent:
    """The receiver's answer to the event; `latency_ms` from the start of the call to its end."""

    event: str
    event_id: UUID
    status: int
    latency_ms: int
    answer: str
    taken: bool


async def send_sample(
    world: World, owner: Owner, endpoint_id: UUID, name: str | None, *, about: Scope | None = None
) -> Sent:
    """The try shows among the endpoint's deliveries, whatever became of it; nothing else is kept.
    An endpoint that is disabled may be tried, too. Without `name` it is a completed payment. While
    a key is being replaced the new one signs it. `about`: the merchant that the event is of, where
    the endpoint is its partner's.

    Raises: Problem(not_found); Problem(invalid) for an unknown event; Problem(too_many_requests);
    Problem(bad_gateway) for a receiver that cannot be reached or understood;
    Problem(gateway_timeout) for one that is silent.
    """
    with world.samples.one(owner_id(owner)):
        return await _send(world, owner, endpoint_id, name, about or owner)


async def _send(
    world: World, owner: Owner, endpoint_id: UUID, name: str | None, about: Owner
) -> Sent:
    endpoint = await read(world, owner, endpoint_id)
    known_names, stable = names_in(endpoint.format), endpoint.format == "stablecoin"
    name = name or next(iter(known_names))
    if name not in known_names:
        raise invalid(
            Sentence("Unknown event {0}.", repr(name[:64])),
            "Event",
            "Events are: " + ", ".join(known_names) + ".",
        )
    checked = check_url(endpoint.url, loopback=world.policy.loopback_webhooks)
    if isinstance(checked, Problem):
        raise Problem("bad_gateway", checked.message, cure=checked.cure)
    wall = world.clocks.wall()
    site_id, at = await _whose(world, about, wall)
    await _count(world, owner, endpoint_id, name)
    event = sample_event(name, stable, new_id(), owner_id(about), site_id, at)
    sent = _rendered(endpoint, event, checked.host_header, wall)
    seconds = world.policy.webhook_timeout / timedelta(seconds=1)
    answer = await world.web.post(endpoint.url, sent.headers, sent.body, timeout_seconds=seconds)
    await _keep(world, endpoint, event, name, answer)
    return Sent(
        name,
        event.event_id,
        _status(answer),
        round(answer.latency_ms),
        answer_text(answer),
        answer.taken,
    )


async def _count(world: World, owner: Owner, endpoint_id: UUID, name: str) -> None:
    """Noted before it is sent, so that of many at once no more are. Raises:
    Problem(too_many_requests)."""
    async with world.db.transaction() as tx:
        await lock_owner(tx, owner)
        wall = world.clocks.wall()
        first = await last_but(
            tx, owner_id(owner), wall - WITHIN, SAMPLES_MAX, partner=isinstance(owner, PartnerScope)
        )
        if first is not None:
            seconds = math.ceil((first + WITHIN - wall).total_seconds())
            raise Problem(
                "too_many_requests",
                Sentence("{0} samples were sent within a minute, which is the limit.", SAMPLES_MAX),
                retry_after_seconds=seconds,
                cure=Sentence("Send the next one in {0} s.", seconds),
            )
        await note(tx, owner, wall, "webhook.tested", endpoint_id, {"event": name})


async def _whose(world: World, owner: Owner, wall: WallTime) -> tuple[UUID | None, datetime]:
    """The merchant's first site, and its business time; a partner has neither.

    Raises: Problem(forbidden) for a merchant that this world does not have.
    """
    if not isinstance(owner, Scope):
        return None, wall
    known = await caller_settings(world.db, owner.merchant_id)
    return known.sites[0].site_id, known.merchant.business(wall)


def _rendered(endpoint: Endpoint, event: Event, host: str, wall: WallTime) -> Rendered:
    form: Any = endpoint.format
    if form != "stablecoin":
        return render(event, form, [endpoint.signing_key], host, secrets.token_hex(16), wall)
    sent = render_stable(event, endpoint.signing_key, wall, encrypt=endpoint.encrypt)
    assert sent is not None, "every sample is of an event that the dialect tells"
    return sent


async def _keep(world: World, endpoint: Endpoint, event: Event, name: str, answer: Answer) -> None:
    assert event.order_id is not None  # every sample is of an order
    row = SampleTry(
        merchant_id=event.merchant_id,
        try_id=new_id(),
        endpoint_id=endpoint.endpoint_id,
        subject_id=event.order_id,
        seq=event.sequence,
        event_id=event.event_id,
        try_no=1,
        at=world.clocks.wall(),
        status=answer.status,
        error=answer.error,
        latency_ms=round(answer.latency_ms),
        answer=answer_text(answer),
        result="delivered" if answer.taken else "failed",
        resent=False,
        sample=name,
    )
    async with world.db.transaction() as tx:
        await add_sample_try(tx, row)


def _status(answer: Answer) -> int:
    if answer.error == "timeout":
        raise Problem(
            "gateway_timeout",
            "The receiver did not answer in time.",
            cure="Answer at once and process the event afterwards.",
        )
    if answer.error is not None or answer.status is None:
        why = _WORDS.get(answer.error or "", "it did not answer")
        raise Problem(
            "bad_gateway",
            Sentence("The receiver cannot be reached: {0}.", why),
            cure="Check the endpoint's url.",
        )
    return answer.status


async def try_webhooks(world: World, scope: Scope) -> list[Hop]:
    """A signed sample to each endpoint that is active: the merchant's own, and its partner's."""
    own = [endpoint for endpoint in await list_all(world, scope) if endpoint.format != "stablecoin"]
    partner, theirs = await of_partner(world, scope)
    choices: list[tuple[Owner, Endpoint]] = [(scope, endpoint) for endpoint in own]
    if partner is not None:
        choices += [(partner, their) for their in theirs]
    active = [(owner, endpoint) for owner, endpoint in choices if endpoint.state == "active"]
    if not active:
        finding = "Every endpoint is disabled." if choices else "There is no webhook endpoint."
        return [
            Hop(
                "webhook",
                "skipped",
                finding,
                "Create one: POST /v1/webhooks; until then use /v1/outcome.",
            )
        ]
    tried = active[:WEBHOOKS_MAX]
    hops = list(
        await asyncio.gather(
            *(_webhook(world, scope, owner, endpoint) for owner, endpoint in tried)
        )
    )
    if len(active) > WEBHOOKS_MAX:
        hops.append(
            Hop(
                "webhook",
                "skipped",
                Sentence("{0} more endpoints were not tried.", len(active) - WEBHOOKS_MAX),
            )
        )
    return hops


async def _webhook(world: World, scope: Scope, owner: Owner, endpoint: Endpoint) -> Hop:
    host, begun = urlsplit(endpoint.url).netloc, world.clocks.monotonic()
    host = (
        host
        if owner is scope
        else Sentence("Your partner's endpoint at {0}", host_of(endpoint.url))
    )
    try:
        async with asyncio.timeout(WEBHOOK_SECONDS):
            sent = await send_sample(world, owner, endpoint.endpoint_id, None, about=scope)
    except Problem as problem:
        return Hop(
            "webhook",
            "skipped" if problem.code == "too_many_requests" else "failed",
            Sentence("{0}: {1}", host, problem.message),
            problem.cure,
            ms_since(world, begun),
        )
    except TimeoutError:
        return Hop(
            "webhook",
            "failed",
            Sentence("{0} did not answer in time.", host),
            "Answer at once and process afterwards.",
            ms_since(world, begun),
        )
    if not sent.taken:
        return Hop(
            "webhook",
            "failed",
            Sentence("{0} answered {1}.", host, sent.status),
            "Answer 2xx to a signed event; the sample is listed in its deliveries.",
            sent.latency_ms,
        )
    return Hop(
        "webhook", "ok", Sentence("{0} took a signed sample.", host), latency_ms=sent.latency_ms
    )
