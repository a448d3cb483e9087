"""/sites/{id}/campaigns: campaigns under a website. Source: seed 004 (multisites)."""

from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_whole
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.switches import Campaign, CampaignBody, CampaignPatch, Campaigns
from recoup.flows.merchants import campaigns
from recoup.flows.merchants.campaigns import CampaignFields
from recoup.kernel.time import iso

_SITE: Final = {"noun": "site", "cure": "See GET /v1/sites."}
_CAMPAIGN: Final = {"noun": "campaign", "cure": "See GET /v1/sites/{id}/campaigns."}


async def create(call: Call) -> Reply:
    site_id = call.object_id(**_SITE)
    made = await campaigns.create(call.services.world, call.scope, site_id, _wanted(call, whole=True))
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(_shown(made), 201)


async def list_all(call: Call) -> Reply:
    found = await campaigns.list_all(call.services.world, call.scope, call.object_id(**_SITE))
    return Reply(Campaigns(data=[_shown(one) for one in found]))


async def read(call: Call) -> Reply:
    ids = call.object_id(**_SITE), call.object_id("campaign", **_CAMPAIGN)
    return Reply(_shown(await campaigns.read(call.services.world, call.scope, *ids)))


async def replace(call: Call) -> Reply:
    return await _change(call, whole=True)


async def change(call: Call) -> Reply:
    return await _change(call, whole=False)


async def _change(call: Call, *, whole: bool) -> Reply:
    ids = call.object_id(**_SITE), call.object_id("campaign", **_CAMPAIGN)
    changed = await campaigns.update(call.services.world, call.scope, *ids, _wanted(call, whole=whole))
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(_shown(changed))


async def delete(call: Call) -> Reply:
    ids = call.object_id(**_SITE), call.object_id("campaign", **_CAMPAIGN)
    await campaigns.retire(call.services.world, call.scope, *ids)
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(None, 204)


def _wanted(call: Call, *, whole: bool) -> CampaignFields:
    """`whole`: the key may not be missing, it is the name where none is sent, and switches that are left out are on."""
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


def _shown(one: Any) -> Campaign:
    return Campaign(
        id=one.campaign_id,
        site_id=one.site_id,
        key=one.key,
        name=one.name,
        descriptor=one.descriptor,
        cit_web=one.cit_web,
        cit_callcenter=one.cit_callcenter,
        mit=one.mit,
        created_date=iso(one.created_at),
    )


_GROUP: Final = "Settings"
_LIST, _ONE = "/v1/sites/{id}/campaigns", "/v1/sites/{id}/campaigns/{campaign}"
_SPRING: Final = {"key": "spring-26", "name": "Spring"}
METHODS: Final = (
    Method(Operation("POST", _LIST, "Create a campaign",
                     "Orders of the site select it by its key in `campaign`. It may have its own descriptor, and "
                     "accepts the orders that its switches and those of site and merchant allow.",
                     group=_GROUP, body=CampaignBody,
                     answers={201: Campaign}, problems=("not_found", "conflict"),
                     examples=(Example("a campaign", _SPRING, 201),)), create, "merchants", strict=True),
    Method(Operation("GET", _LIST, "Campaigns of a site", group=_GROUP, answers={200: Campaigns},
                     problems=("not_found",)), list_all, "merchants"),
    Method(Operation("GET", _ONE, "One campaign", group=_GROUP, answers={200: Campaign}, problems=("not_found",)),
           read, "merchants"),
    Method(Operation("PUT", _ONE, "Replace a campaign", "Missing switches are on.", group=_GROUP,
                     body=CampaignBody, answers={200: Campaign}, problems=("not_found", "conflict"),
                     examples=(Example("another name", _SPRING | {"name": "Spring sale"}),)), replace, "merchants",
           strict=True),
    Method(Operation("PATCH", _ONE, "Change a campaign", "Missing fields stay unchanged.", group=_GROUP,
                     body=CampaignPatch,
                     answers={200: Campaign}, problems=("not_found", "conflict"),
                     examples=(Example("no recurring payments", {"mit": False}),)), change, "merchants", strict=True),
    Method(Operation("DELETE", _ONE, "Retire a campaign",
                     "The campaign accepts no more orders; existing orders keep it.", group=_GROUP, answers={204: None},
                     problems=("not_found",)), delete, "merchants"),
)  # fmt: skip
