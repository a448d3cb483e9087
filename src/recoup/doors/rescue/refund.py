"""POST /orders/{id}/refund. Source: contract §10, §17.1 (U7, U11, C10)."""

from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.described import Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue import examples
from recoup.doors.rescue.errors import REFUND_CODES, REFUND_DIGITS
from recoup.doors.rescue.fields import Fields
from recoup.doors.rescue.payment import NOT_YOUR_MID
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.orders import RefundBody, Refunded
from recoup.doors.rescue.wire import ErrorTuple
from recoup.flows.refunds.refund import RefundRequest
from recoup.flows.refunds.refund import refund as refund_order
from recoup.kernel.problem import Problem

KEY_MAX: Final = 128
_HOW_MUCH: Final = "The AmountToRefund field is required. Send an amount like 19.99, or items."
_REPEATED: Final = (
    "This is the refund of the same request before, which is still open; no second one was made. To refund the same "
    "again, send an Idempotency-Key of its own."
)


async def refund(call: Call) -> Reply:
    """A refund that is refused is HTTP 200 with FAILED; only forms, unknown ids and conflicts are 4xx."""
    order_id = call.object_id()
    asked = _asked(call)
    try:
        made = await refund_order(call.services.world, call.services.orders, call.scope, order_id, asked)
    except Problem as problem:
        if problem.code not in REFUND_CODES:
            raise
        return Reply(_refused(problem, order_id))
    return Reply(Refunded(
        response_code="100", response_message="APPROVED", transaction_id=made.refund_id, status="SUCCESS",
        order_id=made.order_id, custom_properties={"warning": _REPEATED} if made.repeated else {},
    ))  # fmt: skip


def _refused(problem: Problem, order_id: UUID) -> Refunded:
    text, code = problem.message, REFUND_CODES[problem.code]
    # Of the remainder clients know the contract's sentence; the other refusals say what to do as well.
    told = text if problem.code == "over_remainder" else problem.sentence()
    return Refunded(
        response_code=code, response_message=text, order_id=order_id, success=False, status="FAILED",
        result=problem.sentence(), status_code=REFUND_DIGITS[problem.code],
        errors=[ErrorTuple(item1=told, item2=code, item3=code, item4=True)],
    )  # fmt: skip


def _asked(call: Call) -> RefundRequest:
    fields = Fields(call.body)
    mid = fields.identifier("mid")
    if mid is not None and mid != call.scope.merchant_id:
        fields.complain("mid", text=NOT_YOUR_MID)
    amount = _decimal(fields, "amountToRefund")
    items = None
    if fields.has("items"):
        items = tuple(_item(item) for item in fields.objects("items", maximum=500))
        if amount is not None:
            fields.complain("items", text="Send amountToRefund or items, not both.")
    elif amount is None and "AmountToRefund" not in fields.errors:
        fields.complain("amountToRefund", text=_HOW_MUCH)
    key = fields.text("idempotencyKey", maximum=KEY_MAX) or call.headers.get("idempotency-key", "").strip()
    if len(key) > KEY_MAX:
        fields.complain("idempotencyKey", f"must be at most {KEY_MAX} characters long")
    currency = fields.text("currency", maximum=4).upper() or None
    message = fields.text("refundMessage", maximum=500)
    fields.raise_if_any()
    return RefundRequest(amount, items, currency, message, key or None, door="rescue")


def _decimal(fields: Fields, name: str) -> str | None:
    """`amountToRefund` is in whole currency (19.99): a JSON number or decimal text, as it was written."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        fields.complain(name, "must be a decimal like 19.99")
        return None
    if isinstance(value, float):
        exact = Decimal(repr(value))
        value = format(exact, "f") if exact.is_finite() else "nan"
        value = value.rstrip("0").rstrip(".") if "." in value else value
    text = str(value).strip()
    if not any(c.isdigit() for c in text):
        fields.complain(name, "must be a decimal like 19.99")
        return None
    if text.startswith("-") or not any(c in "123456789" for c in text):
        fields.complain(name, "must be more than zero, like 19.99")
        return None
    return text


def _item(item: Fields) -> dict[str, Any]:
    line = item.whole("line", low=1, high=500)
    sku = item.text("sku")
    if line is None and not sku:
        item.complain("sku", text="Name the item by sku or line.")
    return {
        "line": line, "sku": sku, "quantity": item.whole("quantity", low=1, high=10**6),
        "amount": item.whole("amount", low=1, high=10**12),
    }  # fmt: skip


REFUND: Final = Operation(
    "POST", "/v1/orders/{id}/refund", "Refund an order",
    "Refunds by amount or by line, several times until nothing is left. A refused refund is HTTP 200 with `FAILED` "
    "and a response code. With an idempotency key, a repeat is the same refund; without one, only an identical "
    "request while the first is open, and the answer's `warning` says so.",
    group="Orders", body=RefundBody, answers={200: Refunded}, problems=("not_found", "conflict"),
    examples=examples.REFUND,
)  # fmt: skip
METHODS: Final = (Method(REFUND, refund, "orders"),)
