"""/subscriptions: one charge a cycle. Source: contract stablecoin-api §2.8."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct

from recoup.kernel.filled import filled
from recoup.kernel.ids import wire_id
from recoup.kernel.time import stamp
from recoup.kit.edge.field_names import UnreadFields
from recoup.orders.rules.cycles import COUNT_MAX
from recoup.stablecoin.api.charges import Key, Value, customer_of, facts_of
from recoup.stablecoin.api.fields import LIMIT, Limit, Offset, choice, limit_and_offset, read
from recoup.stablecoin.api.resource import Call, missing, signed_api
from recoup.stablecoin.flows import subscriptions as flow
from recoup.stablecoin.flows.subscriptions import SubscriptionRequest, subscribe
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.stablecoin.store.subscriptions import (
    SubscriptionRow,
    find_subscription,
    list_subscriptions,
)

State = Literal["active", "paused", "past_due", "canceled", "completed"]
STATES: Final = ("active", "paused", "past_due", "canceled", "completed")


class Subscription(Struct, frozen=True):
    id: str
    """`sub_` and an opaque text."""
    title: str
    customer: str | None
    amount: str
    currency: str
    channel: str
    channel_name: str
    interval_unit: Literal["day", "week", "month"]
    interval_count: int
    status: State
    cycles_done: int
    """Cycles charged so far; also the index of the next one."""
    total_cycles: int
    """0: unlimited."""
    billing_anchor: str
    """Cycle n is charged at anchor + n × interval."""
    next_charge_at: str | None
    ends_at: str | None
    last_order_id: str | None
    metadata: dict[str, str]
    created_at: str


class SubscriptionBody(Struct, frozen=True):
    title: Annotated[str, Meta(min_length=1, max_length=256)]
    """Shown to the payer on each charge."""
    amount: str
    """Decimal text, per cycle."""
    currency: Annotated[str, Meta(max_length=16)]
    interval_unit: Literal["day", "week", "month"]
    interval_count: Annotated[int, Meta(ge=1, le=COUNT_MAX)] = 1
    channel: str | None = None
    """Channel code; without it the payer chooses each time."""
    customer: str | None = None
    total_cycles: Annotated[int, Meta(ge=0, le=10_000)] = 0
    """0: unlimited."""
    billing_anchor: (
        Annotated[datetime, Meta(tz=True, description="First charge; default: now.")] | None
    ) = None
    ends_at: Annotated[datetime, Meta(tz=True, description="No cycles after this time.")] | None = (
        None
    )
    metadata: dict[Key, Value] | None = None
    return_url: str | None = None
    cancel_url: str | None = None


class SubscriptionAnswer(Struct, frozen=True):
    subscription: Subscription
    warnings: UnreadFields = UNSET


class SubscriptionList(Struct, frozen=True):
    data: list[Subscription]
    """Newest first."""
    total: int
    limit: int
    offset: int


class ListQuery(Struct, frozen=True):
    status: State | None = None
    limit: Limit = LIMIT
    offset: Offset = 0


_AT: Final = "/api/v1/subscriptions"
_EXAMPLE: Final = {
    "title": "Pro plan", "amount": "9.99", "currency": "USDT", "channel": "mock",
    "interval_unit": "month",
}  # fmt: skip
api: Final = signed_api("Subscriptions", "payments")


@api(
    f"POST {_AT}",
    status=201,
    body=SubscriptionBody,
    keyed=True,
    problems=(
        "invalid_amount",
        "channel_not_found",
        "channel_environment_mismatch",
        "idempotency_conflict",
        "merchant_suspended",
    ),
)
@api.example(
    "Monthly, without end",
    _EXAMPLE,
    {
        "subscription": {
            **_EXAMPLE,
            "interval_count": 1,
            "status": "active",
            "cycles_done": 0,
            "total_cycles": 0,
        },
    },
)
async def create(call: Call) -> SubscriptionAnswer:
    """Create a subscription. Each cycle creates a charge, which the payer pays. The same
    Idempotency-Key is the same subscription."""
    body = read(call.body, SubscriptionBody)
    request = filled(
        SubscriptionRequest,
        body,
        customer=customer_of(body.customer),
        anchor=body.billing_anchor,
        facts=facts_of(body),
        key=call.idempotency_key,
    )
    services = call.services
    made = await subscribe(services.world, services.merchants, call.scope, request)
    return await _answer(call, made)


@api(f"GET {_AT}", query=ListQuery)
async def list_all(call: Call) -> SubscriptionList:
    """List subscriptions. Newest first."""
    limit, offset = limit_and_offset(call.query)
    state = choice(call.query, "status", STATES)
    rows, total = await list_subscriptions(
        call.services.world.db.reader, call.scope.merchant_id, limit, offset, state
    )
    return SubscriptionList([_object(row) for row in rows], total, limit, offset)


@api(f"GET {_AT}/{{id}}", problems=("not_found",))
async def read_one(call: Call) -> SubscriptionAnswer:
    """Retrieve a subscription."""
    return await _answer(call, call.object_id("sub"))


@api(f"POST {_AT}/{{id}}/pause", problems=("not_found", "invalid_state"))
async def pause(call: Call) -> SubscriptionAnswer:
    """Pause. No cycle is charged until the subscription is resumed."""
    await flow.pause(call.services.world, call.scope, call.object_id("sub"))
    return await read_one(call)


@api(f"POST {_AT}/{{id}}/resume", problems=("not_found", "invalid_state"))
async def resume(call: Call) -> SubscriptionAnswer:
    """Resume. Cycles missed in the meantime are skipped."""
    await flow.resume(call.services.world, call.scope, call.object_id("sub"))
    return await read_one(call)


@api(f"POST {_AT}/{{id}}/cancel", problems=("not_found", "invalid_state"))
async def cancel(call: Call) -> SubscriptionAnswer:
    """Cancel. No further cycle is charged; existing orders are unchanged."""
    await flow.end(call.services.world, call.scope, call.object_id("sub"))
    return await read_one(call)


async def _answer(call: Call, subscription_id: UUID) -> SubscriptionAnswer:
    row = await find_subscription(
        call.services.world.db.reader, call.scope.merchant_id, subscription_id
    )
    if row is None:
        raise missing()
    return SubscriptionAnswer(_object(row))


def _object(row: SubscriptionRow) -> Subscription:
    channel = CHANNELS.get(row.channel or "")
    return filled(
        Subscription,
        row,
        id=wire_id("sub", row.subscription_id),
        amount=row.amount_text,
        currency=row.asset,
        channel=row.channel or "",
        channel_name=channel.name if channel else "",
        status=row.state,
        billing_anchor=stamp(row.anchor),
        next_charge_at=stamp(row.next_charge_at) if row.next_charge_at else None,
        ends_at=stamp(row.ends_at) if row.ends_at else None,
        last_order_id=wire_id("ord", row.last_order_id) if row.last_order_id else None,
        metadata=row.facts.get("metadata") or {},
        created_at=stamp(row.created_at),
    )
