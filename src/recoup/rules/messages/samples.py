"""An event as it could be, for whoever tries a receiver: its documented shape with plausible values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin
from uuid import UUID

import msgspec

from recoup.rules.messages.events import CATALOGUE, event_data

SAMPLE_ID: Final = UUID("00000000-0000-7000-8000-000000000001")
_VALUES: Final[Mapping[str, Any]] = {
    "amount": 4590, "currency": "USD", "attempts": 2, "refund_amount": 1200, "refunded_amount": 1200,
    "refundable_amount": 3390, "chargeback_amount": 4590, "attempt_number": 2, "response_code": "51", "lines": 120,
    "differences": 0, "is_final": False,
}  # fmt: skip
_STATUS: Final[Mapping[str, str]] = {
    "order.completed": "COMPLETED", "order.refunded": "COMPLETED", "order.cancelled": "CANCELLED",
    "order.expired": "CANCELLED", "order.capturerequired": "CAPTUREREQUIRED", "order.submitted": "DRAFT",
    "order.onhold": "ONHOLD", "order.problem": "PROBLEM", "payment.chargeback.received": "CHARGEBACK",
    "payout.created": "pending", "payout.updated": "completed",
}  # fmt: skip


def sample_data(name: str, at: datetime) -> dict[str, Any]:
    """The data of the event of this name; `at` stands for every date. Raises: KeyError for an unknown name."""
    facts: dict[str, Any] = {}
    for field in msgspec.structs.fields(CATALOGUE[name].data):
        if field.name == "status":
            facts["status"] = _STATUS.get(name, "PROCESSING")
        elif field.name in _VALUES:
            facts[field.name] = _VALUES[field.name]
        elif field.required:
            facts[field.name] = _plausible(field.type, at)
    return event_data(name, **facts)


def _plausible(kind: Any, at: datetime) -> Any:
    if hasattr(kind, "__metadata__"):
        return _plausible(get_args(kind)[0], at)
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    return {UUID: SAMPLE_ID, datetime: at, int: 1, bool: True}.get(kind, "sample")
