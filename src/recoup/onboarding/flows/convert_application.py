"""An approved application becomes its merchant: exactly one, also after repeats and crashes.

The merchant's id was given to the application when it was begun. Merchant, sites, keys and the
application's last step are one transaction; the people database hears of it afterwards, by due
work.
"""

import base64
import os
from dataclasses import field
from uuid import UUID

from recoup.db.pool import KeyTaken
from recoup.db.statement import Read, Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.partners import (
    add_partner_merchant,
    count_merchants,
    lock_partner,
    waiting_handover,
)
from recoup.onboarding.flows.applications import Applicant, form_of, locked_application
from recoup.onboarding.flows.handover import Credentials, Handover, credentials_of, link, prepare
from recoup.onboarding.flows.make_merchant import (
    NewSite,
    issue_keys,
    keep_webhook_keys,
    place_merchant,
)
from recoup.onboarding.moves import move_application
from recoup.onboarding.rules.application import step
from recoup.onboarding.store.applications import Application
from recoup.orders.moves.due import wait_for


@frozen
class Converted:
    """`credentials` are returned once, to the call that made the merchant; `handover` shows them as
    long as nobody has looked."""

    application: Application
    site_ids: tuple[UUID, ...]
    credentials: Credentials | None = field(default=None, repr=False)
    handover: Handover | None = field(default=None, repr=False)


async def convert_application(
    world: World, applicant: Applicant, application_id: UUID, note: str = ""
) -> Converted:
    """Raises: Problem not_found, wrong_state, conflict when the partner may have no more merchants,
    or one of them has the application's external id."""
    try:
        async with world.db.transaction() as tx:
            row = await locked_application(tx, applicant, application_id)
            move = step(row.status, "converted")
            if move is None:
                return await _before(tx, world, row)
            done = await _make(tx, world, row, applicant)
            moved = await move_application(tx, row, move, applicant.by(world), log_note=note)
            await wait_for(
                tx, row.merchant_id, "register_merchant", row.merchant_id, world.clocks.wall()
            )
            return Converted(moved, *done)
    except KeyTaken:
        raise Problem(
            "conflict",
            "Another of your merchants has the application's externalId.",
            "Ask the operator to create the merchant without it.",
        ) from None


async def waiting_credentials(world: World, merchant_id: UUID) -> Handover | None:
    """The handover that shows the new merchant's credentials once; None when somebody has
    looked."""
    return await _waiting(world.db, world, merchant_id)


async def _before(tx: Tx, world: World, row: Application) -> Converted:
    known = await load_merchant(tx, row.merchant_id)
    handover = await _waiting(tx, world, row.merchant_id)
    return Converted(
        row, tuple(site.site_id for site in known.sites) if known else (), None, handover
    )


async def _waiting(connection: Read, world: World, merchant_id: UUID) -> Handover | None:
    waiting = await waiting_handover(connection, merchant_id, world.clocks.wall())
    return (
        Handover(link(world, merchant_id, waiting.handover_id), waiting.expires_at)
        if waiting
        else None
    )


async def _make(
    tx: Tx, world: World, row: Application, by: Applicant
) -> tuple[tuple[UUID, ...], Credentials, Handover]:
    form, merchant_id, wall = form_of(row), row.merchant_id, world.clocks.wall()
    partner_id = row.owner_id if row.owner_kind == "partner" else None
    if partner_id:
        await _check_room(tx, partner_id)
    sites = tuple(NewSite(new_id(), s.url, s.name, s.descriptor, s.support) for s in form.sites)
    await place_merchant(
        tx,
        world,
        merchant_id,
        form.merchant_name,
        sites,
        partner_id=partner_id,
        kinds=form.kinds,
        country=form.country or None,
    )
    if partner_id:
        await add_partner_merchant(
            tx, partner_id, merchant_id, external_id=form.external_id or None, wall=wall
        )
    keys = await issue_keys(tx, world, merchant_id, by.actor.text(), role=by.role)
    webhook_key = base64.b64encode(os.urandom(64)).decode()
    await keep_webhook_keys(tx, world, merchant_id, webhook_key, keys.stablecoin_webhook_secret)
    given = credentials_of(merchant_id, sites[0].site_id, keys, webhook_key)
    return (
        tuple(site.site_id for site in sites),
        given,
        await prepare(tx, world, merchant_id, given),
    )


async def _check_room(tx: Tx, partner_id: UUID) -> None:
    """Checks the partner's number of merchants, under its lock, so that two at once are not both
    the last."""
    partner = await lock_partner(tx, partner_id)
    if partner is None or await count_merchants(tx, partner_id) >= partner.merchants_max:
        raise Problem(
            "conflict",
            "This partner has reached its number of merchants.",
            "Ask the operator for a higher limit; paused merchants count, too.",
        )
