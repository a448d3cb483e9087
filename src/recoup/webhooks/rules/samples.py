"""An event as it could be, to try a receiver: its documented shape with plausible values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin
from uuid import UUID

import msgspec

from recoup.kernel.time import iso
from recoup.orders.rules.event_data import OrderState
from recoup.orders.rules.events import CATALOGUE, Event, event_data
from recoup.stablecoin.rules.event_names import NAMES

SAMPLE_ID: Final = UUID("00000000-0000-7000-8000-000000000001")
_VALUES: Final[Mapping[str, Any]] = {
    "amount": 4590, "currency": "USD", "attempts": 2, "refund_amount": 1200,
    "refunded_amount": 1200,
    "refundable_amount": 3390, "chargeback_amount": 4590,
    "warned_amount": 4590, "attempt_number": 2, "response_code": "51", "lines": 120,
    "differences": 0, "is_final": False, "scope": "agreement",
}  # fmt: skip
_STATUS: Final[Mapping[str, str]] = {
    "order.completed": "COMPLETED", "order.refunded": "COMPLETED", "order.cancelled": "CANCELLED",
    "order.expired": "CANCELLED", "order.capturerequired": "CAPTUREREQUIRED",
    "order.submitted": "DRAFT",
    "order.onhold": "ONHOLD", "order.problem": "PROBLEM",
    "payment.chargeback.received": "CHARGEBACK",
    "payment.chargeback.reversed": "COMPLETED", "payment.early_warning.received": "COMPLETED",
    "payment.chargeback.closed": "COMPLETED", "order.refundrefused": "COMPLETED",
    "order.refundfailed": "COMPLETED",
    "payout.created": "pending", "payout.updated": "completed",
    "application.submitted": "SUBMITTED",
    "application.approved": "APPROVED", "application.declined": "DECLINED",
    "application.cancelled": "CANCELLED",
    "application.converted": "CONVERTED",
}  # fmt: skip
# event of the stablecoin dialect -> its order's fields then, and the event's other fields
_STABLE: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "payment.succeeded": ("paid", {"paid_at": "2026-03-09T09:15:31Z"}),
    "payment.failed": ("failed", {}),
    "payment.refunded": ("partially_refunded", {"refunded_amount": "10.00"}),
    "settlement.completed": ("", {
        "settlement_id": "stl_01kq1g5z0f", "amount": "49.65", "fee": "0.25", "to_address": "TDemo",
        "tx_hash": "0x9f3c", "network": "bsc",
    }),
    "subscription.charged": ("", {"subscription_id": "sub_01kq1g5z0f", "cycles_done": 3}),
    "subscription.completed": ("", {"subscription_id": "sub_01kq1g5z0f", "cycles_done": 9}),
    "subscription.payment_failed": ("", {"subscription_id": "sub_01kq1g5z0f", "cycles_done": 2}),
    "order.expired": ("expired", {}),
}  # fmt: skip
STABLE_SAMPLE_ORDER: Final = "order-1001"


def sample_event(
    name: str, stable: bool, event_id: UUID, merchant_id: UUID, site_id: UUID | None, at: datetime
) -> Event:
    """A whole event of the name that the dialect has for it. Raises: KeyError for an unknown
    name."""
    external_id = STABLE_SAMPLE_ORDER if stable else "SAMPLE"
    data, own = (stable_sample(name), NAMES[name]) if stable else (sample_data(name, at), name)
    return Event(
        event_id=event_id,
        merchant_id=merchant_id,
        site_id=site_id,
        order_id=SAMPLE_ID,
        external_order_id=external_id,
        name=own,
        sequence=1,
        business_at=at,
        data=data,
        test_mode=True,
    )


def stable_sample(name: str) -> dict[str, Any]:
    """The facts of the stablecoin dialect's event of this name. Raises: KeyError for an unknown
    name."""
    status, more = _STABLE[name]
    payment = (
        {
            "amount": "49.90",
            "currency": "USDT",
            "status": status,
            "channel": "mock",
            "channel_name": "Mock (test)",
        }
        if status
        else {"currency": "USDT"}
    )
    return {"merchant_order_id": STABLE_SAMPLE_ORDER} | payment | more


def sample_data(name: str, at: datetime) -> dict[str, Any]:
    """The data of the event of this name; `at` stands for every date. Raises: KeyError for an
    unknown name."""
    facts: dict[str, Any] = {}
    for field in msgspec.structs.fields(CATALOGUE[name].data):
        if field.name == "status":
            facts["status"] = _STATUS.get(name, "PROCESSING")
        elif field.name == "order":
            facts["order"] = _sample_state(name, at)
        elif field.name in _VALUES:
            facts[field.name] = _VALUES[field.name]
        elif field.required:
            facts[field.name] = _plausible(field.type, at)
    return event_data(name, **facts)


def _sample_state(name: str, at: datetime) -> OrderState:
    status = _STATUS.get(name, "PROCESSING")
    reason = {"order.cancelled": "declined", "order.expired": "expired"}.get(name)
    refunded = 1200 if name == "order.refunded" else 0
    return OrderState(
        status=status,
        amount=4590,
        refunded_amount=refunded,
        currency="USD",
        reason=reason,
        do_not_retry=False,
        expiry_date=iso(at),
    )


def _plausible(kind: Any, at: datetime) -> Any:
    if hasattr(kind, "__metadata__"):
        return _plausible(get_args(kind)[0], at)
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    return {UUID: SAMPLE_ID, datetime: at, int: 1, bool: True}.get(kind, "sample")
