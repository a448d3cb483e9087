"""Answers of this API: orders, payments, instructions. The descriptions are the documentation's
text."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from recoup.kernel.ids import wire_id
from recoup.kernel.time import stamp
from recoup.orders.flows.hosted_link import checkout_token
from recoup.orders.rules.amounts import text_like
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.stablecoin.api.paying import paying
from recoup.stablecoin.api.resource import Services
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.stablecoin.rules.words import order_status, payment_status
from recoup.stablecoin.store.stable_orders import StableOrder
from recoup.stablecoin.store.wallets import refund_room
from recoup.terms.rules.fees import KEEP
from recoup.terms.rules.refunds import most_refundable

OrderStatus = Annotated[
    Literal[
        "created",
        "pending",
        "paid",
        "expired",
        "canceled",
        "failed",
        "refunded",
        "partially_refunded",
    ],
    Meta(description="Status of the order."),
]
Amount = Annotated[
    str, Meta(description="Decimal text, in the scale of the charge.", examples=["49.90"])
]
Currency = Annotated[str, Meta(description="USDT, USDC or an ISO 4217 code.", examples=["USDT"])]
Moment = Annotated[str, Meta(description="RFC 3339 in UTC.", examples=["2026-06-11T08:30:00Z"])]
PageUrl = Annotated[
    str, Meta(description="The hosted page.", examples=["http://127.0.0.1:8400/checkout/c_5mPq"])
]
Channel = Annotated[
    str, Meta(description="Channel code; empty until the payer has chosen one.", examples=["mock"])
]


class Order(Struct, frozen=True):
    id: Annotated[str, Meta(examples=["ord_01kq1g5z0fd7s8v3m2n4p6r9t1"])]
    """`ord_` and an opaque text."""
    merchant_order_id: str
    """Your order id."""
    channel_code: Channel
    channel_name: str
    """Name shown to payers."""
    settlement_mode: Literal["direct", "custodial"] | None
    """Fixed once the channel is known."""
    amount: Amount
    refunded_amount: str
    """Total of all refunds; `0` without one."""
    currency: Currency
    status: OrderStatus
    is_test: bool
    subject: str
    """Short text shown to the payer."""
    description: Annotated[str, Meta(examples=[""])]
    """Longer text."""
    metadata: dict[str, str]
    """Your metadata, unchanged."""
    customer: str | None
    """Your name or id of the payer."""
    subscription_id: str | None
    expires_at: Moment | None
    paid_at: Moment | None
    created_at: Moment
    max_refundable: (
        Annotated[
            str,
            Meta(
                description="The most that a refund can take now, by what the wallet holds. Lists "
                "leave it out."
            ),
        ]
        | UnsetType
    ) = UNSET


class Confirmations(Struct, frozen=True):
    done: int
    of: int
    """As many as are required."""


class Deposit(Struct, frozen=True):
    tx_hash: str
    chain: Annotated[str, Meta(examples=["base"])]
    """Network of the transfer."""
    asset: Annotated[str, Meta(examples=["USDC"])]
    """USDT or USDC."""
    token_contract: str
    right_token: bool
    """True: it pays this order."""
    amount: Annotated[str, Meta(examples=["49.90"])]
    """Decimal text."""
    status: Literal["seen", "confirmed", "orphaned"]
    """`orphaned`: the chain took it back; it counts for nothing."""
    confirmations: Confirmations
    block_at: Annotated[str, Meta(examples=["2026-06-11T08:31:04Z"])]
    """Time of its block."""


PaymentException = Literal["underpaid", "overpaid", "late", "wrong_token"]


class Payment(Struct, frozen=True):
    id: Annotated[str, Meta(examples=["pay_01kq1g5z3ae8w4x6y2b5c7d9f0"])]
    """`pay_` and an opaque text."""
    status: Literal["requires_action", "processing", "succeeded", "failed", "canceled", "expired"]
    channel_code: Channel
    channel_ref: Annotated[str, Meta(examples=[""])]
    """Transaction hash; empty until it is seen."""
    amount: Amount
    currency: Currency
    amount_received: (
        Annotated[str, Meta(description="Chains only: what came and is confirmed.")] | UnsetType
    ) = UNSET
    confirmations: (
        Annotated[
            Confirmations,
            Meta(description="Chains only: of the transfer with the fewest that still counts."),
        ]
        | UnsetType
    ) = UNSET
    deposits: (
        Annotated[
            list[Deposit], Meta(description="Chains only: the newest 50 transfers, oldest first.")
        ]
        | UnsetType
    ) = UNSET
    deposit_count: (
        Annotated[int, Meta(description="Chains only: how many transfers came.")] | UnsetType
    ) = UNSET
    exceptions: (
        Annotated[
            list[PaymentException],
            Meta(
                description=(
                    "Chains only: what is wrong with what came; several are possible. `underpaid`: "
                    "less than the amount"
                    " so far, also of an order that is paid by the merchant's tolerance; `late`: "
                    "after the order's end;"
                    " `wrong_token`: a transfer that cannot pay this order."
                )
            ),
        ]
        | UnsetType
    ) = UNSET


class Terms(Struct, frozen=True):
    """The terms of a deposit address: store them, they open it."""

    order: str
    """32 bytes in hexadecimal digits."""
    merchant: str
    """Wallet that gets the net amount."""
    treasury: str
    """Wallet that gets the fee."""
    net: Annotated[str, Meta(examples=["49650000"])]
    """In the token's base units."""
    fee: Annotated[str, Meta(examples=["250000"])]
    """In the token's base units."""


