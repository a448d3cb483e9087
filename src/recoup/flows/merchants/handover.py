"""Credentials reach the person who needs them by a link that shows them once.

The link names its merchant and handover and is signed by us; what it shows is sealed, and gone with the first look.
"""

from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from recoup.flows.hosted_link import named_by, signed_token
from recoup.flows.merchants.make_merchant import Keys
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.store.write.partners import add_handover, open_handover

LASTS: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Handover:
    url: str
    expires_at: datetime


def credentials_of(merchant_id: UUID, site_id: UUID | None, keys: Keys, webhook_key: str) -> Credentials:
    """`webhook_key` empty: the secrets that sign webhooks stay."""
    return Credentials(
        str(merchant_id), str(site_id or ""), keys.app_key, keys.app_secret, keys.tokenization_key, webhook_key,
        keys.stablecoin_key_id, keys.stablecoin_secret, keys.stablecoin_webhook_secret if webhook_key else "",
    )  # fmt: skip


async def prepare(tx: asyncpg.Connection, world: World, merchant_id: UUID, given: Credentials) -> Handover:
    """In the transaction that made the credentials."""
    handover_id, wall = new_id(), world.clocks.wall()
    sealed = world.keys.seal_secret(_context(handover_id), msgspec.json.encode(asdict(given)))
    await add_handover(tx, merchant_id, handover_id, sealed, wall, wall + LASTS)
    return Handover(link(world, merchant_id, handover_id), wall + LASTS)


async def look(world: World, token: str, request_id: str) -> Credentials:
    """Shows them and forgets them; which request looked is kept.

    Raises: Problem(not_found), the same for used, over, unknown and forged links.
    """
    named = named_by(world, "handover", token)
    blob = None
    if named is not None:
        async with world.db.connection() as connection:
            blob = await open_handover(connection, *named, world.clocks.wall(), request_id)
    if named is None or blob is None:
        raise Problem("not_found", "This link shows nothing: it was used, is over, or never was one.",
                      cure="Ask whoever sent it for new keys.")  # fmt: skip
    told = msgspec.json.decode(world.keys.open_secret(_context(named[1]), blob), type=dict[str, str])
    return Credentials(**{field.name: told[field.name] for field in fields(Credentials)})


def link(world: World, merchant_id: UUID, handover_id: UUID) -> str:
    return f"{world.extra.get('url', '')}/handover/{signed_token(world, 'handover', merchant_id, handover_id)}"


def _context(handover_id: UUID) -> str:
    return f"handover:{handover_id}"
