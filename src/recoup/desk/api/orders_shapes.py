"""Orders as they are shown, listed and changed. Source: contract §6, §8–§11, §17.1 (U3, U4, U7,
C10)."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType, field

from recoup.desk.api.order_past_shapes import AsOf
from recoup.kit.api.body import rule
from recoup.kit.api.field_rules import Limits, Wrong
from recoup.kit.api.wire import (
    Cents,
    Counted,
    Instant,
    Moment,
    NextText,
    Shape,
    Text,
    Text64,
    shape_named,
)
from recoup.orders.rules.words import REASON_WORDS, SCHEME_WORDS
from recoup.processors.rules.answers import Fault
from recoup.rescue.api.declined_shapes import Subscription, ThreeDSecure
from recoup.rescue.api.places import order_fields
from recoup.rescue.flows.amend import NOTES_MAX

IDS_MAX = 200
PAGE_SIZE_MAX = 200
_REASONS = f"Why it ended without a payment; any of {', '.join(REASON_WORDS)}."
_BIN = "The card's first six digits, which identify the issuer."
NOTE_NAME_MAX = 40
NOTE_MAX = 500
NoteName = Annotated[str, Meta(min_length=1, max_length=NOTE_NAME_MAX)]
Note = Annotated[str, Meta(max_length=NOTE_MAX, description="No personal data.")]
Notes = Annotated[dict[NoteName, Note | None], Meta(max_length=NOTES_MAX)]
Tail = Annotated[str, Meta(pattern="^[0-9A-Fa-f]{8}$")]


class Item(Shape):
    """A line of the order; what is known of it."""

    line: Annotated[int, Meta(ge=1)]
    """Line number, for refunds by item."""
    sku: str | None = None
    name: str | None = None
    amount: int | None = None
    """Total of the line, minor units."""
    quantity: int | None = None


class RefundStep(Shape):
    """Something that happened to a refund."""

    happening: str
    """`refund_owed`, `refund_sent`, `refund_done`, `void_owed`, `voided`, …"""
    at: Moment


class RefundedItem(Shape):
    """What a refund took of a line."""

    line: int
    quantity: int
    """Whole pieces; 0 for an amount."""
    amount: int
    """Minor units."""


class RefundShown(Shape):
    """A refund of the order, a part of it that went back with its end, or a hold that was let go
    instead."""

    id: UUID
    """`transactionId` of the refund response."""
    number: Annotated[int, Meta(ge=1)]
    status: str
    """`PENDING`, `COMPLETED` or `FAILED`."""
    amount: int
    """Minor units."""
    created_date: Moment
    message: str
    reference: str | None = None
    """The processor's reference."""
    kind: str = "refund"
    """`refund`; `void`: the authorisation was voided; or `reversal`: what was collected in parts
    goes back, as the rest never came."""
    state: str = "owed"
    """`owed`, `sent`, `netted` against the charge, `done`, `stuck`, `refused` or `failed`."""
    items: list[RefundedItem] = field(default_factory=list)
    history: list[RefundStep] = field(default_factory=list)
    """History, oldest first."""


class EarlierPayment(Shape):
    """An earlier payment of a disputed payment's card."""

    order_id: UUID
    external_id: str
    """Your order id."""
    paid_at: Moment
    reason: str | None = None
    """Null: the answer names it. Else why not: `disputed`, `reported`, `refunded`, `too_recent`,
    `too_old`, `not_alike`, `alone` or `not_needed`."""


class MissingShown(Shape):
    """What keeps a dispute from qualifying."""

    field: str
    message: str
    cure: str


class CompellingEvidence(Shape):
    """Visa's Compelling Evidence 3.0 of a dispute with code 10.4: as found now while it is open,
    then as it was sent."""

    matches: list[str]
    """What the payments share: `ip`, `device`, `account`, `address`. Empty: not qualified."""
    payments: list[EarlierPayment]
    missing: MissingShown | None = None


class DisputeShown(Shape):
    """What the cardholder's bank takes back, or asks about."""

    id: UUID
    """`ChargebackId` of the event."""
    number: Annotated[int, Meta(ge=1)]
    kind: str
    """`fraud`, `service`, `authorisation`, `processing` or `other`."""
    stage: str
    """`inquiry` (no money is taken), `first`, `pre_arbitration` or `arbitration`."""
    status: str
    """`OPEN`, `ANSWERED`, `WON`, `LOST`, `ACCEPTED` or `EXPIRED`."""
    amount: int
    """Minor units."""
    reason_code: str
    """The card network's reason code."""
    reason: str
    """The code in words."""
    borne_by: str
    """`operator`, or `merchant` by contract."""
    created_date: Moment
    respond_by: Moment | None = None
    """Deadline for evidence."""
    closed_date: Moment | None = None
    compelling_evidence: CompellingEvidence | None = None
    """Of a Visa dispute with code 10.4, not of the past."""


