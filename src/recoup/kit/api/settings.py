"""Settings that merchants make by themselves: sites, webhook endpoints. Source: contract §14,
§17.1; seed 004 (multisites)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kit.api.body import UNREAD, rule
from recoup.kit.api.field_rules import names, up_to
from recoup.kit.api.wire import AfterId, Counted, Moment, Shape, Text32, Text64, Text128, Text512

Url = Annotated[str, Meta(min_length=1, max_length=2048)]
Events = Annotated[
    list[str],
    Meta(
        description="Event names; see the events page.",
        extra=rule(names("must be an array of event names")),
    ),
]
Descriptor = Annotated[
    str,
    Meta(min_length=5, max_length=22, description="Statement descriptor.", extra=rule(up_to(64))),
]
Format = Annotated[
    Text32,
    Meta(
        description="`rescue` (JSON), `rescue-text` (the same as text/plain), `standard` (Standard "
        "Webhooks) or "
        "`stablecoin` (events of stablecoin orders in the format and signature of the stablecoin "
        "API)."
    ),
]
Encrypt = Annotated[
    bool, Meta(description="Sends bodies as A256GCM envelopes; only with the format `stablecoin`.")
]


class Switches(Shape):
    """Which orders a site takes."""

    cit_web: bool | None = None
    """Customer-initiated payments on the web."""
    cit_callcenter: bool | None = None
    """Customer-initiated payments by the call centre."""
    mit: bool | None = None
    """Merchant-initiated payments."""
    is_default: bool | None = None
    """Receives orders without a site."""
    support_contact: Text128 | None = None
    """Support contact for customers: an e-mail address, a phone number or a page."""


class SiteBody(Switches):
    """A site or campaign."""

    url: Annotated[str, Meta(min_length=1, max_length=512)]
    """https address or host name; its host selects the site."""
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    descriptor: Descriptor


class SitePatch(Switches):
    """Missing fields stay unchanged."""

    url: Text512 | None = None
    name: Text128 | None = None
    descriptor: Descriptor | None = None


class MerchantSite(Shape):
    """One of its sites."""

    id: UUID
    url: str
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    is_default: bool


class Site(MerchantSite):
    """A site."""

    created_date: Moment
    support_contact: str = ""


class Sites(Shape):
    """All that take orders."""

    data: list[Site]
    success: bool = True


class EndpointBody(Shape):
    """Where events go."""

    url: Url
    """https; in the sandbox also http://127.0.0.1:<port>."""
    events: Events | None = None
    format: Format | None = None
    own_key: bool | None = None
    """True: its own key, not the merchant's."""
    encrypt: Encrypt | None = None
    mid: Annotated[UUID | None, Meta(extra=UNREAD)] = None
    """Optional; not used."""


class EndpointChange(Shape):
    """PATCH: what is left out stays. PUT: what is left out becomes as of a new one; `url` is
    needed."""

    url: Url | None = None
    events: Events | None = None
    format: Format | None = None
    state: Text32 | None = None
    """`active`, or `disabled`: nothing is sent or kept for it."""
    encrypt: Encrypt | None = None


class Health(Shape):
    """Health of deliveries."""

    state: Literal["new", "ok", "failing", "open"]
    """`new`: nothing was sent yet; `open`: only probes are sent, at growing intervals."""
    since: Moment | None
    """Time of the first failure in a row."""
    failures: Counted
    """Failed attempts in a row."""
    last_error: str | None
    """Error of the latest failure."""
    next_try_at: Moment | None
    """While `open`: time of the next probe."""
    waiting_events: Counted
    """Events waiting for delivery; counted up to 1,000."""


class Endpoint(Shape):
    """An endpoint."""

    id: UUID
    url: str
    events: list[str]
    format: str
    state: str
    created_date: Moment
    signing_key: str
    """Base64; signs all deliveries to this endpoint. For `stablecoin` this text itself is the
    secret."""
    encrypt: Encrypt
    own_key: bool
    """False: the merchant's key signs."""
    previous_key_until: Moment | None
    """The previous key is valid until then."""
    health: Health
    why: str | None = None
    """Why it is disabled."""


class Endpoints(Shape):
    """All of the merchant's."""

    data: list[Endpoint]
    success: bool = True


class TestBody(Shape):
    """Which event; a completed payment when none is named."""

    event: Text64 | None = None


class TestAnswer(Shape):
    """What the receiver said."""

    success: bool
    """Whether the receiver answered 2xx."""
    event: str
    event_id: UUID
    status: Annotated[int, Meta(ge=100, le=999)]
    """The receiver's HTTP status."""
    latency_ms: Annotated[int, Meta(ge=0)]
    answer: str
    """The beginning of its response."""


class DeliveryQuery(Shape):
    """Newest first."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    before: AfterId = None


class Delivery(Shape):
    """One try."""

    id: UUID
    event: str
    event_id: UUID
    order_id: UUID
    external_order_id: str | None
    mid: UUID
    """Merchant of the event."""
    sequence: int
    is_resent: bool
    """True if sent by a replay."""
    is_sample: bool
    """True if sent by …/test; not retried."""
    attempt: Annotated[int, Meta(ge=1)]
    """Number of the attempt of this event."""
    at: Moment
    result: str
    """`delivered`, `failed` (will be retried), `parked` or `disabled`."""
    latency_ms: int
    answer: str
    status: int | None = None
    """The receiver's HTTP status."""
    error: str | None = None
    """Why there was no response."""


class Deliveries(Shape):
    """A page of tries."""

    data: list[Delivery]
    next: UUID | None = None
    """Send it as `before`; null on the last page."""
    success: bool = True
