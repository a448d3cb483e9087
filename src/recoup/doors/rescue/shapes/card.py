"""A card on its way into the vault; the answer has the shape that checkouts know. Source: contract §4."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from recoup.doors.rescue.body import UNREAD, rule
from recoup.doors.rescue.field_rules import digits
from recoup.doors.rescue.wire import Envelope, Moment, Shape, Text, Text4

Number = Annotated[str, Meta(min_length=12, max_length=64, description="Stored encrypted, never returned.")]
Code = Annotated[Text4 | None, Meta(description="Stored for one attempt at most.")]
Month = Annotated[
    str, Meta(description="`MM`; a number is accepted, too.", pattern="^(0?[1-9]|1[0-2])$", extra=rule(digits(1, 12)))
]
Year = Annotated[
    str, Meta(description="`YYYY`; a number is accepted, too.", pattern="^(20)?[0-9]{2}$", extra=rule(digits(0, 2100)))
]


class CreditCard(Struct, kw_only=True):
    """The card."""

    number: Number
    month: Month
    year: Year
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Annotated[Text | None, Meta(description="Instead of `first_name` and `last_name`.")] = None
    verification_value: Code = None


class CardMethod(Struct, kw_only=True):
    """The card and the cardholder."""

    credit_card: CreditCard
    email: Text | None = None
    sense_key: Annotated[Text | None, Meta(extra=UNREAD)] = None


class OlderCard(Shape, kw_only=True):
    """The card in the older spelling."""

    number: Number
    month: Month
    year: Year
    first_name: Text | None = None
    last_name: Text | None = None
    verification_value: Code = None


class OlderMethod(Shape, kw_only=True):
    """Contains the card."""

    credit_card: OlderCard


class OlderPayment(Shape, kw_only=True):
    """Older form of the card."""

    method: OlderMethod


class TokenizeBody(Shape, rename=None, kw_only=True):
    """The card, in today's place or in the older one."""

    payment_method: CardMethod | None = None
    payment: OlderPayment | None = None
    mid: Annotated[UUID | None, Meta(description="In the body or in the query.", extra=UNREAD)] = None
    environment: Annotated[
        str | None, Meta(description="The tokenization key, in the body or in the query.", extra=UNREAD)
    ] = None


class TokenizeQuery(Shape, kw_only=True):
    """Who stores the card, where no bearer token says it."""

    mid: Annotated[UUID | None, Meta(description="Merchant id.")] = None
    environment: Annotated[str | None, Meta(description="The tokenization key.")] = None


class StoredMethod(Struct, kw_only=True):
    """Non-sensitive card data; store `token`."""

    token: UUID
    created_at: Moment
    updated_at: Moment
    last_four_digits: str
    first_six_digits: str
    card_type: str
    month: int
    year: int
    test: bool
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    storage_state: str = "retained"
    payment_method_type: str = "credit_card"
    errors: list[Any] = []  # noqa: RUF012 - msgspec copies it
    data: None = None
    metadata: None = None
    address1: None = None
    address2: None = None
    city: None = None
    state: None = None
    zip: None = None
    country: None = None
    phone_number: None = None
    company: None = None
    fingerprint: None = None
    verification_value: Annotated[None, Meta(description="Never returned.")] = None
    number: Annotated[None, Meta(description="Never returned.")] = None


class VaultTransaction(Struct, kw_only=True):
    """The tokenization, as a transaction."""

    on_test_gateway: bool
    created_at: Moment
    updated_at: Moment
    token: UUID
    payment_method: StoredMethod
    email: str | None = None
    succeeded: bool = True
    state: str = "succeeded"
    transaction_type: str = "AddPaymentMethod"
    amount: int = 0
    payment_method_added: bool = True
    message_key: str = "messages.transaction_succeeded"
    message: str = "Succeeded!"
    order_id: None = None
    ip: None = None
    description: None = None
    merchant_name_descriptor: None = None
    merchant_location_descriptor: None = None
    gateway_specific_fields: None = None
    gateway_specific_response_fields: None = None
    gateway_transaction_id: None = None
    gateway_latency_ms: None = None
    currency_code: None = None
    retain_on_success: None = None
    response: None = None


class Tokenized(Envelope, kw_only=True):
    """The stored card: `transaction.payment_method.token` is what /evaluate takes."""

    transaction: VaultTransaction
    card_bin_info: None = None
