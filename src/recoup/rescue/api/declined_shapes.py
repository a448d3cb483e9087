"""A processed payment as merchants tell it, to /evaluate and to /transmit. Source: contract §3,
§5.2, §5.3."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, field

from recoup.kernel.worth import AMOUNT_MAX
from recoup.kit.api import field_rules
from recoup.kit.api.body import UNREAD, rule
from recoup.kit.api.wire import (
    Amount,
    Cents,
    Currency,
    Envelope,
    Instant,
    Members,
    Moment,
    Reference128,
    Shape,
    Text,
    Text4,
    Text16,
    Text32,
    Text64,
    Text512,
)
from recoup.networks.codes import SOURCES
from recoup.processors.rules.agreement import MitReason

Offset = Annotated[int, Meta(ge=-900, le=900)]
Month = Annotated[int, Meta(ge=1, le=12)]
Year = Annotated[int, Meta(ge=0, le=2100)]
Result = Annotated[str, Meta(min_length=1, max_length=16, description="`NA` if unknown.")]
StoredId = Annotated[str, Meta(max_length=255, extra=rule(field_rules.reference))]
_TIMESTAMP = rule(field_rules.timestamp)
_CENTS = rule(field_rules.cents)
Country = Annotated[str, Meta(max_length=256, description="ISO 3166 alpha-2.", examples=["US"])]


class TransactionOutside(Shape):
    """What may be told of a transaction besides."""

    currency: Currency
    timestamp_utc: Annotated[Instant | None, Meta(extra=_TIMESTAMP)] = None
    """Time of the payment: ISO 8601, RFC 1123, Unix seconds or milliseconds."""
    timestamp: Annotated[Instant | None, Meta(extra=_TIMESTAMP)] = None
    """Alias of `timestampUtc`."""
    timezone_utc_offset: Offset | None = None
    """Hours, or minutes."""
    transaction_type: Text32 | None = None
    """Type of the transaction: `CAPTURE`, …; used if the body has no `transactionType`."""
    response_description: Text | None = None
    response_status: Annotated[Text | None, Meta(extra=UNREAD)] = None
    response_sub_status: Annotated[Text | None, Meta(extra=UNREAD)] = None
    processor_name: Text | None = None
    advice_code: Text64 | None = None
    """Mastercard merchant advice code, also as `03 : text`, `MAC 03` or `7903`."""
    card_not_present: Annotated[bool | None, Meta(extra=UNREAD)] = None
    dynamic_descriptor: Text64 | None = None
    """Statement descriptor."""
    descriptor: Text64 | None = None
    """Alias of `dynamicDescriptor`."""
    network_transaction_id: Text64 | None = None
    """The card network's transaction id."""


class Transaction(TransactionOutside):
    """The declined transaction at the merchant's processor."""

    id: Annotated[Reference128, Meta(min_length=1)]
    """The processor's transaction id."""
    amount: Amount
    response_code: Annotated[str, Meta(min_length=1, max_length=64, examples=["202"])]
    """The response code, as text or number."""
    response_code_source: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=256,
            description=f"Whose code it is: {', '.join(SOURCES)}; or the scheme.",
            examples=["nmi"],
        ),
    ]
    avs_result_code: Result
    cvv_result_code: Result
    cavv_result_code: Result
    mit_reason: MitReason | None = None
    """Why it was made without the customer; by default `recurring` with a subscription."""


class TransactionCopy(TransactionOutside):
    """Any transaction at the merchant's processor."""

    unread: ClassVar[frozenset[str]] = frozenset({
        "timezone_utc_offset", "dynamic_descriptor", "descriptor",
        "network_transaction_id", "cavv_result_code",
    })  # fmt: skip
    amount: Annotated[int, Meta(ge=0, le=AMOUNT_MAX, examples=[4590], extra=_CENTS)]
    """Minor units."""
    id: Reference128 | None = None
    """The processor's transaction id."""
    response_code: Text64 | None = None
    response_code_source: Text | None = None
    avs_result_code: Text16 | None = None
    cvv_result_code: Text16 | None = None
    cavv_result_code: Text16 | None = None


class Payer(Shape):
    """The payer."""

    id: Annotated[Text | None, Meta(extra=rule(field_rules.reference))] = None
    """The merchant's customer id."""
    email: Text | None = None
    phone: Text | None = None
    birthdate: Annotated[Text | None, Meta(extra=UNREAD)] = None


class Address(Shape):
    """A postal address with a name."""

    first_name: Text | None = None
    last_name: Text | None = None
    country: Text | None = None
    country_code: Country | None = None
    address_line1: Text | None = None
    address_line2: Text | None = None
    city: Text | None = None
    state: Text | None = None
    zipcode: Text | None = None
    """`zipCode` is accepted, too."""
    phone: Text | None = None


