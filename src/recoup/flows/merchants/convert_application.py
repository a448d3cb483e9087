"""An approved application becomes its merchant: exactly one, whoever asks twice or dies meanwhile.

The merchant's id was given to the application when it was begun. Merchant, sites, keys and the application's last step
are one transaction; the people database hears of it next, and the worker tells it if this process does not.
"""

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from recoup.flows.merchants.applications import Applicant, form_of, locked_application
from recoup.flows.merchants.make_merchant import Keys, NewSite, write_keys, write_merchant
from recoup.flows.merchants.register import register_merchant
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.moves.applications import known_soon, move_application
from recoup.rules.merchants.application import Status, step
from recoup.store.pool import KeyTaken
from recoup.store.read.merchants import load_merchant
from recoup.store.read.partners import find_partner
from recoup.store.write.partners import count_merchants, lock_partner


@dataclass(frozen=True, slots=True)
class Converted:
    """`keys` and `webhook_key` are told once, to whoever made the merchant; None to who asks again."""

    application: dict[str, Any]
    site_ids: tuple[UUID, ...]
    keys: Keys | None = field(default=None, repr=False)
    webhook_key: str | None = field(default=None, repr=False)


async def convert_application(world: World, who: Applicant, application_id: UUID, said: str = "") -> Converted:
    """Raises: Problem not_found, wrong_state, conflict when the partner may have no more merchants."""
    try:
        async with world.db.transaction() as tx:
            done = await _convert(tx, world, who, application_id, said)
    except KeyTaken:
        raise Problem("conflict", "Another of your merchants has the application's externalId.",
                      cure="Ask the operator to make the merchant without it.") from None  # fmt: skip
    if done.keys is not None:
        try:
            await register_merchant(world, done.application["merchant_id"])
        except Problem:
            pass  # the people database is away: the worker goes on
    return done


async def _convert(
    tx: asyncpg.Connection, world: World, who: Applicant, application_id: UUID, said: str
) -> Converted:
    row = await locked_application(tx, who, application_id)
    move = step(Status(row["status"]), "converted")
    merchant_id = row["merchant_id"]
    if move is None:
        known = await load_merchant(tx, merchant_id)
        return Converted(row, tuple(site.site_id for site in known.sites) if known else ())
    by, form = who.by(world), form_of(row)
    partner_id = row["owner_id"] if row["owner_kind"] == "partner" else None
    if partner_id is not None:
        await _room(tx, partner_id)
    sites = tuple(NewSite(new_id(), s.url, s.name, s.descriptor, s.support) for s in form.sites)
    await write_merchant(tx, world, merchant_id, form.merchant_name, sites, partner_id=partner_id,
                         external_id=form.external_id or None, kinds=form.kinds)  # fmt: skip
    webhook_key = base64.b64encode(secrets.token_bytes(64)).decode()
    keys = await write_keys(tx, world, merchant_id, webhook_key)
    row = await move_application(tx, row, move, by, said=said)
    await known_soon(tx, merchant_id, by)
    return Converted(row, tuple(site.site_id for site in sites), keys, webhook_key)


async def _room(tx: asyncpg.Connection, partner_id: UUID) -> None:
    """Under the partner's lock, so that two at once cannot both be the last."""
    await lock_partner(tx, partner_id)
    partner = await find_partner(tx, partner_id)
    if partner is None:
        raise Problem("forbidden", "This partner does not exist in this environment.")
    if await count_merchants(tx, partner_id) >= partner.merchants_max:
        raise Problem("conflict", f"This partner has {partner.merchants_max} merchants already, as many as it may.",
                      cure="Ask the operator for more.")  # fmt: skip
