"""A partner makes its merchants and changes them. Each is made once, however often the request
comes."""

import base64
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from recoup.audit.rules import changes
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import PartnerScope
from recoup.kernel.time import business_at, iso
from recoup.keys.flows.issue_key import KEY_KINDS, check_made
from recoup.keys.flows.key_endings import heard_everywhere
from recoup.keys.rules.site_address import check_site_address
from recoup.keys.store.merchant_keys import live_keys
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of, place_for
from recoup.merchants.flows.find_partner import no_such_merchant
from recoup.merchants.rules.countries import checked_country
from recoup.merchants.store.merchants import change_merchant, load_merchant
from recoup.merchants.store.partners import (
    EarlierMerchant,
    add_partner_merchant,
    count_merchants,
    handover_by_key,
    is_own_merchant,
    lock_partner,
    made_before,
    note,
    waiting_handover,
)
from recoup.merchants.store.sites import lock_merchant
from recoup.networks.descriptor import check_descriptor
from recoup.onboarding.flows.handover import Credentials, Handover, credentials_of, link, prepare
from recoup.onboarding.flows.make_merchant import (
    NewSite,
    issue_keys,
    keep_webhook_keys,
    place_merchant,
)
from recoup.orders.moves.due import wait_for

OVERLAP_MAX: Final = timedelta(days=7)
KEYS_MAX: Final = 10
STATES: Final = ("active", "paused")


@frozen
class MerchantRequest:
    """`external_id`: how the partner calls it; `key`: the Idempotency-Key."""

    name: str
    site_url: str
    site_name: str
    descriptor: str
    external_id: str | None = None
    key: str | None = None
    country: str | None = None


@frozen
class MerchantMade:
    """`credentials` None: it was there before, and secrets are shown once. `handover` None: nobody
    waits for one."""

    merchant_id: UUID
    credentials: Credentials | None
    handover: Handover | None


@frozen
class KeysMade:
    """`credentials` None: they were made before, and secrets are shown once. `handover` None:
    nobody waits for one."""

    credentials: Credentials | None
    handover: Handover | None
    old_keys_end: datetime


async def create(world: World, scope: PartnerScope, request: MerchantRequest) -> MerchantMade:
    """Raises: Problem(invalid) naming the site's url or descriptor; Problem(forbidden) for a paused
    partner, and in live; Problem(conflict) when the partner has all the merchants that it may have,
    or the key or external id came with another wish."""
    if not world.policy.test_mode:  # what takes real money is approved by the operator, one by one
        raise Problem(
            "forbidden",
            "Live merchants begin in the sandbox.",
            cure="Create it there; its owner then asks to go live, and the operator approves.",
        )
    _check_site(request)
    country = checked_country(request.country, "Country") if request.country else None
    request = replace(request, country=country)
    meant = [
        request.name,
        request.site_url,
        request.site_name,
        request.descriptor,
        request.external_id,
    ]
    meant += [country] if country else []  # without one, as it was said before there were any
    input_mac: bytes = world.keys.mac("partner-merchant", json.dumps(meant).encode())
    async with world.db.transaction() as tx:
        before = await made_before(tx, scope.partner_id, request.key, request.external_id)
    world = await place_for(world, before[0].merchant_id if before else new_id())
    async with world.db.transaction() as tx:
        partner = await lock_partner(tx, scope.partner_id)
        before = await made_before(tx, scope.partner_id, request.key, request.external_id)
        if before:  # by a racing call in another cell: its link is answered the next time
            return await _again(tx, world, before, request, input_mac)
        if partner is None or partner.state != "active":
            raise Problem(
                "forbidden",
                "This partner is paused: it cannot create merchants.",
                cure="Ask the operator.",
            )
        count = await count_merchants(tx, scope.partner_id)
        if count >= partner.merchants_max:
            raise Problem(
                "conflict",
                Sentence("This partner has {0} merchants, which is its limit.", count),
                cure="Ask the operator for a higher limit; paused merchants count, too.",
            )
        return await _new(tx, world, scope, request, input_mac)


def _check_site(request: MerchantRequest) -> None:
    """Raises: Problem(invalid) that names the field as it stands in the body, inside of `site`."""
    try:
        check_site_address(request.site_url)
    except Problem as problem:
        text = Sentence("The field Site.Url {0}.", problem.facts["what"])
        raise invalid(text, "Site.Url", problem.cure) from None
    check_descriptor(request.descriptor, "Site.Descriptor")


async def _again(
    tx: Tx, world: World, before: list[EarlierMerchant], request: MerchantRequest, input_mac: bytes
) -> MerchantMade:
    """The merchant that was made then, without its secrets; the link shows them while nobody has
    opened it."""
    made = before[0]
    if len(before) > 1 or made.input_mac != input_mac:
        by_key = (
            any(merchant.request_key == request.key for merchant in before)
            and request.key is not None
        )
        what = "Idempotency-Key" if by_key else "externalId"
        raise Problem(
            "conflict",
            Sentence("This {0} made the merchant {1}, with other content.", what, made.merchant_id),
            field=what[:1].upper() + what[1:],
            cure="Use another for another merchant.",
        )
    waiting = await waiting_handover(tx, made.merchant_id, world.clocks.wall())
    handover = (
        Handover(link(world, made.merchant_id, waiting.handover_id), waiting.expires_at)
        if waiting
        else None
    )
    return MerchantMade(made.merchant_id, None, handover)


