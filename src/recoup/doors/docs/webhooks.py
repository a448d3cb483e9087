"""A sample of each event as it is delivered, made and signed by what makes and signs the real ones."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args
from uuid import UUID

import msgspec

from recoup.rules.messages.events import CATALOGUE, Event, EventKind, event_data, render

_AT: Final = datetime(2026, 3, 9, 9, 15, 31, 120_000, UTC)
_ORDER: Final = UUID("01a1f82b-0393-73f8-88eb-5a2e6e630a87")
_THING: Final = UUID("01a1f82c-7c10-7d22-9a3e-0d9c4b7f1e55")
_MERCHANT: Final = UUID("01a1f7aa-51be-7b60-8f0d-2c1e9d7a4b36")
_SITE: Final = UUID("01a1f7aa-51c9-7e14-a2f5-7b8c3d2e1f40")
_KEY: Final = "c2FtcGxlIGtleSBvZiB0aGUgZG9jdW1lbnRhdGlvbg=="  # signs samples only
# Values that say more than their type does; all others are made of the type.
_VALUES: Final[dict[str, Any]] = {
    "amount": 4590, "currency": "USD", "attempts": 2, "refund_amount": 1000, "refunded_amount": 1000,
    "refundable_amount": 3590, "chargeback_amount": 4590, "response_code": "51", "reason_code": "10.4",
    "attempt_number": 1, "is_final": False, "lines": 412, "differences": 0, "ledger_root": "9f2c" * 16,
}  # fmt: skip
_STATUSES: Final = {
    "order.completed": "COMPLETED", "order.cancelled": "CANCELLED", "order.expired": "CANCELLED",
    "order.refunded": "COMPLETED", "order.capturerequired": "CAPTUREREQUIRED", "order.submitted": "DRAFT",
    "payment.chargeback.received": "CHARGEBACK", "challenge.passed": "COMPLETED", "challenge.failed": "CANCELLED",
    "order.onhold": "ONHOLD", "order.problem": "PROBLEM",
}  # fmt: skip
_REASONS: Final = {"order.onhold": "outage", "order.problem": "unknown_outcome", "order.cancelled": "declined"}


@dataclass(frozen=True, slots=True)
class EventSample:
    kind: EventKind
    anchor: str
    headers: dict[str, str]
    body: str


def event_samples() -> list[EventSample]:
    """Of every event in the catalogue."""
    return [_sample(kind) for kind in CATALOGUE.values()]


def _sample(kind: EventKind) -> EventSample:
    facts = {field.name: _value(kind, field) for field in msgspec.structs.fields(kind.data)}
    about_order = kind.name.startswith(("order.", "payment.", "challenge.", "attempt."))
    event = Event(
        _THING, _MERCHANT, _SITE if about_order else None, _ORDER if about_order else None,
        "SUB-7731-2026-03" if about_order else None, kind.name, 7 if about_order else 0, _AT,
        event_data(kind.name, **facts), True,
    )  # fmt: skip
    sent = render(event, "rescue", _KEY, "hooks.example.com", "0f1e2d3c4b5a69788796a5b4c3d2e1f0", _AT)
    body = json.dumps(json.loads(sent.body), indent=2)
    return EventSample(kind, kind.name.replace(".", "-"), sent.headers, body)


def _value(kind: EventKind, field: Any) -> Any:
    if field.name == "status" and kind.name in _STATUSES:
        return _STATUSES[kind.name]
    if field.name == "reason":
        return _REASONS.get(kind.name, "declined")
    return _VALUES[field.name] if field.name in _VALUES else _of_type(field.type)


def _of_type(kind: Any) -> Any:
    """Something of this type: the first choice, a date, an id."""
    if kind is UUID:
        return _THING
    if kind is datetime:
        return _AT + timedelta(days=3)
    if kind in (int, str, bool):
        return {int: 1, str: "PROCESSING", bool: True}[kind]
    return _of_type(get_args(kind)[0]) if get_args(kind) else kind
