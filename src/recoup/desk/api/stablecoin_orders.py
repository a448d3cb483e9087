"""GET /orders, GET /orders/:id, and what is done to an order. Source: contract stablecoin-api
§2.2–§2.4; seed 002."""

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct

from recoup.kernel.ids import wire_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import stamp
from recoup.kit.edge.field_names import UnreadFields
from recoup.orders.rules.amounts import text_like
from recoup.orders.rules.lifecycle import OPEN
from recoup.refunds.flows.refund import RefundRequest
from recoup.refunds.flows.refund import refund as refund_order
from recoup.stablecoin.api.fields import LIMIT, Limit, Offset, choice, limit_and_offset, read
from recoup.stablecoin.api.resource import Api, Call, missing
from recoup.stablecoin.api.shapes import (
    Order,
    OrderStatus,
    Payment,
    Settlement,
    checkout_url,
    order_object,
    payment_of,
    refundable_order,
)
from recoup.stablecoin.flows.expire import cancel as cancel_order
from recoup.stablecoin.rules.channels import network_of
from recoup.stablecoin.rules.words import ORDER_STATUSES
from recoup.stablecoin.store.stable_orders import (
    OrderSettlement,
    StableOrder,
    list_stable_orders,
    order_id_of,
    settlements_of,
    stable_order,
)


class ListQuery(Struct, frozen=True):
    status: OrderStatus | None = None
    limit: Limit = LIMIT
    offset: Offset = 0
    merchant_order_id: str | None = None
    """Your order id."""


class OrderList(Struct, frozen=True):
    data: list[Order]
    """Newest first."""
    total: int
    """Exact number of matches."""
    limit: int
    offset: int


class OrderAnswer(Struct, frozen=True):
    order: Order
    payment: Payment | None
    """The latest attempt."""
    settlements: list[Settlement]
    checkout_url: str
    """The hosted page; empty if there is none."""


class OrderOnly(Struct, frozen=True):
    order: Order
    warnings: UnreadFields = UNSET


class RefundBody(Struct, frozen=True):
    amount: str | None = None
    """Decimal text; default: the remaining amount."""
    reason: (
        Annotated[str, Meta(max_length=1000, description="Reason, stored with the refund.")] | None
    ) = None
    to_address: (
        Annotated[
            str,
            Meta(
                max_length=64, description="On a chain: the wallet that gets it, with its checksum."
            ),
        ]
        | None
    ) = None


class CheckoutAnswer(Struct, frozen=True):
    checkout_url: str
    expires_at: str | None


_AT: Final = "/api/v1/orders/{id}"
api: Final = Api(
    group="Orders", credential="signature", scope="orders", lenient=True, body_optional=True
)


@api("GET /api/v1/orders", query=ListQuery)
@api.example("The newest paid orders", None, {"total": 0, "limit": 20, "offset": 0, "data": []})
async def list_all(call: Call) -> OrderList:
    """List orders. Newest first, by page, with an exact total."""
    query, merchant_id = call.query, call.scope.merchant_id
    status = choice(query, "status", ORDER_STATUSES)
    limit, offset = limit_and_offset(query)
    async with call.services.world.db.read() as connection:
        if external := query.get("merchant_order_id"):
            order_id = await order_id_of(connection, merchant_id, external)
            order = await stable_order(connection, merchant_id, order_id) if order_id else None
            fits = order is not None and status in (
                None,
                order_object(call.services, order).status,
            )
            orders, total = (
                ([order] if order and fits and not offset else []),
                int(fits),
            )
        else:
            known = None
            if status is None:
                wall = call.services.world.clocks.wall()
                known = await call.services.totals.total(
                    connection, merchant_id, "stablecoin", wall
                )
            orders, total = await list_stable_orders(
                connection, merchant_id, status, limit, offset, known
            )
    return OrderList([order_object(call.services, order) for order in orders], total, limit, offset)


@api(f"GET {_AT}", problems=("not_found",))
async def read_one(call: Call) -> OrderAnswer:
    """Retrieve an order. With its latest payment, its settlements and the hosted page."""
    order = await _order(call, call.object_id("ord"))
    rows = await settlements_of(call.services.world.db.reader, order.merchant_id, order.order_id)
    settlements = [_settlement(order, row) for row in rows]
    url = checkout_url(call.services, order)
    payment = await payment_of(call.services, order)
    return OrderAnswer(await refundable_order(call.services, order), payment, settlements, url)


def _settlement(order: StableOrder, row: OrderSettlement) -> Settlement:
    net, fee = (
        text_like(units, order.asset, order.amount_text) for units in (row.units, row.fee_units)
    )
    stl = wire_id("stl", row.settlement_id)
    status: Literal["pending", "broadcast", "confirmed", "failed"] = (
        "failed" if row.state == "stuck" else row.state
    )
    network = row.network or (network_of(order.channel) if row.tx_hash else "")
    return Settlement(stl, status, net, fee, row.to_address, row.tx_hash or "", network)


@api(
    f"POST {_AT}/refund",
    scope="refunds",
    body=RefundBody,
    keyed=True,
    problems=(
        "not_found",
        "invalid_amount",
        "refund_destination_required",
        "refund_exceeds_balance",
        "refund_unsupported",
        "order_not_refundable",
        "insufficient_balance",
        "idempotency_conflict",
    ),
)
@api.example(
    "A part of it",
    {"amount": "10.00", "reason": "partial refund"},
    {
        "order": {"status": "partially_refunded", "amount": "49.90", "refunded_amount": "10.00"},
    },
)
async def refund(call: Call) -> OrderOnly:
    """Refund an order. Refunds all or part of an order, up to the wallet's balance: see the order's
    `max_refundable`. Custodial orders only. The same Idempotency-Key is the same refund."""
    order_id = (await _order(call, call.object_id("ord"))).order_id
    body = read(call.body, RefundBody)
    request = RefundRequest(
        body.amount,
        message=body.reason or "",
        key=call.idempotency_key,
        all=body.amount is None,
        door="stablecoin",
        to_address=body.to_address,
    )
    await refund_order(call.services.world, call.services.orders, call.scope, order_id, request)
    return OrderOnly(await refundable_order(call.services, await _order(call, order_id)))


@api(f"POST {_AT}/cancel", problems=("not_found", "invalid_state"))
async def cancel(call: Call) -> OrderOnly:
    """Cancel an order. Possible while nothing was paid."""
    order_id = (await _order(call, call.object_id("ord"))).order_id
    await cancel_order(call.services.world, call.services.orders, call.scope, order_id)
    return OrderOnly(await refundable_order(call.services, await _order(call, order_id)))


@api(f"POST {_AT}/checkout", problems=("not_found", "invalid_state"))
async def checkout(call: Call) -> CheckoutAnswer:
    """Get the hosted page. The link for the payer."""
    order = await _order(call, call.object_id("ord"))
    if order.stage not in OPEN:
        message = (
            f"The order is {order_object(call.services, order).status}; nothing is to be "
            f"paid any more."
        )
        raise Problem("wrong_state", message, cure="Create a new charge.")
    expires_at = stamp(order.expires_at) if order.expires_at else None
    return CheckoutAnswer(checkout_url(call.services, order), expires_at)


async def _order(call: Call, order_id: UUID) -> StableOrder:
    """Raises: Problem(not_found)."""
    order = await call.services.reads.get(call.scope.merchant_id, order_id)
    if order is None:
        raise missing()
    return order
