"""POST /outcome. Source: contract §6, §17.1 (U7)."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from recoup.kernel.ids import parse_id, parse_wire_id, tail
from recoup.kernel.time import iso
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api import examples
from recoup.kit.api.body import UNREAD, read_body
from recoup.kit.api.errors import TABLE
from recoup.kit.api.wire import Envelope, Moment, Shape
from recoup.orders.store.archived import not_found
from recoup.orders.store.find_orders import find_any_order
from recoup.orders.store.wire_orders import order_history
from recoup.rescue.flows.outcome import detail
from recoup.rescue.flows.taken import result_of
from recoup.rescue.store.evaluate import order_outcome


class OutcomeBody(Shape):
    """Which order: one of both names it."""

    order_session_key: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=256,
                description="The `orderId` of /evaluate, or your own order id.",
            ),
        ]
        | UnsetType
    ) = UNSET
    order_id: (
        Annotated[
            str, Meta(max_length=256, description="The same, if `orderSessionKey` is missing.")
        ]
        | UnsetType
    ) = UNSET
    mid: Annotated[Any | None, Meta(extra=UNREAD)] = None


class Happening(Shape):
    """A line of the order's log. Of an attempt that several card processors could have taken:
    `route`, the one that it went to, and `routeReason`, why."""

    sequence: int
    happening: str
    at: Moment
    route: str | UnsetType = UNSET
    route_reason: str | UnsetType = UNSET
    text: str | UnsetType = UNSET
    """The processor's code and words, of a request that it refused."""


class Outcome(Envelope):
    """How the order stands, and how it got there; `NOTFOUND` for an unknown key."""

    status: (
        Literal[
            "SUBMITTED", "PROCESSING", "APPROVED", "DECLINED", "CANCELLED", "EXPIRED", "NOTFOUND"
        ]
        | None
    ) = None
    confirmation_id: str | None = None
    order_id: UUID | UnsetType = UNSET
    external_order_id: str | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    next_attempt_at: Moment | None | UnsetType = UNSET
    refunded_amount: int | UnsetType = UNSET
    """Minor units that went back to the customer, or are owed back."""
    history: list[Happening] | UnsetType = UNSET


api: Final = Api(group="Orders", scope="orders:read", lenient=True)


@api("POST /v1/outcome", deprecated=True, body=OutcomeBody, examples=examples.OUTCOME)
async def outcome(call: Call) -> Outcome:
    """Look up an outcome. Deprecated: read GET /v1/orders/{id} instead. It goes on for clients that
    use it, and accepts any id of the order, including your own; of several orders with your id it
    returns the newest. An unknown id is HTTP 200 with `NOTFOUND`."""
    body, complaints = read_body(call.body, OutcomeBody)
    named = body.order_id or ""
    key = body.order_session_key or named
    if not key:
        complaints.missing("OrderSessionKey")
    complaints.raise_if_any()
    mid, key_id = call.scope.merchant_id, parse_id(key) or parse_wire_id("ord", key)
    orders = await find_any_order(call.services.world.db.reader, key_id, key, mid)
    order_id = orders[0].order_id if orders else None
    row = await order_outcome(call.services.world.db.reader, mid, order_id) if order_id else None
    lines = await order_history(call.services.world.db.reader, mid, order_id) if order_id else []
    if row is None or order_id is None:
        what = "orderSessionKey or orderId" if named else "orderSessionKey"
        says = f"There is no order with this {what}."
        if order_id is not None:
            problem = await not_found(call.services.world.db.reader, mid, order_id, says)
            says = problem.sentence()
        return Outcome(
            status="NOTFOUND",
            success=False,
            status_code=TABLE["not_found"].digits,
            result=says,
        )
    result = result_of(row)
    history = [
        Happening(
            sequence=line.seq,
            happening=line.happening,
            at=iso(line.business_at),
            route=line.body.get("route") or UNSET if line.route_reason else UNSET,
            route_reason=line.route_reason or UNSET,
            text=detail(line.body, row.asset) if line.body.get("fault") else UNSET,
        )
        for line in lines
    ]
    return Outcome.of(
        result,
        status=result.outcome,
        confirmation_id=tail(order_id),
        order_id=order_id,
        refunded_amount=row.refunded_units,
        history=history,
    )
