"""POST /tokenize: a card into the vault; the answer has the shape that checkouts know. Source:
contract §4, §17.1."""

from dataclasses import field, replace
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call, Dialect, Resource, authenticate
from recoup.keys.flows.credentials import Credentials
from recoup.kit.api import examples
from recoup.kit.api.body import UNREAD, read_body, rule
from recoup.kit.api.field_rules import digits
from recoup.kit.api.wire import Envelope, Moment, Shape, Text, Text4
from recoup.kit.edge.asgi import Receive, Scope, Send
from recoup.kit.edge.called import called_by
from recoup.networks.card import brand, is_expired
from recoup.rescue.api.payment import NOT_YOUR_MID
from recoup.rescue.flows.tokenize import CardGiven, Stored, Vault, check_number

Number = Annotated[
    str, Meta(min_length=12, max_length=64, description="Stored encrypted, never returned.")
]
Code = Annotated[Text4 | None, Meta(description="Stored for one attempt at most.")]
Month = Annotated[
    str,
    Meta(
        description="`MM`; a number is accepted, too.",
        pattern="^(0?[1-9]|1[0-2])$",
        extra=rule(digits(1, 12)),
    ),
]
Year = Annotated[
    str,
    Meta(
        description="`YYYY`; a number is accepted, too.",
        pattern="^(20)?[0-9]{2}$",
        extra=rule(digits(0, 2100)),
    ),
]


class CreditCard(Struct, kw_only=True):
    """The card."""

    number: Number
    month: Month
    year: Year
    first_name: Text | None = None
    last_name: Text | None = None
    full_name: Text | None = None
    """Instead of `first_name` and `last_name`."""
    verification_value: Code = None


class CardMethod(Struct, kw_only=True):
    """The card and the cardholder."""

    credit_card: CreditCard
    email: Text | None = None
    sense_key: Annotated[Text | None, Meta(extra=UNREAD)] = None


class OlderCard(Shape):
    """The card in the older spelling."""

    number: Number
    month: Month
    year: Year
    first_name: Text | None = None
    last_name: Text | None = None
    verification_value: Code = None


class OlderMethod(Shape):
    """Contains the card."""

    credit_card: OlderCard


class OlderPayment(Shape):
    """Older form of the card."""

    method: OlderMethod


class TokenizeBody(Shape, rename=None):
    """The card, in today's place or in the older one."""

    payment_method: CardMethod | None = None
    payment: OlderPayment | None = None
    mid: Annotated[UUID | None, Meta(extra=UNREAD)] = None
    """In the body or in the query."""
    environment: Annotated[str | None, Meta(extra=UNREAD)] = None
    """The tokenization key, in the body or in the query."""


class TokenizeQuery(Shape):
    """Who stores the card, where no bearer token says it."""

    mid: UUID | None = None
    """Merchant id."""
    environment: str | None = None
    """The tokenization key."""


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
    verification_value: None = None
    """Never returned."""
    number: None = None
    """Never returned."""


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


class Tokenized(Envelope):
    """The stored card: `transaction.payment_method.token` is what /evaluate takes."""

    transaction: VaultTransaction
    card_bin_info: None = None


_PRESENT_CARD: Final = "Send the month and year that stand on the customer's present card."


PATH: Final = "/v1/tokenize"
api: Final = Api(group="Rescue", scope="payments", lenient=True)


@api(
    f"POST {PATH}", body=TokenizeBody, query=TokenizeQuery, intake=True, examples=examples.TOKENIZE
)
async def tokenize(call: Call) -> Tokenized:
    """Tokenize a card. Stores the card in the vault; the response contains its token in
    `transaction.payment_method.token`. Requires a bearer token, or the tokenization key as
    `environment`, which a checkout page may use. An expired card is refused."""
    merchant_id = await _merchant(call)
    sent = await _sent(call, merchant_id)
    check_number(call.services.world, merchant_id, sent.number, "PaymentMethod.CreditCard.Number")
    card = CardGiven(merchant_id, new_id(), sent.number, sent.month, sent.year, sent.cvv)
    stored = await call.services.get(Vault).store(card)
    return _answer(call, card, stored, (sent.first, sent.last, sent.email))


@frozen
class _Sent:
    """The card as it was sent, in today's place or the older one."""

    number: str = field(repr=False)
    month: int
    year: int
    cvv: str = field(repr=False)
    first: str
    last: str
    email: str


