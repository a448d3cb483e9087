"""Credentials reach the person who needs them by a link that shows them once.

The link names its merchant and handover and is signed by us; what it shows is sealed, and gone with
the first look.
"""

from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from recoup.audit.moves import note
from recoup.db.statement import Tx
from recoup.kernel.encode import encode
from recoup.kernel.filled import filled
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.keys.store.merchant_keys import keys_ended
from recoup.kit.world import World
from recoup.merchants.store.partners import add_handover, open_handover
from recoup.onboarding.flows.make_merchant import Keys
from recoup.orders.flows.hosted_link import named_by, signed_token

LASTS: Final = timedelta(days=7)
_KEYS: Final = {
    "app_key": ("app_key", "app_secret"), "tokenization_key": ("tokenization_key",),
    "stablecoin_key_id": ("stablecoin_key_id", "stablecoin_secret"),
}  # fmt: skip


@frozen
class Credentials:
    """All that a merchant's developer needs. Empty: that one stays as it was."""

    mid: str
    site_id: str
    app_key: str
    app_secret: str
    tokenization_key: str
    webhook_key: str
    stablecoin_key_id: str
    stablecoin_secret: str
    stablecoin_webhook_secret: str


@frozen
class Handover:
    url: str
    expires_at: datetime


def credentials_of(
    merchant_id: UUID, site_id: UUID | None, keys: Keys, webhook_key: str
) -> Credentials:
    """`webhook_key` empty: the secrets that sign webhooks stay."""
    return filled(
        Credentials,
        keys,
        mid=str(merchant_id),
        site_id=str(site_id or ""),
        webhook_key=webhook_key,
        stablecoin_webhook_secret=keys.stablecoin_webhook_secret if webhook_key else "",
    )


async def prepare(
    tx: Tx,
    world: World,
    merchant_id: UUID,
    credentials: Credentials,
    *,
    request: tuple[str | None, bytes | None] = (None, None),
    old_keys_end: datetime | None = None,
) -> Handover:
    """Prepares the handover in the transaction that made the credentials. `request`: the
    Idempotency-Key, and a MAC of the request."""
    handover_id, wall = new_id(), world.clocks.wall()
    sealed = world.keys.seal_secret(handover_context(handover_id), encode(asdict(credentials)))
    await add_handover(
        tx, merchant_id, handover_id, sealed, wall, wall + LASTS, *request, old_keys_end
    )
    return Handover(link(world, merchant_id, handover_id), wall + LASTS)


async def look(world: World, token: str, request_id: str) -> Credentials:
    """Shows them and forgets them; which request looked is kept. What was replaced meanwhile is
    empty.

    Raises: Problem(not_found), the same for used, over, unknown and forged links; another when all
    was replaced.
    """
    named = named_by(world, "handover", token)
    given, ended = None, frozenset[str]()
    if named:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            blob = await open_handover(tx, *named, wall, request_id)
            if blob is not None:
                scope = Scope(named[0], Actor("link", "handover"), request_id)
                await note(tx, scope, wall, "handover.opened", named[1])
                given = _opened(world, named[1], blob)
                ended = frozenset(
                    await keys_ended(tx, named[0], [getattr(given, key) for key in _KEYS], wall)
                )
    if given is None:
        raise Problem(
            "not_found",
            "This link shows nothing: it was used, has expired, or never existed.",
            "Ask whoever sent it for new keys.",
        )
    left = {
        name: "" for key, names in _KEYS.items() if getattr(given, key) in ended for name in names
    }
    if left and not any(getattr(given, key) for key in _KEYS if key not in left):
        raise Problem(
            "not_found",
            "The keys behind this link were replaced and no longer work.",
            "Ask whoever sent it for the new link.",
        )
    return replace(given, **left)


def _opened(world: World, handover_id: UUID, sealed: bytes) -> Credentials:
    values = msgspec.json.decode(
        world.keys.open_secret(handover_context(handover_id), sealed), type=dict[str, str]
    )
    return Credentials(**{field.name: values[field.name] for field in fields(Credentials)})


def link(world: World, merchant_id: UUID, handover_id: UUID) -> str:
    return f"{world.url}/handover/{signed_token(world, 'handover', merchant_id, handover_id)}"


def handover_context(handover_id: UUID) -> str:
    return f"handover:{handover_id}"
