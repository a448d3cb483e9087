"""POST /charges. Source: contract stablecoin-api §2.1."""

from datetime import timedelta
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct

from recoup.kernel.filled import filled
from recoup.kernel.problem import invalid
from recoup.kernel.unseen import check_seen
from recoup.keys.api.resource import Reply
from recoup.kit.edge.field_names import UnreadFields
from recoup.orders.rules.cycles import check_link, is_a_cycles
from recoup.stablecoin.api.fields import read
from recoup.stablecoin.api.resource import Call, signed_api
from recoup.stablecoin.api.shapes import (
    Instruction,
    Order,
    Payment,
    instruction_object,
    payment_of,
    refundable_order,
)
from recoup.stablecoin.flows.charge import (
    EXPIRES_IN,
    EXPIRES_IN_MAX,
    EXPIRES_IN_MIN,
    StablecoinChargeRequest,
)

METADATA_MAX: Final = 50
_SECONDS: Final = timedelta(seconds=1)
Key = Annotated[str, Meta(max_length=64)]
Value = Annotated[str, Meta(max_length=500)]


class ChargeBody(Struct, frozen=True):
    merchant_order_id: Annotated[str, Meta(min_length=1, max_length=128)]
    """Your order id, which is the idempotency key."""
    amount: Annotated[str, Meta(examples=["49.90"])]
    """Decimal text, never a number."""
    currency: Annotated[str, Meta(max_length=16, examples=["USDT"])]
    """USDT, USDC or an ISO 4217 code."""
    channel: str | None = None
    """Channel code. Without it and `network` the payer chooses."""
    network: str | None = None
    """`tron`, `base`, `bsc`, …: Recoup chooses the channel."""
    subject: str | None = None
    """Short text shown to the payer, at most 256 characters."""
    description: str | None = None
    """Longer text, at most 2048 characters."""
    metadata: dict[Key, Value] | None = None
    """At most 50 texts of 500 characters, returned unchanged."""
    return_url: str | None = None
    """The payer returns here after paying."""
    cancel_url: str | None = None
    """The payer returns here after cancelling."""
    expires_in_seconds: (
        Annotated[int, Meta(ge=60, le=86400, description="Lifetime of the order.")] | None
    ) = None
    customer: str | None = None
    """Your name or id of the payer, at most 256 characters."""


class ChargeAnswer(Struct, frozen=True):
    order: Order
    payment: Payment
    instruction: Instruction
    idempotent: bool
    """True if the order already existed."""
    warnings: UnreadFields = UNSET


_EXAMPLE: Final = {
    "merchant_order_id": "order-1001", "amount": "49.90", "currency": "USDT", "channel": "mock",
    "subject": "Pro plan", "metadata": {"plan": "pro"}, "return_url": "https://shop.example/thanks",
}  # fmt: skip
api: Final = signed_api("Charges", "payments")


@api(
    "POST /api/v1/charges",
    body=ChargeBody,
    answers={201: ChargeAnswer, 200: ChargeAnswer},
    problems=(
        "customer_blocked",
        "invalid_amount",
        "channel_not_found",
        "channel_environment_mismatch",
        "no_route",
        "settlement_address_required",
        "idempotency_conflict",
        "merchant_suspended",
        "channel_unavailable",
    ),
)
@api.example(
    "A charge on the mock channel",
    _EXAMPLE,
    {
        "order": {
            "merchant_order_id": "order-1001",
            "channel_code": "mock",
            "channel_name": "Mock (test)",
            "settlement_mode": "custodial",
            "amount": "49.90",
            "refunded_amount": "0",
            "currency": "USDT",
            "status": "created",
            "is_test": True,
            "subject": "Pro plan",
            "metadata": {"plan": "pro"},
            "paid_at": None,
        },
        "payment": {
            "status": "requires_action",
            "channel_code": "mock",
            "amount": "49.90",
            "currency": "USDT",
        },
        "instruction": {"type": "redirect"},
        "idempotent": False,
    },
)
async def charge(call: Call) -> Reply:
    """Create a charge. Creates an order with its payment, and returns how the payer pays. The same
    merchant_order_id with the same amount, currency and channel returns the same order with status
    200."""
    done = await call.services.charges.charge(call.scope, request_of(read(call.body, ChargeBody)))
    order, services = done.order, call.services
    payment = await payment_of(services, order, fresh=not done.idempotent)
    answer = ChargeAnswer(
        await refundable_order(services, order),
        payment,
        instruction_object(services, order),
        done.idempotent,
    )
    return Reply(answer, 200 if done.idempotent else 201)


def request_of(body: ChargeBody) -> StablecoinChargeRequest:
    """Raises: Problem(invalid)."""
    check_seen(body.merchant_order_id, "merchant_order_id")
    if is_a_cycles(body.merchant_order_id):
        raise invalid(
            "The field merchant_order_id looks like that of a subscription's cycle; those are "
            "given by us.",
            "merchant_order_id",
            "Use another merchant_order_id: not sub_…-1, sub_…-2 and so on.",
        )
    seconds = EXPIRES_IN if body.expires_in_seconds is None else body.expires_in_seconds * _SECONDS
    assert EXPIRES_IN_MIN <= seconds <= EXPIRES_IN_MAX
    return filled(
        StablecoinChargeRequest,
        body,
        customer=customer_of(body.customer),
        expires_in=seconds,
        facts=facts_of(
            body,
            subject=short(body.subject, "subject", 256),
            description=short(body.description, "description", 2048),
        ),
    )


def facts_of(body: Any, **shown: str | None) -> dict[str, Any]:
    """What is kept with an order of its body. Raises: Problem(invalid)."""
    if len(body.metadata or {}) > METADATA_MAX:
        raise invalid(f"The field metadata has more than {METADATA_MAX} entries.", "metadata")
    facts = shown | {
        "metadata": body.metadata,
        "return_url": check_link(body.return_url, "return_url"),
        "cancel_url": check_link(body.cancel_url, "cancel_url"),
    }
    return {name: value for name, value in facts.items() if value}


def short(text: str | None, field: str, limit: int) -> str | None:
    """Raises: Problem(invalid)."""
    if text is not None and len(text) > limit:
        raise invalid(f"The field {field} has more than {limit} characters.", field)
    return text


def customer_of(text: str | None) -> str | None:
    """Raises: Problem(invalid)."""
    check_seen(short(text, "customer", 256) or "", "customer")
    return text or None
