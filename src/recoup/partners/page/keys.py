"""/partner/keys: the keys of the partner itself."""

from typing import Final

from recoup.keys.flows.merchant_keys import NAME_MAX
from recoup.keys.page import OVERLAPS, Overlap, Question, endings_of
from recoup.keys.rules.key_scopes import every
from recoup.keys.store.merchant_keys import MerchantKey, keys_of
from recoup.onboarding.flows.partners import (
    decide_partner_key,
    make_partner_key,
    rename_partner_key,
)
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, partner, shown
from recoup.people.page.partner_visit import PartnerVisit
from recoup.people.page.rights import seat

PLACE: Final = "/partner/keys"
SCOPES: Final = sorted(every("partner"))


@partner.page(
    PLACE,
    "partners/keys.html",
    may=seat("see_keys"),
    menu=Entry("Partner", 4, "Partner keys", "key"),
)
async def keys(visit: PartnerVisit) -> Values:
    may = visit.seat.may("keys") and visit.partner.state == "active"
    who = dict(owner=visit.scope.role == "owner", mine=visit.scope.actor.text())
    return (
        dict(
            rows=await _keys(visit),
            made=None,
            overlaps=OVERLAPS,
            question=None,
            may=may,
            name_max=NAME_MAX,
        )
        | who
    )


@keys.post(may=seat("keys"))
async def make_key(
    visit: PartnerVisit, *, overlap: Overlap, name: str, scope: tuple[str, ...], sure: bool
) -> Answer:
    """`scope`: none: as the one before. `sure`: confirmed, as the old ones end at once."""
    if not overlap and not sure and (working := await _working(visit)):
        fields = {"overlap": "0", "name": name, "scope": scope}
        return shown(question=Question(PLACE, fields, endings_of(working), PLACE))
    partner_id = visit.partner.partner_id
    made = await make_partner_key(
        visit.world, partner_id, overlap, visit.scope, name=name, scopes=scope
    )
    return shown(made=made)


@keys.post("/partner/keys/decide", may=seat("keys"))
async def decide(visit: PartnerVisit, *, print: str, decision: str) -> None:
    """Decides on a partner's key, as for a merchant's."""
    await decide_partner_key(visit.world, visit.scope, print, approve=decision == "approve")


@keys.post("/partner/keys/name", may=seat("keys"))
async def name_key(visit: PartnerVisit, *, print: str, name: str) -> None:
    """`name`: the new one."""
    await rename_partner_key(visit.world, visit.scope, print, name)


async def _working(visit: PartnerVisit) -> list[MerchantKey]:
    return [row for row in await _keys(visit) if row.ends_at is None or row.ends_at > visit.wall]


async def _keys(visit: PartnerVisit) -> list[MerchantKey]:
    return await keys_of(visit.world.db.reader, visit.partner.partner_id)
