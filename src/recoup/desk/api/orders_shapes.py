"""Orders as they are shown, listed and changed. Source: contract §6, §8–§11, §17.1 (U3, U4, U7,
C10)."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType, field

from recoup.desk.api.order_past_shapes import AsOf
from recoup.kit.api.body import rule
from recoup.kit.api.field_rules import Limits, Wrong
from recoup.kit.api.wire import Cents, Instant, Moment, NextText, Shape, Text, Text64, shape_named
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


class Item(Shape, kw_only=True):
    """A line of the order; what is known of it."""

    line: Annotated[int, Meta(ge=1, description="Line number, for refunds by item.")]
    sku: str | None = None
    name: str | None = None
    amount: Annotated[int | None, Meta(description="Total of the line, minor units.")] = None
    quantity: int | None = None


class RefundStep(Shape, kw_only=True):
    """Something that happened to a refund."""

    happening: Annotated[
        str,
        Meta(description="`refund_owed`, `refund_sent`, `refund_done`, `void_owed`, `voided`, …"),
    ]
    at: Moment


class RefundedItem(Shape, kw_only=True):
    """What a refund took of a line."""

    line: int
    quantity: Annotated[int, Meta(description="Whole pieces; 0 for an amount.")]
    amount: Annotated[int, Meta(description="Minor units.")]


class RefundShown(Shape, kw_only=True):
    """A refund of the order, a part of it that went back with its end, or a hold that was let go instead."""

    id: Annotated[UUID, Meta(description="`transactionId` of the refund response.")]
    number: Annotated[int, Meta(ge=1)]
    status: Annotated[str, Meta(description="`PENDING`, `COMPLETED` or `FAILED`.")]
    amount: Annotated[int, Meta(description="Minor units.")]
    created_date: Moment
    message: str
    reference: Annotated[str | None, Meta(description="The processor's reference.")] = None
    kind: Annotated[
        str,
        Meta(
            description="`refund`; `void`: the authorisation was voided; or `reversal`: what was collected in parts "
            "goes back, as the rest never came."
        ),
    ] = "refund"
    state: Annotated[
        str,
        Meta(
            description="`owed`, `sent`, `netted` against the charge, `done`, `stuck`, `refused` or `failed`."
        ),
    ] = "owed"
    items: list[RefundedItem] = field(default_factory=list)
    history: Annotated[list[RefundStep], Meta(description="History, oldest first.")] = field(
        default_factory=list
    )


class EarlierPayment(Shape, kw_only=True):
    """An earlier payment of a disputed payment's card."""

    order_id: UUID
    external_id: Annotated[str, Meta(description="Your order id.")]
    paid_at: Moment
    reason: Annotated[
        str | None,
        Meta(
            description="Null: the answer names it. Else why not: `disputed`, `reported`, `refunded`, "
            "`too_recent`, `too_old`, `not_alike`, `alone` or `not_needed`."
        ),
    ] = None


class MissingShown(Shape, kw_only=True):
    """What keeps a dispute from qualifying."""

    field: str
    message: str
    cure: str


class CompellingEvidence(Shape, kw_only=True):
    """Visa's Compelling Evidence 3.0 of a dispute with code 10.4: as found now while it is open, then as it
    was sent."""

    matches: Annotated[
        list[str],
        Meta(
            description="What the payments share: `ip`, `device`, `account`, `address`. Empty: not qualified."
        ),
    ]
    payments: list[EarlierPayment]
    missing: MissingShown | None = None


class DisputeShown(Shape, kw_only=True):
    """What the cardholder's bank takes back, or asks about."""

    id: Annotated[UUID, Meta(description="`ChargebackId` of the event.")]
    number: Annotated[int, Meta(ge=1)]
    kind: Annotated[
        str, Meta(description="`fraud`, `service`, `authorisation`, `processing` or `other`.")
    ]
    stage: Annotated[
        str,
        Meta(
            description="`inquiry` (no money is taken), `first`, `pre_arbitration` or `arbitration`."
        ),
    ]
    status: Annotated[
        str, Meta(description="`OPEN`, `ANSWERED`, `WON`, `LOST`, `ACCEPTED` or `EXPIRED`.")
    ]
    amount: Annotated[int, Meta(description="Minor units.")]
    reason_code: Annotated[str, Meta(description="The card network's reason code.")]
    reason: Annotated[str, Meta(description="The code in words.")]
    borne_by: Annotated[str, Meta(description="`operator`, or `merchant` by contract.")]
    created_date: Moment
    respond_by: Annotated[Moment | None, Meta(description="Deadline for evidence.")] = None
    closed_date: Moment | None = None
    compelling_evidence: Annotated[
        CompellingEvidence | None,
        Meta(description="Of a Visa dispute with code 10.4, not of the past."),
    ] = None


