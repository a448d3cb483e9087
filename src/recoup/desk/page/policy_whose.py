"""The policy that an address names, and who may set it: at a merchant its own, a partner's bounds,
the operator's."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import PartnerScope, Scope
from recoup.kernel.texts import known_id
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.portal_visit import Visit, names_for, names_of_actors
from recoup.policy_versions.flows import policy_scopes
from recoup.policy_versions.flows.policy_scopes import OPERATOR_ID, Where, partner_of_merchant

PLACE: Final = "/policy"
OF_PARTNER: Final = "/partner/policy"
# scope of a policy -> the field that names which one, in addresses and forms
_FIELDS: Final = {"site": "site", "campaign": "campaign", "partner": "bounds", "operator": "bounds"}


class Named(NamedTuple):
    """Names a policy of the page's merchant: a site's or a campaign's, by its id; `bounds`: what
    its `partner` or the `operator` bounds it by; else its own. A partner's page is about its bounds
    and names nothing."""

    site: str = ""
    campaign: str = ""
    bounds: str = ""


async def where_of(visit: AnyVisit, named: Named) -> Where:
    """Raises: Problem(not_found); Problem(forbidden) for bounds that are not this person's."""
    if not isinstance(visit, Visit):
        return await policy_scopes.where_of(visit.world, partner_id=visit.partner.partner_id)
    if named.bounds:
        visit.only_operator("set bounds")
        return await _bounds(visit, named.bounds)
    return await policy_scopes.where_of(
        visit.world,
        visit.merchant_id,
        site_id=_id(named.site, "site"),
        campaign_id=_id(named.campaign, "campaign"),
    )


async def _bounds(visit: Visit, bounds: str) -> Where:
    if bounds == "operator":
        return await policy_scopes.where_of(visit.world)
    partner = (
        await partner_of_merchant(visit.world, visit.merchant_id) if bounds == "partner" else None
    )
    if partner is None:
        raise Problem("not_found", "There is no such partner.")
    return partner


def address_of(visit: AnyVisit, where: Where) -> str:
    """The address of a policy's page."""
    if not isinstance(visit, Visit):
        return OF_PARTNER
    query = dict(zip(Named._fields, named_by(visit, where), strict=True))
    given = {name: value for name, value in query.items() if value}
    return f"{PLACE}?{urlencode(given)}" if given else PLACE


def named_by(visit: AnyVisit, where: Where) -> Named:
    """The names by which the page's address gives a policy."""
    if not isinstance(visit, Visit) or where.scope == "merchant":
        return Named()
    value = str(where.subject_id) if where.merchant_id is not None else where.scope
    return Named(**{_FIELDS[where.scope]: value})


async def choices(visit: AnyVisit, where: Where) -> list[dict[str, Any]]:
    """The merchant's own, its open sites' and its campaigns'; for the operator the bounds around
    it."""
    if not isinstance(visit, Visit):
        return []
    mid, known = visit.merchant_id, visit.known
    places: list[tuple[Where, str]] = [(Where("merchant", mid, mid), known.merchant.name)]
    places += [
        (Where("site", site.site_id, mid), site.name)
        for site in known.sites
        if site.retired_at is None
    ]
    places += [
        (Where("campaign", campaign.campaign_id, mid), campaign.name)
        for campaign in known.campaigns
    ]
    if visit.is_operator:
        partner = await partner_of_merchant(visit.world, mid)
        places += (
            [(partner, Sentence("Bounds of {0}", partner.name))] if partner is not None else []
        )
        places.append((Where("operator", OPERATOR_ID), Sentence("Bounds of all merchants")))
    here = (where.scope, where.subject_id)
    return [
        dict(
            address=address_of(visit, where),
            name=name,
            is_shown=(where.scope, where.subject_id) == here,
        )
        for where, name in places
    ]


def may(visit: AnyVisit) -> bool:
    if not isinstance(visit, Visit):
        return visit.seat.may("switches") and not visit.paused
    return visit.may("switch", or_operator=True)


def acting(visit: AnyVisit) -> Scope | PartnerScope:
    """The scope on whose behalf a policy is set. Raises: Problem(forbidden)."""
    if isinstance(visit, Visit):
        return visit.acting("switch", "change the retry policy")
    visit.only("switches")
    return visit.scope


def forget(visit: AnyVisit) -> None:
    """Drops what is cached of the merchant whose policy was set."""
    if isinstance(visit, Visit):
        visit.portal.merchants.forget(visit.merchant_id)


async def authors(visit: AnyVisit, actors: Iterable[str]) -> dict[str, str]:
    """Names of the authors as the page calls them; of the operator's people a partner sees no
    names."""
    if isinstance(visit, Visit):
        return await names_of_actors(visit, actors)
    given = set(actors)
    own = {actor for actor in given if actor.startswith("partner:")}
    return await names_for(visit.portal, given - own) | await names_for(
        visit.portal, own, staff=True
    )


def _id(text: str, noun: str) -> UUID | None:
    said = "There is no such site." if noun == "site" else "There is no such campaign."
    return known_id(text, Problem("not_found", said)) if text else None
