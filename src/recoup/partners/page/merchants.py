"""/partner: a partner's merchants, how they stand and what was rescued; switches for many at
once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.keys.page import OVERLAPS, WORDS, Overlap, Question, endings_of
from recoup.kit.lists.paging import cut
from recoup.merchants.rules.switches import KINDS
from recoup.merchants.store.partners import count_merchants
from recoup.onboarding.flows.partners import (
    health_of,
    merchants_of,
    read_status,
    rescued_by_merchant,
)
from recoup.onboarding.page.shell import base_address, shell_lines
from recoup.onboarding.store.partner_merchants import MerchantFilter
from recoup.partners.flows import partner_merchants
from recoup.partners.flows.partner_merchants import STATES, MerchantRequest
from recoup.people.page.form_shape import As, AtMost, Names, Text, read_again
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, only, partner, shown
from recoup.people.page.partner_visit import PartnerVisit
from recoup.people.page.rights import seat
from recoup.people.page.templates import render
from recoup.switches.flows.bulk_switches import switch_many

PAGE: Final = 50
RESCUED_WITHIN: Final = 30  # days
_ON: Final = {"on": True, "off": False}


@partner.page("/partner", "partners/merchants.html", menu=Entry("Partner", 1, "Merchants", "shop"))
async def merchants(
    visit: PartnerVisit, *, state: str | None, q: Annotated[str, Text(128)], after: UUID | None
) -> Values:
    state = state if not state or state in STATES else "unknown"  # in which no merchant is
    state, text = state or None, q.strip()
    merchant_filter = MerchantFilter(visit.partner.partner_id, state, text)
    world = visit.world
    rows, missing = await merchants_of(world, merchant_filter, after, PAGE + 1)
    if text and not rows and after is None:
        by_id = MerchantFilter(visit.partner.partner_id, state, "", text)
        rows, missing = await merchants_of(world, by_id, None, PAGE + 1)
    shown, last = cut(rows, PAGE)
    ids = [row.merchant_id for row in shown]
    rescued = await rescued_by_merchant(world, ids, RESCUED_WITHIN)
    total = await count_merchants(world.db.reader, visit.partner.partner_id)
    return dict(
        missing=missing,
        rows=shown,
        rescued=rescued,
        total=total,
        text=text,
        state=state,
        after=after,
        results={},
        days=RESCUED_WITHIN,
        next_link=_link(state, text, last.merchant_id) if last else None,
        first_link=_link(state, text, None),
    )


@merchants.post("/partner/switches", may=seat("switches"))
async def switch_merchants(
    visit: PartnerVisit,
    *,
    mid: Annotated[tuple[UUID, ...], AtMost(PAGE)],
    wanted: Annotated[Mapping[str, bool], Names(KINDS.__contains__), As(_ON.get)],
    why: str,
) -> Answer:
    """Answers for each merchant, on the same page. `mid`: of the merchants that are ticked;
    `wanted`: the order types to switch, under their names."""
    if not mid or not wanted:
        raise Problem(
            "invalid",
            "Choose merchants and the order types to switch.",
            cure="Nothing was switched.",
        )
    results = await switch_many(visit.world, visit.scope, mid, wanted, why)
    for result in results:
        visit.portal.merchants.forget(result.merchant_id)
    return shown(results={result.merchant_id: result for result in results})


def _link(state: str | None, text: str, after: Any) -> str:
    parameters = {"state": state, "q": text, "after": after}
    return "/partner?" + urlencode({name: value for name, value in parameters.items() if value})


HEALTH: Final = {
    "new": "Not tried yet",
    "ok": "Healthy",
    "failing": "Failing",
    "disabled": "Switched off",
}
_LIMITS: Final = {
    "name": 128,
    "external_id": 128,
    "site_url": 512,
    "site_name": 128,
    "descriptor": 22,
    "country": 2,
}


_Line: TypeAlias = Annotated[str, Text(strip=True)]

_OPTIONAL: Final = ("external_id", "country")


@dataclass(frozen=True, slots=True)
class NewMerchant:
    """New merchant's form; no field longer than `_LIMITS` says; all but `_OPTIONAL` are needed.
    `key`: makes one merchant, however often the form is sent."""

    name: _Line
    external_id: _Line
    site_url: _Line
    site_name: _Line
    descriptor: _Line
    key: UUID | None
    country: _Line = ""


@partner.page("/partner/merchants/new", "partners/new.html")
async def new_merchant(visit: PartnerVisit) -> Values:
    typed = read_again(NewMerchant, visit.typed)
    return {"typed": typed, "limits": _LIMITS, "key": typed.key or new_id()}


@new_merchant.post(
    "/partner/merchants",
    may=seat("merchants"),
    shape=NewMerchant,
    shows=only("invalid", "conflict"),
)
async def make_merchant(visit: PartnerVisit, form: NewMerchant) -> Answer:
    made = await partner_merchants.create(visit.world, visit.scope, _request(form))
    return _credentials(visit, made.credentials, made.handover, form.name, str(made.merchant_id))


def _request(form: NewMerchant) -> MerchantRequest:
    for name, most in _LIMITS.items():
        value = getattr(form, name)
        if not value and name not in _OPTIONAL:
            raise invalid(Sentence("The field {0} is needed.", name.replace("_", " ")), name)
        if len(value) > most:
            raise invalid(Sentence("The field {0} is too long.", name.replace("_", " ")), name)
    if form.key is None:
        raise Problem("invalid", "This form is unknown.", cure="Reload the page.")
    return filled(
        MerchantRequest, form, external_id=form.external_id or None, key=f"form:{form.key}"
    )


@partner.page("/partner/merchants/{mid}", "partners/merchant.html")
async def merchant(visit: PartnerVisit) -> Values:
    status = await read_status(visit.world, visit.partner.partner_id, await visit.merchant_id())
    return dict(
        status=status,
        row=status.merchant,
        health=health_of,
        overlaps=OVERLAPS,
        question=None,
        key_words=WORDS,
    )


@merchant.post(may=seat("merchants"), find=PartnerVisit.merchant_id, shows=only("invalid"))
async def change_merchant(
    visit: PartnerVisit, mid: UUID, *, name: Annotated[str, Text(128, strip=True)], state: str
) -> None:
    """Empty: stays as it is. `state`: active or paused."""
    await partner_merchants.change(
        visit.world, visit.scope, mid, name=name or None, state=state or None
    )
    visit.portal.merchants.forget(mid)


@merchant.post(
    "/partner/merchants/{mid}/keys",
    may=seat("keys"),
    find=PartnerVisit.merchant_id,
    shows=only("conflict", "invalid"),
)
async def new_keys(visit: PartnerVisit, mid: UUID, *, overlap: Overlap, sure: bool) -> Answer:
    """`sure`: confirmed, as they end at once."""
    if not overlap and not sure:
        return shown(question=await _question(visit, mid))
    made = await partner_merchants.new_keys(visit.world, visit.scope, mid, overlap)
    return _credentials(visit, made.credentials, made.handover, "", str(mid))


async def _question(visit: PartnerVisit, mid: UUID) -> Question:
    """The confirmation that the keys shall end at once."""
    status, at = (
        await read_status(visit.world, visit.partner.partner_id, mid),
        f"/partner/merchants/{mid}",
    )
    working = [key for key in status.keys if key.ends_at is None or key.ends_at > visit.wall]
    return Question(f"{at}/keys", {"overlap": "0"}, endings_of(working), at)


def _credentials(visit: PartnerVisit, given: Any, link: Any, name: str, mid: str) -> Response:
    lines = shell_lines(base_address(visit.world, visit.request), given) if given else ""
    values = visit.values(given=given, lines=lines, link=link, name=name, mid=mid)
    return render("partners/credentials.html", values)