class ChecksShown(Shape, kw_only=True):
    """What the processor said beside its codes, as it said it; null: nothing."""

    avs_result_code: Annotated[str | None, Meta(description="Of the billing address.")] = None
    cvv_result_code: Annotated[str | None, Meta(description="Of the card's security code.")] = None
    cavv_result_code: Annotated[
        str | None, Meta(description="Of the 3-D Secure authentication.")
    ] = None
    risk: Annotated[str | None, Meta(description="The processor's word for the risk.")] = None
    risk_score: Annotated[
        int | None, Meta(description="The processor's number for it, in its own scale.")
    ] = None
    category: Annotated[str | None, Meta(description="How the processor classes its answer.")] = (
        None
    )
    auth_code: Annotated[str | None, Meta(description="Authorisation code.")] = None
    processor_advice: Annotated[
        str | None, Meta(description="The processor's own, not the network's.")
    ] = None


class AttemptShown(Shape, kw_only=True):
    """A try of the card, planned, under way or over."""

    id: UUID
    number: Annotated[int, Meta(ge=1)]
    status: Literal["PLANNED", "SENT", "APPROVED", "DECLINED", "UNKNOWN", "NOT_SENT"]
    due_at: Annotated[Moment, Meta(description="Planned time.")]
    sent_at: Moment | None = None
    response_code: Annotated[
        str | None, Meta(description="Code of the network or the processor.")
    ] = None
    advice_code: str | None = None
    response_text: Annotated[str | None, Meta(description="The code in words.")] = None
    cure: Annotated[str | None, Meta(description="What would help next.")] = None
    network_transaction_id: Annotated[str | None, Meta(description="The card network's id.")] = None
    checks: ChecksShown | None = None
    retries_itself_at: Annotated[
        Moment | None,
        Meta(description="When the processor repeats the payment by itself, in real time."),
    ] = None
    by_network_token: Annotated[
        bool, Meta(description="Sent by the card's network token, not by its number.")
    ] = False
    second_answer_of: Annotated[
        int | None,
        Meta(
            description="The number of the attempt that this is the second answer of: its network token was refused, "
            "and it went by the card's number at once."
        ),
    ] = None
    fault: Annotated[
        Fault | None,
        Meta(
            description="Of `NOT_SENT`, why the processor refused it; `request`: it was wrong, and is not repeated. "
            "`responseCode` and `responseText` are the processor's then."
        ),
    ] = None


class Order(Shape, kw_only=True):
    """An order. Times are business time; amounts minor units unless said otherwise."""

    id: Annotated[UUID, Meta(description="The `orderId` of /evaluate.")]
    reference_number: Annotated[str, Meta(description="The id's last eight digits; not unique.")]
    status: Annotated[int, Meta(ge=0, le=8, description="See `statuses` of the list.")]
    status_name: Annotated[str, Meta(examples=["PROCESSING"])]
    order_placed_date: Moment
    currency_code: str
    currency_symbol: str
    order_id: Annotated[UUID, Meta(description="The same id.")]
    external_order_id: Annotated[str, Meta(description="The merchant's order id.")]
    site_id: UUID
    campaign_id: Annotated[UUID | UnsetType, Meta(description="Absent without a campaign.")] = UNSET
    placed_date: Moment
    customer: str
    is_mit: bool = field(name="isMIT")
    order_source: str
    descriptor: str
    amount: int
    refunded_amount: int
    do_not_retry: Annotated[bool, Meta(description="The merchant has stopped further attempts.")]
    metadata: Annotated[dict[str, str], Meta(description="The merchant's metadata.")]
    billing_address: dict[str, str]
    first_name: str
    last_name: str
    email: str
    phone: str
    shipping_address: dict[str, str] | None = None
    secondary_email: str = ""
    correlation_id: str | None = None
    expiry_date: Moment | None = None
    created_date: Annotated[
        Moment | None, Meta(description="Start of processing; null while Draft.")
    ] = None
    reason: Annotated[str | None, Meta(description="Why it ended without a payment.")] = None
    next_attempt_at: Moment | None = None


if TYPE_CHECKING:
    WithFields = Order
else:
    _FIELDS: Final = [(one.name, one.type, None) for one in order_fields()]
    WithFields = shape_named("WithFields", "", _FIELDS, Order)