class Instruction(Struct, frozen=True):
    type: Literal["crypto_address", "redirect", "client_secret", "none"]
    """How the payer pays; `none`: no further payment is needed."""
    redirect_url: PageUrl | UnsetType = UNSET
    checkout_url: PageUrl | UnsetType = UNSET
    expires_at: Moment | UnsetType = UNSET
    deposit_address: Annotated[str, Meta(description="Of this order alone.")] | UnsetType = UNSET
    amount_due: (
        Annotated[str, Meta(description="The order's amount.", examples=["49.90"])] | UnsetType
    ) = UNSET
    chain: Annotated[str, Meta(description="Network to pay on.", examples=["base"])] | UnsetType = (
        UNSET
    )
    asset: Annotated[str, Meta(description="Token to pay with.", examples=["USDC"])] | UnsetType = (
        UNSET
    )
    required_confirmations: int | UnsetType = UNSET
    token_contract: (
        Annotated[str, Meta(description="Contract of the token on this network.")] | UnsetType
    ) = UNSET
    decimals: (
        Annotated[int, Meta(description="Decimals of the token.", examples=[6])] | UnsetType
    ) = UNSET
    qr: (
        Annotated[str, Meta(description="Content of the QR code: the plain address.")] | UnsetType
    ) = UNSET
    terms: (
        Annotated[
            Terms,
            Meta(
                description="Store them: with them anybody can rebuild the address and sweep it to "
                "these wallets."
            ),
        ]
        | UnsetType
    ) = UNSET


class Settlement(Struct, frozen=True):
    id: str
    """`stl_` and an opaque text."""
    status: Literal["pending", "broadcast", "confirmed", "failed"]
    """`failed`: the channel refused it; the money is still yours, and the operator handles it."""
    amount: str
    """Net of the fee."""
    fee: str
    to_address: str
    """Your own wallet."""
    tx_hash: str
    """Empty until it is sent."""
    network: Annotated[str, Meta(examples=["base"])]
    """The network of `tx_hash`."""


def order_object(services: Services, order: StableOrder) -> Order:
    channel = CHANNELS.get(order.channel)
    facts = order.facts
    return Order(
        wire_id("ord", order.order_id),
        order.external_id,
        order.channel,
        channel.name if channel else "",
        channel.settlement if channel else None,
        order.amount_text,
        text_like(order.refunded_units, order.asset, order.amount_text),
        order.asset,
        order_status(
            order.stage,  # type: ignore[arg-type]
            order.units,
            order.refunded_units,
            order.disputed,
        ),
        services.world.policy.test_mode,
        facts.get("subject") or "",
        facts.get("description") or "",
        facts.get("metadata") or {},
        order.customer,
        wire_id("sub", UUID(facts["subscription_id"])) if "subscription_id" in facts else None,
        stamp(order.expires_at) if order.expires_at else None,
        stamp(order.paid_at) if order.paid_at else None,
        stamp(order.placed_at),
    )


def payment_object(order: StableOrder) -> Payment:
    return Payment(
        wire_id("pay", order.attempt_id),
        payment_status(order.attempt_state, order.stage),  # type: ignore[arg-type]
        order.channel,
        order.reference or "",
        order.amount_text,
        order.asset,
    )


async def refundable_order(services: Services, order: StableOrder) -> Order:
    """The order with the most that can be refunded of it now."""
    shown, channel, most = order_object(services, order), CHANNELS.get(order.channel), 0
    if order.stage is Stage.COMPLETED and channel and channel.supports_refund:
        room = await refund_room(
            services.world.db.reader, order.merchant_id, order.asset, order.order_id
        )
        if room:
            policy = room.fee_refund or KEEP
            most = most_refundable(order.units, order.refunded_units, room.free, room.fee, policy)
    return replace(shown, max_refundable=text_like(most, order.asset, order.amount_text))


async def payment_of(services: Services, order: StableOrder, *, fresh: bool = False) -> Payment:
    """The payment with what came of it on a chain. `fresh`: it was made by this call."""
    payment = payment_object(order)
    for feature in paying():
        payment = await feature.payment(services.world, order, payment, fresh) or payment
    return payment


def instruction_object(services: Services, order: StableOrder) -> Instruction:
    """Instruction by the feature whose channel the order is on; else on our page."""
    if order.stage not in OPEN:
        return Instruction("none")
    for feature in paying():
        if (instruction := feature.instruction(services, order)) is not None:
            return instruction
    url = checkout_url(services, order)
    return Instruction("redirect", url, url, stamp(order.expires_at) if order.expires_at else UNSET)


def checkout_url(services: Services, order: StableOrder) -> str:
    token = checkout_token(services.world, order.merchant_id, order.order_id)
    return f"{services.url}/checkout/{token}"
