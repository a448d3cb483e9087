"""Campaigns, switches, and the test of a connection. Source: seed 004 (multiprofile, multisites)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from recoup.doors.rescue.wire import Members, Moment, Shape, Text, Text64, Text128

KindName = Literal["cit_web", "cit_callcenter", "mit"]
Level = Literal["merchant", "site", "campaign"]
Policy = Literal["use_default", "refuse"]
HISTORY_MAX = 500
Key = Annotated[
    str, Meta(min_length=1, max_length=64, description="As orders name it; capital and small letters are one.")
]
_Descriptor = Annotated[str, Meta(max_length=22)]
Own = Annotated[_Descriptor | None, Meta(description="What customers see on statements; empty: as the site's.")]
Why = Annotated[Text | None, Meta(description="Shown with the change.")]


class CampaignSwitches(Shape, kw_only=True):
    """Which orders a campaign takes, of those that its site takes."""

    name: Text128 | None = None
    descriptor: Own = None
    cit_web: Annotated[bool | None, Meta(description="Customers' payments on the web.")] = None
    cit_callcenter: Annotated[bool | None, Meta(description="Customers' payments by the call centre.")] = None
    mit: Annotated[bool | None, Meta(description="Recurring payments.")] = None


class CampaignBody(CampaignSwitches, kw_only=True):
    """A campaign."""

    key: Key


class CampaignPatch(CampaignSwitches, kw_only=True):
    """What is left out stays."""

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
        str, Meta(description="`api`, `user`, `partner` or `operator`, and which.", examples=["api:pk_test_1"])
    ]
    why: str
    request_id: Annotated[str, Meta(description="`X-Request-Id` of the call that did it.")]


class Switch(Shape, kw_only=True):
    """One kind of orders at one place. An order is taken when its kind is on at every level it goes through."""

    level: Level
    id: Annotated[UUID, Meta(description="The merchant's, the site's or the campaign's.")]
    name: str
    kind: KindName
    on: bool
    created_date: Annotated[Moment, Meta(description="Since when there is such a place.")]
    site_id: Annotated[UUID | None, Meta(description="The campaign's site, or the site itself.")] = None
    key: Annotated[str | None, Meta(description="The campaign's.")] = None
    last_change: Annotated[Change | None, Meta(description="Null: it stands as it was made.")] = None


class Switches(Shape, kw_only=True):
    """The merchant's three, then each site's with its campaigns'."""

    data: list[Switch]
    unknown_sites: Annotated[
        Policy, Meta(description="What becomes of orders that name a site or campaign which nobody made.")
    ]
    success: bool = True


class SwitchBody(Shape, kw_only=True):
    """What shall be switched, and how."""

    kind: KindName
    on: bool
    site_id: Annotated[UUID | None, Meta(description="Left out, without a campaign: the whole merchant.")] = None
    campaign_id: Annotated[UUID | None, Meta(description="One campaign alone.")] = None
    why: Why = None
    mid: Annotated[UUID | None, Meta(description="Not needed.")] = None


class SwitchedNow(Members, kw_only=True):
    """How it stands."""

    switch: Switch
    changed: Annotated[bool, Meta(description="False: it stood so before, and nothing was noted.")]


class HistoryQuery(Shape, kw_only=True):
    """Newest first."""

    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 100
    after: Annotated[Text128 | None, Meta(description="`next` of the page before.")] = None


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
    next: Annotated[str | None, Meta(description="Hand it back as `after`; null: that was all.")] = None
    success: bool = True


class PolicyBody(Shape, kw_only=True):
    """`use_default`: such orders are taken for the default site, with a warning. `refuse`: they are refused."""

    unknown_sites: Policy


class TestedBody(Shape, kw_only=True):
    """Which way is tried."""

    kind: KindName
    site_id: Annotated[UUID | None, Meta(description="Left out: the default site.")] = None
    campaign: Annotated[Text64 | None, Meta(description="The key of one of its campaigns.")] = None
    mid: Annotated[UUID | None, Meta(description="Not needed.")] = None


class Hop(Shape, kw_only=True):
    """One step of the way."""

    name: Annotated[str, Meta(examples=["processor"])]
    state: Literal["ok", "failed", "skipped"]
    told: Annotated[str, Meta(description="What was found, or why it was not looked for.")]
    cure: Annotated[str | None, Meta(description="What to do about it.")] = None
    latency_ms: Annotated[int, Meta(ge=0)] = 0


class Tested(Members, kw_only=True):
    """`success`: no step failed. No card is charged, and no order is made."""

    kind: KindName
    world: Annotated[Literal["sandbox", "live"], Meta(description="Where the credential leads.")]
    hops: list[Hop]
