"""Webhook endpoints: made, listed, changed, deleted by API and portal alike."""

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from statistics import median_low
from typing import Any, Literal
from uuid import UUID

from msgspec.structs import replace

from recoup.audit.rules import changes
from recoup.db.pool import KeyTaken
from recoup.db.table import hex_of
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import PartnerScope, Scope
from recoup.keys.rules.site_address import host_of
from recoup.kit.world import World
from recoup.merchants.flows.cells import Answers, ask_each
from recoup.merchants.store.partners import partner_of
from recoup.orders.rules.events import CATALOGUE, events_by_default
from recoup.outside.web.guard import check_url
from recoup.people.flows.owner import Owner, key_context, lock_owner, note, owner_id, path_of
from recoup.stablecoin.rules.event_names import DEFAULT as STABLE_DEFAULT
from recoup.stablecoin.rules.event_names import NAMES as STABLE_NAMES
from recoup.stablecoin.rules.event_names import wire_names
from recoup.webhooks.rules.endpoint_whys import BY_MERCHANT
from recoup.webhooks.store.endpoints import (
    WAITING_MAX,
    EndpointRow,
    EndpointState,
    NewEndpoint,
    Try,
    add_endpoint,
    change_endpoint,
    delete_endpoint,
    end_lanes,
    list_endpoints,
    list_tries,
)
from recoup.webhooks.store.try_sums import SUMMED_MAX, Sums, last_tries, sum_tries

STATES = ("active", "disabled")
FORMATS = ("rescue", "rescue-text", "standard", "stablecoin")
ENDPOINTS_MAX = 50


class Endpoint(EndpointState):
    """`events` as its dialect names them. `signing_key` is base64; the stablecoin dialect signs
    with that text as it is; the stablecoin API's own shows no key here."""

    signing_key: str
    own_key: bool

    @property
    def health_state(self) -> Literal["new", "ok", "failing", "open"]:
        """`new`: nothing was sent there yet, so nothing is known."""
        return self.health.state if self.tried or self.health.state != "ok" else "new"


def names_in(form: str) -> Mapping[str, str]:
    """The events of the format's dialect -> what each is in the outbox."""
    return STABLE_NAMES if form == "stablecoin" else {name: name for name in CATALOGUE}


def default_events(form: str) -> tuple[str, ...]:
    """Events of an endpoint that names none."""
    return STABLE_DEFAULT if form == "stablecoin" else events_by_default()


def new_signing_key() -> str:
    """64 random bytes, base64."""
    return base64.b64encode(os.urandom(64)).decode()


async def create(
    world: World,
    owner: Owner,
    url: str,
    events: list[str] | None,
    form: str,
    *,
    own_key: bool = False,
    encrypt: bool = False,
) -> Endpoint:
    """Raises: Problem(invalid) naming url, events, format or encrypt; Problem(conflict) for a url
    that another has."""
    wanted = _checked(world, url, default_events(form) if events is None else events, form, encrypt)
    endpoint_id, wall = new_id(), world.clocks.wall()
    of_partner = isinstance(owner, PartnerScope)
    if of_partner and form == "stablecoin":
        raise invalid(
            "A partner hears of its merchants' rescue orders.",
            "Format",
            "Send rescue, rescue-text or standard.",
        )
    key = new_signing_key() if own_key or of_partner else None
    row = NewEndpoint(
        merchant_id=None if of_partner else owner_id(owner),
        partner_id=owner_id(owner) if of_partner else None,
        endpoint_id=endpoint_id,
        url=url,
        events=wanted,
        format=form,
        created_at=wall,
        encrypt=encrypt,
        own_key=hex_of(world.keys.seal_secret(key_context(owner), key.encode())) if key else None,
    )
    try:
        async with world.db.transaction() as tx:
            await lock_owner(tx, owner)
            if len(await list_endpoints(tx, owner_id(owner))) >= ENDPOINTS_MAX:
                raise Problem(
                    "conflict",
                    Sentence("There are at most {0} endpoints.", ENDPOINTS_MAX),
                    cure="Delete one first.",
                )
            await add_endpoint(tx, row)
            details = changes({}, _noted(url, wanted, form, encrypt, "active"))
            await note(tx, owner, wall, "webhook.made", endpoint_id, details)
    except KeyTaken:
        raise await _taken(world, owner, url, form) from None
    return await read(world, owner, endpoint_id)


async def read(
    world: World, owner: Owner, endpoint_id: UUID, *, every_door: bool = False
) -> Endpoint:
    """Raises: Problem(not_found)."""
    for endpoint in await list_all(world, owner, every_door=every_door):
        if endpoint.endpoint_id == endpoint_id:
            return endpoint
    raise gone(owner)