async def _new(
    tx: Tx, world: World, scope: PartnerScope, request: MerchantRequest, input_mac: bytes
) -> MerchantMade:
    merchant_id, site_id, wall = new_id(), new_id(), world.clocks.wall()
    site = NewSite(site_id, request.site_url, request.site_name, request.descriptor)
    await place_merchant(
        tx,
        world,
        merchant_id,
        request.name,
        (site,),
        partner_id=scope.partner_id,
        country=request.country,
    )
    await add_partner_merchant(
        tx,
        scope.partner_id,
        merchant_id,
        external_id=request.external_id,
        request_key=request.key,
        input_mac=input_mac,
        wall=wall,
    )
    keys = await issue_keys(tx, world, merchant_id, scope.actor.text(), role=scope.role)
    webhook_key = base64.b64encode(os.urandom(64)).decode()
    await keep_webhook_keys(tx, world, merchant_id, webhook_key, keys.stablecoin_webhook_secret)
    given = credentials_of(merchant_id, site_id, keys, webhook_key)
    handover = await prepare(tx, world, merchant_id, given)
    await wait_for(tx, merchant_id, "register_merchant", merchant_id, wall)
    await note(
        tx,
        scope,
        "merchant_made",
        wall,
        merchant_id=merchant_id,
        name=request.name,
        external_id=request.external_id,
    )
    return MerchantMade(merchant_id, given, handover)


async def change(
    world: World, scope: PartnerScope, merchant_id: UUID, *, name: str | None, state: str | None
) -> None:
    """Changes a merchant's name or state; what is None stays. Raises: Problem(not_found);
    Problem(invalid) for a state that there is not."""
    if state is not None and state not in STATES:
        raise invalid("The field State must be active or paused.", "State")
    world = await home_of(world, merchant_id)
    async with world.db.transaction() as tx:
        await _check_own(tx, scope.partner_id, merchant_id)
        await lock_merchant(tx, merchant_id)
        wall, about = world.clocks.wall(), {"name": name, "state": state}
        known = await load_merchant(tx, merchant_id)
        if (
            known is not None and name is not None
        ):  # what it was named before, for reports of the past
            now = business_at(wall, known.merchant.offset_us)
            about |= changes({"name": known.merchant.name}, {"name": name}) | {
                "business_at": iso(now)
            }
        await change_merchant(tx, merchant_id, name=name, state=state)
        if name is not None:
            await wait_for(tx, merchant_id, "register_merchant", merchant_id, wall)
        await note(tx, scope, "merchant_changed", wall, merchant_id=merchant_id, **about)


async def new_keys(
    world: World,
    scope: PartnerScope,
    merchant_id: UUID,
    overlap: timedelta,
    *,
    kinds: Collection[str] = KEY_KINDS,
    key: str | None = None,
    scopes: Sequence[str] = (),
) -> KeysMade:
    """New keys of these kinds; those that sign webhooks stay. Those before end now, or after the
    overlap. With an Idempotency-Key that came before nothing is made.

    Raises: Problem(not_found); Problem(invalid) for an overlap that is too long; Problem(conflict)
    for too many keys.
    """
    if not timedelta(0) <= overlap <= OVERLAP_MAX:
        hours = OVERLAP_MAX // timedelta(hours=1)
        raise invalid(
            Sentence("The field OverlapHours must be between 0 and {0}.", hours), "OverlapHours"
        )
    world = await home_of(world, merchant_id)
    async with world.db.transaction() as tx:
        await _check_own(tx, scope.partner_id, merchant_id)
        await lock_merchant(tx, merchant_id)
        wall = world.clocks.wall()
        mac: bytes = world.keys.mac(
            "partner-keys", f"{sorted(kinds)} {overlap}{sorted(scopes) or ''}".encode()
        )
        if key is not None and (before := await handover_by_key(tx, merchant_id, key)):
            if before.request_mac != mac:
                raise Problem(
                    "conflict",
                    "This Idempotency-Key made other keys, or with another overlap.",
                    field="Idempotency-Key",
                    cure="Use a new one for new keys.",
                )
            waiting = before.sealed and before.expires_at > wall
            handover = Handover(link(world, merchant_id, before.handover_id), before.expires_at)
            return KeysMade(None, handover if waiting else None, before.old_keys_end)
        for kind in kinds if overlap else ():
            if await live_keys(tx, merchant_id, kind, wall) >= KEYS_MAX:
                raise Problem(
                    "conflict",
                    Sentence(
                        "The merchant has {0} keys of the kind {1} that still work.", KEYS_MAX, kind
                    ),
                    cure="Wait until one has ended, or send overlapHours 0: that ends them all.",
                )
        for kind in kinds:
            await check_made(tx, merchant_id, kind, wall)
        known = await load_merchant(tx, merchant_id)
        site = next((s.site_id for s in known.sites if s.is_default), None) if known else None
        by = scope.actor.text()
        keys = await issue_keys(
            tx, world, merchant_id, by, overlap=overlap, kinds=kinds, scopes=scopes, role=scope.role
        )
        given = credentials_of(merchant_id, site, keys, "")
        await note(
            tx,
            scope,
            "merchant_keys_made",
            wall,
            merchant_id=merchant_id,
            kinds=sorted(kinds),
            key_ends=(keys.app_key or keys.tokenization_key or keys.stablecoin_key_id)[-4:],
            overlap_hours=overlap // timedelta(hours=1),
        )
        handover = await prepare(
            tx, world, merchant_id, given, request=(key, mac), old_keys_end=wall + overlap
        )
    if not overlap:
        await heard_everywhere(world.db)
    return KeysMade(given, handover, wall + overlap)


async def _check_own(tx: Tx, partner_id: UUID, merchant_id: UUID) -> None:
    if not await is_own_merchant(tx, partner_id, merchant_id):
        raise no_such_merchant()