class ChecksShown(Shape):
    """What the processor said beside its codes, as it said it; null: nothing."""

    avs_result_code: str | None = None
    """Of the billing address."""
    cvv_result_code: str | None = None
    """Of the card's security code."""
    cavv_result_code: str | None = None
    """Of the 3-D Secure authentication."""
    risk: str | None = None
    """The processor's word for the risk."""
    risk_score: int | None = None
    """The processor's number for it, in its own scale."""
    category: str | None = None
    """How the processor classes its answer."""
    auth_code: str | None = None
    """Authorisation code."""
    processor_advice: str | None = None
    """The processor's own, not the network's."""


class AttemptShown(Shape):
    """A try of the card, planned, under way or over."""

    id: UUID
    number: Annotated[int, Meta(ge=1)]
    status: Literal["PLANNED", "SENT", "APPROVED", "DECLINED", "UNKNOWN", "NOT_SENT"]
    due_at: Moment
    """Planned time."""
    sent_at: Moment | None = None
    response_code: str | None = None
    """Code of the network or the processor."""
    advice_code: str | None = None
    response_text: str | None = None
    """The code in words."""
    cure: str | None = None
    """What would help next."""
    network_transaction_id: str | None = None
    """The card network's id."""
    checks: ChecksShown | None = None
    retries_itself_at: Moment | None = None
    """When the processor repeats the payment by itself, in real time."""
    by_network_token: bool = False
    """Sent by the card's network token, not by its number."""
    second_answer_of: int | None = None
    """The number of the attempt that this is the second answer of: its network token was refused,
    and it went by the card's number at once."""
    fault: Fault | None = None
    """Of `NOT_SENT`, why the processor refused it; `request`: it was wrong, and is not repeated.
    `responseCode` and `responseText` are the processor's then."""


class Order(Shape):
    """An order. Times are business time; amounts minor units unless said otherwise."""

    id: UUID
    """The `orderId` of /evaluate."""
    reference_number: str
    """The id's last eight digits; not unique."""
    status: Annotated[int, Meta(ge=0, le=8)]
    """See `statuses` of the list."""
    status_name: Annotated[str, Meta(examples=["PROCESSING"])]
    order_placed_date: Moment
    currency_code: str
    currency_symbol: str
    order_id: UUID
    """The same id."""
    external_order_id: str
    """The merchant's order id."""
    site_id: UUID
    campaign_id: UUID | UnsetType = UNSET
    """Absent without a campaign."""
    placed_date: Moment
    customer: str
    is_mit: bool = field(name="isMIT")
    order_source: str
    descriptor: str
    amount: int
    refunded_amount: int
    do_not_retry: bool
    """The merchant has stopped further attempts."""
    metadata: dict[str, str]
    """The merchant's metadata."""
    billing_address: dict[str, str]
    first_name: str
    last_name: str
    email: str
    phone: str
    shipping_address: dict[str, str] | None = None
    secondary_email: str = ""
    correlation_id: str | None = None
    expiry_date: Moment | None = None
    created_date: Moment | None = None
    """Start of processing; null while Draft."""
    reason: str | None = None
    """Why it ended without a payment."""
    next_attempt_at: Moment | None = None


if TYPE_CHECKING:
    WithFields = Order
else:
    _FIELDS: Final = [(field.name, field.type, None) for field in order_fields()]
    WithFields = shape_named("WithFields", "", _FIELDS, Order)


class OrderDetail(WithFields):
    """One order with its lines, refunds, attempts and disputes."""

    attempt_count: int | None = None
    """`attemptCount` of /evaluate: the attempt that was declined; null if not sent."""
    is_recurring: bool | None = None
    """As sent to /evaluate."""
    subscription: Subscription | None = None
    """As sent to /evaluate."""
    three_d_secure: ThreeDSecure | None = None
    """As sent to /evaluate."""
    collected_amount: Counted
    """Minor units collected in parts up to now, while the rest of `amount` is owed; else 0."""
    items: list[Item]
    refunds: list[RefundShown]
    attempts: list[AttemptShown]
    disputes: list[DisputeShown]
    challenge_url: str | None
    """Page where the customer can resolve the decline."""
    as_of: AsOf | UnsetType = UNSET
    """With `asOf`, `asOfRecorded` or `asOfVersion`: this is the past. Amounts, states, attempts,
    refunds, disputes and balances are as they stood; the customer is shown as known today: what was
    erased stays erased."""


