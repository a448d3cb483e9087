"""Scope of a retry policy, and the ones that it lies in."""

from typing import Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.partners import find_partner
from recoup.policies.rules.terms import SCOPES, ScopeKind
from recoup.policies.store.policies import partner_bounding

OPERATOR_ID: Final = UUID(int=0)


@frozen
class Where:
    """Scope of a policy. `merchant_id`: None for the operator's and a partner's. `site_id`: also of
    a campaign's site."""

    scope: ScopeKind
    subject_id: UUID
    merchant_id: UUID | None = None
    site_id: UUID | None = None
    name: str = ""

    @property
    def is_bound(self) -> bool:
        """The operator's or a partner's: it bounds what others set."""
        return self.merchant_id is None


async def where_of(
    world: World,
    merchant_id: UUID | None = None,
    *,
    partner_id: UUID | None = None,
    site_id: UUID | None = None,
    campaign_id: UUID | None = None,
) -> Where:
    """The scope of the merchant, its site or its campaign; of the partner; of nobody: the
    operator's.

    Raises: Problem(not_found).
    """
    if partner_id is not None:
        partner = await find_partner(world.db, partner_id)
        if partner is None:
            raise Problem("not_found", "There is no such partner.", field="partner")
        return Where("partner", partner_id, name=partner.name)
    if merchant_id is None:
        return Where("operator", OPERATOR_ID)
    known = await load_merchant(world.db, merchant_id)
    if known is None:
        raise no_such_merchant()
    if campaign_id is not None:
        campaign = next(
            (campaign for campaign in known.campaigns if campaign.campaign_id == campaign_id),
            None,
        )
        if campaign is None or site_id not in (None, campaign.site_id):
            raise Problem("not_found", "There is no such campaign.", field="campaign")
        return Where("campaign", campaign_id, merchant_id, campaign.site_id, campaign.name)
    if site_id is not None:
        site = next(
            (site for site in known.sites if site.site_id == site_id and site.retired_at is None),
            None,
        )
        if site is None:
            raise Problem(
                "not_found", "There is no such site.", field="site", cure="See GET /v1/sites."
            )
        return Where("site", site_id, merchant_id, site_id, site.name)
    return Where("merchant", merchant_id, merchant_id)


async def partner_of_merchant(world: World, merchant_id: UUID) -> Where | None:
    """The bounds of the merchant's partner; None: it has no partner."""
    partner_id = await partner_bounding(world.db, merchant_id)
    return await where_of(world, partner_id=partner_id) if partner_id is not None else None


async def places(db: Read, where: Where) -> list[Where]:
    """The scopes that it lies in, the widest first, and itself."""
    places = [Where("operator", OPERATOR_ID)]
    if where.merchant_id is not None:
        partner_id = await partner_bounding(db, where.merchant_id)
        places += [Where("partner", partner_id)] if partner_id is not None else []
        places.append(Where("merchant", where.merchant_id, where.merchant_id))
        if where.site_id is not None:
            places.append(Where("site", where.site_id, where.merchant_id))
    depth = SCOPES.index(where.scope)
    return [place for place in places if SCOPES.index(place.scope) < depth] + [where]
