"""A signing key is replaced: the new one is shown, the old one stays good for a while. Source: decision 0028."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.flows.messages.endpoints import Endpoint, gone, new_signing_key, read
from recoup.flows.messages.owner import Owner, key_context, note, owner_id
from recoup.gateways.keys.webhook_secret import new_webhook_secret
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.world import World
from recoup.store.pool import retrying
from recoup.store.read.endpoints import shared_keys
from recoup.store.write.endpoints import lock_endpoint, lock_shared_key, set_own_key, set_shared_key
from recoup.store.write.merchants import set_stablecoin_webhook_key

log = structlog.get_logger()
OVERLAP_HOURS_MAX: Final = 168


async def rotate_endpoint(world: World, owner: Owner, endpoint_id: UUID, overlap: timedelta) -> Endpoint:
    """The endpoint with its new key. One that had used the merchant's key has one of its own from now on. Without an
    overlap the old key ends at once.

    Raises: Problem(not_found); Problem(conflict) while an earlier key is still good.
    """
    await read(world, owner, endpoint_id)
    sealed = world.keys.seal_secret(key_context(owner), new_signing_key().encode())

    async def once() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            row = await lock_endpoint(tx, endpoint_id, owner_id(owner))
            if row is None:
                raise gone(owner)
            before, until = row["own_key"], row["previous_until"]
            if before is None:
                before, until = await lock_shared_key(tx, owner_id(owner))
            _check_overlap(until, wall, overlap)
            kept = before if overlap else None
            await set_own_key(tx, endpoint_id, sealed, kept, wall + overlap if overlap else None, wall)
            await note(tx, owner, wall, "webhook_key.replaced", endpoint_id, _told(overlap))

    await retrying(once)
    log.info("webhook key replaced", endpoint=str(endpoint_id), actor=owner.actor.text(), request=owner.request_id)
    return await read(world, owner, endpoint_id)


async def rotate_shared(world: World, scope: Scope, overlap: timedelta) -> tuple[str, datetime | None]:
    """The merchant's own key, which signs for every endpoint without one of its own: the new one, and until when the
    old one is good.

    Raises: Problem(conflict) while an earlier key is still good.
    """
    key = new_signing_key()
    sealed = world.keys.seal_secret(key_context(scope), key.encode())

    async def once() -> datetime | None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            before, until = await lock_shared_key(tx, scope.merchant_id)
            _check_overlap(until, wall, overlap)
            good_until = wall + overlap if overlap and before is not None else None
            await set_shared_key(tx, scope.merchant_id, sealed, before if good_until else None, good_until, wall)
            await note(tx, scope, wall, "webhook_key.replaced", "", _told(overlap))
        return good_until

    good_until = await retrying(once)
    log.info("webhook key replaced", merchant=str(scope.merchant_id), actor=scope.actor.text(),
             request=scope.request_id)  # fmt: skip
    return key, good_until


async def shared_key_mark(world: World, scope: Scope) -> str:
    """Of the merchant's own key as it is now."""
    async with world.db.connection() as connection:
        sealed, _ = await shared_keys(connection, scope.merchant_id)
    return key_mark(_open(world, scope, sealed)) if sealed else ""


async def shared_key_after(world: World, scope: Scope, mark: str) -> str | None:
    """The merchant's own key, when it came in the place of the one with this mark: what is told to a form that was
    sent twice, whose first answer nobody saw."""
    async with world.db.connection() as connection:
        sealed, before = await shared_keys(connection, scope.merchant_id)
    if sealed is None or before is None or key_mark(_open(world, scope, before)) != mark:
        return None
    return _open(world, scope, sealed)


def key_mark(signing_key: str) -> str:
    """Tells keys apart without telling them: of 64 random bytes a hash says nothing."""
    return hashlib.sha256(f"mark:{signing_key}".encode()).hexdigest()[:16]


async def replace_stablecoin_secret(world: World, scope: Scope) -> str:
    """The secret that the stablecoin API's deliveries are signed with: the new one. That dialect signs with one secret,
    so the old one ends at once."""
    secret = new_webhook_secret()
    sealed = world.keys.seal_secret(key_context(scope), secret.encode())
    async with world.db.transaction() as tx:
        await set_stablecoin_webhook_key(tx, scope.merchant_id, sealed)
        told = _told(timedelta(0)) | {"of": "stablecoin"}
        await note(tx, scope, world.clocks.wall(), "webhook_key.replaced", "", told)
    log.info("stablecoin webhook secret replaced", merchant=str(scope.merchant_id), actor=scope.actor.text(),
             request=scope.request_id)  # fmt: skip
    return secret


def _open(world: World, scope: Scope, sealed: bytes) -> str:
    opened: bytes = world.keys.open_secret(key_context(scope), sealed)
    return opened.decode()


def _told(overlap: timedelta) -> dict[str, Any]:
    return {"old_key_good_for_hours": overlap // timedelta(hours=1)}


def _check_overlap(until: datetime | None, wall: datetime, overlap: timedelta) -> None:
    """A second replacement would end the key that receivers may still check with; without an overlap it is wanted."""
    if overlap and until is not None and until > wall:
        message = f"The key was replaced already; the one before it is good until {until:%Y-%m-%dT%H:%M:%SZ}."
        raise Problem("conflict", message, cure="Wait until then, or end it now with overlapHours 0.")