class CardOutside(Shape):
    """What may be told of a card without its number."""

    holder_name: Text | None = None
    card_type: Text16 | None = None
    """`CREDIT` or `DEBIT`."""
    card_brand: Text32 | None = None
    """`VISA`, `MASTERCARD`, …"""
    card_country: Text32 | None = None
    expiration_month: Month | None = None
    """Required with a card number."""
    expiration_year: Year | None = None
    """Required with a card number."""
    card_bin_number: Annotated[str, Meta(max_length=8, pattern="^[0-9]*$")] | None = None
    card_last4_digits: Annotated[str, Meta(max_length=4, pattern="^[0-9]*$")] | None = None
    card_issuer: Text | None = None
    card_level: Text | None = None
    card_fingerprint: Text | None = None


class PaymentMethod(CardOutside):
    """The card: a token of /tokenize, a card number, or a method that a processor stores."""

    unread: ClassVar[frozenset[str]] = frozenset({
        "card_bin_number", "card_issuer", "card_level", "card_fingerprint",
    })  # fmt: skip
    card_number: Text64 | None = None
    """Token of /tokenize, or card number; needed without `processor` and `id`."""
    token: bool | None = None
    """True if `cardNumber` is a token."""
    verification_value: Text4 | None = None
    """Stored for one attempt at most."""
    processor: Text32 | None = None
    """The route whose processor stores the method."""
    id: Annotated[StoredId | None, Meta(examples=["pm_card_visa"])] = None
    """The processor's id of the stored method, instead of `cardNumber`."""
    customer: StoredId | None = None
    """The processor's id of the payer; some processors need it."""


class PaymentMethodCopy(CardOutside):
    """The card of a copy: its first six and last four digits."""

    unread: ClassVar[frozenset[str]] = frozenset({
        "expiration_month", "expiration_year", "card_issuer", "card_level", "card_fingerprint",
        "token", "verification_value",
    })  # fmt: skip
    card_number: Text64 | None = None
    """A token; a card number is refused."""
    token: bool | None = None
    verification_value: str | None = None
    """Ignored and not stored."""


class Subscription(Shape):
    """The agreement of a recurring payment."""

    subscription_id: Text | None = None
    interval: Text | None = None
    price: Annotated[Text | None, Meta(examples=["45.90"])] = None
    currency: Text | None = None
    payment_number: Text | None = None
    total_payments: Text | None = None


class SubscriptionCopy(Subscription):
    """The agreement of a recurring payment that was processed."""

    unread: ClassVar[frozenset[str]] = frozenset(
        {"interval", "price", "currency", "payment_number", "total_payments"}
    )


class ThreeDSecure(Shape):
    """The authentication of the original transaction."""

    three_ds_version: Text | None = None
    ecommerce_indicator: Text | None = None
    authentication_value: Text | None = None
    directory_server_transaction_id: Text | None = None
    xid: Text | None = None
    authentication_value_algorithm: Text | None = None
    directory_response_status: Text | None = None
    authentication_response_status: Text | None = None
    enrolled: Text | None = None


class OrderItem(Shape):
    """A line of the order; refunds may name it. Amounts in minor units, for the whole line:
    `amount` plus `tax`, less `discountAmount`, of all lines is the order's amount."""

    sku: Text | None = None
    name: Text | None = None
    description: Text | None = None
    amount: Cents | None = None
    discount_amount: Cents | None = None
    discount_type: Text | None = None
    tax: Cents | None = None
    quantity: Annotated[int, Meta(ge=1, le=10**6)] | None = None


class PayloadMerchant(Shape):
    """The merchant, as the partner names it."""

    id: Text | None = None
    name: Text | None = None
    mcc: int | None = None
    country: Text | None = None


class PaymentRequest(Shape):
    """What /evaluate and /transmit take alike."""

    is_declined: bool
    """Whether the processor declined it."""
    order_id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            extra=rule(field_rules.reference, missing="Merchant's orderId is required"),
        ),
    ]
    """The merchant's order id."""
    is_mit: bool | None = field(default=None, name="isMIT")
    """True: merchant-initiated; false: customer."""
    mid: UUID | None = None
    """Merchant id; must match the credential."""
    order_source: Text64 | None = None
    """`ecommerce`, `callcenter`, `installment`, `terminal`, or another."""
    site_id: UUID | None = None
    """Site id."""
    site_url: Text512 | None = None
    """Address of the site, instead of `siteId`."""
    campaign: Text64 | None = None
    """Key of one of the site's campaigns."""
    customer_ip: Text64 | None = None
    """Customer's IP address at the checkout."""
    sense_key: Text | None = None
    is_recurring: bool | None = None
    subscription: Subscription | None = None
    payer: Payer | None = None
    billing_information: Address | None = None
    shipping_information: Address | None = None
    order_items: Annotated[list[OrderItem], Meta(max_length=500)] | None = None
    merchant: Annotated[PayloadMerchant | None, Meta(extra=UNREAD)] = None
    device_details: Annotated[dict[str, Any] | None, Meta(extra=rule(field_rules.device))] = None
    """The customer's device: `deviceId` of 15 characters or more, `fingerprint` of 20 or more;
    evidence in disputes. Other members are not read."""
    additional_fields: Annotated[list[Any] | None, Meta(extra=UNREAD)] = None
    correlation_id: Text64 | None = None
    """Shown with the order."""
    source: Annotated[str | None, Meta(extra=UNREAD)] = None
    """Name of the integration."""
    extra_data: Annotated[Any | None, Meta(extra=UNREAD)] = None


