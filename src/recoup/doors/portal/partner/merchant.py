"""/partner/merchants: one is made, looked at, paused, given new keys. Credentials are shown once."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.keys.question import OVERLAPS, WORDS, Question, endings_of, is_sure
from recoup.doors.portal.pages import Answer, Values, only, partner, shown
from recoup.doors.portal.partner.shell import base_address, shell_lines
from recoup.doors.portal.partner.visit import PartnerVisit
from recoup.doors.portal.rights import seat
from recoup.doors.portal.templates import render
from recoup.flows.merchants import partner_merchants
from recoup.flows.merchants.partner_merchants import MerchantRequest
from recoup.flows.merchants.partner_status import health_of, read_status
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem
from recoup.rules.rescue.switches import KINDS

HEALTH: Final = {"new": "Not tried yet", "ok": "Healthy", "failing": "Failing", "disabled": "Switched off"}
_LIMITS: Final = {"name": 128, "external_id": 128, "site_url": 512, "site_name": 128, "descriptor": 22}


@partner.page("/partner/merchants/new", "partner/new.html")
async def new_merchant(visit: PartnerVisit) -> Values:
    return {
        "typed": dict.fromkeys(_LIMITS, "") | _typed(visit.typed),
        "limits": _LIMITS,
        "key": first(visit.typed, "key") or str(new_id()),
    }


def _typed(form: Form) -> dict[str, str]:
    return {name: first(form, name).strip() for name in _LIMITS}


@new_merchant.post("/partner/merchants", may=seat("merchants"), shows=only("invalid", "conflict"))
async def make_merchant(visit: PartnerVisit, form: Form) -> Answer:
    """The form's own key makes one merchant, however often it is sent."""
    typed = _typed(form)
    made = await partner_merchants.create(visit.world, visit.scope, _request(form, typed))
    return _credentials(visit, made.credentials, made.handover, typed["name"], str(made.merchant_id))


def _request(form: Form, typed: dict[str, str]) -> MerchantRequest:
    for name, value in typed.items():
        if not value and name != "external_id":
            raise Problem("invalid", f"The field {name.replace('_', ' ')} is needed.", field=name)
        if len(value) > _LIMITS[name] or "\0" in value:
            raise Problem("invalid", f"The field {name.replace('_', ' ')} is too long.", field=name)
    key = parse_id(first(form, "key"))
    if key is None:
        raise Problem("invalid", "This form is unknown.", cure="Reload the page.")
    return MerchantRequest(
        typed["name"],
        typed["site_url"],
        typed["site_name"],
        typed["descriptor"],
        typed["external_id"] or None,
        f"form:{key}",
    )


@partner.page("/partner/merchants/{mid}", "partner/merchant.html")
async def merchant(visit: PartnerVisit) -> Values:
    status = await read_status(visit.world, visit.partner.partner_id, await visit.merchant_id())
    return dict(
        status=status,
        row=status.merchant,
        health=health_of,
        kinds=KINDS,
        overlaps=OVERLAPS,
        question=None,
        key_words=WORDS,
        health_words=HEALTH,
    )


@merchant.post(may=seat("merchants"), find=PartnerVisit.merchant_id, shows=only("invalid"))
async def change_merchant(visit: PartnerVisit, form: Form, mid: UUID) -> Answer:
    name, state = first(form, "name").replace("\0", "").strip()[:128] or None, first(form, "state") or None
    await partner_merchants.change(visit.world, visit.scope, mid, name=name, state=state)
    visit.portal.merchants.forget(mid)
    return redirect(f"/partner/merchants/{mid}")


@merchant.post(
    "/partner/merchants/{mid}/keys", may=seat("keys"), find=PartnerVisit.merchant_id, shows=only("conflict", "invalid")
)
async def new_keys(visit: PartnerVisit, form: Form, mid: UUID) -> Answer:
    if first(form, "overlap") not in OVERLAPS:
        raise Problem("invalid", "Choose when the old keys end.", field="overlap", cure="Reload the page.")
    overlap = timedelta(hours=int(first(form, "overlap")))
    if not overlap and not is_sure(form):
        return shown(question=await _question(visit, mid))
    made = await partner_merchants.new_keys(visit.world, visit.scope, mid, overlap)
    return _credentials(visit, made.credentials, made.handover, "", str(mid))


async def _question(visit: PartnerVisit, mid: UUID) -> Question:
    """The confirmation that the keys shall end at once."""
    status, at = await read_status(visit.world, visit.partner.partner_id, mid), f"/partner/merchants/{mid}"
    working = [key for key in status.keys if key.ends_at is None or key.ends_at > visit.wall]
    return Question(f"{at}/keys", {"overlap": "0"}, endings_of(working), at)


def _credentials(visit: PartnerVisit, given: Any, link: Any, name: str, mid: str) -> Response:
    lines = shell_lines(base_address(visit.world, visit.request), given) if given else ""
    values = visit.values(given=given, lines=lines, link=link, name=name, mid=mid)
    return render("partner/credentials.html", values)
