"""Shapes of what a partner asks and is told. Source: contract §16.5; seed 004."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.kernel.ids import parse_id
from recoup.keys.api.as_of import BusinessAsOf, RecordedAsOf
from recoup.keys.flows.issue_key import KEY_KINDS
from recoup.keys.rules.key_scopes import every
from recoup.kit.api.body import rule
from recoup.kit.api.field_rules import GUID, Limits, Wrong, up_to
from recoup.kit.api.query import Query, currency_read, read_as
from recoup.kit.api.settings import Descriptor, MerchantSite
from recoup.kit.api.wire import AfterId, Moment, NextId, Reference128, Shape, Text, Text128

MIDS_MAX = 500
PAGE_MAX = 200
KeyKind = Literal["api", "tokenization", "stablecoin"]
REPORT_PAGE_MAX = 100
MerchantState = Annotated[
    Literal["active", "paused"],
    Meta(description="`active` or `paused` (no new orders; existing ones continue)."),
]


class Quota(Shape):
    """Quotas of a partner, and their usage."""

    merchants_max: int
    merchants: int
    calls_per_minute: int
    """For its own and all its merchants' keys, per process."""
    calls_this_minute: int


class Partner(Shape):
    """The partner itself."""

    id: UUID
    name: str
    state: Literal["active", "paused"]
    """`active` or `paused` (read-only)."""
    created_date: Moment
    quota: Quota
    success: bool = True


class PartnerSite(Shape):
    """The first site; create more with the merchant's own key."""

    url: Annotated[str, Meta(min_length=1, max_length=512)]
    """https address or host name."""
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    descriptor: Descriptor


