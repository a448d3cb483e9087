"""Campaigns under a merchant's website, each with switches and, if it wants, a descriptor of its
own. Orders name one by its key. Each change raises the merchant's version, so that no order is
taken by settings that are over."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from recoup.audit import moves as audit
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.store.merchants import Campaign, MerchantSettings, load_merchant
from recoup.merchants.store.sites import (
    put_campaign,
    raise_version,
    retire_campaign,
    set_unknown_sites,
)
from recoup.networks.descriptor import check_descriptor
from recoup.rescue.rules.origin import POLICIES, check_key
from recoup.switches.flows.switches import KindFields, check_not_closed, note_change, switches_of

CAMPAIGNS_MAX = 500


@dataclass(frozen=True, slots=True)
class CampaignFields(KindFields):
    """Fields of a campaign; None leaves a field as it is, or as a new one begins. `descriptor`
    empty: the site's."""

    key: str | None = None
    name: str | None = None
    descriptor: str | None = None


async def list_all(world: World, scope: Scope, site_id: UUID) -> list[Campaign]:
    """Campaigns that take orders, oldest first. Raises: Problem(not_found) for the site."""
    return _of_site(await load_merchant(world.db, scope.merchant_id), site_id)


async def read(world: World, scope: Scope, site_id: UUID, campaign_id: UUID) -> Campaign:
    """Raises: Problem(not_found)."""
    return _one(await list_all(world, scope, site_id), campaign_id)


async def create(world: World, scope: Scope, site_id: UUID, fields: CampaignFields) -> Campaign:
    """Raises: Problem(not_found) for the site; Problem(invalid) naming the field; Problem(conflict)
    for a key that the site has already, or one campaign too many."""
    new = Campaign(new_id(), site_id, "", "", "", True, True, True, world.clocks.wall())
    return await _put(world, scope, site_id, new, fields)


async def update(
    world: World, scope: Scope, site_id: UUID, campaign_id: UUID, fields: CampaignFields
) -> Campaign:
    """Raises: Problem not_found, invalid, conflict, forbidden."""
    return await _put(world, scope, site_id, campaign_id, fields)


async def retire(world: World, scope: Scope, site_id: UUID, campaign_id: UUID) -> None:
    """Retires a campaign: it takes no orders any more; the orders that it had keep it.

    Raises: Problem(not_found); Problem(forbidden) while somebody higher has it switched off: a new
    one with its key would be on.
    """
    async with world.db.transaction() as tx:
        await raise_version(tx, scope.merchant_id)
        campaign = _one(_of_site(await load_merchant(tx, scope.merchant_id), site_id), campaign_id)
        await _check_not_closed(tx, scope, campaign)
        await retire_campaign(tx, scope.merchant_id, campaign_id, world.clocks.wall())
        await audit.note(
            tx, scope, world.clocks.wall(), "campaign.retired", campaign_id, {"key": campaign.key}
        )


async def check_none_closed(tx: Tx, scope: Scope, site_id: UUID) -> None:
    """Checks that no campaign is closed before the site goes or moves: a new one there could open
    their keys again. Raises: Problem(forbidden)."""
    known = await load_merchant(tx, scope.merchant_id)
    for campaign in known.campaigns if known else ():
        if campaign.site_id == site_id:
            await _check_not_closed(tx, scope, campaign)


async def _check_not_closed(tx: Tx, scope: Scope, campaign: Campaign) -> None:
    await check_not_closed(
        tx,
        scope,
        "campaign",
        campaign.campaign_id,
        campaign.name or campaign.key,
        switches_of(campaign),
    )


async def set_policy(world: World, scope: Scope, policy: str) -> None:
    """Sets what becomes of orders that name a site or campaign which nobody made. Raises:
    Problem(invalid)."""
    if policy not in POLICIES:
        raise invalid(
            Sentence("The field UnknownSites must be one of {0}.", ", ".join(POLICIES)),
            "UnknownSites",
        )
    async with world.db.transaction() as tx:
        await raise_version(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        before = known.merchant.unknown_sites if known else policy
        await set_unknown_sites(tx, scope.merchant_id, policy)
        if before != policy:
            await audit.note(
                tx,
                scope,
                world.clocks.wall(),
                "unknown_sites.changed",
                "",
                {"policy": [before, policy]},
            )


async def _put(
    world: World, scope: Scope, site_id: UUID, campaign: Campaign | UUID, fields: CampaignFields
) -> Campaign:
    async with world.db.transaction() as tx:
        version = await raise_version(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        others = _of_site(known, site_id)
        before = _one(others, campaign) if isinstance(campaign, UUID) else campaign
        given = {name: value for name, value in asdict(fields).items() if value is not None}
        after = Campaign(**(asdict(before) | given))
        _check(after, [other for other in others if other.campaign_id != after.campaign_id])
        if before is not campaign and before.key.lower() != after.key.lower():
            await _check_not_closed(tx, scope, before)
        if known is not None and before is campaign and len(known.campaigns) >= CAMPAIGNS_MAX:
            message = Sentence("A merchant has at most {0} campaigns.", CAMPAIGNS_MAX)
            raise Problem("conflict", message, cure="Delete an ended one first.")
        await put_campaign(tx, scope.merchant_id, after)
        was = _noted(before) if before is not campaign else {}
        await note_change(world, tx, scope, version, "campaign", before, after, was, _noted(after))
    return after


def _noted(campaign: Campaign) -> dict[str, Any]:
    return {"key": campaign.key, "name": campaign.name, "descriptor": campaign.descriptor}


def _of_site(settings: MerchantSettings | None, site_id: UUID) -> list[Campaign]:
    sites = settings.sites if settings else ()
    if settings is None or not any(
        site.site_id == site_id and site.retired_at is None for site in sites
    ):
        raise Problem("not_found", "There is no such site.", cure="See GET /v1/sites.")
    return [campaign for campaign in settings.campaigns if campaign.site_id == site_id]


def _one(campaigns: list[Campaign], campaign_id: UUID) -> Campaign:
    for campaign in campaigns:
        if campaign.campaign_id == campaign_id:
            return campaign
    raise Problem(
        "not_found", "There is no such campaign.", cure="See GET /v1/sites/{id}/campaigns."
    )


def _check(campaign: Campaign, others: list[Any]) -> None:
    check_key(campaign.key)
    if campaign.descriptor:
        check_descriptor(campaign.descriptor)
    if any(other.key.lower() == campaign.key.lower() for other in others):
        raise Problem(
            "conflict",
            Sentence("The site has a campaign with the key {0} already.", campaign.key),
            cure="Change that one, or send a different key.",
        )
