"""POST /evaluate. Source: contract §5, §17.1."""

import re
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.money import Money
from recoup.kernel.nearest import is_like
from recoup.kernel.texts import is_digits
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit import zones
from recoup.kit.api import examples
from recoup.kit.api.body import Complaints, members, pascal, read_body
from recoup.kit.edge.field_names import names_of
from recoup.kit.slots import offset_minutes
from recoup.merchants.rules.countries import COUNTRIES
from recoup.networks.card import luhn
from recoup.networks.codes import SCHEMES, source_by_brand
from recoup.rescue.api.declined_shapes import (
    Address,
    CauseWord,
    EvaluateBody,
    Evaluated,
    PaymentMethod,
    Subscription,
    Transaction,
)
from recoup.rescue.api.payment import (
    advice_of,
    check_amount,
    check_own,
    happened_at,
    person_of,
    unread_time,
)
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.taken import EvaluateRequest, EvaluateResult, Stored
from recoup.rescue.rules.intake import source_of
from recoup.rescue.rules.intake_warnings import HELD_BY_TYPE, in_sentences, of_code, of_items

_AT: Final = "PaymentMethod."
_BESIDE: Final = "Send either a stored method, as processor and id, or cardNumber."
_NUMBER_CURE: Final = "Send the id by which the processor stores it, never the card's number."
_OF_STORED: Final = ("CardBrand", "CardCountry", "CardLast4Digits")  # read of a stored method alone
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=-]*")  # it may become a part of an address
_MARKS: Final = re.compile(r"[\s\-.]")


def stored_method(method: PaymentMethod, complaints: Complaints) -> Stored | None:
    """The stored method, or None where neither `processor` nor `id` is there: the card is then a
    token or a number. Values that look like a card number are not repeated."""
    if not (method.processor or method.id or method.customer):
        for name in _OF_STORED:
            complaints.forget(_AT + name)
        return None
    for name in ("processor", "id"):
        if not getattr(method, name):
            complaints.missing(f"{_AT}{name.capitalize()}")
    for name in ("processor", "id", "customer"):
        if _is_number(getattr(method, name)):
            what = "is a card number, which is not taken here"
            complaints.add(f"{_AT}{name.capitalize()}", what, hint=_NUMBER_CURE)
    if method.id and not _ID.fullmatch(method.id):
        complaints.add(
            f"{_AT}Id", "is not the id of a stored method: letters, digits and _ . : = - are taken"
        )
    for name, given in (("CardNumber", method.card_number), ("Token", method.token)):
        if given:
            complaints.add(_AT + name, "is not taken beside a stored method", hint=_BESIDE)
    if method.verification_value:
        what = "is not taken with a stored method"
        complaints.add(
            f"{_AT}VerificationValue", what, hint="Leave it out: the processor keeps the card."
        )
    return Stored(
        route=method.processor or "",
        id=method.id or "",
        customer=method.customer or None,
        scheme=_scheme(method),
        last4=_last4(method.card_last4_digits),
        exp_month=method.expiration_month or None,
        exp_year=_year(method.expiration_year),
        funding=_funding(method),
        country=country_code(method.card_country),
    )


def _is_number(given: str | None) -> bool:
    """True when it is a card number, also with blanks, dashes or dots between its digits."""
    return given is not None and luhn(_MARKS.sub("", given))


def _scheme(method: PaymentMethod) -> str:
    brand = (method.card_brand or "").lower().replace(" ", "")
    return brand if brand in SCHEMES else "generic"


def _funding(method: PaymentMethod) -> str | None:
    card_type = (method.card_type or "").lower()
    return card_type if card_type in ("credit", "debit", "prepaid") else None


def _year(year: int | None) -> int | None:
    return year + 2000 if year and year < 100 else year or None


def _last4(digits: str | None) -> str | None:
    return digits if digits and is_digits(digits, 4) else None


def country_code(code: str | None) -> str | None:
    country = (code or "").upper()
    return country if country in COUNTRIES else None


_NAMES: Final = names_of(EvaluateBody)
_WEIGHTY: Final = {
    "isMIT": 0.7,
    "expiryDateUtc": 0.7,
    "transactionType": 0.9,
}  # with how alike a name has to be
_NUMBER: Final = "PaymentMethod.CardNumber"
_NOT_DECLINED: Final = "Only declined payments can be evaluated; send approved ones to /transmit."
UNKNOWN_MAX: Final = 200  # names that are compared with those of fields
_SAID_NO: Final = frozenset({"DECLINED", "CANCELLED"})
_ENDED: Final = frozenset({"APPROVED", "DECLINED", "CANCELLED", "EXPIRED"})  # as /outcome says it


api: Final = Api(group="Rescue", scope="payments", lenient=True)


