"""Campaigns of a shop's sites: made, changed and retired by its people."""

from dataclasses import asdict, dataclass
from typing import Annotated
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.pages import Answer, Values, member, nothing
from recoup.doors.portal.switches.page import acting
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants import campaigns
from recoup.flows.merchants.campaigns import CampaignFields
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.store.merchants.merchants import Campaign

_GONE = Problem("not_found", "There is no such campaign.", cure="Choose it from the list of switches.")


@dataclass(frozen=True, slots=True)
class CampaignForm:
    """Every field; without a name the key is it."""

    key: Annotated[str, Text(128, strip=True)]
    name: Annotated[str, Text(128, strip=True)]
    descriptor: Annotated[str, Text(64, strip=True)]

    def wanted(self) -> CampaignFields:
        return CampaignFields(key=self.key, name=self.name or self.key, descriptor=self.descriptor)


@dataclass(frozen=True, slots=True)
class NewCampaign(CampaignForm):
    site: Annotated[UUID, Problem("invalid", "Choose the campaign's site.", field="site")]


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


@new.post(may=acting, shape=NewCampaign)
async def post_new(visit: Visit, form: NewCampaign) -> Answer:
    await campaigns.create(visit.world, acting(visit), form.site, form.wanted())
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


@member.page("/switches/campaigns/{campaign_id}", "switches/campaign.html")
async def campaign(visit: Visit) -> Values:
    found = await find(visit)
    return _form(
        visit, found, {"site": str(found.site_id), "key": found.key, "name": found.name, "descriptor": found.descriptor}
    )


@campaign.post(may=acting, shape=CampaignForm, find=find)
async def post_change(visit: Visit, form: CampaignForm, found: Campaign) -> Answer:
    await campaigns.update(visit.world, acting(visit), found.site_id, found.campaign_id, form.wanted())
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


@campaign.post("/switches/campaigns/{campaign_id}/retire", may=acting, find=find, shows=nothing)
async def post_retire(visit: Visit, found: Campaign) -> Answer:
    await campaigns.retire(visit.world, acting(visit), found.site_id, found.campaign_id)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


def _form(visit: Visit, found: Campaign | None, fields: dict[str, str]) -> Values:
    again = asdict(read_again(NewCampaign, visit.typed)) if visit.typed else {}
    return {
        "found": found,
        "typed": fields | {name: str(value) for name, value in again.items()},
        "may": visit.may("switch", or_operator=True),
        "open_sites": [site for site in visit.known.sites if site.retired_at is None],
    }
