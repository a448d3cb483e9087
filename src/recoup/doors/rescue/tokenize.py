"""POST /tokenize: a card into the vault; the answer has the shape that checkouts know. Source: contract §4, §17.1."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.asgi import Receive, Scope, Send
from recoup.doors.edge.called import called_by
from recoup.doors.edge.described import Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue import examples
from recoup.doors.rescue.auth import authenticate
from recoup.doors.rescue.body import read_body
from recoup.doors.rescue.payment import NOT_YOUR_MID
from recoup.doors.rescue.resource import Call, Dialect, Method, Resource
from recoup.doors.rescue.shapes.card import (
    CreditCard,
    OlderCard,
    StoredMethod,
    TokenizeBody,
    Tokenized,
    TokenizeQuery,
    VaultTransaction,
)
from recoup.flows.cards.tokenize import CardGiven, Stored, Vault, check_number
from recoup.flows.merchants.credentials import Credentials
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.rules.network.card import brand, is_expired

_PRESENT_CARD: Final = "Send the month and year that stand on the customer's present card."


async def tokenize(call: Call) -> Reply:
    """The card's number and code are stored sealed and never answered."""
    merchant_id = await _merchant(call)
    sent = await _sent(call, merchant_id)
    check_number(call.services.world, merchant_id, sent.number, "PaymentMethod.CreditCard.Number")
    card = CardGiven(merchant_id, new_id(), sent.number, sent.month, sent.year, sent.cvv)
    stored = await call.services.get(Vault).store(card)
    return Reply(_answer(call, card, stored, (sent.first, sent.last, sent.email)))


@dataclass(frozen=True, slots=True)
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
    card: CreditCard | OlderCard | None = method.credit_card if method else older.method.credit_card if older else None
    assert card is not None
    first, last = card.first_name or "", card.last_name or ""
    full = (card.full_name or "") if isinstance(card, CreditCard) else ""
    if not first and not last and full:
        first, _, last = full.rpartition(" ") if " " in full else (full, "", "")
    month, year = int(card.month or 0), int(card.year or 0)
    year = year + 2000 if year < 100 else year
    if not complaints:
        now = (await call.services.merchants.get(merchant_id)).merchant.business(call.services.world.clocks.wall())
        if is_expired(month, year, now):
            expired_text = f"The card expired in {month:02d}/{year}; today is {now:%Y-%m-%d}."
            place = "PaymentMethod.CreditCard" if method else "Payment.Method.CreditCard"
            complaints.add(f"{place}.Year", text=f"{expired_text} {_PRESENT_CARD}")
    complaints.raise_if_any()
    number, email = card.number.replace(" ", "").replace("-", ""), method.email if method else None
    return _Sent(number, month, year, card.verification_value or "", first, last, email or "")


def _one_place(body: dict[str, Any]) -> dict[str, Any]:
    """With the card in one of its two places: today's, unless only the older one has something."""
    if body.get("payment_method") is None and body.get("payment") is not None:
        return {"payment": body["payment"]}
    sent = body.get("payment_method")
    return {"payment_method": {} if sent is None else sent}


async def _merchant(call: Call) -> UUID:
    """By bearer, or by the tokenization key in `environment`; `mid` must agree with whichever it is."""
    if call.caller is not None:
        merchant_id = call.caller.merchant_id
    else:
        key = (call.query.get("environment") or [""])[0] or str(call.body.get("environment") or "")
        found = await call.services.get(Credentials).merchant_of_environment(key) if key else None
        if found is None:
            cure = "Send ?environment=<tokenization key>, or a bearer token."
            raise Problem("unauthenticated", "The tokenization key is missing or not valid.", cure=cure)
        merchant_id = found
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
        raise Problem("invalid", NOT_YOUR_MID, field="Mid")
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


TOKENIZE: Final = Operation(
    "POST",
    "/v1/tokenize",
    "Tokenize a card",
    "Stores the card in the vault; the response contains its token in `transaction.payment_method.token`. Requires "
    "a bearer token, or the tokenization key as `environment`, which a checkout page may use. An expired card is "
    "refused.",
    group="Rescue",
    body=TokenizeBody,
    query=TokenizeQuery,
    answers={200: Tokenized},
    examples=examples.TOKENIZE,
)
METHODS: Final = (Method(TOKENIZE, tokenize, "payments"),)


class Tokenize:
    """A bearer where one is sent, else the tokenization key: one of the two must be valid."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._signed = Resource(dialect, {"POST": METHODS[0]})
        self._keyed = Resource(dialect, {"POST": Method(TOKENIZE, tokenize, None)})

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
