"""/switches: which kinds of orders are taken, for the shop, its sites and campaigns; who switched
them; and a test of the way that an order would go."""

from collections.abc import Iterable
from copy import copy
from functools import partial
from typing import Annotated, Final, NamedTuple, TypeAlias
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, invalid
from recoup.kit.lists.paging import cut
from recoup.merchants.flows.country import change_country
from recoup.merchants.rules.switches import KINDS
from recoup.merchants.store.merchants import Campaign
from recoup.merchants.store.switches import Switch
from recoup.people.page import rights
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import As, Text, read_again
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member, nothing, shown
from recoup.people.page.portal_visit import Visit, names_of_actors
from recoup.people.page.rights import role
from recoup.switches.flows import campaigns, switches
from recoup.switches.flows.campaigns import CampaignFields
from recoup.switches.flows.switches import MERCHANT, Subject
from recoup.switches.flows.try_connection import try_connection

LINES: Final = 20


class Flip(NamedTuple):
    """Wanted state of a switch. `level`: merchant, site or campaign."""

    level: str
    subject_id: UUID
    kind: str
    on: bool


def _flip(text: str) -> Flip | None:
    """Reads a button's value, `level:subject:kind:on`."""
    level, subject, kind, on = f"{text}:::".split(":")[:4]
    subject_id = parse_id(subject)
    if (
        level not in ("merchant", "site", "campaign")
        or subject_id is None
        or on not in ("on", "off")
    ):
        return None
    return Flip(level, subject_id, kind, on == "on")


@member.page("/switches", "switches/switches.html", menu=Entry("Settings", 2, "Switches", "toggle"))
async def switches_page(
    visit: Visit, *, after: Annotated[switches.Place | None, As(partial(switches.place_in, "~"))]
) -> Values:
    world = visit.world
    standing = await switches.read_all(world, visit.scope)
    changes, last = cut(await switches.history(world, visit.scope, after, LINES + 1), LINES)
    return dict(
        rows=_rows(standing),
        kinds=KINDS,
        policy=standing[0].unknown_sites,
        own=visit.known.merchant,
        may=visit.may("switch", or_operator=True),
        may_test=visit.may("test", or_operator=True),
        changes=changes,
        first=after is None,
        next=f"{last.version}~{last.subject_id}~{last.kind}" if last else None,
        tested=None,
        failed=[],
        who=await names_of_actors(
            visit, [*(row.actor for row in standing if row.actor), *(row.actor for row in changes)]
        ),
        open_sites=[site for site in visit.known.sites if site.retired_at is None],
    )


acting: Final = rights.acting("switch", "change switches")


@switches_page.post(may=acting)
async def post_switch(
    visit: Visit,
    *,
    flip: Annotated[
        Flip, As(_flip), Problem("invalid", "This switch does not exist.", cure="Reload the page.")
    ],
    why: str,
) -> None:
    """`flip`: of the button that was pressed."""
    wanted = MERCHANT if flip.level == "merchant" else Subject(flip.level, flip.subject_id)
    await switches.change(visit.world, acting(visit), wanted, flip.kind, flip.on, why)
    visit.portal.merchants.forget(visit.merchant_id)


@switches_page.post("/switches/unknown-sites", may=acting)
async def post_policy(visit: Visit, *, unknown: str) -> None:
    """`unknown`: of `POLICIES`."""
    await campaigns.set_policy(visit.world, acting(visit), unknown)
    visit.portal.merchants.forget(visit.merchant_id)


@switches_page.post("/switches/country", may=acting)
async def post_country(visit: Visit, *, country: Annotated[str, Text(32, strip=True)]) -> None:
    """`country`: two letters, of the account at the acquirer."""
    await change_country(visit.world, acting(visit), country)
    visit.portal.merchants.forget(visit.merchant_id)


@switches_page.post("/switches/test", may=role("test", "test connections", or_operator=True))
async def post_test(
    visit: Visit, *, kind: str, site: UUID | None, campaign: Annotated[str, Text(64)]
) -> Answer:
    """Shown at once; nothing of it is kept but the samples among the endpoints' deliveries. `kind`:
    of order; `site`, `campaign`: where it would come from."""
    hops = await try_connection(visit.world, visit.scope, kind, site, campaign or None)
    return shown(tested=(kind, hops), failed=[hop for hop in hops if hop.state == "failed"])


def _rows(standing: Iterable[Switch]) -> list[Values]:
    """Each place and its switches, in the order of KINDS."""
    places: list[Values] = []
    for cell in standing:
        if not places or places[-1]["id"] != cell.subject_id:
            places.append(
                dict(level=cell.level, id=cell.subject_id, name=cell.name, key=cell.key, cells=[])
            )
        places[-1]["cells"].append(cell)
    return places


_GONE = Problem(
    "not_found", "There is no such campaign.", cure="Choose it from the list of switches."
)


_Line: TypeAlias = Annotated[str, Text(128, strip=True)]
_Descriptor: TypeAlias = Annotated[str, Text(64, strip=True)]
_Site: TypeAlias = Annotated[UUID, invalid("Choose the campaign's site.", "site")]


async def find(visit: Visit) -> Campaign:
    """Raises: Problem(not_found)."""
    campaign_id: UUID | None = parse_id(visit.request.path_params["campaign_id"])
    campaign = next((c for c in visit.known.campaigns if c.campaign_id == campaign_id), None)
    if campaign is None:
        raise copy(_GONE)
    return campaign


@member.page("/switches/campaigns", "switches/campaign.html")
async def new(visit: Visit) -> Values:
    return _form(visit, None, {"site": "", "key": "", "name": "", "descriptor": ""})


@new.post(may=acting)
async def post_new(
    visit: Visit, *, site: _Site, key: _Line, name: _Line, descriptor: _Descriptor
) -> Answer:
    """Creates a campaign; without a name the key is it."""
    fields = CampaignFields(key=key, name=name or key, descriptor=descriptor)
    await campaigns.create(visit.world, acting(visit), site, fields)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


@member.page("/switches/campaigns/{campaign_id}", "switches/campaign.html")
async def campaign(visit: Visit) -> Values:
    campaign = await find(visit)
    return _form(
        visit,
        campaign,
        {
            "site": str(campaign.site_id),
            "key": campaign.key,
            "name": campaign.name,
            "descriptor": campaign.descriptor,
        },
    )


@campaign.post(may=acting, find=find)
async def post_change(
    visit: Visit, campaign: Campaign, *, key: _Line, name: _Line, descriptor: _Descriptor
) -> Answer:
    fields = CampaignFields(key=key, name=name or key, descriptor=descriptor)
    await campaigns.update(
        visit.world, acting(visit), campaign.site_id, campaign.campaign_id, fields
    )
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


@campaign.post("/switches/campaigns/{campaign_id}/retire", may=acting, find=find, shows=nothing)
async def post_retire(visit: Visit, campaign: Campaign) -> Answer:
    await campaigns.retire(visit.world, acting(visit), campaign.site_id, campaign.campaign_id)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect("/switches")


def _form(visit: Visit, campaign: Campaign | None, fields: dict[str, str]) -> Values:
    again = vars(read_again(post_new, visit.typed)) if visit.typed else {}
    return {
        "found": campaign,
        "typed": fields | {name: str(value) for name, value in again.items()},
        "may": visit.may("switch", or_operator=True),
        "open_sites": [site for site in visit.known.sites if site.retired_at is None],
    }