async def _sent(call: Call, merchant_id: UUID) -> _Sent:
    """Raises: Problem(invalid)."""
    body, complaints = read_body(_one_place(call.body), TokenizeBody)
    method, older = body.payment_method, body.payment
    card: CreditCard | OlderCard | None = (
        method.credit_card if method else older.method.credit_card if older else None
    )
    assert card is not None
    first, last = card.first_name or "", card.last_name or ""
    full = (card.full_name or "") if isinstance(card, CreditCard) else ""
    if not first and not last and full:
        first, _, last = full.rpartition(" ") if " " in full else (full, "", "")
    month, year = int(card.month or 0), int(card.year or 0)
    year = year + 2000 if year < 100 else year
    if not complaints:
        now = (await call.services.merchants.get(merchant_id)).merchant.business(
            call.services.world.clocks.wall()
        )
        if is_expired(month, year, now):
            expired_text = f"The card expired in {month:02d}/{year}; today is {now:%Y-%m-%d}."
            place = "PaymentMethod.CreditCard" if method else "Payment.Method.CreditCard"
            complaints.add(f"{place}.Year", text=f"{expired_text} {_PRESENT_CARD}")
    complaints.raise_if_any()
    number, email = card.number.replace(" ", "").replace("-", ""), method.email if method else None
    return _Sent(number, month, year, card.verification_value or "", first, last, email or "")


def _one_place(body: dict[str, Any]) -> dict[str, Any]:
    """Moves the card to one of its two places: today's, unless only the older one has something."""
    if body.get("payment_method") is None and body.get("payment") is not None:
        return {"payment": body["payment"]}
    sent = body.get("payment_method")
    return {"payment_method": {} if sent is None else sent}


async def _merchant(call: Call) -> UUID:
    """The merchant by bearer, or by the tokenization key in `environment`; `mid` must agree with
    whichever it is."""
    if call.caller is not None:
        merchant_id = call.caller.merchant_id
    else:
        key = (call.query.get("environment") or [""])[0] or str(call.body.get("environment") or "")
        owner_id = (
            await call.services.get(Credentials).merchant_of_environment(key) if key else None
        )
        if owner_id is None:
            cure = "Send ?environment=<tokenization key>, or a bearer token."
            raise Problem(
                "unauthenticated", "The tokenization key is missing or not valid.", cure=cure
            )
        merchant_id = owner_id
        called_by(call.state, merchant_id, key)
        services = call.services
        services.payers.take(
            call.answer_headers,
            call.client[0] if call.client else "",
            key,
            merchant_id,
            services.world.clocks.monotonic(),
        )
    mid = (call.query.get("mid") or [""])[0] or str(call.body.get("mid") or "")
    if mid and mid.lower() != str(merchant_id):
        raise invalid(NOT_YOUR_MID, "Mid")
    return merchant_id


def _answer(call: Call, card: CardGiven, stored: Stored, who: tuple[str, str, str]) -> Tokenized:
    at = iso(call.services.world.clocks.wall())
    first, last, email = who
    test = call.services.world.policy.test_mode
    method = StoredMethod(
        token=stored.token_id,
        created_at=at,
        updated_at=at,
        email=email or None,
        test=test,
        last_four_digits=stored.last4,
        first_six_digits=stored.bin,
        card_type=brand(card.pan).lower().replace(" ", "_"),
        first_name=first,
        last_name=last,
        month=card.exp_month,
        year=card.exp_year,
        full_name=f"{first} {last}".strip(),
    )
    return Tokenized(
        transaction=VaultTransaction(
            on_test_gateway=test,
            created_at=at,
            updated_at=at,
            token=new_id(),
            email=email or None,
            payment_method=method,
        )
    )


class Tokenize:
    """A bearer where one is sent, else the tokenization key: one of the two must be valid."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        (method,) = api.methods
        self._signed = Resource(dialect, {"POST": method})
        self._keyed = Resource(
            dialect, {"POST": replace(method, operation=replace(method.operation, scope=None))}
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        signed = any(name == b"authorization" for name, _ in scope["headers"])
        if signed and b"environment=" in scope["query_string"].lower():
            signed = await self._is_valid(scope)
        await (self._signed if signed else self._keyed)(scope, receive, send)

    async def _is_valid(self, scope: Scope) -> bool:
        try:
            await authenticate(self._dialect.services, scope)
        except Problem:
            return False
        return True
