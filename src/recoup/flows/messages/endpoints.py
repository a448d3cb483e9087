"""Webhook endpoints: made, listed, changed, deleted by API and portal alike."""

import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.gateways.web.guard import check_url
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.world import World
from recoup.rules.messages.events import CATALOGUE, DEFAULT_EVENTS
from recoup.store.read.endpoints import list_endpoints, list_tries, webhook_key_of
from recoup.store.write.endpoints import add_endpoint, change_endpoint, delete_endpoint

STATES = ("active", "disabled")
FORMATS = ("rescue", "rescue-text", "standard")
ENDPOINTS_MAX = 50


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`signing_key` is base64, as receivers take it."""

    endpoint_id: UUID
    url: str
    events: tuple[str, ...]
    format: str
    state: str
    why: str | None
    created_at: datetime
    signing_key: str


def new_signing_key() -> str:
    """64 random bytes, base64."""
    return base64.b64encode(os.urandom(64)).decode()


async def create(
    world: World, scope: Scope, url: str, events: list[str] | None, form: str, *, own_key: bool = False
) -> Endpoint:
    """Raises: Problem(invalid) naming url, events or format."""
    wanted = _checked(world, url, events if events is not None else DEFAULT_EVENTS, form)
    endpoint_id, wall = new_id(), world.clocks.wall()
    key = new_signing_key() if own_key else None
    context = f"webhook:{scope.merchant_id}"
    async with world.db.transaction() as tx:
        if len(await list_endpoints(tx, scope.merchant_id)) >= ENDPOINTS_MAX:
            raise Problem("conflict", f"A merchant has at most {ENDPOINTS_MAX} endpoints.", cure="Delete one first.")
        await add_endpoint(tx, {
            "merchant_id": scope.merchant_id, "endpoint_id": endpoint_id, "url": url, "events": wanted,
            "format": form, "created_at": wall,
            "own_key": "\\x" + world.keys.seal_secret(context, key.encode()).hex() if key else None,
        })  # fmt: skip
    return await read(world, scope, endpoint_id)


async def read(world: World, scope: Scope, endpoint_id: UUID) -> Endpoint:
    """Raises: Problem(not_found)."""
    for endpoint in await list_all(world, scope):
        if endpoint.endpoint_id == endpoint_id:
            return endpoint
    raise Problem("not_found", "There is no such webhook endpoint.")


async def list_all(world: World, scope: Scope) -> list[Endpoint]:
    async with world.db.connection() as connection:
        rows = await list_endpoints(connection, scope.merchant_id)
        sealed = await webhook_key_of(connection, scope.merchant_id)
    return [_endpoint(world, scope, row, row["own_key"] or sealed) for row in rows]


async def update(
    world: World, scope: Scope, endpoint_id: UUID, *, url: str | None = None, events: list[str] | None = None,
    form: str | None = None, state: str | None = None,
) -> Endpoint:  # fmt: skip
    """None leaves things as they are. What happens while it is disabled is not kept for it.

    Raises: Problem(not_found); Problem(invalid) naming url, events, format or state.
    """
    if state is not None and state not in STATES:
        raise Problem("invalid", "The state is not known.", field="State", cure="One of " + ", ".join(STATES) + ".")
    before = await read(world, scope, endpoint_id)
    url, form, state = url or before.url, form or before.format, state or before.state
    why = before.why if state == before.state else None if state == "active" else "Switched off by the merchant."
    row = {
        "merchant_id": scope.merchant_id, "endpoint_id": endpoint_id, "url": url, "format": form, "state": state,
        "why": why, "events": _checked(world, url, before.events if events is None else events, form),
    }  # fmt: skip
    async with world.db.transaction() as tx:
        if not await change_endpoint(tx, row):
            raise Problem("not_found", "There is no such webhook endpoint.")
    return await read(world, scope, endpoint_id)


async def delete(world: World, scope: Scope, endpoint_id: UUID) -> None:
    """What was still to be delivered there is dropped; the log of tries stays.

    Raises: Problem(not_found).
    """
    await read(world, scope, endpoint_id)  # the stablecoin API's own is none of these
    async with world.db.transaction() as tx:
        if not await delete_endpoint(tx, scope.merchant_id, endpoint_id):
            raise Problem("not_found", "There is no such webhook endpoint.")


async def deliveries(world: World, scope: Scope, endpoint_id: UUID, limit: int, before: UUID | None) -> list[Any]:
    """Its tries, newest first, from `before` on. Raises: Problem(not_found)."""
    await read(world, scope, endpoint_id)
    async with world.db.connection() as connection:
        return await list_tries(connection, scope.merchant_id, endpoint_id, limit, before)


def _checked(world: World, url: str, events: Iterable[str], form: str) -> tuple[str, ...]:
    """The events, each once. Raises: Problem(invalid) naming url, events or format."""
    checked = check_url(url, loopback=world.policy.loopback_webhooks)
    if isinstance(checked, Problem):
        raise Problem("invalid", checked.message, field="Url", cure=checked.cure)
    wanted = tuple(dict.fromkeys(events))
    unknown = [name for name in wanted if name not in CATALOGUE]
    if unknown or not wanted:
        message = f"Unknown event {unknown[0][:64]!r}." if unknown else "Name at least one event."
        raise Problem("invalid", message, field="Events", cure="Events are: " + ", ".join(CATALOGUE) + ".")
    if form not in FORMATS:
        raise Problem("invalid", "The format is not known.", field="Format", cure="One of " + ", ".join(FORMATS) + ".")
    return wanted


def _endpoint(world: World, scope: Scope, row: Any, sealed: bytes | None) -> Endpoint:
    """Every merchant has a webhook key from its first keys on."""
    assert sealed is not None
    key = world.keys.open_secret(f"webhook:{scope.merchant_id}", sealed).decode()
    return Endpoint(row["endpoint_id"], row["url"], tuple(row["events"]), row["format"], row["state"], row["why"],
                    row["created_at"], key)  # fmt: skip