async def list_all(world: World, owner: Owner, *, every_door: bool = False) -> list[Endpoint]:
    """`every_door`: the one of the stablecoin API, too, which is changed there only."""
    whose = owner_id(owner)
    if isinstance(owner, PartnerScope):
        rows = _together(await ask_each(world, lambda cell: list_endpoints(cell.db, whose)))
    else:
        rows = await list_endpoints(world.db, whose, every_door=every_door)
    return [_endpoint(world, owner, row) for row in rows]


def homes_of(world: World, endpoint: Endpoint) -> list[World]:
    """Cells whose merchants an endpoint hears of, this one first."""
    if not endpoint.shared:
        return [world]
    return [world, *(cell for cell in world.every if cell is not world)]


def _together(answers: Answers[list[EndpointRow]]) -> list[EndpointRow]:
    """A partner's endpoints with what waits in every cell that answers."""
    if not answers.said:
        answers.check()
    first, *others = (rows for _, rows in answers.said)
    sums = {row.endpoint_id: row for row in first}
    for row in (row for rows in others for row in rows):
        before = sums.get(row.endpoint_id, row)
        waiting = row.waiting + before.waiting if before is not row else row.waiting
        sums[row.endpoint_id] = replace(
            before, tried=before.tried or row.tried, waiting=min(waiting, WAITING_MAX)
        )
    return list(sums.values())


async def of_partner(world: World, scope: Scope) -> tuple[PartnerScope | None, list[Endpoint]]:
    """Endpoints of the merchant's partner, which hear of this merchant, too; and the partner, None
    without one."""
    partner_id = await partner_of(world.db, scope.merchant_id)
    if partner_id is None:
        return None, []
    partner = PartnerScope(partner_id, scope.actor, scope.request_id)
    return partner, await list_all(world, partner)


async def update(
    world: World,
    owner: Owner,
    endpoint_id: UUID,
    *,
    url: str | None = None,
    events: list[str] | None = None,
    form: str | None = None,
    state: str | None = None,
    encrypt: bool | None = None,
) -> Endpoint:
    """Updates an endpoint; None leaves things as they are. What happens while it is disabled is not
    kept for it.

    Raises: Problem(not_found); Problem(invalid) naming url, events, format, state or encrypt;
    Problem(conflict) for a url that another has.
    """
    if state is not None and state not in STATES:
        raise invalid("The state is not known.", "State", "One of " + ", ".join(STATES) + ".")
    before = await read(world, owner, endpoint_id)
    url, form, state = url or before.url, form or before.format, state or before.state
    encrypt = before.encrypt if encrypt is None else encrypt
    if names_in(form) != names_in(before.format):
        raise Problem(
            "invalid",
            "An endpoint cannot change its dialect while events are queued for it.",
            field="Format",
            cure="Create another endpoint with this format and delete this one.",
            reason="other_dialect",
        )
    why = before.why if state == before.state else None if state == "active" else BY_MERCHANT
    wanted = _checked(world, url, before.events if events is None else events, form, encrypt)
    row = {
        "endpoint_id": endpoint_id,
        "url": url,
        "format": form,
        "state": state,
        "why": why,
        "events": wanted,
        "encrypt": encrypt,
    }
    was = _noted(
        before.url,
        tuple(names_in(form)[name] for name in before.events),
        before.format,
        before.encrypt,
        before.state,
    )
    details = changes(was, _noted(url, wanted, form, encrypt, state))
    if url != before.url:
        details["address"] = "changed"
    try:
        async with world.db.transaction() as tx:
            if not await change_endpoint(tx, row, owner_id(owner)):
                raise gone(owner)
            if details:
                await note(tx, owner, world.clocks.wall(), "webhook.changed", endpoint_id, details)
    except KeyTaken:
        raise await _taken(world, owner, url, form) from None
    return await read(world, owner, endpoint_id)


async def delete(world: World, owner: Owner, endpoint_id: UUID) -> None:
    """Deletes an endpoint: what was still to be delivered there is dropped; the log of attempts
    stays.

    Raises: Problem(not_found).
    """
    before = await read(world, owner, endpoint_id)  # the stablecoin API's own is none of these
    async with world.db.transaction() as tx:
        if not await delete_endpoint(tx, owner_id(owner), endpoint_id):
            raise gone(owner)
        await note(
            tx,
            owner,
            world.clocks.wall(),
            "webhook.deleted",
            endpoint_id,
            {"host": host_of(before.url)},
        )
    for cell in homes_of(world, before)[1:]:
        with suppress(Problem):  # its lanes end when they are due
            await end_lanes(cell.db.alone, endpoint_id)