@api(
    "POST /v1/evaluate",
    intake=True,
    body=EvaluateBody,
    problems=("kind_switched_off", "blocked", "conflict", "in_progress"),
    examples=examples.EVALUATE,
)
async def evaluate(call: Call) -> Evaluated:
    """Submit a declined payment. With `isMIT: false` the customer is waiting: the card is tried
    once, with the security code if available, and the response comes within two seconds: APPROVED,
    DECLINED, or CHALLENGE if only the customer can resolve the decline; then redirect them to
    `challengeUrl`. `transactionType: AUTHORIZATION` only authorises the amount: CAPTUREREQUIRED,
    then call /capture. An MIT with `expiryDateUtc` is accepted and retried until then: SUBMITTED.
    An MIT without it is answered at once, and tried at once if the decline allows it; after
    insufficient funds, `nextAttemptAt` is the time of the next attempt. While the rescue continues,
    the response is DECLINED; send the same `orderId` with a new `idempotencyKey` to read its state.
    A decline is HTTP 200 with `success: false`. `customProperties.warning` names data that would
    have helped: a missing `customerIp`, a used security code, an expiry that is too near."""
    settings = await call.services.merchants.get(call.scope.merchant_id)
    given = read_declined(
        call.body, call.scope.merchant_id, sync=settings.merchant.mit_mode == "sync"
    )
    result = await call.services.get(Evaluate).evaluate(call.scope, given)
    url = None
    if result.evaluate == "CHALLENGE":
        url = call.services.challenge_url(call.scope.merchant_id, result.order_id)
    return answer(result, given.sense_key, url)


def answer(result: EvaluateResult, sense_key: str | None, challenge_url: str | None) -> Evaluated:
    said_no = result.evaluate in _SAID_NO
    cause = result.cause
    sentence = cause.sentence() if said_no and cause is not None else "Success"
    return Evaluated.of(
        result,
        order_session_key=result.order_id,
        sense_key=sense_key,
        success=not said_no,
        result=sentence,
        status=result.evaluate,
        final=result.outcome in _ENDED,
        cause=cast("CauseWord | None", cause and cause.word),
        challenge_url=challenge_url,
        custom_properties={"warning": " ".join(in_sentences(result.warnings))}
        if result.warnings
        else {},
    )


def read_declined(raw: Any, merchant_id: UUID, *, sync: bool = False) -> EvaluateRequest:
    """Every field checked, all complaints at once. `sync`: the merchant retries by itself; no
    expiry counts, none is checked. Raises: Problem(invalid)."""
    body, complaints = read_body(raw, EvaluateBody)
    transaction, method, is_mit = body.transaction, body.payment_method, bool(body.is_mit)
    check_own(body.mid, merchant_id, complaints)
    check_amount(transaction, complaints)
    if body.is_declined is False:
        complaints.add("IsDeclined", text=_NOT_DECLINED)
    if sync or not is_mit:
        complaints.forget("ExpiryDateUtc")
    if isinstance(raw, dict):
        _misspelt(raw, complaints)
    if transaction.dynamic_descriptor:
        complaints.forget("Transaction.Descriptor")  # an alias, which is not looked at then
    kind, notes = _kind(body, complaints)
    stored = stored_method(method, complaints)
    token_id, pan = _token_or_pan(method, complaints) if stored is None else (None, None)
    month, year = _expiry(method, pan is not None, complaints)
    advice = advice_of(transaction, complaints)
    if transaction.mit_reason is not None and not is_mit:
        complaints.add(
            "Transaction.MitReason",
            "is of a payment without the customer",
            hint="Leave it out, or send isMIT: true.",
        )
    complaints.raise_if_any()
    facts, paid = _facts(body, kind), Money(transaction.amount, transaction.currency)
    return EvaluateRequest(
        external_id=body.order_id,
        key=body.idempotency_key,
        is_mit=is_mit,
        order_source=source_of(body.order_source or ""),
        expires_at=body.expiry_date_utc,
        units=transaction.amount,
        currency=transaction.currency,
        token_id=token_id,
        pan=pan,
        cvv=method.verification_value or "",
        exp_month=month,
        exp_year=year,
        transaction_id=transaction.id,
        decline=_decline(transaction, method.card_brand, advice),
        site_id=body.site_id,
        site_url=body.site_url,
        descriptor=transaction.dynamic_descriptor or transaction.descriptor,
        payer=person_of(body, method.holder_name or ""),
        facts=facts,
        sense_key=body.sense_key,
        campaign=body.campaign,
        method=stored,
        notes=(
            *notes,
            *unread_time(raw, transaction),
            *of_code(transaction.response_code_source, transaction.response_code),
            *of_items(facts.get("items", ()), paid),
        ),
        avs=transaction.avs_result_code or "",
        cvv_result=transaction.cvv_result_code or "",
    )


