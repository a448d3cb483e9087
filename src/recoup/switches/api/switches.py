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


class CampaignSwitches(Shape, kw_only=True):
    """Which orders a campaign takes, of those that its site takes."""

    name: Text128 | None = None
    descriptor: Own = None
    cit_web: Annotated[bool | None, Meta(description="Customer-initiated payments on the web.")] = (
        None
    )
    cit_callcenter: Annotated[
        bool | None, Meta(description="Customer-initiated payments by the call centre.")
    ] = None
    mit: Annotated[bool | None, Meta(description="Merchant-initiated payments.")] = None


class CampaignBody(CampaignSwitches, kw_only=True):
    """A campaign."""

    key: Key


class CampaignPatch(CampaignSwitches, kw_only=True):
    """Missing fields stay unchanged."""

    key: Key | None = None


class Campaign(Shape, kw_only=True):
    """A campaign of a site."""

    id: UUID
    site_id: UUID
    key: str
    name: str
    descriptor: Annotated[str, Meta(description="Empty: the site's.")]
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    created_date: Moment


class Campaigns(Shape, kw_only=True):
    """All of the site that take orders."""

    data: list[Campaign]
    success: bool = True


class Change(Shape, kw_only=True):
    """One change of a switch. Who: the kind of caller and its id."""

    at: Moment
    by: Annotated[
        str,
        Meta(
            description="`api`, `user`, `partner` or `operator`, with an id.",
            examples=["api:pk_test_1"],
        ),
    ]
    why: str
    request_id: Annotated[str, Meta(description="`X-Request-Id` of the call.")]


class Switch(Shape, kw_only=True):
    """One kind of order at one level. An order is accepted when its kind is on at every level that applies to it."""

    level: Level
    id: Annotated[UUID, Meta(description="Id of the merchant, site or campaign.")]
    name: str
    kind: KindName
    on: bool
    created_date: Annotated[
        Moment, Meta(description="Creation date of the merchant, site or campaign.")
    ]
    site_id: Annotated[
        UUID | None, Meta(description="The campaign's site, or the site itself.")
    ] = None
    key: Annotated[str | None, Meta(description="Key of the campaign.")] = None
    last_change: Annotated[Change | None, Meta(description="Null if never changed.")] = None


class Switches(Shape, kw_only=True):
    """The merchant's three, then each site's with its campaigns'."""

    data: list[Switch]
    unknown_sites: Annotated[
        Policy, Meta(description="What happens to orders with an unknown site or campaign.")
    ]
    success: bool = True


class SwitchBody(Shape, kw_only=True):
    """What shall be switched, and how."""

    kind: KindName
    on: bool
    site_id: Annotated[
        UUID | None, Meta(description="Without it, and without a campaign: the whole merchant.")
    ] = None
    campaign_id: Annotated[UUID | None, Meta(description="Only one campaign.")] = None
    why: Why = None
    mid: UnusedMid = None


class SwitchedNow(Members, kw_only=True):
    """How it stands."""

    switch: Switch
    changed: Annotated[bool, Meta(description="False if the switch already had this value.")]


def _place(query: Query, name: str) -> switches.Place | None:
    text = query.one(name, maximum=128)
    place = switches.place_in(".", text)
    if text and place is None:
        query.complain(name, NO_NEXT)
    return place


class HistoryQuery(Shape, kw_only=True):
    """Newest first."""

    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 100
    after: Annotated[Text128 | None, Meta(description=AFTER, extra=read_as(_place))] = None


class Changed(Change, kw_only=True):
    """A change, and of what."""

    level: Level
    id: UUID
    name: str
    kind: KindName
    on: bool
    site_id: UUID | None = None
    key: str | None = None


class History(Shape, kw_only=True):
    """A page of changes."""

    data: list[Changed]
    next: NextText = None
    success: bool = True


class PolicyBody(Shape, kw_only=True):
    """`use_default`: such orders are taken for the default site, with a warning. `refuse`: they are refused."""

    unknown_sites: Policy


class TestedBody(Shape, kw_only=True):
    """Which way is tried."""

    kind: KindName
    site_id: Annotated[UUID | None, Meta(description="Default: the default site.")] = None
    campaign: Annotated[Text64 | None, Meta(description="Key of one of its campaigns.")] = None
    mid: UnusedMid = None


class Hop(Shape, kw_only=True):
    """One step of the way."""

    name: Annotated[str, Meta(examples=["processor"])]
    state: Literal["ok", "failed", "skipped"]
    told: Annotated[str, Meta(description="The finding, or why the step was skipped.")]
    cure: Annotated[str | None, Meta(description="What to do.")] = None
    latency_ms: Annotated[int, Meta(ge=0)] = 0


class Tested(Members, kw_only=True):
    """`success`: no step failed. No card is charged, and no order is made."""

    kind: KindName
    world: Annotated[Literal["sandbox", "live"], Meta(description="Environment of the credential.")]
    hops: list[Hop]


api: Final = Api(group="Settings", scope="merchants")


@api("GET /v1/switches")
async def list_all(call: Call) -> Switches:
    """Switches. Each kind of order for the merchant, its sites and their campaigns, with the last change."""
    rows = await switches.read_all(call.services.world, call.scope)
    return Switches(data=[_shown(row) for row in rows], unknown_sites=rows[0].unknown_sites)


@api("PUT /v1/switches", body=SwitchBody, problems=("not_found",))
@api.example(
    "no call centre", {"kind": "cit_callcenter", "on": False, "why": "closed over the holidays"}
)
async def change(call: Call) -> SwitchedNow:
    """Switch a kind of order on or off. For the merchant, one site or one campaign. The change applies to every order
    after the response; earlier orders continue. Only the operator or the partner can switch on what they switched off.
    Each environment has its own switches."""
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


@api("GET /v1/switches/history", query=HistoryQuery)
async def history(call: Call) -> History:
    """Changes of switches. Person, time and reason; newest first."""
    query = call.asked(HistoryQuery, any_names=True)
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
    """Set the handling of unknown sites. `use_default`: accepted for the default site, with a warning. `refuse`:
    refused, with the field's name."""
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