async def deliveries(
    world: World, owner: Owner, endpoint_id: UUID, limit: int, before: UUID | None
) -> list[Try]:
    """Its tries and samples, newest first, from `before` on; events as its dialect names them.

    Raises: Problem(not_found).
    """
    endpoint = await read(world, owner, endpoint_id)
    tries = await ask_each(
        world,
        lambda cell: list_tries(cell.db, endpoint_id, limit, before),
        homes_of(world, endpoint),
    )
    tries.check()
    rows = [row for _, of_cell in tries.said for row in of_cell]
    rows = sorted(rows, key=lambda row: row.try_id, reverse=True)[:limit]
    wire_names = {ours: wire for wire, ours in names_in(endpoint.format).items()}
    return [replace(row, event=wire_names.get(row.event or "", row.event)) for row in rows]


def _noted(url: str, events: Iterable[str], form: str, encrypt: bool, state: str) -> dict[str, Any]:
    """Details for the audit log. Of the address the host only: a path may hold what opens it."""
    return {
        "host": host_of(url),
        "events": sorted(events),
        "format": form,
        "encrypt": encrypt,
        "state": state,
    }


def gone(owner: Owner) -> Problem:
    cure = Sentence("GET {0} lists those there are.", path_of(owner))
    return Problem("not_found", "There is no such webhook endpoint.", cure=cure)


async def _taken(world: World, owner: Owner, url: str, form: str) -> Problem:
    """Names the endpoint that has the url, so that the caller can change that one."""
    same = (
        endpoint
        for endpoint in await list_all(world, owner)
        if endpoint.url == url and names_in(endpoint.format) == names_in(form)
    )
    holder = next(same, None)
    which, where = (
        (Sentence("The endpoint {0}", holder.endpoint_id), holder.endpoint_id)
        if holder
        else ("Another endpoint", "{id}")
    )
    cure = Sentence(
        "Change that one (PATCH {0}/{1}), delete it, or send another url.", path_of(owner), where
    )
    return Problem("conflict", Sentence("{0} has this url already.", which), cure=cure)


def _checked(
    world: World, url: str, events: Iterable[str], form: str, encrypt: bool
) -> tuple[str, ...]:
    """The events as the outbox has them, each once. Raises: Problem(invalid) naming url, events,
    format or encrypt."""
    if form not in FORMATS:
        raise invalid("The format is not known.", "Format", "One of " + ", ".join(FORMATS) + ".")
    if encrypt and form != "stablecoin":
        raise invalid(
            "Only the format stablecoin can be encrypted.",
            "Encrypt",
            "Leave encrypt out, or send format: stablecoin.",
        )
    checked = check_url(url, loopback=world.policy.loopback_webhooks)
    if isinstance(checked, Problem):
        raise invalid(checked.message, "Url", checked.cure)
    wanted = tuple(dict.fromkeys(events))
    known = names_in(form)
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        message = (
            Sentence("Unknown event {0}.", repr(unknown[0][:64]))
            if unknown
            else "Name at least one event."
        )
        raise invalid(message, "Events", "Events are: " + ", ".join(known) + ".")
    return tuple(known[name] for name in wanted)


def _endpoint(world: World, owner: Owner, row: EndpointRow) -> Endpoint:
    """Every merchant has a webhook key from its first keys on; a partner's endpoints have keys of
    their own."""
    sealed = (row.own_key or row.webhook_key) if row.door == "rescue" else None
    key = world.keys.open_secret(key_context(owner), sealed).decode() if sealed else ""
    events = wire_names(row.events) if row.format == "stablecoin" else row.events
    until = row.previous_until
    return filled(
        Endpoint,
        row,
        events=events,
        signing_key=key,
        own_key=row.own_key is not None,
        previous_until=until if until and until > world.clocks.wall() else None,
    )


async def sums_of(world: World, endpoints: Sequence[Endpoint]) -> Mapping[UUID, Sums]:
    """Results of the last thousand attempts of each endpoint."""
    sums = await sum_tries(world.db, [endpoint.endpoint_id for endpoint in endpoints])
    for endpoint in endpoints if world.cells else ():
        if endpoint.shared:
            sums[endpoint.endpoint_id] = await _shared_sums(world, endpoint)
    return sums


async def _shared_sums(world: World, endpoint: Endpoint) -> Sums:
    answers = await ask_each(world, lambda cell: last_tries(cell.db, endpoint.endpoint_id))
    answers.check()
    rows = [row for _, of_cell in answers.said for row in of_cell]
    newest = sorted(rows, key=lambda row: row.try_id, reverse=True)[:SUMMED_MAX]
    taken = [row for row in newest if row.result == "delivered"]
    return Sums(
        endpoint.endpoint_id,
        len(taken),
        len(newest) - len(taken),
        max((row.at for row in taken), default=None),
        median_low(row.latency_ms for row in taken) if taken else None,
    )