class MerchantBody(Shape):
    """A merchant with its first site."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    site: PartnerSite
    external_id: Reference128 | None = None
    """Your own id of the merchant; unique."""
    country: Annotated[str, Meta(max_length=2)] | None = None
    """Of its account at the acquirer, ISO 3166: US, DE. Live needs one."""


class MerchantPatch(Shape):
    """Missing fields stay unchanged."""

    name: Text128 | None = None
    state: Annotated[MerchantState | None, Meta(extra=rule(up_to(32)))] = None


def _some_of(known: Sequence[str]) -> Any:
    def check(value: Any, limits: Limits) -> list[str] | Wrong:
        if not isinstance(value, list) or not value or not set(map(str, value)) <= set(known):
            return Wrong("must be an array of " + ", ".join(known))
        return value

    return rule(check)


class KeysBody(Shape):
    """Which keys, and how long the old ones live on."""

    overlap_hours: Annotated[int, Meta(ge=0, le=168)] = 24
    """0 ends all old keys now."""
    kinds: Annotated[list[KeyKind] | None, Meta(extra=_some_of(KEY_KINDS))] = None
    """Default: all."""
    scopes: Annotated[list[str] | None, Meta(extra=_some_of(sorted(every("merchant"))))] = None
    """Default: as the keys before."""


class Credentials(Shape):
    """Shown once. Empty ones are unchanged."""

    mid: str
    site_id: str
    app_key: str
    app_secret: str
    tokenization_key: str
    webhook_key: str
    stablecoin_key_id: str
    stablecoin_secret: str
    stablecoin_webhook_secret: str


class Handover(Shape):
    """A page that shows the credentials once, to the first person who opens it."""

    url: str
    expires_date: Moment


class MerchantMade(Shape):
    """With its credentials, the first time."""

    mid: UUID
    credentials: Credentials | None
    """Null in the response to a repeat: secrets are shown once."""
    handover: Handover | None
    """Null after it was opened, or has expired."""
    success: bool = True


class NewKeys(Shape):
    """New keys; those that sign webhooks stay. Without secrets when this Idempotency-Key came
    before; the link shows them while nobody has opened it."""

    credentials: Credentials | None
    handover: Handover | None
    old_keys_end: Moment
    success: bool = True


class Merchant(Shape):
    """A merchant in the list."""

    mid: UUID
    name: str
    external_id: str | None
    state: MerchantState
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    sites: int
    """Number of sites that accept orders."""
    created_date: Moment


class MerchantQuery(Shape):
    """In the order of their making."""

    state: MerchantState | None = None
    name: Text128 | None = None
    """Part of the name; not case-sensitive."""
    external_id: Text128 | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 50
    after: AfterId = None


class Merchants(Shape):
    """A page of them."""

    data: list[Merchant]
    next: NextId = None
    success: bool = True


class MerchantKey(Shape):
    """A key, without its secret."""

    id: UUID | None
    """For an `api` key: the `id` in its token response."""
    kind: str
    """`api`, `tokenization` or `stablecoin`."""
    last_four: str
    created_date: Moment
    ends_date: Moment | None
    """The key is invalid from then on."""
    scopes: list[str]
    """What it allows."""
    requested: list[str]
    """What it allows once an owner approves."""


class MerchantWebhook(Shape):
    """An endpoint, and how its deliveries go."""

    id: UUID
    url: str
    state: str
    health: str
    """`new` (nothing was sent), `ok`, `failing` or `disabled`."""
    why: str | None
    last_tried_date: Moment | None
    last_status: int | None
    """HTTP status of the last try."""
    last_delivered_date: Moment | None
    """Within 30 days."""


class MerchantOrder(Shape):
    """The order, and when it was placed."""

    id: UUID
    placed_date: Moment


class MissingStep(Shape):
    """What a merchant still needs before it goes live."""

    code: str
    text: str


class MerchantStatus(Merchant):
    """All about one merchant."""

    site_list: list[MerchantSite]
    keys: list[MerchantKey]
    webhooks: list[MerchantWebhook]
    first_order: MerchantOrder | None
    last_order: MerchantOrder | None
    missing: list[MissingStep]
    """Open requirements for going live."""
    success: bool = True


_NO_MIDS = f"The field Mids must be an array of 1 to {MIDS_MAX} GUIDs."


def _mids(value: Any, limits: Limits) -> list[UUID] | Wrong:
    if not isinstance(value, list) or not 1 <= len(value) <= limits.high:
        return Wrong("", _NO_MIDS)
    mids = [parse_id(mid) if isinstance(mid, str) else None for mid in value]
    wrong = next((sent for sent, mid in zip(value, mids, strict=True) if mid is None), None)
    if None in mids:
        return Wrong(f"has a member {str(wrong)[:40]!r}: each {GUID}")
    return [mid for mid in mids if mid is not None]


class SwitchesBody(Shape):
    """What is left out stays as it is at each."""

    mids: Annotated[
        list[UUID], Meta(min_length=1, max_length=MIDS_MAX, extra=rule(_mids, missing=_NO_MIDS))
    ]
    cit_web: bool | None = None
    cit_callcenter: bool | None = None
    mit: bool | None = None
    why: Text | None = None
    """Reason, stored with the change."""


class SwitchResult(Shape):
    """What became of it at one merchant."""

    mid: UUID
    changed: list[str]
    """Changed switches: `citWeb`, `citCallcenter`, `mit`."""
    result: str
    """`changed`, `unchanged`, `not_found`, `forbidden` or `unavailable`."""
    reason: str | None = None


class SwitchResults(Shape):
    """One for each mid, in their order."""

    data: list[SwitchResult]
    changed: int
    success: bool = True


class ReportQuery(Shape):
    """Days are days of business time in UTC."""

    from_: Annotated[str | None, Meta(extra=read_as(Query.day))] = field(default=None, name="from")
    """First day, like 2026-03-01; default: 30 days, including the last."""
    to: Annotated[str | None, Meta(extra=read_as(Query.day))] = None
    """Last day, inclusive; default: today."""
    mid: UUID | None = None
    """Only this merchant."""
    currency: Annotated[str | None, Meta(extra=currency_read("is not an ISO 4217 code"))] = None
    limit: Annotated[int, Meta(ge=1, le=REPORT_PAGE_MAX)] = 20
    """Merchants per page."""
    after: AfterId = None
    format: Literal["json", "csv"] | None = None
    """`csv`: the whole report as one file."""
    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class ReportRow(Shape):
    """Of one merchant, day, currency and kind."""

    mid: UUID
    name: str
    day: str
    currency: str
    kind: str
    """`placed`: incoming orders, by their amounts. All others are ledger entries on the merchant's
    account: `amount` (approved), `fee`, `refund`, `dispute`, `dispute_fee`, `adjustment`,
    `reserve`, `carried`, `payout`."""
    count: int
    amount: int
    """Minor units; positive is in the merchant's favour."""


class Report(Shape):
    """A page of it."""

    from_: str = field(name="from")
    """The first day."""
    to: str
    data: list[ReportRow]
    next: NextId = None
    success: bool = True
