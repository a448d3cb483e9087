"""Settings that merchants make by themselves: sites, webhook endpoints. Source: contract §14,
§17.1; seed 004 (multisites)."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from recoup.kit.api.body import UNREAD, rule
from recoup.kit.api.field_rules import names, up_to
from recoup.kit.api.wire import Moment, Shape, Text32, Text64, Text128, Text512

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
        description="`rescue` (JSON), `rescue-text` (the same as text/plain), `standard` (Standard Webhooks) or "
        "`stablecoin` (events of stablecoin orders in the format and signature of the stablecoin API)."
    ),
]
Encrypt = Annotated[
    bool, Meta(description="Sends bodies as A256GCM envelopes; only with the format `stablecoin`.")
]


class Switches(Shape, kw_only=True):
    """Which orders a site takes."""

    cit_web: Annotated[bool | None, Meta(description="Customer-initiated payments on the web.")] = (
        None
    )
    cit_callcenter: Annotated[
        bool | None, Meta(description="Customer-initiated payments by the call centre.")
    ] = None
    mit: Annotated[bool | None, Meta(description="Merchant-initiated payments.")] = None
    is_default: Annotated[bool | None, Meta(description="Receives orders without a site.")] = None
    support_contact: Annotated[
        Text128 | None,
        Meta(
            description="Support contact for customers: an e-mail address, a phone number or a page."
        ),
    ] = None


class SiteBody(Switches, kw_only=True):
    """A site or campaign."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=512,
            description="https address or host name; its host selects the site.",
        ),
    ]
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    descriptor: Descriptor


class SitePatch(Switches, kw_only=True):
    """Missing fields stay unchanged."""

    url: Text512 | None = None
    name: Text128 | None = None
    descriptor: Descriptor | None = None


class MerchantSite(Shape, kw_only=True):
    """One of its sites."""

    id: UUID
    url: str
    name: str
    descriptor: str
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    is_default: bool


class Site(MerchantSite, kw_only=True):
    """A site."""

    created_date: Moment
    support_contact: str = ""


class Sites(Shape, kw_only=True):
    """All that take orders."""

    data: list[Site]
    success: bool = True


class EndpointBody(Shape, kw_only=True):
    """Where events go."""

    url: Annotated[Url, Meta(description="https; in the sandbox also http://127.0.0.1:<port>.")]
    events: Events | None = None
    format: Format | None = None
    own_key: Annotated[bool | None, Meta(description="True: its own key, not the merchant's.")] = (
        None
    )
    encrypt: Encrypt | None = None
    mid: Annotated[UUID | None, Meta(description="Optional; not used.", extra=UNREAD)] = None


class EndpointChange(Shape, kw_only=True):
    """PATCH: what is left out stays. PUT: what is left out becomes as of a new one; `url` is needed."""

    url: Url | None = None
    events: Events | None = None
    format: Format | None = None
    state: Annotated[
        Text32 | None, Meta(description="`active`, or `disabled`: nothing is sent or kept for it.")
    ] = None
    encrypt: Encrypt | None = None


class Health(Shape, kw_only=True):
    """Health of deliveries."""

    state: Annotated[
        Literal["new", "ok", "failing", "open"],
        Meta(
            description="`new`: nothing was sent yet; `open`: only probes are sent, at growing intervals."
        ),
    ]
    since: Annotated[Moment | None, Meta(description="Time of the first failure in a row.")]
    failures: Annotated[int, Meta(ge=0, description="Failed attempts in a row.")]
    last_error: Annotated[str | None, Meta(description="Error of the latest failure.")]
    next_try_at: Annotated[Moment | None, Meta(description="While `open`: time of the next probe.")]
    waiting_events: Annotated[
        int, Meta(ge=0, description="Events waiting for delivery; counted up to 1,000.")
    ]


class Endpoint(Shape, kw_only=True):
    """An endpoint."""

    id: UUID
    url: str
    events: list[str]
    format: str
    state: str
    created_date: Moment
    signing_key: Annotated[
        str,
        Meta(
            description="Base64; signs all deliveries to this endpoint. For `stablecoin` this text itself is "
            "the secret."
        ),
    ]
    encrypt: Encrypt
    own_key: Annotated[bool, Meta(description="False: the merchant's key signs.")]
    previous_key_until: Annotated[
        Moment | None, Meta(description="The previous key is valid until then.")
    ]
    health: Health
    why: Annotated[str | None, Meta(description="Why it is disabled.")] = None


class Endpoints(Shape, kw_only=True):
    """All of the merchant's."""

    data: list[Endpoint]
    success: bool = True


class TestBody(Shape, kw_only=True):
    """Which event; a completed payment when none is named."""

    event: Text64 | None = None


class TestAnswer(Shape, kw_only=True):
    """What the receiver said."""

    success: Annotated[bool, Meta(description="Whether the receiver answered 2xx.")]
    event: str
    event_id: UUID
    status: Annotated[int, Meta(ge=100, le=999, description="The receiver's HTTP status.")]
    latency_ms: Annotated[int, Meta(ge=0)]
    answer: Annotated[str, Meta(description="The beginning of its response.")]


class DeliveryQuery(Shape, kw_only=True):
    """Newest first."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    before: Annotated[UUID | None, Meta(description="`next` of the previous page.")] = None


class Delivery(Shape, kw_only=True):
    """One try."""

    id: UUID
    event: str
    event_id: UUID
    order_id: UUID
    external_order_id: str | None
    mid: Annotated[UUID, Meta(description="Merchant of the event.")]
    sequence: int
    is_resent: Annotated[bool, Meta(description="True if sent by a replay.")]
    is_sample: Annotated[bool, Meta(description="True if sent by …/test; not retried.")]
    attempt: Annotated[int, Meta(ge=1, description="Number of the attempt of this event.")]
    at: Moment
    result: Annotated[
        str, Meta(description="`delivered`, `failed` (will be retried), `parked` or `disabled`.")
    ]
    latency_ms: int
    answer: str
    status: Annotated[int | None, Meta(description="The receiver's HTTP status.")] = None
    error: Annotated[str | None, Meta(description="Why there was no response.")] = None


class Deliveries(Shape, kw_only=True):
    """A page of tries."""

    data: list[Delivery]
    next: Annotated[
        UUID | None, Meta(description="Send it as `before`; null on the last page.")
    ] = None
    success: bool = True
