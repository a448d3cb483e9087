"""POST /orders/{id}/refund. Source: contract §10, §17.1 (U7, U11, C10)."""

from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

from msgspec import Meta

from recoup.kernel.money import UNITS_MAX
from recoup.kernel.problem import Problem
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import examples, field_rules
from recoup.kit.api.body import UNREAD, Complaints, read_body, rule
from recoup.kit.api.errors import REFUND_CODES, REFUND_DIGITS
from recoup.kit.api.wire import Envelope, ErrorTuple, Shape, Text, Text4, Text128
from recoup.refunds.flows.refund import RefundRequest
from recoup.refunds.flows.refund import refund as refund_order
from recoup.rescue.api.payment import check_own
from recoup.rescue.flows.locked import Orders

KEY_MAX: Final = 128
_HOW_MUCH: Final = "The AmountToRefund field is required. Send an amount like 19.99, or items."
_REPEATED: Final = (
    "This is the refund of the same request before, which is still open; no second one was made. "
    "To refund the same "
    "again, send an Idempotency-Key of its own."
)


Count = Annotated[int, Meta(ge=1, le=10**6)]
Units = Annotated[int, Meta(ge=1, le=UNITS_MAX)]


class RefundItem(Shape):
    """A line to pay back, by sku or line."""

    sku: Text | None = None
    line: Annotated[int, Meta(ge=1, le=500)] | None = None
    quantity: Count | None = None
    """Number of pieces."""
    amount: Units | None = None
    """Amount instead of `quantity`, minor units."""


class RefundBody(Shape):
    """`amountToRefund` or `items`."""

    amount_to_refund: Annotated[
        str | float | None, Meta(examples=["19.99"], extra=rule(field_rules.decimal))
    ] = None
    """In whole currency, not cents."""
    items: Annotated[list[RefundItem], Meta(max_length=500)] | None = None
    refund_message: Annotated[str, Meta(max_length=500)] | None = None
    idempotency_key: Text128 | None = None
    """The same key is the same refund."""
    currency: Text4 | None = None
    """Must be the order's currency."""
    mid: UUID | None = None
    """Must match the credential."""
    is_partial_refund: Annotated[bool | None, Meta(extra=UNREAD)] = None
    """Optional; not used."""
    transaction_id: Annotated[str | None, Meta(extra=UNREAD)] = None
    """Optional; not used."""


class Refunded(Envelope):
    """`status` says whether: SUCCESS when it is owed from now on, FAILED when it is refused."""

    status: Literal["SUCCESS", "FAILED"] | None = None
    response_code: str
    """`100`, or the code of the refusal."""
    response_message: str
    order_id: UUID
    transaction_id: UUID | None = None
    """The refund's id."""


api: Final = Api(group="Orders", scope="refunds", lenient=True)


@api(
    "POST /v1/orders/{id}/refund",
    keyed=True,
    body=RefundBody,
    problems=("not_found", "conflict"),
    examples=examples.REFUND,
)
async def refund(call: Call) -> Refunded:
    """Refund an order. Refunds by amount or by line, several times until nothing is left. A refused
    refund is HTTP 200 with `FAILED` and a response code. With an idempotency key, a repeat is the
    same refund; without one, only an identical request while the first is open, and the answer's
    `warning` says so."""
    order_id = call.object_id()
    request = _request(call)
    try:
        made = await refund_order(
            call.services.world, call.services.get(Orders), call.scope, order_id, request
        )
    except Problem as problem:
        if problem.code not in REFUND_CODES:
            raise
        return _refused(problem, order_id)
    return Refunded(
        response_code="100",
        response_message="APPROVED",
        transaction_id=made.refund_id,
        status="SUCCESS",
        order_id=made.order_id,
        custom_properties={"warning": _REPEATED} if made.repeated else {},
    )


def _refused(problem: Problem, order_id: UUID) -> Refunded:
    text, code = problem.message, REFUND_CODES[problem.code]
    # Of the remainder clients know the contract's sentence; the other refusals say what to do as
    # well.
    error_text = text if problem.code == "over_remainder" else problem.sentence()
    return Refunded(
        response_code=code,
        response_message=text,
        order_id=order_id,
        success=False,
        status="FAILED",
        result=problem.sentence(),
        status_code=REFUND_DIGITS[problem.code],
        errors=[ErrorTuple(item1=error_text, item2=code, item3=code, item4=True)],
    )


def _request(call: Call) -> RefundRequest:
    """Raises: Problem(invalid)."""
    body, complaints = read_body(call.body, RefundBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    items = tuple(_item(item, index, complaints) for index, item in enumerate(body.items or ()))
    if body.items is not None:
        if body.amount_to_refund is not None:
            complaints.add("Items", text="Send amountToRefund or items, not both.")
    elif body.amount_to_refund is None:
        complaints.add("AmountToRefund", text=_HOW_MUCH)
    key = body.idempotency_key or call.headers.get("idempotency-key", "").strip()
    if len(key) > KEY_MAX:
        complaints.add("IdempotencyKey", f"must be at most {KEY_MAX} characters long")
    complaints.raise_if_any()
    return RefundRequest(
        cast("str | None", body.amount_to_refund),
        items if body.items is not None else None,
        (body.currency or "").upper() or None,
        body.refund_message or "",
        key or None,
        door="rescue",
    )


def _item(item: RefundItem, index: int, complaints: Complaints) -> dict[str, Any]:
    if item.line is None and not item.sku:
        complaints.add(f"Items[{index}].Sku", text="Name the item by sku or line.")
    return {
        "line": item.line,
        "sku": item.sku or "",
        "quantity": item.quantity,
        "amount": item.amount,
    }
