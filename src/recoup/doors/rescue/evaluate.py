"""POST /evaluate. Source: contract §5, §17.1."""

from typing import Any, Final, cast
from uuid import UUID

from recoup.doors.edge.described import Operation
from recoup.doors.edge.keys import names_of
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue import examples
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.payment import (
    RESULTS,
    check_own_fields,
    code_text,
    happened_at,
    items_of,
    offsets_of,
    person_of,
    token_or_pan,
)
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.declined import CauseWord, EvaluateBody, Evaluated, Subscription, ThreeDSecure
from recoup.doors.rescue.wire import iso_or_null
from recoup.flows.cards.taken import EvaluateRequest, EvaluateResult
from recoup.kernel.policy import Policy
from recoup.rules.rescue.intake import source_of
from recoup.rules.uploads.table import is_like

_NAMES: Final = names_of(EvaluateBody)
_WEIGHTY: Final = {"isMIT": 0.7, "expiryDateUtc": 0.7, "transactionType": 0.9}  # with how alike a name has to be
_SUBSCRIPTION: Final = tuple(names_of(Subscription))
_THREE_D_SECURE: Final = tuple(names_of(ThreeDSecure))
HELD: Final = (
    "transaction.transactionType says AUTHORIZATION, so the amount is held and waits for /capture; to have it taken, "
    "send transactionType PURCHASE beside transaction."
)
_SAID_NO: Final = frozenset({"DECLINED", "CANCELLED"})
_ENDED: Final = frozenset({"APPROVED", "DECLINED", "CANCELLED", "EXPIRED"})  # as /outcome says it

async def evaluate(call: Call) -> Reply:
    known = await call.services.merchants.get(call.scope.merchant_id)
    given = read_declined(call.body, call.scope.merchant_id, call.services.world.policy,
                          sync=known.merchant.mit_mode == "sync")  # fmt: skip
    word = await call.services.evaluate.evaluate(call.scope, given)
    url = None
    if word.evaluate == "CHALLENGE":
        url = call.services.challenge_url(call.scope.merchant_id, word.order_id)
    return Reply(answer(word, given.sense_key, url))


def answer(word: EvaluateResult, sense_key: str | None, challenge_url: str | None) -> Evaluated:
    said_no = word.evaluate in _SAID_NO
    cause = word.cause
    result = cause.sentence() if said_no and cause is not None else "Success"
    return Evaluated(
        order_session_key=word.order_id, order_id=word.order_id, sense_key=sense_key, success=not said_no,
        result=result, status=word.evaluate, reason=word.reason, final=word.outcome in _ENDED,
        cause=cast("CauseWord | None", cause and cause.word), next_attempt_at=iso_or_null(word.next_attempt_at),
        challenge_url=challenge_url,
        custom_properties={"warning": " ".join(word.warnings)} if word.warnings else {},
    )  # fmt: skip


def read_declined(body: Any, merchant_id: UUID, policy: Policy, *, sync: bool = False) -> EvaluateRequest:
    """Every field checked, all complaints at once. `sync`: the merchant retries by itself; no expiry counts, none is
    checked. Raises: Problem(invalid).
    """
    fields = Fields(body)
    check_own_fields(fields, merchant_id)
    if fields.flag("isDeclined", required=True) is False:
        fields.complain("isDeclined", text="Only declined payments can be evaluated; send approved ones to /transmit.")
    external_id = fields.reference("orderId", maximum=128)
    if not external_id and "OrderId" not in fields.errors:
        fields.complain("orderId", text="Merchant's orderId is required")
    _misspelt(fields)
    key = fields.reference("idempotencyKey", required=True, maximum=128)
    is_mit = bool(fields.flag("isMIT"))
    expires_at = fields.moment("expiryDateUtc", quiet=sync or not is_mit)
    transaction = fields.object("transaction")
    kind, notes = _kind(fields, transaction)
    method = fields.object("paymentMethod")
    units = transaction.units("amount", low=1, high=policy.amount_max, required=True) or 0
    currency = transaction.currency("currency")
    transaction_id = transaction.reference("id", required=True, maximum=128)
    decline = _decline(transaction)
    token_id, pan = token_or_pan(method)
    month, year = _expiry(method, pan is not None)
    site_id, site_url = fields.identifier("siteId"), fields.text("siteUrl", maximum=512)
    campaign = fields.text("campaign", maximum=64)
    source, sense_key = source_of(fields.text("orderSource")), fields.text("senseKey")
    descriptor = transaction.text("dynamicDescriptor", maximum=64) or transaction.text("descriptor", maximum=64)
    facts = _facts(fields, transaction, method, kind)
    person = person_of(fields, fields.text("customerIp", maximum=64))
    cvv = method.text("verificationValue", maximum=4)
    fields.raise_if_any()
    return EvaluateRequest(
        external_id=external_id, key=key, is_mit=is_mit, order_source=source,
        expires_at=expires_at, units=units, currency=currency, token_id=token_id, pan=pan, cvv=cvv, exp_month=month,
        exp_year=year, transaction_id=transaction_id, decline=decline, site_id=site_id,
        site_url=site_url or None, descriptor=descriptor or None, payer=person, facts=facts,
        sense_key=sense_key or None, campaign=campaign or None, notes=notes,
    )  # fmt: skip