def _kind(body: EvaluateBody, complaints: Complaints) -> tuple[str, tuple[str, ...]]:
    """Hold or take the amount. Clients up to July 2024 say so inside `transaction`, where others
    send what the declined call was: of the two readings the one that takes no money."""
    kind = (body.transaction_type or "").upper()
    if kind:
        complaints.forget("Transaction.TransactionType")
    if not kind and (body.transaction.transaction_type or "").upper() == "AUTHORIZATION":
        return "AUTHORIZATION", (HELD_BY_TYPE,)
    if kind not in ("AUTHORIZATION", "PURCHASE", ""):
        complaints.add("TransactionType", "must be AUTHORIZATION or PURCHASE")
    return kind or "PURCHASE", ()


def _misspelt(raw: dict[str, Any], complaints: Complaints) -> None:
    """A slip in one of these names would take money at once that is to be taken later: it is
    refused instead."""
    strangers = list(islice((name for name in raw if name not in _NAMES), UNKNOWN_MAX))
    for meant, cutoff in _WEIGHTY.items() if strangers else ():
        name = next(
            (stranger for stranger in strangers if is_like(stranger, meant.lower(), cutoff)), None
        )
        if name is not None and raw.get(meant) is None:
            complaints.add(
                pascal(meant), text=f"The field {name!r} is not known; did you mean {meant}?"
            )


def _token_or_pan(method: PaymentMethod, complaints: Complaints) -> tuple[UUID | None, str | None]:
    """`cardNumber` is a vault token when it is a GUID or `token` says so, else a card number."""
    given = method.card_number or ""
    plain = given.replace(" ", "").replace("-", "")
    if not plain and _NUMBER not in complaints:
        complaints.missing(_NUMBER)
    if not plain:
        return None, None
    if method.token or not plain.isdigit():
        token_id = parse_id(given)
        if token_id is None:
            complaints.add(
                _NUMBER, "is not a card token; send what /tokenize answered, or a card number"
            )
        return token_id, None
    if len(plain) > 19:
        complaints.add(_NUMBER, "must be a card number of 12 to 19 digits, or a token of /tokenize")
        return None, None
    return None, plain


def _expiry(method: PaymentMethod, required: bool, complaints: Complaints) -> tuple[int, int]:
    """The card's own; needed only with a card number, a token knows it."""
    for name, value in (
        ("ExpirationMonth", method.expiration_month),
        ("ExpirationYear", method.expiration_year),
    ):
        if required and value is None:
            complaints.missing(f"PaymentMethod.{name}")
    month, year = method.expiration_month or 0, method.expiration_year or 0
    return month, year + 2000 if 0 < year < 100 else year


def _decline(transaction: Transaction, brand: str | None, advice: str | None) -> dict[str, Any]:
    """The answer that the merchant got. What a single digit of its code means depends on its
    source."""
    happened = happened_at(transaction)
    return {
        "code": transaction.response_code,
        "source": source_by_brand(
            transaction.response_code_source, transaction.response_code, brand
        ),
        "text": transaction.response_description or "",
        "advice": advice,
        "at": happened.isoformat() if happened else None,
    }


def _is_recurring(body: EvaluateBody) -> bool:
    """Tells whether the payment is recurring: as given, else whether it names a subscription."""
    return (
        body.is_recurring
        if body.is_recurring is not None
        else bool(members(body.subscription or Subscription()))
    )


def _facts(body: EvaluateBody, kind: str) -> dict[str, Any]:
    """Further facts that are kept, none of it about a person. The offset is as clients send it,
    hours (-5) or minutes (-300), else the country's; `zone` is how the engine counts, and whether
    it was sent."""
    transaction, country = (
        body.transaction,
        (body.billing_information or Address()).country_code or "",
    )
    funding = (body.payment_method.card_type or "").lower()
    minutes, is_stated = zones.offset_minutes(transaction.timezone_utc_offset, country)
    facts: dict[str, Any] = {
        "transaction_type": kind,
        "is_recurring": body.is_recurring,
        "funding": funding if funding in ("credit", "debit") else None,
        "utc_offset": offset_minutes(transaction.timezone_utc_offset, country),
        "zone": {"minutes": minutes, "told": is_stated},
        "items": [members(item) for item in body.order_items or ()],
        "subscription": members(body.subscription) if body.subscription is not None else None,
        "three_d_secure": members(body.three_d_secure) if body.three_d_secure is not None else None,
        "network_transaction_id": transaction.network_transaction_id,
        "issuer_country": country_code(body.payment_method.card_country),
        "agreement": "recurring" if _is_recurring(body) else None,
        "mit_reason": transaction.mit_reason,
        "correlation_id": body.correlation_id,
        "sense_key": body.sense_key,
        "device": body.device_details,
        "processor_name": transaction.processor_name,
        "attempt_count": body.attempt_count,
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}
