"""Made by scripts/make_client.py; do not edit."""

from typing import Any, Literal, NotRequired, TypedDict

ChannelList = TypedDict(
    "ChannelList",
    {
        "data": list["ChannelObject"],
    },
)
"""ChannelList"""

ChannelObject = TypedDict(
    "ChannelObject",
    {
        "code": str,
        "name": str,
        "name_is_default": bool,
        "kind": Literal["crypto", "local", "other"],
        "settlement": Literal["custodial", "direct"],
        "currencies": list[str],
        "supports_refund": bool,
        "requires_watcher": bool,
        "environment": Literal["live", "test"],
        "network": str,
        "pay_currencies": list[str],
    },
)
"""ChannelObject"""

ChargeAnswer = TypedDict(
    "ChargeAnswer",
    {
        "order": "Order",
        "payment": "Payment",
        "instruction": "Instruction",
        "idempotent": bool,
    },
)
"""ChargeAnswer"""

ChargeBody = TypedDict(
    "ChargeBody",
    {
        "merchant_order_id": str,
        "amount": str,
        "currency": str,
        "channel": NotRequired[str | None],
        "network": NotRequired[str | None],
        "subject": NotRequired[str | None],
        "description": NotRequired[str | None],
        "metadata": NotRequired[dict[str, str] | None],
        "return_url": NotRequired[str | None],
        "cancel_url": NotRequired[str | None],
        "expires_in_seconds": NotRequired[int | None],
        "customer": NotRequired[str | None],
    },
)
"""ChargeBody"""

CheckoutAnswer = TypedDict(
    "CheckoutAnswer",
    {
        "checkout_url": str,
        "expires_at": str | None,
    },
)
"""CheckoutAnswer"""

Instruction = TypedDict(
    "Instruction",
    {
        "type": Literal["client_secret", "crypto_address", "none", "redirect"],
        "redirect_url": str,
        "checkout_url": str,
        "expires_at": str,
    },
)
"""Instruction"""

Ledger = TypedDict(
    "Ledger",
    {
        "data": list["Movement"],
        "total": int,
        "limit": int,
        "offset": int,
    },
)
"""Ledger"""

Me = TypedDict(
    "Me",
    {
        "merchant": "MerchantObject",
    },
)
"""Me"""

MerchantObject = TypedDict(
    "MerchantObject",
    {
        "id": str,
        "name": str,
        "email": str,
        "status": Literal["active", "pending", "rejected", "suspended"],
        "webhook_url": str,
        "webhook_events": str,
        "webhook_encryption": bool,
        "email_on_payment": bool,
        "slug": str,
        "custom_domain": str,
        "settlement_address": str,
        "settlement_addresses": dict[str, str],
        "fee_override": bool,
        "fee_percent": str,
        "fee_fixed": str,
        "min_payout": str,
        "totp_enabled": bool,
        "kyc_status": str,
        "is_test": bool,
    },
)
"""MerchantObject"""

Movement = TypedDict(
    "Movement",
    {
        "id": str,
        "wallet_id": str,
        "order_id": str | None,
        "type": Literal["credit", "debit", "fee", "settlement"],
        "amount": str,
        "balance_after": str,
        "currency": str,
        "reference": str,
        "created_at": str,
    },
)
"""Movement"""

Order = TypedDict(
    "Order",
    {
        "id": str,
        "merchant_order_id": str,
        "channel_code": str,
        "channel_name": str,
        "settlement_mode": Literal["custodial", "direct"] | None,
        "amount": str,
        "refunded_amount": str,
        "currency": str,
        "status": Literal[
            "canceled", "created", "expired", "failed", "paid", "partially_refunded", "pending", "refunded"
        ],
        "is_test": bool,
        "subject": str,
        "description": str,
        "metadata": dict[str, str],
        "customer": str | None,
        "subscription_id": str | None,
        "expires_at": str | None,
        "paid_at": str | None,
        "created_at": str,
    },
)
"""Order"""

OrderAnswer = TypedDict(
    "OrderAnswer",
    {
        "order": "Order",
        "payment": "Payment | None",
        "settlements": list["Settlement"],
        "checkout_url": str,
    },
)
"""OrderAnswer"""

OrderList = TypedDict(
    "OrderList",
    {
        "data": list["Order"],
        "total": int,
        "limit": int,
        "offset": int,
    },
)
"""OrderList"""

