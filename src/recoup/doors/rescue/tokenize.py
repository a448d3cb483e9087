"""POST /tokenize: a card into the vault; the answer has the shape that checkouts know. Source: contract §4, §17.1."""

from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.asgi import Receive, Scope, Send
from recoup.doors.edge.keys import folding
from recoup.doors.edge.rate import check_rate
from recoup.doors.rescue import names
from recoup.doors.rescue.auth import authenticate
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.resource import Call, Method, Reply, Resource
from recoup.doors.rescue.services import Services
from recoup.doors.rescue.wire import envelope
from recoup.flows.cards.tokenize import CardGiven, Stored, check_number
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.rules.network.card import brand

_NULLS: Final = (
    "order_id", "ip", "description", "merchant_name_descriptor", "merchant_location_descriptor",
    "gateway_specific_fields", "gateway_specific_response_fields", "gateway_transaction_id", "gateway_latency_ms",
    "currency_code", "retain_on_success", "response",
)  # fmt: skip
_METHOD_NULLS: Final = (
    "data", "metadata", "address1", "address2", "city", "state", "zip", "country", "phone_number", "company",
    "fingerprint", "verification_value", "number",
)  # fmt: skip


async def tokenize(call: Call) -> Reply:
    """The card's number and code are stored sealed and never answered."""
    merchant_id = await _merchant(call)
    root = Fields(call.body)
    card = _card(root)
    first, last = card.text("first_name"), card.text("last_name")
    full = card.text("full_name")
    if not first and not last and full:
        first, _, last = full.rpartition(" ") if " " in full else (full, "", "")
    number = card.text("number", required=True, maximum=64).replace(" ", "").replace("-", "")
    month = card.whole("month", low=1, high=12, required=True, texts=True) or 0
    year = card.whole("year", low=0, high=2100, required=True, texts=True) or 0
    cvv = card.text("verification_value", maximum=4)
    email = root.object("payment_method").text("email")
    root.raise_if_any()
    world = call.services.world
    check_number(world, number, "PaymentMethod.CreditCard.Number")
    given = CardGiven(merchant_id, new_id(), number, month, year + 2000 if year < 100 else year, cvv)
    stored = await call.services.vault.store(given)
    return Reply(_answer(call, given, stored, (first, last, email)))


def _card(root: Fields) -> Fields:
    """Today's place of the card, or the older one."""
    if root.has("payment_method") or not root.has("payment"):
        return root.object("payment_method").object("credit_card")
    older = root.object("payment").object("method").object("creditCard")
    plain = {"first_name": "firstName", "last_name": "lastName", "number": "number",
             "verification_value": "verificationValue", "month": "month", "year": "year"}  # fmt: skip
    return Fields({ours: older.get(theirs) for ours, theirs in plain.items()}, "Payment.Method.CreditCard", root.errors)


async def _merchant(call: Call) -> UUID:
    """By bearer, or by the tokenization key in `environment`; `mid` must agree with whichever it is."""
    if call.caller is not None:
        merchant_id = call.caller.merchant_id
    else:
        key = (call.query.get("environment") or [""])[0] or str(call.body.get("environment") or "")
        found = await call.services.credentials.merchant_of_environment(key) if key else None
        if found is None:
            cure = "Send ?environment=<tokenization key>, or a bearer token."
            raise Problem("unauthenticated", "The tokenization key is missing or not valid.", cure=cure)
        merchant_id = found
        check_rate(call.services.buckets, key, call.services.world.clocks.monotonic())
    mid = (call.query.get("mid") or [""])[0] or str(call.body.get("mid") or "")
    if mid and mid.lower() != str(merchant_id):
        raise Problem("invalid", "The mid does not belong to this credential.", field="Mid")
    return merchant_id


def _answer(call: Call, given: CardGiven, stored: Stored, who: tuple[str, str, str]) -> dict[str, Any]:
    at = iso(call.services.world.clocks.wall())
    first, last, email = who
    test = call.services.world.policy.test_mode
    method: dict[str, Any] = {
        "token": stored.token_id, "created_at": at, "updated_at": at, "email": email or None,
        "storage_state": "retained", "test": test, "last_four_digits": stored.last4, "first_six_digits": stored.bin,
        "card_type": brand(given.pan).lower().replace(" ", "_"), "first_name": first, "last_name": last,
        "month": given.exp_month, "year": given.exp_year, "full_name": f"{first} {last}".strip(),
        "payment_method_type": "credit_card", "errors": [], **dict.fromkeys(_METHOD_NULLS),
    }  # fmt: skip
    transaction = {
        "on_test_gateway": test, "created_at": at, "updated_at": at, "succeeded": True, "state": "succeeded",
        "token": new_id(), "transaction_type": "AddPaymentMethod", "email": email or None, "amount": 0,
        "payment_method_added": True, "message_key": "messages.transaction_succeeded", "message": "Succeeded!",
        "payment_method": method, **dict.fromkeys(_NULLS),
    }  # fmt: skip
    return envelope(transaction=transaction, cardBinInfo=None)


class Tokenize:
    """A bearer where one is sent, else the tokenization key: one of the two must be valid."""

    def __init__(self, services: Services) -> None:
        fold = folding(names.TOKENIZE)
        self._services = services
        self._signed = Resource(services, {"POST": Method(tokenize, "payments", fold)})
        self._keyed = Resource(services, {"POST": Method(tokenize, None, fold)})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        signed = any(name == b"authorization" for name, _ in scope["headers"])
        if signed and b"environment=" in scope["query_string"].lower():
            signed = await self._is_valid(scope)
        await (self._signed if signed else self._keyed)(scope, receive, send)

    async def _is_valid(self, scope: Scope) -> bool:
        try:
            await authenticate(self._services, scope)
        except Problem:
            return False
        return True


