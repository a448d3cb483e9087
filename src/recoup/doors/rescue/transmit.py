"""POST /transmit and PATCH /transmit/{id}. Source: contract §3, §17.1."""

from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.described import Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue import examples
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.payment import check_own_fields, code_text, happened_at, person_of
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.declined import TransmitBody, UpdateBody
from recoup.doors.rescue.shapes.declined import Transmitted as Answer
from recoup.flows.cards.transmit import Transmitted
from recoup.kernel.ids import parse_id
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem


async def transmit(call: Call) -> Reply:
    """A new copy, or, with the `transmitId` of an earlier one, what became of it."""
    fields = Fields(call.body)
    known = fields.identifier("transmitId")
    fields.raise_if_any()
    if known is not None:
        await call.services.transmit.update(call.scope, known, read_outcome(fields))
        return _reply(known)
    given = read_transmitted(fields, call.scope.merchant_id, call.services.world.policy)
    return _reply(await call.services.transmit.transmit(call.scope, given))


async def update(call: Call) -> Reply:
    transmit_id = parse_id(call.path["id"])
    if transmit_id is None:
        raise Problem("not_found", "There is no such transmission.", cure="Use the transmitId that /transmit answered.")
    fields = Fields(call.body)
    await call.services.transmit.update(call.scope, transmit_id, read_outcome(fields))
    return _reply(transmit_id)


def _reply(transmit_id: Any) -> Reply:
    return Reply(Answer(transmit_id=transmit_id, result="success"))


def read_transmitted(fields: Fields, merchant_id: UUID, policy: Policy) -> Transmitted:
    """Every field checked, all complaints at once. Raises: Problem(invalid)."""
    check_own_fields(fields, merchant_id)
    declined = fields.flag("isDeclined", required=True)
    external_id = fields.reference("orderId", maximum=128)
    if not external_id and "OrderId" not in fields.errors:
        fields.complain("orderId", text="Merchant's orderId is required")
    transaction, method = fields.object("transaction"), fields.object("paymentMethod")
    units = transaction.units("amount", low=0, high=policy.amount_max, required=True) or 0
    currency = transaction.currency("currency")
    person = person_of(fields, fields.text("customerIp", maximum=64))
    bin_, last4 = method.text("cardBinNumber", maximum=8), method.text("cardLast4Digits", maximum=4)
    if any(text and not text.isdigit() for text in (bin_, last4)):
        method.complain("cardBinNumber", "must be digits, as must CardLast4Digits")
    number = method.text("cardNumber", maximum=64).replace(" ", "").replace("-", "")
    if number.isdigit() and len(number) > 10:
        method.complain("cardNumber", text="Send no card number here, only its first six and last four digits.")
    facts = {
        "source": fields.text("orderSource", maximum=64), "recurring": fields.flag("isRecurring"),
        "type": transaction.text("transactionType", maximum=32), "avs": transaction.text("avsResultCode", maximum=16),
        "cvv_result": transaction.text("cvvResultCode", maximum=16), "processor": transaction.text("processorName"),
        "brand": method.text("cardBrand", maximum=32), "funding": method.text("cardType", maximum=16),
        "country": method.text("cardCountry", maximum=32), "site_url": fields.text("siteUrl", maximum=512),
        "subscription": fields.object("subscription").text("subscriptionId"),
    }  # fmt: skip
    code, source = code_text(transaction, required=False), transaction.text("responseCodeSource")
    transaction_id, happened = transaction.reference("id", maximum=128), happened_at(transaction)
    is_mit = bool(fields.flag("isMIT"))
    fields.raise_if_any()
    return Transmitted(
        external_id=external_id, transaction_id=transaction_id, is_declined=bool(declined),
        is_mit=is_mit, units=units, currency=currency, code_source=source or None,
        code=code or None, bin=bin_[:6] or None, last4=last4 or None,
        payer={"external_id": person.external_id, "email": person.email, "phone": person.phone,
               "name": f"{person.first_name} {person.last_name}".strip()},
        transacted_at=happened, facts={k: v for k, v in facts.items() if v not in (None, "")},
    )  # fmt: skip


def read_outcome(fields: Fields) -> dict[str, Any]:
    """What may be told later: approved or declined after all, refunded, charged back."""
    outcome: dict[str, Any] = {}
    declined = fields.flag("isDeclined")
    if declined is not None:
        outcome["is_declined"] = declined
    for name in ("outcome", "refund", "chargeback"):
        value = fields.get(name)
        if isinstance(value, str):
            outcome[name] = fields.text(name)
        elif isinstance(value, dict):
            inner = fields.object(name)
            outcome[name] = {
                "amount": inner.whole("amount", low=0, high=10**12), "reason": inner.text("reason"),
                "id": inner.text("id"), "status": inner.text("status"),
            }  # fmt: skip
        elif value is not None:
            fields.complain(name, "must be a string or an object")
    transaction = fields.object("transaction")
    if transaction.has("responseCode"):
        outcome["code"] = code_text(transaction, required=False)
    word = str(outcome.get("outcome") or transaction.text("responseStatus")).upper()
    if declined is None and word in ("APPROVED", "DECLINED"):
        outcome["is_declined"] = word == "DECLINED"
    if not outcome:
        fields.complain("outcome", text="Send isDeclined, outcome, refund or chargeback: what became of it.")
    fields.raise_if_any()
    return outcome


TRANSMIT: Final = Operation(
    "POST", "/v1/transmit", "Copy a processed payment",
    "Send every payment, approved or declined, within a day. It starts no rescue; an approval of an order that is "
    "being rescued ends the rescue. With `transmitId` it reports the outcome of an earlier copy, and needs no "
    "other fields of a copy.",
    group="Rescue", body=TransmitBody, answers={200: Answer}, problems=("not_found",), examples=examples.TRANSMIT,
)  # fmt: skip
UPDATE: Final = Operation(
    "PATCH", "/v1/transmit/{id}", "Report the outcome of a copy",
    "Approved or declined later, refunded, or charged back.", group="Rescue", body=UpdateBody, answers={200: Answer},
    problems=("not_found",), examples=examples.UPDATE,
)  # fmt: skip
METHODS: Final = (Method(TRANSMIT, transmit, "payments"), Method(UPDATE, update, "payments"))