OrderOnly = TypedDict(
    "OrderOnly",
    {
        "order": "Order",
    },
)
"""OrderOnly"""

Payment = TypedDict(
    "Payment",
    {
        "id": str,
        "status": Literal["canceled", "expired", "failed", "processing", "requires_action", "succeeded"],
        "channel_code": str,
        "channel_ref": str,
        "amount": str,
        "currency": str,
    },
)
"""Payment"""

Payout = TypedDict(
    "Payout",
    {
        "id": str,
        "currency": str,
        "amount": str,
        "status": Literal["approved", "executing", "failed", "paid", "processing", "rejected", "requested"],
        "destination_type": Literal["bank", "crypto"],
        "destination": str,
        "reference": str,
        "reason": str,
        "created_at": str,
    },
)
"""Payout"""

PayoutAnswer = TypedDict(
    "PayoutAnswer",
    {
        "payout": "Payout",
    },
)
"""PayoutAnswer"""

PayoutBody = TypedDict(
    "PayoutBody",
    {
        "amount": str,
        "currency": str,
        "destination": str,
        "destination_type": NotRequired[Literal["bank", "crypto"]],
    },
)
"""PayoutBody"""

PayoutList = TypedDict(
    "PayoutList",
    {
        "data": list["Payout"],
    },
)
"""PayoutList"""

RefundBody = TypedDict(
    "RefundBody",
    {
        "amount": NotRequired[str | None],
        "reason": NotRequired[str | None],
    },
)
"""RefundBody"""

Settlement = TypedDict(
    "Settlement",
    {
        "id": str,
        "status": Literal["broadcast", "confirmed", "failed", "pending"],
        "amount": str,
        "fee": str,
        "to_address": str,
        "tx_hash": str,
    },
)
"""Settlement"""

Subscription = TypedDict(
    "Subscription",
    {
        "id": str,
        "title": str,
        "customer": str | None,
        "amount": str,
        "currency": str,
        "channel": str,
        "channel_name": str,
        "interval_unit": Literal["day", "month", "week"],
        "interval_count": int,
        "status": Literal["active", "canceled", "completed", "past_due", "paused"],
        "cycles_done": int,
        "total_cycles": int,
        "billing_anchor": str,
        "next_charge_at": str | None,
        "ends_at": str | None,
        "last_order_id": str | None,
        "metadata": dict[str, str],
        "created_at": str,
    },
)
"""Subscription"""

SubscriptionAnswer = TypedDict(
    "SubscriptionAnswer",
    {
        "subscription": "Subscription",
    },
)
"""SubscriptionAnswer"""

SubscriptionBody = TypedDict(
    "SubscriptionBody",
    {
        "title": str,
        "amount": str,
        "currency": str,
        "interval_unit": Literal["day", "month", "week"],
        "interval_count": NotRequired[int],
        "channel": NotRequired[str | None],
        "customer": NotRequired[str | None],
        "total_cycles": NotRequired[int],
        "billing_anchor": NotRequired[str | None],
        "ends_at": NotRequired[str | None],
        "metadata": NotRequired[dict[str, str] | None],
        "return_url": NotRequired[str | None],
        "cancel_url": NotRequired[str | None],
    },
)
"""SubscriptionBody"""

SubscriptionList = TypedDict(
    "SubscriptionList",
    {
        "data": list["Subscription"],
        "total": int,
        "limit": int,
        "offset": int,
    },
)
"""SubscriptionList"""

Wallet = TypedDict(
    "Wallet",
    {
        "id": str,
        "currency": str,
        "balance": str,
        "pending_balance": str,
        "updated_at": str,
    },
)
"""Wallet"""

WalletList = TypedDict(
    "WalletList",
    {
        "data": list["Wallet"],
    },
)
"""WalletList"""

Webhook = TypedDict(
    "Webhook",
    {
        "url": str,
        "events": list[str],
        "encrypt": bool,
        "state": Literal["active", "disabled", "none"],
    },
)
"""Webhook"""

WebhookAnswer = TypedDict(
    "WebhookAnswer",
    {
        "webhook": "Webhook",
    },
)
"""WebhookAnswer"""

WebhookBody = TypedDict(
    "WebhookBody",
    {
        "url": str,
        "events": NotRequired[list[str] | None],
        "encrypt": NotRequired[bool],
    },
)
"""WebhookBody"""
