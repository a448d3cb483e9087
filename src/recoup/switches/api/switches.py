"""/switches: which kinds of orders are taken, for the merchant, its sites and campaigns. Source:
seed 004 (multiprofile)."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_whole, rule
from recoup.kit.api.field_rules import up_to
from recoup.kit.api.query import NO_NEXT, Query, read_as
from recoup.kit.api.wire import (
    AFTER,
    Members,
    Moment,
    NextText,
    Shape,
    Text,
    Text64,
    Text128,
    UnusedMid,
)
from recoup.kit.lists.paging import page_of
from recoup.merchants.store.switches import Switch as StoredSwitch
from recoup.rescue.api.payment import read_own
from recoup.switches.flows import switches
from recoup.switches.flows.campaigns import set_policy
from recoup.switches.flows.switches import MERCHANT, Subject

KindName = Literal["cit_web", "cit_callcenter", "mit"]
Level = Literal["merchant", "site", "campaign"]
Policy = Literal["use_default", "refuse"]
HISTORY_MAX = 500
Key = Annotated[
    str, Meta(min_length=1, max_length=64, description="Key used in orders; not case-sensitive.")
]
_Descriptor = Annotated[str, Meta(max_length=22, extra=rule(up_to(64)))]
Own = Annotated[_Descriptor | None, Meta(description="Statement descriptor; empty: the site's.")]
Why = Annotated[Text | None, Meta(description="Reason, shown with the change.")]


class CampaignSwitches(Shape):
    """Which orders a campaign takes, of those that its site takes."""

    name: Text128 | None = None
    descriptor: Own = None
    cit_web: bool | None = None
    """Customer-initiated payments on the web."""
    cit_callcenter: bool | None = None
    """Customer-initiated payments by the call centre."""
    mit: bool | None = None
    """Merchant-initiated payments."""


class CampaignBody(CampaignSwitches):
    """A campaign."""

    key: Key


class CampaignPatch(CampaignSwitches):
    """Missing fields stay unchanged."""

    key: Key | None = None


class Campaign(Shape):
    """A campaign of a site."""

    id: UUID
    site_id: UUID
    key: str
    name: str
    descriptor: str
    """Empty: the site's."""
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    created_date: Moment


class Campaigns(Shape):
    """All of the site that take orders."""

    data: list[Campaign]
    success: bool = True


class Change(Shape):
    """One change of a switch. Who: the kind of caller and its id."""

    at: Moment
    by: Annotated[str, Meta(examples=["api:pk_test_1"])]
    """`api`, `user`, `partner` or `operator`, with an id."""
    why: str
    request_id: str
    """`X-Request-Id` of the call."""


class Switch(Shape):
    """One kind of order at one level. An order is accepted when its kind is on at every level that
    applies to it."""

    level: Level
    id: UUID
    """Id of the merchant, site or campaign."""
    name: str
    kind: KindName
    on: bool
    created_date: Moment
    """Creation date of the merchant, site or campaign."""
    site_id: UUID | None = None
    """The campaign's site, or the site itself."""
    key: str | None = None
    """Key of the campaign."""
    last_change: Change | None = None
    """Null if never changed."""


class Switches(Shape):
    """The merchant's three, then each site's with its campaigns'."""

    data: list[Switch]
    unknown_sites: Policy
    """What happens to orders with an unknown site or campaign."""
    success: bool = True


class SwitchBody(Shape):
    """What shall be switched, and how."""

    kind: KindName
    on: bool
    site_id: UUID | None = None
    """Without it, and without a campaign: the whole merchant."""
    campaign_id: UUID | None = None
    """Only one campaign."""
    why: Why = None
    mid: UnusedMid = None


class SwitchedNow(Members):
    """How it stands."""

    switch: Switch
    changed: bool
    """False if the switch already had this value."""


def _place(query: Query, name: str) -> switches.Place | None:
    text = query.one(name, maximum=128)
    place = switches.place_in(".", text)
    if text and place is None:
        query.complain(name, NO_NEXT)
    return place


class HistoryQuery(Shape):
    """Newest first."""

    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 100
    after: Annotated[Text128 | None, Meta(description=AFTER, extra=read_as(_place))] = None