def _kind(fields: Fields, transaction: Fields) -> tuple[str, tuple[str, ...]]:
    """Hold or take the amount. Clients up to July 2024 say so inside `transaction`, where others tell what the declined
    call was: of the two readings the one that takes no money.
    """
    kind = fields.text("transactionType", maximum=32).upper()
    if not kind and transaction.text("transactionType", maximum=32).upper() == "AUTHORIZATION":
        return "AUTHORIZATION", (HELD,)
    if kind not in ("AUTHORIZATION", "PURCHASE", ""):
        fields.complain("transactionType", "must be AUTHORIZATION or PURCHASE")
    return kind or "PURCHASE", ()


def _misspelt(fields: Fields) -> None:
    """A slip in one of these names would take money at once that is to be taken later: it is asked about instead."""
    strangers = fields.unknown(_NAMES)
    for meant, cutoff in _WEIGHTY.items():
        name = next((one for one in strangers if is_like(one, meant.lower(), cutoff)), None)
        if name is not None and not fields.has(meant):
            fields.complain(meant, text=f"The field {name!r} is not known; did you mean {meant}?")


def _decline(transaction: Fields) -> dict[str, Any]:
    """The answer that the merchant got; required as on the wire."""
    for name in RESULTS:
        transaction.text(name, required=True, maximum=16)
    happened = happened_at(transaction)
    return {
        "code": code_text(transaction, required=True), "source": transaction.text("responseCodeSource", required=True),
        "text": transaction.text("responseDescription"), "advice": transaction.text("adviceCode", maximum=4) or None,
        "at": happened.isoformat() if happened else None,
    }  # fmt: skip


def _expiry(method: Fields, required: bool) -> tuple[int, int]:
    """The card's own; needed only with a card number, a token knows it."""
    month = method.whole("expirationMonth", low=1, high=12, required=required) or 0
    year = method.whole("expirationYear", low=0, high=2100, required=required) or 0
    return month, year + 2000 if 0 < year < 100 else year


def _facts(fields: Fields, transaction: Fields, method: Fields, kind: str) -> dict[str, Any]:
    """What is kept besides, none of it about a person."""
    funding = method.text("cardType", maximum=16).lower()
    facts: dict[str, Any] = {
        "transaction_type": kind,
        "is_recurring": fields.flag("isRecurring"),
        "funding": funding if funding in ("credit", "debit") else None,
        **offsets_of(transaction, fields.object("billingInformation").text("countryCode")),
        "items": items_of(fields),
        "subscription": fields.plain("subscription", _SUBSCRIPTION),
        "three_d_secure": fields.plain("threeDSecure", _THREE_D_SECURE),
        "network_transaction_id": transaction.text("networkTransactionId", maximum=64),
        "agreement": "recurring" if fields.flag("isRecurring") else None,
        "correlation_id": fields.text("correlationId", maximum=64),
        "sense_key": fields.text("senseKey"),
        "processor_name": transaction.text("processorName"),
    }
    return {name: value for name, value in facts.items() if value not in (None, "", [], {})}


EVALUATE: Final = Operation(
    "POST", "/v1/evaluate", "Submit a declined payment",
    "With `isMIT: false` the customer is waiting: the card is tried once, with the security code if available, and "
    "the response comes within two seconds: APPROVED, DECLINED, or CHALLENGE if only the customer can resolve the "
    "decline; then redirect them to `challengeUrl`. `transactionType: AUTHORIZATION` only authorises the amount: "
    "CAPTUREREQUIRED, then call /capture. An MIT with `expiryDateUtc` is accepted and retried until then: "
    "SUBMITTED. An MIT without it is answered at once, and tried at once if the decline allows it; after "
    "insufficient funds, `nextAttemptAt` is the time of the next attempt. While the rescue continues, the response "
    "is DECLINED; send the same `orderId` with a new `idempotencyKey` to read its state. A decline is HTTP 200 "
    "with `success: false`. `customProperties.warning` names data that would have helped: a missing `customerIp`, "
    "a used security code, an expiry that is too near.",
    group="Rescue", body=EvaluateBody, answers={200: Evaluated}, problems=("kind_switched_off", "blocked", "conflict"),
    examples=examples.EVALUATE,
)  # fmt: skip
METHODS: Final = (Method(EVALUATE, evaluate, "payments"),)