class EvaluateBody(PaymentRequest):
    """A declined payment to be rescued."""

    idempotency_key: Annotated[Reference128, Meta(min_length=1)]
    """A new one for new content."""
    transaction: Transaction
    payment_method: PaymentMethod
    order_source: Text | None = None
    """`ecommerce`, `callcenter`, `installment`, `terminal`, or another."""
    attempt_count: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    """Which authorisation attempt of the payment was declined: 1 is the original (default)."""
    transaction_type: Text32 | None = None
    """`PURCHASE` (default) or `AUTHORIZATION`."""
    expiry_date_utc: Instant | None = None
    """An MIT with an expiry is retried until then; ideally three weeks ahead."""
    three_d_secure: ThreeDSecure | None = None


CauseWord = Literal[
    "outcome_unknown",
    "retry_planned",
    "in_progress",
    "hard_decline",
    "soft_decline",
    "no_answer",
    "approved_late",
    "not_sent",
    "declined",
    "challenge_failed",
    "challenge_timeout",
    "payer_refused",
    "capture_window",
    "expired",
    "merchant_cancelled",
    "paid_elsewhere",
    "invoice_credited",
    "invoice_voided",
    "invoice_uncollectible",
    "invoice_gone",
    "subscription_cancelled",
    "subscription_paused",
    "billing_stopped",
    "refunded",
    "charged_back",
]


class Evaluated(Envelope):
    """Where the rescue stands."""

    status: (
        Literal["SUBMITTED", "CHALLENGE", "CAPTUREREQUIRED", "APPROVED", "DECLINED", "CANCELLED"]
        | None
    ) = None
    order_session_key: UUID
    """Recoup's order id."""
    order_id: UUID
    """The same order id."""
    sense_key: str | None = None
    """As sent."""
    reason: str | None = None
    """Why the rescue ended; null while it continues."""
    final: bool
    """False: the rescue continues, whatever `status` says. A DECLINED that is not final may still
    be approved: do not charge the payment elsewhere."""
    cause: CauseWord | None = None
    """Why the payment is not (yet) approved, in one word; `outcome_unknown`: the issuer has not
    answered an attempt."""
    next_attempt_at: Moment | None = None
    """Time of the next attempt."""
    challenge_url: str | None = None
    """Redirect the customer here for a CHALLENGE."""


class Happened(Shape):
    """A refund or chargeback of a transmitted transaction."""

    id: Text | None = None
    amount: (
        Annotated[
            int,
            Meta(ge=0, le=AMOUNT_MAX, description="Minor units of the currency: 4590 for 45.90."),
        ]
        | None
    ) = None
    reason: Text | None = None
    status: Text | None = None


Became = Annotated[
    str | Happened | None,
    Meta(description="A word, or an object with id, amount, reason and status."),
]
Outcome = Annotated[
    str | Happened | None, Meta(description="Final outcome: `APPROVED` or `DECLINED`.")
]


class TransactionUpdate(Shape):
    """What the processor said in the end."""

    response_code: Annotated[Text64 | None, Meta(extra=rule(field_rules.text_or_blank))] = None
    response_status: Text | None = None
    """Read if there is no `outcome`."""


class UpdateBody(Shape):
    """What became of a transmitted transaction, told later; one of these at least."""

    is_declined: bool | None = None
    outcome: Outcome = None
    refund: Became = None
    chargeback: Became = None
    transaction: TransactionUpdate | None = None


class TransmitBody(PaymentRequest):
    """A copy of a processed transaction, approved or declined; or, with `transmitId`, what became
    of one."""

    unread: ClassVar[frozenset[str]] = frozenset({
        "site_id", "campaign", "sense_key", "device_details", "order_items", "correlation_id",
        "transmit_id", "outcome", "refund", "chargeback", "sequence_number", "transaction_type",
        "three_d_secure", "expiry_date_utc", "idempotency_key",
    })  # fmt: skip
    transaction: TransactionCopy
    subscription: SubscriptionCopy | None = None
    payment_method: PaymentMethodCopy | None = None
    """Without a card number."""
    transmit_id: UUID | None = None
    """Id of an earlier copy, to report its outcome."""
    outcome: Outcome = None
    refund: Became = None
    chargeback: Became = None
    sequence_number: str | None = None
    """Row number in a file."""
    transaction_type: str | None = None
    three_d_secure: ThreeDSecure | None = None
    expiry_date_utc: Moment | None = None
    idempotency_key: str | None = None


class KnownCopy(Shape):
    """Whether a body of /transmit is about an earlier copy."""

    transmit_id: UUID | None = None


class Transmitted(Members):
    """The transmission's id, under which it may be updated."""

    transmit_id: UUID
    status: int = 0
    """0"""
