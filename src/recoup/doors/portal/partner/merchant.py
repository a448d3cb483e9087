"""/partner/merchants: one is made, looked at, paused, given new keys. Credentials are shown once."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.keys.question import OVERLAPS, WORDS, Question, endings_of, is_sure
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.partner.visit import PartnerVisit
from recoup.doors.portal.templates import render
from recoup.flows.merchants import partner_merchants
from recoup.flows.merchants.partner_merchants import MerchantAsked
from recoup.flows.merchants.partner_status import health_of, read_status
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem
from recoup.rules.rescue.switches import KINDS

HEALTH: Final = {"new": "Not tried yet", "ok": "Healthy", "failing": "Failing", "disabled": "Switched off"}
_LIMITS: Final = {"name": 128, "external_id": 128, "site_url": 512, "site_name": 128, "descriptor": 22}


async def new_merchant_page(visit: PartnerVisit) -> Response:
    return _form(visit, {})


async def make_merchant(visit: PartnerVisit) -> Response:
    """The form's own key makes one merchant, however often it is sent."""
    form = await visit.form()
    visit.only("merchants")
    typed = {name: first(form, name).strip() for name in _LIMITS}
    try:
        made = await partner_merchants.create(visit.world, visit.scope, _asked(form, typed))
    except Problem as problem:
        if problem.code not in ("invalid", "conflict"):
            raise
        return _form(visit, typed, problem, first(form, "key"))
    return _credentials(visit, made.credentials, made.handover, typed["name"], str(made.merchant_id))


def _asked(form: Form, typed: dict[str, str]) -> MerchantAsked:
    for name, value in typed.items():
        if not value and name != "external_id":
            raise Problem("invalid", f"The field {name.replace('_', ' ')} is needed.", field=name)
        if len(value) > _LIMITS[name] or "\0" in value:
            raise Problem("invalid", f"The field {name.replace('_', ' ')} is too long.", field=name)
    key = parse_id(first(form, "key"))
    if key is None:
        raise Problem("invalid", "This form is unknown.", cure="Reload the page.")
    return MerchantAsked(typed["name"], typed["site_url"], typed["site_name"], typed["descriptor"],
                         typed["external_id"] or None, f"form:{key}")  # fmt: skip


async def merchant_page(visit: PartnerVisit) -> Response:
    return await _show(visit)


async def change_merchant(visit: PartnerVisit) -> Response:
    form = await visit.form()
    visit.only("merchants")
    mid = await visit.merchant_id()
    name, state = first(form, "name").replace("\0", "").strip()[:128] or None, first(form, "state") or None
    try:
        await partner_merchants.change(visit.world, visit.scope, mid, name=name, state=state)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return await _show(visit, problem)
    visit.portal.merchants.forget(mid)
    return redirect(f"/partner/merchants/{mid}")


async def new_keys(visit: PartnerVisit) -> Response:
    form = await visit.form()
    visit.only("keys")
    mid = await visit.merchant_id()
    try:
        if first(form, "overlap") not in OVERLAPS:
            raise Problem("invalid", "Choose when the old keys end.", field="overlap", cure="Reload the page.")
        overlap = timedelta(hours=int(first(form, "overlap")))
        if not overlap and not is_sure(form):
            return await _show(visit, ending=True)
        made = await partner_merchants.new_keys(visit.world, visit.scope, mid, overlap)
    except Problem as problem:
        if problem.code not in ("conflict", "invalid"):
            raise
        return await _show(visit, problem)
    return _credentials(visit, made.credentials, made.handover, "", str(mid))


async def _show(visit: PartnerVisit, problem: Problem | None = None, *, ending: bool = False) -> Response:
    """`ending`: asks first whether the keys shall end at once."""
    status = await read_status(visit.world, visit.partner.partner_id, await visit.merchant_id())
    at, question = f"/partner/merchants/{status.merchant.merchant_id}", None
    if ending:
        wall = visit.world.clocks.wall()
        working = [key for key in status.keys if key.ends_at is None or key.ends_at > wall]
        question = Question(f"{at}/keys", {"overlap": "0"}, endings_of(working), at)
    values = visit.values(status=status, row=status.merchant, health=health_of, kinds=KINDS, overlaps=OVERLAPS,
                          problem=problem, question=question, key_words=WORDS, health_words=HEALTH)  # fmt: skip
    return render("partner/merchant.html", values, status=STATUSES[problem.code] if problem else 200)


def _form(visit: PartnerVisit, typed: dict[str, str], problem: Problem | None = None, key: str = "") -> Response:
    values = visit.values(typed=dict.fromkeys(_LIMITS, "") | typed, limits=_LIMITS, problem=problem,
                          key=key or str(new_id()))  # fmt: skip
    return render("partner/new.html", values, status=STATUSES[problem.code] if problem else 200)


def _credentials(visit: PartnerVisit, given: Any, link: Any, name: str, mid: str) -> Response:
    lines = shell_lines(base_address(visit.world, visit.request), given) if given else ""
    values = visit.values(given=given, lines=lines, link=link, name=name, mid=mid)
    return render("partner/credentials.html", values)
