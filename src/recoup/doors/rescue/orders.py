"""GET /orders, GET /orders/{id}, POST /orders/{id}/refund, POST /orders/{id}/cancel, POST /outcome.

Source: contract §6, §8–§11, §17.1 (U3, U4, U7, U11, C9, C10).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import asyncpg

from recoup.doors.edge.keys import folding
from recoup.doors.rescue.errors import REFUND_CODES, REFUND_DIGITS
from recoup.doors.rescue.fields import Fields, parse_moment
from recoup.doors.rescue.resource import Call, Method, Reply
from recoup.doors.rescue.wire import envelope
from recoup.flows.cards.cancel import cancel as cancel_order
from recoup.flows.cards.taken import word_of
from recoup.flows.refunds.refund import RefundAsked
from recoup.flows.refunds.refund import refund as refund_order
from recoup.kernel.ids import parse_id, tail
from recoup.kernel.money import symbol
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.rules.order.faces import STATUS_NAMES
from recoup.store.read.evaluate import order_word
from recoup.store.read.order_counts import count_orders
from recoup.store.read.order_filter import OrderFilter
from recoup.store.read.orders import OrderBy, list_orders_page
from recoup.store.read.wire_orders import order_history, wire_order, wire_orders

PAGE_SIZE_MAX: Final = 200
KEY_MAX: Final = 128
_ORDER_BY: Final[dict[str, OrderBy]] = {"createdon": "placed", "processedon": "created", "amount": "amount"}
_ITEM: Final = dict.fromkeys(("sku", "line", "quantity", "amount"))
_REFUND: Final = {
    **dict.fromkeys(("amountToRefund", "refundMessage", "mid", "isPartialRefund", "transactionId", "idempotencyKey",
                     "currency")),
    "items": _ITEM,
}  # fmt: skip


# one order ----------------------------------------------------------------------------------------------------


async def get_order(call: Call) -> Reply:
    order_id = call.object_id()
    async with call.services.world.db.connection() as connection:
        row = await wire_order(connection, call.scope.merchant_id, order_id)
    if row is None:
        raise Problem("not_found", "There is no such order.", cure="Check the id; it is the orderId of /evaluate.")
    return Reply(order_object(row))


def order_object(row: asyncpg.Record) -> dict[str, Any]:
    """The known fields, and what is ours besides. Amounts in minor units; times business time."""
    order_id, billing = row["order_id"], row["billing"]
    reference = tail(order_id)
    return {
        "id": order_id, "correlationId": row["correlation_id"], "referenceNumber": reference,
        "status": row["status"], "statusName": STATUS_NAMES[row["status"]].upper(),
        "orderPlacedDate": iso(row["placed_at"]), "expiryDate": _iso(row["expires_at"]),
        "billingAddress": billing or {}, "shippingAddress": row["shipping"], "firstName": row["first_name"] or "",
        "lastName": row["last_name"] or "", "email": row["email"] or "", "phone": row["phone"] or "",
        "secondaryEmail": "", "currencyCode": row["asset"], "currencySymbol": symbol(row["asset"]),
        "orderId": order_id, "externalOrderId": row["external_id"], "siteId": row["site_id"],
        "placedDate": iso(row["placed_at"]), "createdDate": _iso(row["created_at"]),
        "customer": f"{row['first_name'] or ''} {row['last_name'] or ''}".strip(),
        "isMIT": row["order_type"] == "MIT", "orderSource": row["source"], "descriptor": row["descriptor"],
        "amount": row["units"], "refundedAmount": row["refunded_units"], "reason": row["reason"],
        "nextAttemptAt": _iso(row["next_attempt_at"]),
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


# the list -----------------------------------------------------------------------------------------------------


async def get_orders(call: Call) -> Reply:
    wanted, number, size, order_by, descending = _list_query(call)
    merchant_id = call.scope.merchant_id
    async with call.services.world.db.connection() as connection:
        page = await list_orders_page(
            connection, wanted, number=number, size=size, order_by=order_by, descending=descending
        )
        count = await count_orders(connection, wanted, exact=True)
        rows = await wire_orders(connection, merchant_id, [r.order_id for r in page.rows])
    total = count.value
    pages = -(-total // size)
    first = (number - 1) * size + 1 if rows else 0
    return Reply({
        "orders": {
            "firstItemOnPage": first, "lastItemOnPage": first + len(rows) - 1 if rows else 0, "pageNumber": number,
            "pageSize": size, "pageCount": pages, "totalItemCount": total, "isFirstPage": number == 1,
            "isLastPage": number >= pages, "hasPreviousPage": number > 1 and total > 0, "hasNextPage": number < pages,
            "data": [order_object(row) for row in rows],
        },
        "statuses": {str(code): name for code, name in STATUS_NAMES.items()},
        "success": True,
    })  # fmt: skip


def _list_query(call: Call) -> tuple[OrderFilter, int, int, OrderBy, bool]:
    query, errors = call.query, Fields({})

    def one(name: str) -> str:
        return (query.get(name) or [""])[0].strip()

    def whole(name: str, default: int, low: int, high: int) -> int:
        text = one(name.lower())
        if text and not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
            errors.complain(name, f"must be a whole number between {low} and {high}")
            return default
        return int(text) if text else default

    def moment(name: str) -> datetime | None:
        text = one(name)
        found = parse_moment(text.replace(" ", "+")) if text else None
        if text and found is None:
            errors.complain(name, "must be an ISO 8601 date")
        return found

    statuses = []
    for text in query.get("status", []):
        if text not in {str(code) for code in STATUS_NAMES}:
            errors.complain("status", f"must be one of 0 to {max(STATUS_NAMES)}")
            break
        statuses.append(int(text))
    size, number = whole("pageSize", 10, 1, PAGE_SIZE_MAX), whole("pageNumber", 1, 1, 1_000_000)
    placed_from, placed_to = moment("from"), moment("to")
    order_by = _ORDER_BY.get(one("orderby").lower() or "createdon")
    if order_by is None:
        errors.complain("orderBy", "must be createdOn, processedOn or amount")
    sort = one("sort").lower() or "desc"
    if sort not in ("asc", "desc"):
        errors.complain("sort", "must be asc or desc")
    mid = one("mid")
    if mid and parse_id(mid) != call.scope.merchant_id:
        errors.complain("mid", text="The Mid does not belong to this credential.")
    text = one("query")
    if len(text) > 256:
        errors.complain("query", "must be at most 256 characters long")
    errors.raise_if_any()
    wanted = OrderFilter(
        call.scope.merchant_id, statuses=tuple(dict.fromkeys(statuses)), placed_from=placed_from, placed_to=placed_to,
        door="rescue", text=text,
    )  # fmt: skip
    return wanted, number, size, order_by or "placed", sort == "desc"


# refund, cancel, outcome --------------------------------------------------------------------------------------


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
    return Reply(envelope(
        responseCode="100", responseMessage="APPROVED", transactionId=made.refund_id, status="SUCCESS",
        orderId=made.order_id,
    ))  # fmt: skip


def _refused(problem: Problem, order_id: Any) -> dict[str, Any]:
    text, code = problem.message, REFUND_CODES[problem.code]
    return envelope(
        responseCode=code, responseMessage=text, transactionId=None, success=False, status="FAILED",
        result=problem.sentence(), statusCode=REFUND_DIGITS[problem.code], orderId=order_id,
        errors=[{"item1": text, "item2": code, "item3": code, "item4": True}],
    )  # fmt: skip


def _asked(call: Call) -> RefundAsked:
    fields = Fields(call.body)
    mid = fields.identifier("mid")
    if mid is not None and mid != call.scope.merchant_id:
        fields.complain("mid", text="The Mid does not belong to this credential.")
    amount = _decimal(fields, "amountToRefund")
    items = None
    if fields.has("items"):
        items = tuple(_item(item) for item in fields.objects("items", maximum=500))
        if amount is not None:
            fields.complain("items", text="Send amountToRefund or items, not both.")
    elif amount is None and "AmountToRefund" not in fields.errors:
        fields.missing("amountToRefund")
    key = fields.text("idempotencyKey", maximum=KEY_MAX) or call.headers.get("idempotency-key", "").strip()
    if len(key) > KEY_MAX:
        fields.complain("idempotencyKey", f"must be at most {KEY_MAX} characters long")
    currency = fields.text("currency", maximum=4).upper() or None
    message = fields.text("refundMessage", maximum=500)
    fields.raise_if_any()
    return RefundAsked(amount, items, currency, message, key or None)


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
        fields.complain(name, "must be more than zero")
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


async def cancel(call: Call) -> Reply:
    """200 and `{}`: any field in the answer reads as a failure to existing clients."""
    await cancel_order(call.services.world, call.services.orders, call.scope, call.object_id())
    return Reply({})


async def outcome(call: Call) -> Reply:
    """Deprecated by the contract, still used by partners. With what became of the order line by line (additive)."""
    fields = Fields(call.body)
    text = fields.text("orderSessionKey", required=True)
    fields.raise_if_any()
    order_id = parse_id(text)
    async with call.services.world.db.connection() as connection:
        row = await order_word(connection, call.scope.merchant_id, order_id) if order_id else None
        lines = await order_history(connection, call.scope.merchant_id, order_id) if row and order_id else []
    if row is None or order_id is None:
        return Reply(envelope(status="NOTFOUND", confirmationId=None, success=False, statusCode="404101",
                              result="There is no order with this orderSessionKey."))  # fmt: skip
    word = word_of(row)
    history = [{"sequence": line["seq"], "happening": line["happening"], "at": iso(line["business_at"])}
               for line in lines]  # fmt: skip
    return Reply(envelope(
        status=word.outcome, confirmationId=tail(order_id), orderId=order_id, externalOrderId=word.external_id,
        reason=word.reason, nextAttemptAt=_iso(word.next_attempt_at), history=history,
    ))  # fmt: skip


LIST: Final = {"GET": Method(get_orders, "orders")}
ONE: Final = {"GET": Method(get_order, "orders")}
REFUND: Final = {"POST": Method(refund, "orders", folding(_REFUND))}
CANCEL: Final = {"POST": Method(cancel, "orders", folding({}), body_optional=True)}
OUTCOME: Final = {"POST": Method(outcome, "orders", folding({"orderSessionKey": None, "mid": None}))}
