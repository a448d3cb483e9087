"""/sites: the merchant's sites and campaigns. Source: contract §17.1; seed 004 (switches,
multisites)."""

from typing import Any, Final
from uuid import UUID

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_whole
from recoup.kit.api.settings import Site, SiteBody, SitePatch, Sites
from recoup.switches.flows import sites
from recoup.switches.flows.sites import SiteFields

_SHOP: Final = {"url": "https://shop.example", "name": "Shop", "descriptor": "EXAMPLESHOES"}
api: Final = Api(group="Settings", scope="merchants")


@api("POST /v1/sites", status=201, body=SiteBody, problems=("conflict",))
@api.example("a shop", _SHOP)
async def create(call: Call) -> Site:
    """Create a site. Orders select it by `siteId`, or by the host of `siteUrl`."""
    made = await sites.create(call.services.world, call.scope, _wanted(call, whole=True))
    call.services.merchants.forget(call.scope.merchant_id)
    return _shown(made)


@api("GET /v1/sites", verb="sites list")
async def list_all(call: Call) -> Sites:
    """Sites."""
    rows = await sites.list_all(call.services.world, call.scope)
    return Sites(data=[_shown(site) for site in rows])


@api("GET /v1/sites/{id}", problems=("not_found",))
async def read(call: Call) -> Site:
    """One site."""
    return _shown(await sites.read(call.services.world, call.scope, _id(call)))


@api("PUT /v1/sites/{id}", body=SiteBody, problems=("not_found", "conflict"))
@api.example("another name", _SHOP | {"name": "Boots"})
async def replace(call: Call) -> Site:
    """Replace a site. Missing switches are on."""
    return await _change(call, whole=True)


@api("PATCH /v1/sites/{id}", body=SitePatch, problems=("not_found", "conflict"))
@api.example("no recurring payments", {"mit": False})
async def change(call: Call) -> Site:
    """Change a site. Missing fields stay unchanged."""
    return await _change(call, whole=False)


async def _change(call: Call, *, whole: bool) -> Site:
    changed = await sites.update(
        call.services.world, call.scope, _id(call), _wanted(call, whole=whole)
    )
    call.services.merchants.forget(call.scope.merchant_id)
    return _shown(changed)


@api("DELETE /v1/sites/{id}", problems=("not_found", "conflict"))
async def delete(call: Call) -> None:
    """Retire a site. The site accepts no more orders; existing orders keep it. The default site
    cannot be retired."""
    await sites.retire(call.services.world, call.scope, _id(call))
    call.services.merchants.forget(call.scope.merchant_id)


def _id(call: Call) -> UUID:
    return call.object_id(noun="site", cure="See GET /v1/sites.")


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
    return Site.of(site, id=site.site_id, support_contact=site.support)
