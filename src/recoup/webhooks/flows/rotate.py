"""A signing key is replaced: the new one is shown, the old one stays good for a while. Source:
decision 0028."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.db.pool import retrying
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.outside.keys.webhook_secret import new_webhook_secret
from recoup.people.flows.owner import Owner, key_context, note, owner_id
from recoup.webhooks.flows.endpoints import Endpoint, gone, new_signing_key, read
from recoup.webhooks.store.endpoints import (
    SharedKeys,
    lock_endpoint,
    lock_shared_key,
    set_own_key,
    set_shared_key,
    shared_keys,
)

log = structlog.get_logger()
OVERLAP_HOURS_MAX: Final = 168


async def rotate_endpoint(
    world: World, owner: Owner, endpoint_id: UUID, overlap: timedelta
) -> Endpoint:
    """The endpoint with its new key. One that had used the merchant's key has one of its own from
    now on. Without an overlap the old key ends at once.

    Raises: Problem(not_found); Problem(conflict) while an earlier key is still good.
    """
    await read(world, owner, endpoint_id)
    sealed = world.keys.seal_secret(key_context(owner), new_signing_key().encode())

    async def once() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            before = await lock_endpoint(tx, endpoint_id, owner_id(owner))
            if before is None:
                raise gone(owner)
            if before.key is None:
                before = await lock_shared_key(tx, owner_id(owner))
            _check_overlap(before.previous_until, wall, overlap)
            kept = before.key if overlap else None
            await set_own_key(
                tx, endpoint_id, sealed, kept, wall + overlap if overlap else None, wall
            )
            await note(tx, owner, wall, "webhook_key.replaced", endpoint_id, _details(overlap))

    await retrying(once)
    log.info(
        "webhook key replaced",
        endpoint=str(endpoint_id),
        actor=owner.actor.text(),
        request=owner.request_id,
    )
    return await read(world, owner, endpoint_id)


async def rotate_shared(
    world: World, scope: Scope, overlap: timedelta, door: str = "rescue"
) -> tuple[str, datetime | None]:
    """The merchant's own key, which signs for every endpoint of this API without one of its own:
    the new one, and until when the old one is good. `door`: rescue or stablecoin.

    Raises: Problem(conflict) while an earlier key is still good.
    """
    key = new_webhook_secret() if door == "stablecoin" else new_signing_key()
    sealed = world.keys.seal_secret(key_context(scope), key.encode())
    details = _details(overlap) | ({"of": door} if door == "stablecoin" else {})

    async def once() -> datetime | None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            before = await lock_shared_key(tx, scope.merchant_id, door)
            _check_overlap(before.previous_until, wall, overlap)
            good_until = wall + overlap if overlap and before.key is not None else None
            kept = before.key if good_until else None
            await set_shared_key(tx, scope.merchant_id, sealed, kept, good_until, wall, door)
            await note(tx, scope, wall, "webhook_key.replaced", "", details)
        return good_until

    good_until = await retrying(once)
    log.info(
        "webhook key replaced",
        merchant=str(scope.merchant_id),
        door=door,
        actor=scope.actor.text(),
        request=scope.request_id,
    )
    return key, good_until


async def shared_key_state(
    world: World, scope: Scope, door: str = "rescue"
) -> tuple[str, datetime | None]:
    """The mark of the merchant's own key as it is now, and until when the one before is good."""
    keys = await shared_keys(world.db, scope.merchant_id, door) or SharedKeys()
    return key_mark(_open(world, scope, keys.key)) if keys.key else "", keys.previous_until


async def shared_key_after(
    world: World, scope: Scope, mark: str, door: str = "rescue"
) -> str | None:
    """The merchant's own key, when it came in the place of the one with this mark: what is told to
    a form that was sent twice, whose first answer nobody saw."""
    keys = await shared_keys(world.db, scope.merchant_id, door) or SharedKeys()
    if (
        keys.key is None
        or keys.previous_key is None
        or key_mark(_open(world, scope, keys.previous_key)) != mark
    ):
        return None
    return _open(world, scope, keys.key)


def key_mark(signing_key: str) -> str:
    """A mark that distinguishes keys without revealing them: of 64 random bytes a hash says
    nothing."""
    return hashlib.sha256(f"mark:{signing_key}".encode()).hexdigest()[:16]


def _open(world: World, scope: Scope, sealed: bytes) -> str:
    opened: bytes = world.keys.open_secret(key_context(scope), sealed)
    return opened.decode()


def _details(overlap: timedelta) -> dict[str, Any]:
    return {"old_key_good_for_hours": overlap // timedelta(hours=1)}


def _check_overlap(until: datetime | None, wall: datetime, overlap: timedelta) -> None:
    """A second replacement would end the key that receivers may still check with; without an
    overlap it is wanted."""
    if overlap and until is not None and until > wall:
        message = Sentence(
            "The key was replaced already; the one before it is good until {0}.",
            f"{until:%Y-%m-%dT%H:%M:%SZ}",
        )
        cure = "Wait until then, or end it now with overlapHours 0."
        raise Problem("conflict", message, cure=cure, reason="two_keys")
