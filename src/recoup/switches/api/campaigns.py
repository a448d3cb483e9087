"""/sites/{id}/campaigns: campaigns under a website. Source: seed 004 (multisites)."""

from typing import Any, Final

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_whole
from recoup.switches.api.switches import Campaign, CampaignBody, CampaignPatch, Campaigns
from recoup.switches.flows import campaigns
from recoup.switches.flows.campaigns import CampaignFields

_SITE: Final = {"noun": "site", "cure": "See GET /v1/sites."}
_CAMPAIGN: Final = {"noun": "campaign", "cure": "See GET /v1/sites/{id}/campaigns."}


_SPRING: Final = {"key": "spring-26", "name": "Spring"}
api: Final = Api(group="Settings", scope="merchants")


@api(
    "POST /v1/sites/{id}/campaigns",
    status=201,
    body=CampaignBody,
    problems=("not_found", "conflict"),
)
@api.example("a campaign", _SPRING)
async def create(call: Call) -> Campaign:
    """Create a campaign. Orders of the site select it by its key in `campaign`. It may have its own
    descriptor, and accepts the orders that its switches and those of site and merchant allow."""
    site_id = call.object_id(**_SITE)
    made = await campaigns.create(
        call.services.world, call.scope, site_id, _wanted(call, whole=True)
    )
    call.services.merchants.forget(call.scope.merchant_id)
    return _shown(made)


@api("GET /v1/sites/{id}/campaigns", problems=("not_found",))
async def list_all(call: Call) -> Campaigns:
    """Campaigns of a site."""
    rows = await campaigns.list_all(call.services.world, call.scope, call.object_id(**_SITE))
    return Campaigns(data=[_shown(campaign) for campaign in rows])


@api("GET /v1/sites/{id}/campaigns/{campaign}", problems=("not_found",))
async def read(call: Call) -> Campaign:
    """One campaign."""
    ids = call.object_id(**_SITE), call.object_id("campaign", **_CAMPAIGN)
    return _shown(await campaigns.read(call.services.world, call.scope, *ids))


@api(
    "PUT /v1/sites/{id}/campaigns/{campaign}", body=CampaignBody, problems=("not_found", "conflict")
)
@api.example("another name", _SPRING | {"name": "Spring sale"})
async def replace(call: Call) -> Campaign:
    """Replace a campaign. Missing switches are on."""
    return await _change(call, whole=True)


@api(
    "PATCH /v1/sites/{id}/campaigns/{campaign}",
    body=CampaignPatch,
    problems=("not_found", "conflict"),
)
@api.example("no recurring payments", {"mit": False})
async def change(call: Call) -> Campaign:
    """Change a campaign. Missing fields stay unchanged."""
    return await _change(call, whole=False)


async def _change(call: Call, *, whole: bool) -> Campaign:
    ids = call.object_id(**_SITE), call.object_id("campaign", **_CAMPAIGN)
    changed = await campaigns.update(
        call.services.world, call.scope, *ids, _wanted(call, whole=whole)
    )
    call.services.merchants.forget(call.scope.merchant_id)
    return _shown(changed)


@api("DELETE /v1/sites/{id}/campaigns/{campaign}", problems=("not_found",))
async def delete(call: Call) -> None:
    """Retire a campaign. The campaign accepts no more orders; existing orders keep it."""
    ids = call.object_id(**_SITE), call.object_id("campaign", **_CAMPAIGN)
    await campaigns.retire(call.services.world, call.scope, *ids)
    call.services.merchants.forget(call.scope.merchant_id)


def _wanted(call: Call, *, whole: bool) -> CampaignFields:
    """`whole`: the key may not be missing, it is the name where none is sent, and switches that are
    left out are on."""
    body = read_whole(call.body, CampaignBody) if whole else read_whole(call.body, CampaignPatch)
    on = True if whole else None
    return CampaignFields(
        key=body.key,
        name=body.name or (body.key if whole else None),
        cit_web=on if body.cit_web is None else body.cit_web,
        cit_callcenter=on if body.cit_callcenter is None else body.cit_callcenter,
        mit=on if body.mit is None else body.mit,
        descriptor=body.descriptor or ("" if whole or "descriptor" in call.body else None),
    )


def _shown(campaign: Any) -> Campaign:
    return Campaign.of(campaign, id=campaign.campaign_id)
