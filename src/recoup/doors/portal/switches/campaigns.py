"""Campaigns of a shop's sites: made, changed and retired by its people."""

from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.switches.page import acting
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.merchants import campaigns
from recoup.flows.merchants.campaigns import Wanted
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.store.read.merchants import Campaign

_GONE = Problem("not_found", "There is no such campaign.", cure="Choose it from the list of switches.")


async def new_page(visit: Visit) -> Response:
    return _show(visit)


async def post_new(visit: Visit) -> Response:
    form = await checked_form(visit)
    scope = acting(visit)
    try:
        site_id = parse_id(first(form, "site"))
        if site_id is None:
            raise Problem("invalid", "Choose the campaign's site.", field="site")
        await campaigns.create(visit.world, scope, site_id, _wanted(form))
    except Problem as problem:
        return _show(visit, problem=problem, typed=_typed(form))
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


async def campaign_page(visit: Visit) -> Response:
    return _show(visit, _find(visit))


async def post_change(visit: Visit) -> Response:
    form = await checked_form(visit)
    scope, found = acting(visit), _find(visit)
    try:
        await campaigns.update(visit.world, scope, found.site_id, found.campaign_id, _wanted(form))
    except Problem as problem:
        return _show(visit, found, problem, _typed(form))
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


async def post_retire(visit: Visit) -> Response:
    await checked_form(visit)
    scope, found = acting(visit), _find(visit)
    await campaigns.retire(visit.world, scope, found.site_id, found.campaign_id)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


def _find(visit: Visit) -> Campaign:
    """Raises: Problem(not_found)."""
    campaign_id: UUID | None = parse_id(visit.request.path_params["campaign_id"])
    found = next((c for c in visit.known.campaigns if c.campaign_id == campaign_id), None)
    if found is None:
        raise _GONE
    return found


def _wanted(form: Form) -> Wanted:
    """Every field of the form; without a name the key is it."""
    key, name = first(form, "key").strip()[:128], first(form, "name").strip()[:128]
    return Wanted(key=key, name=name or key, descriptor=first(form, "descriptor").strip()[:64])


def _typed(form: Form) -> dict[str, str]:
    return {name: first(form, name)[:128] for name in ("site", "key", "name", "descriptor")}


def _show(
    visit: Visit, found: Campaign | None = None, problem: Problem | None = None, typed: dict[str, str] | None = None
) -> Response:
    usual = {"site": "", "key": "", "name": "", "descriptor": ""}
    if found is not None:
        usual = {"site": str(found.site_id), "key": found.key, "name": found.name, "descriptor": found.descriptor}
    values = visit.values(
        found=found, problem=problem, typed=usual | (typed or {}),
        may=visit.may("switch", or_operator=True),
        open_sites=[site for site in visit.known.sites if site.retired_at is None],
    )  # fmt: skip
    return render("switches/campaign.html", values, status=STATUSES[problem.code] if problem else 200)