class OrderDetail(WithFields, kw_only=True):
    """One order with its lines, refunds, attempts and disputes."""

    attempt_count: Annotated[
        int | None,
        Meta(
            description="`attemptCount` of /evaluate: the attempt that was declined; null if not sent."
        ),
    ] = None
    is_recurring: Annotated[bool | None, Meta(description="As sent to /evaluate.")] = None
    subscription: Annotated[Subscription | None, Meta(description="As sent to /evaluate.")] = None
    three_d_secure: Annotated[ThreeDSecure | None, Meta(description="As sent to /evaluate.")] = None
    collected_amount: Annotated[
        int,
        Meta(
            ge=0,
            description="Minor units collected in parts up to now, while the rest of `amount` is owed; else 0.",
        ),
    ]
    items: list[Item]
    refunds: list[RefundShown]
    attempts: list[AttemptShown]
    disputes: list[DisputeShown]
    challenge_url: Annotated[
        str | None, Meta(description="Page where the customer can resolve the decline.")
    ]
    as_of: Annotated[
        AsOf | UnsetType,
        Meta(
            description="With `asOf`, `asOfRecorded` or `asOfVersion`: this is the past. Amounts, states, attempts, "
            "refunds, disputes and balances are as they stood; the customer is shown as known today: what was erased "
            "stays erased."
        ),
    ] = UNSET


class AmendedOrder(OrderDetail, kw_only=True):
    """The order as it is now, and what should be known besides."""

    custom_properties: Annotated[
        dict[str, str] | UnsetType,
        Meta(description="`warning`: information for the caller; absent without one."),
    ] = UNSET


class OrderQuery(Shape, kw_only=True):
    """All are optional; several narrow further. Those with lists may be repeated."""

    query: Annotated[Text | None, Meta(description="Searches names, e-mails and ids.")] = None
    status: Annotated[
        list[Annotated[int, Meta(ge=0, le=8)]] | None, Meta(description="Any of these.")
    ] = None
    id: (
        Annotated[list[UUID], Meta(max_length=IDS_MAX, description="Any of these orders.")] | None
    ) = None
    external_order_id: (
        Annotated[list[str], Meta(max_length=IDS_MAX, description="Or of these.")] | None
    ) = None
    reference_number: (
        Annotated[list[Tail], Meta(max_length=IDS_MAX, description="Or that end so.")] | None
    ) = None
    from_: Annotated[Moment | None, Meta(description="Placed at or after.")] = field(
        default=None, name="from"
    )
    to: Annotated[Moment | None, Meta(description="Placed before.")] = None
    created_from: Annotated[Moment | None, Meta(description="Processing began at or after.")] = None
    created_to: Annotated[Moment | None, Meta(description="Processing began before.")] = None
    amount_from: Annotated[Cents | None, Meta(description="Minimum amount, minor units.")] = None
    amount_to: Annotated[Cents | None, Meta(description="Maximum amount, minor units.")] = None
    site_id: UUID | None = None
    is_mit: bool | None = field(default=None, name="isMIT")
    order_source: Text64 | None = None
    currency: Annotated[str | None, Meta(description="ISO 4217.")] = None
    descriptor: Annotated[
        Text64 | None, Meta(description="Statement descriptor; not case-sensitive.")
    ] = None
    reason: Annotated[list[str] | None, Meta(description=_REASONS)] = None
    decline_code: Annotated[
        Text64 | None, Meta(description="Code of the original decline; not case-sensitive.")
    ] = None
    card_brand: Annotated[str | None, Meta(description=f"One of {', '.join(SCHEME_WORDS)}.")] = None
    card_bin: Annotated[
        Annotated[str, Meta(pattern="^[0-9]{6}$")] | None, Meta(description=_BIN)
    ] = None
    has_refund: Annotated[bool | None, Meta(description="Whether the order has a refund.")] = None
    mid: Annotated[UUID | None, Meta(description="Must match the credential.")] = None
    order_by: Annotated[
        str | None, Meta(description="`createdOn` (= placed), `processedOn` or `amount`.")
    ] = None
    sort: Annotated[str | None, Meta(description="`desc` (default) or `asc`.")] = None
    page_size: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 10
    page_number: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    after: Annotated[
        Text | None,
        Meta(
            description="`next` of the page before, instead of `pageNumber`: no order comes twice."
        ),
    ] = None


class OrderList(Shape, kw_only=True):
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


class Orders(Shape, kw_only=True):
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
        one is None or (isinstance(one, str) and len(one) <= NOTE_MAX) for one in value.values()
    ):
        return Wrong(f"must have texts of at most {NOTE_MAX} characters, or null, as values")
    return value


class AmendBody(Shape, kw_only=True):
    """What may be changed of an open order; what is left out stays."""

    card_token: Annotated[
        UUID | None, Meta(description="Token of /tokenize: a new card, or new data.")
    ] = None
    expiry_date_utc: Annotated[Instant | None, Meta(description="New expiry.")] = None
    metadata: Annotated[
        Notes | None,
        Meta(description="Added to existing metadata; null removes a name.", extra=rule(_notes)),
    ] = None
    do_not_retry: Annotated[
        bool | None, Meta(description="True stops further attempts; false resumes them.")
    ] = None


class CancelBody(Shape, kw_only=True):
    """Nothing is read."""
