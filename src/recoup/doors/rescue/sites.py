"""/sites: the merchant's sites and campaigns. Source: contract §17.1; seed 004 (switches, multisites)."""

from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_whole
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.settings import Site, SiteBody, SitePatch, Sites
from recoup.flows.merchants import sites
from recoup.flows.merchants.sites import SiteFields
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso


async def create(call: Call) -> Reply:
    made = await sites.create(call.services.world, call.scope, _wanted(call, whole=True))
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(_shown(made), 201)


async def list_all(call: Call) -> Reply:
    found = await sites.list_all(call.services.world, call.scope)
    return Reply(Sites(data=[_shown(site) for site in found]))


async def read(call: Call) -> Reply:
    return Reply(_shown(await sites.read(call.services.world, call.scope, _id(call))))


async def replace(call: Call) -> Reply:
    return await _change(call, whole=True)


async def change(call: Call) -> Reply:
    return await _change(call, whole=False)


async def _change(call: Call, *, whole: bool) -> Reply:
    changed = await sites.update(call.services.world, call.scope, _id(call), _wanted(call, whole=whole))
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(_shown(changed))


async def delete(call: Call) -> Reply:
    await sites.retire(call.services.world, call.scope, _id(call))
    call.services.merchants.forget(call.scope.merchant_id)
    return Reply(None, 204)


def _id(call: Call) -> UUID:
    found = parse_id(call.path["id"])
    if found is None:
        raise Problem("not_found", "There is no such site.", cure="See GET /v1/sites.")
    return found


def _wanted(call: Call, *, whole: bool) -> SiteFields:
    """`whole`: nothing may be missing, and switches that are left out are on."""
    body = read_whole(call.body, SiteBody) if whole else read_whole(call.body, SitePatch)
    on = True if whole else None
    return SiteFields(
        url=body.url,
        name=body.name,
        descriptor=body.descriptor,
        cit_web=on if body.cit_web is None else body.cit_web,
        cit_callcenter=on if body.cit_callcenter is None else body.cit_callcenter,
        mit=on if body.mit is None else body.mit,
        is_default=body.is_default,
        support=body.support_contact or ("" if "supportContact" in call.body else None),
    )


def _shown(site: Any) -> Site:
    return Site(
        id=site.site_id,
        url=site.url,
        name=site.name,
        descriptor=site.descriptor,
        cit_web=site.cit_web,
        cit_callcenter=site.cit_callcenter,
        mit=site.mit,
        is_default=site.is_default,
        created_date=iso(site.created_at),
        support_contact=site.support,
    )


_SHOP: Final = {"url": "https://shop.example", "name": "Shop", "descriptor": "EXAMPLESHOES"}
_GROUP: Final = "Settings"
METHODS: Final = (
    Method(Operation("POST", "/v1/sites", "Create a site", "Orders select it by `siteId`, or by the host of `siteUrl`.",
                     group=_GROUP, body=SiteBody, answers={201: Site}, problems=("conflict",),
                     examples=(Example("a shop", _SHOP, 201),)), create, "merchants"),
    Method(Operation("GET", "/v1/sites", "Sites", group=_GROUP, answers={200: Sites}), list_all, "merchants"),
    Method(Operation("GET", "/v1/sites/{id}", "One site", group=_GROUP, answers={200: Site}, problems=("not_found",)),
           read, "merchants"),
    Method(Operation("PUT", "/v1/sites/{id}", "Replace a site", "Missing switches are on.", group=_GROUP,
                     body=SiteBody, answers={200: Site}, problems=("not_found", "conflict"),
                     examples=(Example("another name", _SHOP | {"name": "Boots"}),)), replace, "merchants"),
    Method(Operation("PATCH", "/v1/sites/{id}", "Change a site", "Missing fields stay unchanged.", group=_GROUP,
                     body=SitePatch, answers={200: Site}, problems=("not_found", "conflict"),
                     examples=(Example("no recurring payments", {"mit": False}),)), change, "merchants"),
    Method(Operation("DELETE", "/v1/sites/{id}", "Retire a site",
                     "The site accepts no more orders; existing orders keep it. The default site "
                     "cannot be retired.", group=_GROUP,
                     answers={204: None}, problems=("not_found", "conflict")), delete, "merchants"),
)  # fmt: skip