class Changed(Change):
    """A change, and of what."""

    level: Level
    id: UUID
    name: str
    kind: KindName
    on: bool
    site_id: UUID | None = None
    key: str | None = None


class History(Shape):
    """A page of changes."""

    data: list[Changed]
    next: NextText = None
    success: bool = True


class PolicyBody(Shape):
    """`use_default`: such orders are taken for the default site, with a warning. `refuse`: they are
    refused."""

    unknown_sites: Policy


class TestedBody(Shape):
    """Which way is tried."""

    kind: KindName
    site_id: UUID | None = None
    """Default: the default site."""
    campaign: Text64 | None = None
    """Key of one of its campaigns."""
    mid: UnusedMid = None


class Hop(Shape):
    """One step of the way."""

    name: Annotated[str, Meta(examples=["processor"])]
    state: Literal["ok", "failed", "skipped"]
    told: str
    """The finding, or why the step was skipped."""
    cure: str | None = None
    """What to do."""
    latency_ms: Annotated[int, Meta(ge=0)] = 0


class Tested(Members):
    """`success`: no step failed. No card is charged, and no order is made."""

    kind: KindName
    world: Literal["sandbox", "live"]
    """Environment of the credential."""
    hops: list[Hop]


api: Final = Api(group="Settings", scope="merchants")


@api("GET /v1/switches", verb="switches list")
async def list_all(call: Call) -> Switches:
    """Switches. Each kind of order for the merchant, its sites and their campaigns, with the last
    change."""
    rows = await switches.read_all(call.services.world, call.scope)
    return Switches(data=[_shown(row) for row in rows], unknown_sites=rows[0].unknown_sites)


@api("PUT /v1/switches", body=SwitchBody, problems=("not_found",))
@api.example(
    "no call centre", {"kind": "cit_callcenter", "on": False, "why": "closed over the holidays"}
)
async def change(call: Call) -> SwitchedNow:
    """Switch a kind of order on or off. For the merchant, one site or one campaign. The change
    applies to every order after the response; earlier orders continue. Only the operator or the
    partner can switch on what they switched off. Each environment has its own switches."""
    body = read_own(call, SwitchBody)
    subject = MERCHANT
    if body.campaign_id is not None:
        subject = Subject("campaign", body.campaign_id, body.site_id)
    elif body.site_id is not None:
        subject = Subject("site", body.site_id)
    done = await switches.change(
        call.services.world, call.scope, subject, body.kind, body.on, body.why or ""
    )
    call.services.merchants.forget(call.scope.merchant_id)
    return SwitchedNow(switch=_shown(done.row), changed=done.changed)


@api("GET /v1/switches/history", verb="switches history", query=HistoryQuery)
async def history(call: Call) -> History:
    """Changes of switches. Person, time and reason; newest first."""
    query = call.parameters(HistoryQuery, any_names=True)
    after: Any = query.after
    rows = await switches.history(call.services.world, call.scope, after, query.limit + 1)
    return page_of(
        History,
        rows,
        query.limit,
        lambda row: Changed.of(
            row, at=iso(row.changed_at), by=row.actor, id=row.subject_id, on=row.is_on
        ),
        lambda row: f"{row.version}.{row.subject_id}.{row.kind}",
    )


@api("PUT /v1/switches/unknown-sites", body=PolicyBody)
@api.example("refused", {"unknownSites": "refuse"})
async def policy(call: Call) -> Switches:
    """Set the handling of unknown sites. `use_default`: accepted for the default site, with a
    warning. `refuse`: refused, with the field's name."""
    await set_policy(
        call.services.world, call.scope, read_whole(call.body, PolicyBody).unknown_sites
    )
    call.services.merchants.forget(call.scope.merchant_id)
    return await list_all(call)


def _shown(row: StoredSwitch) -> Switch:
    last = None
    if row.changed_at is not None:
        last = Change(
            at=iso(row.changed_at),
            by=row.actor or "",
            why=row.why or "",
            request_id=row.request_id or "",
        )
    return Switch.of(row, id=row.subject_id, on=row.is_on, last_change=last)
