"""Campaigns of a shop's sites: made, changed and retired by its people."""

from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.pages import Answer, Values, member, nothing
from recoup.doors.portal.switches.page import acting
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants import campaigns
from recoup.flows.merchants.campaigns import CampaignFields
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.store.read.merchants import Campaign

_GONE = Problem("not_found", "There is no such campaign.", cure="Choose it from the list of switches.")


async def find(visit: Visit) -> Campaign:
    """Raises: Problem(not_found)."""
    campaign_id: UUID | None = parse_id(visit.request.path_params["campaign_id"])
    found = next((c for c in visit.known.campaigns if c.campaign_id == campaign_id), None)
    if found is None:
        raise _GONE
    return found


@member.page("/switches/campaigns", "switches/campaign.html")
async def new(visit: Visit) -> Values:
    return _form(visit, None, {"site": "", "key": "", "name": "", "descriptor": ""})


@new.post(may=acting)
async def post_new(visit: Visit, form: Form) -> Answer:
    site_id = parse_id(first(form, "site"))
    if site_id is None:
        raise Problem("invalid", "Choose the campaign's site.", field="site")
    await campaigns.create(visit.world, acting(visit), site_id, _wanted(form))
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


@member.page("/switches/campaigns/{campaign_id}", "switches/campaign.html")
async def campaign(visit: Visit) -> Values:
    found = await find(visit)
    return _form(
        visit, found, {"site": str(found.site_id), "key": found.key, "name": found.name, "descriptor": found.descriptor}
    )


@campaign.post(may=acting, find=find)
async def post_change(visit: Visit, form: Form, found: Campaign) -> Answer:
    await campaigns.update(visit.world, acting(visit), found.site_id, found.campaign_id, _wanted(form))
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


@campaign.post("/switches/campaigns/{campaign_id}/retire", may=acting, find=find, shows=nothing)
async def post_retire(visit: Visit, form: Form, found: Campaign) -> Answer:
    await campaigns.retire(visit.world, acting(visit), found.site_id, found.campaign_id)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


def _wanted(form: Form) -> CampaignFields:
    """Every field of the form; without a name the key is it."""
    key, name = first(form, "key").strip()[:128], first(form, "name").strip()[:128]
    return CampaignFields(key=key, name=name or key, descriptor=first(form, "descriptor").strip()[:64])


def _form(visit: Visit, found: Campaign | None, fields: dict[str, str]) -> Values:
    typed = {name: first(visit.typed, name)[:128] for name in fields} if visit.typed else {}
    return {
        "found": found,
        "typed": fields | typed,
        "may": visit.may("switch", or_operator=True),
        "open_sites": [site for site in visit.known.sites if site.retired_at is None],
    }
