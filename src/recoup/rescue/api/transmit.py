"""POST /transmit and PATCH /transmit/{id}. Source: contract §3, §17.1."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import examples
from recoup.kit.api.body import read_body, read_whole
from recoup.networks.codes import phrase_in, source_by_brand
from recoup.rescue.api.declined_shapes import (
    Happened,
    KnownCopy,
    PaymentMethodCopy,
    TransactionUpdate,
    TransmitBody,
    UpdateBody,
)
from recoup.rescue.api.declined_shapes import Transmitted as Answer
from recoup.rescue.api.payment import (
    advice_of,
    check_amount,
    check_own,
    happened_at,
    person_of,
    unread_time,
)
from recoup.rescue.flows.transmit import Transmit, Transmitted
from recoup.rescue.rules.intake_warnings import in_sentences, of_code

_NO_NUMBER: Final = "Send no card number here, only its first six and last four digits."


api: Final = Api(group="Rescue", scope="payments", lenient=True)


@api(
    "POST /v1/transmit",
    body=TransmitBody,
    intake=True,
    problems=("not_found",),
    examples=examples.TRANSMIT,
)
async def transmit(call: Call) -> Answer:
    """Copy a processed payment. Send every payment, approved or declined, within a day. It starts
    no rescue; an approval of an order that is being rescued ends the rescue. With `transmitId` it
    reports the outcome of an earlier copy, and needs no other fields of a copy."""
    scope = call.scope
    known = read_whole(call.body, KnownCopy).transmit_id if "transmitId" in call.body else None
    if known is not None:
        await call.services.get(Transmit).update(scope, known, read_outcome(call.body))
        return _reply(known)
    given = read_transmitted(call.body, scope.merchant_id)
    return _reply(*await call.services.get(Transmit).transmit(scope, given))


@api(
    "PATCH /v1/transmit/{id}",
    body=UpdateBody,
    intake=True,
    problems=("not_found",),
    examples=examples.UPDATE,
)
async def update(call: Call) -> Answer:
    """Report the outcome of a copy. Approved or declined later, refunded, or charged back."""
    transmit_id = call.object_id(
        noun="transmission", cure="Use the transmitId that /transmit answered."
    )
    await call.services.get(Transmit).update(call.scope, transmit_id, read_outcome(call.body))
    return _reply(transmit_id)


def _reply(transmit_id: Any, warnings: Sequence[str] = ()) -> Answer:
    properties = {"warning": " ".join(in_sentences(warnings))} if warnings else {}
    return Answer(transmit_id=transmit_id, result="success", custom_properties=properties)


def read_transmitted(raw: Any, merchant_id: UUID) -> Transmitted:
    """Every field checked, all complaints at once. Raises: Problem(invalid)."""
    body, complaints = read_body(raw, TransmitBody)
    transaction, method = body.transaction, body.payment_method or PaymentMethodCopy()
    check_own(body.mid, merchant_id, complaints)
    check_amount(transaction, complaints)
    bin_, last4 = method.card_bin_number or "", method.card_last4_digits or ""
    if any(text and not text.isdigit() for text in (bin_, last4)):
        complaints.add("PaymentMethod.CardBinNumber", "must be digits, as must CardLast4Digits")
    number = (method.card_number or "").replace(" ", "").replace("-", "")
    if number.isdigit() and len(number) > 10:
        complaints.add("PaymentMethod.CardNumber", text=_NO_NUMBER)
    advice = advice_of(transaction, complaints)
    complaints.raise_if_any()
    person = person_of(body, method.holder_name or "")
    notes = unread_time(raw, transaction)
    if body.is_declined:
        notes += of_code(transaction.response_code_source or "", transaction.response_code)
    return Transmitted(
        external_id=body.order_id,
        transaction_id=transaction.id or "",
        is_declined=body.is_declined,
        is_mit=bool(body.is_mit),
        units=transaction.amount,
        currency=transaction.currency,
        code_source=source_by_brand(
            transaction.response_code_source, transaction.response_code, method.card_brand
        ),
        code=transaction.response_code,
        bin=bin_[:6] or None,
        last4=last4 or None,
        payer={
            "external_id": person.external_id,
            "email": person.email,
            "phone": person.phone,
            "name": f"{person.first_name} {person.last_name}".strip(),
        },
        transacted_at=happened_at(transaction),
        facts=_facts(body, method, advice),
        notes=notes,
    )


def _facts(body: TransmitBody, method: PaymentMethodCopy, advice: str | None) -> dict[str, Any]:
    """Further facts that are kept, none of it about a person."""
    transaction = body.transaction
    phrase = phrase_in(transaction.response_description) if body.is_declined else None
    facts = {
        "advice": advice,
        "beside": [str(phrase)] if phrase else None,
        "source": body.order_source,
        "recurring": body.is_recurring,
        "type": transaction.transaction_type,
        "avs": transaction.avs_result_code,
        "cvv_result": transaction.cvv_result_code,
        "processor": transaction.processor_name,
        "brand": method.card_brand,
        "funding": method.card_type,
        "country": method.card_country,
        "site_url": body.site_url,
        "subscription": body.subscription.subscription_id
        if body.subscription is not None
        else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def read_outcome(raw: Any) -> dict[str, Any]:
    """Reads a later outcome: approved or declined after all, refunded, charged back. Raises:
    Problem(invalid)."""
    body, complaints = read_body(raw, UpdateBody)
    outcome: dict[str, Any] = (
        {"is_declined": body.is_declined} if body.is_declined is not None else {}
    )
    for name, became in (
        ("outcome", body.outcome),
        ("refund", body.refund),
        ("chargeback", body.chargeback),
    ):
        if isinstance(became, Happened):
            outcome[name] = {
                "amount": became.amount,
                "reason": became.reason or "",
                "id": became.id or "",
                "status": became.status or "",
            }
        elif became is not None:
            outcome[name] = became
    transaction = body.transaction or TransactionUpdate()
    if transaction.response_code is not None:
        outcome["code"] = transaction.response_code
    if outcome.get("outcome"):
        complaints.forget("Transaction.ResponseStatus")
    state = str(outcome.get("outcome") or transaction.response_status or "").upper()
    if body.is_declined is None and state in ("APPROVED", "DECLINED"):
        outcome["is_declined"] = state == "DECLINED"
    if not outcome:
        complaints.add(
            "Outcome", text="Send isDeclined, outcome, refund or chargeback: what became of it."
        )
    complaints.raise_if_any()
    return outcome