class AmendedOrder(OrderDetail):
    """The order as it is now, and what should be known besides."""

    custom_properties: dict[str, str] | UnsetType = UNSET
    """`warning`: information for the caller; absent without one."""


class OrderQuery(Shape):
    """All are optional; several narrow further. Those with lists may be repeated."""

    query: Text | None = None
    """Searches names, e-mails and ids."""
    status: list[Annotated[int, Meta(ge=0, le=8)]] | None = None
    """Any of these."""
    id: (
        Annotated[list[UUID], Meta(max_length=IDS_MAX, description="Any of these orders.")] | None
    ) = None
    external_order_id: (
        Annotated[list[str], Meta(max_length=IDS_MAX, description="Or of these.")] | None
    ) = None
    reference_number: (
        Annotated[list[Tail], Meta(max_length=IDS_MAX, description="Or that end so.")] | None
    ) = None
    from_: Moment | None = field(default=None, name="from")
    """Placed at or after."""
    to: Moment | None = None
    """Placed before."""
    created_from: Moment | None = None
    """Processing began at or after."""
    created_to: Moment | None = None
    """Processing began before."""
    amount_from: Cents | None = None
    """Minimum amount, minor units."""
    amount_to: Cents | None = None
    """Maximum amount, minor units."""
    site_id: UUID | None = None
    is_mit: bool | None = field(default=None, name="isMIT")
    order_source: Text64 | None = None
    currency: str | None = None
    """ISO 4217."""
    descriptor: Text64 | None = None
    """Statement descriptor; not case-sensitive."""
    reason: Annotated[list[str] | None, Meta(description=_REASONS)] = None
    decline_code: Text64 | None = None
    """Code of the original decline; not case-sensitive."""
    card_brand: Annotated[str | None, Meta(description=f"One of {', '.join(SCHEME_WORDS)}.")] = None
    card_bin: Annotated[
        Annotated[str, Meta(pattern="^[0-9]{6}$")] | None, Meta(description=_BIN)
    ] = None
    has_refund: bool | None = None
    """Whether the order has a refund."""
    mid: UUID | None = None
    """Must match the credential."""
    order_by: str | None = None
    """`createdOn` (= placed), `processedOn` or `amount`."""
    sort: str | None = None
    """`desc` (default) or `asc`."""
    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 10
    page_number: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    after: Text | None = None
    """`next` of the page before, instead of `pageNumber`: no order comes twice."""


class OrderList(Shape):
    """One page, with its position in the list; the first three are 0 with `after`."""

    first_item_on_page: int
    last_item_on_page: int
    page_number: int
    page_size: int
    page_count: int
    total_item_count: int
    is_first_page: bool
    is_last_page: bool
    has_previous_page: bool
    has_next_page: bool
    data: list[Order]
    next: NextText = None


class Orders(Shape):
    """The page, and what each status is called."""

    orders: OrderList
    statuses: dict[str, str]
    success: bool = True


def _notes(value: Any, limits: Limits) -> dict[str, str | None] | Wrong:
    if not isinstance(value, dict):
        return Wrong("must be an object in braces: {…}")
    if len(value) > limits.high:
        return Wrong(f"may have at most {limits.high} entries")
    if any(not 0 < len(name) <= NOTE_NAME_MAX for name in value):
        return Wrong(f"must have names of 1 to {NOTE_NAME_MAX} characters")
    if not all(
        text is None or (isinstance(text, str) and len(text) <= NOTE_MAX) for text in value.values()
    ):
        return Wrong(f"must have texts of at most {NOTE_MAX} characters, or null, as values")
    return value


class AmendBody(Shape):
    """What may be changed of an open order; what is left out stays."""

    card_token: UUID | None = None
    """Token of /tokenize: a new card, or new data."""
    expiry_date_utc: Instant | None = None
    """New expiry."""
    metadata: Annotated[Notes | None, Meta(extra=rule(_notes))] = None
    """Added to existing metadata; null removes a name."""
    do_not_retry: bool | None = None
    """True stops further attempts; false resumes them."""


class CancelBody(Shape):
    """Nothing is read."""
