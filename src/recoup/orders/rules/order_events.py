"""Data of an order's events, read off the order as it stands at that line."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from recoup.kernel.feature import Place
from recoup.kernel.time import iso
from recoup.orders.rules.event_data import OrderState
from recoup.orders.rules.events import CATALOGUE, event_data
from recoup.orders.rules.faces import STATUS_NAMES
from recoup.orders.rules.snapshot import Order

Data = Callable[[Order, dict[str, Any]], dict[str, Any]]
# What orders of another kind say in their events.
DIALECT: Final = Place[tuple[str, Data]]("dialect")
EVENT_STATUSES: Final[Mapping[int, str]] = {
    code: name.upper() for code, name in STATUS_NAMES.items()
}
_CHANGED: Final = {
    "card_replaced": "card", "expiry_moved": "expiry", "retries_stopped": "retries",
    "retries_resumed": "retries",
    "notes_changed": "notes", "amount_changed": "amount",
}  # fmt: skip
_PARTS: Final = frozenset({
    "order.refunded", "order.refundrefused", "order.refundfailed", "order.partially_collected",
    "payment.chargeback.received", "payment.chargeback.reversed", "payment.chargeback.closed",
    "payment.early_warning.received", "attempt.declined", "order.amended", "challenge.presented",
    "challenge.attempted", "challenge.passed", "challenge.failed",
})  # fmt: skip


def order_event_data(
    name: str, happening: str, order: Order, body: dict[str, Any]
) -> dict[str, Any]:
    """`body` is what the happening recorded; names are those of the order log."""
    for kind, data in DIALECT:
        if order.kind == kind:
            return data(order, body)
    status = EVENT_STATUSES[order.face().status]
    facts: dict[str, Any] = {
        "status": status,
        "amount": order.units,
        "currency": order.asset,
        "order": _state(order, status),
    }
    if (of := CATALOGUE[name].of) is not None:
        facts |= of(body)
    else:
        facts |= (
            _of_a_part(name, happening, order, body)
            if name in _PARTS
            else _of_the_order(name, order, body)
        )
    return event_data(name, **facts)


def _of_the_order(name: str, order: Order, body: dict[str, Any]) -> dict[str, Any]:
    """The data of an event about the whole order."""
    match name:
        case "order.completed":
            by = {"by": body["by"]} if "by" in body else {}
            return {"attempts": order.attempts_count} | by | _by_token(body)
        case "order.cancelled":
            return {
                "reason": order.reason,
                "attempts": order.attempts_count,
                "response_code": _last_code(order),
            }
        case "order.expired":
            return {"attempts": order.attempts_count, "expired_at": order.expires_at}
        case "order.submitted" | "order.processing":
            return {"attempts": order.attempts_count, "next_attempt_at": order.next_attempt_at}
        case "order.onhold" | "order.problem":
            return {"reason": body.get("cause") or "held", "until": body.get("until")}
        case "order.capturerequired":
            return {"capture_before": body["capture_before"]}
        case _:
            return body


def _of_a_part(name: str, happening: str, order: Order, body: dict[str, Any]) -> dict[str, Any]:
    """The data of an event about a refund, a dispute, a challenge, a send, or a setting of the
    order."""
    match name:
        case "order.refunded" | "order.refundrefused" | "order.refundfailed":
            instead = {"instead_id": body["instead_id"]} if name == "order.refundfailed" else {}
            return instead | {
                "refund_id": body["refund_id"],
                "refund_amount": body["units"],
                "refunded_amount": order.refunded_units,
                "refundable_amount": order.refundable_units,
            }
        case "order.partially_collected":
            return {
                "part_amount": body["units"],
                "collected_amount": body["collected"],
                "outstanding_amount": body["left"],
                "attempts": order.attempts_count,
            } | _by_token(body)
        case "payment.chargeback.received":
            return {
                "chargeback_id": body["dispute_id"],
                "chargeback_amount": body["units"],
                "reason_code": body["reason_code"] or None,
                "respond_by": body["respond_by"],
            }
        case "payment.chargeback.reversed":
            return {"chargeback_id": body["dispute_id"], "chargeback_amount": body["units"]}
        case "payment.early_warning.received":
            return {
                "warning_id": body["warning_id"],
                "warned_amount": body["units"],
                "attempt_id": body["attempt_id"],
                "attempt_number": body["number"],
            }
        case "payment.chargeback.closed":
            return {
                "chargeback_id": body["dispute_id"],
                "chargeback_amount": body["units"],
                "outcome": "won" if happening == "dispute_won" else "lost",
            }
        case "attempt.declined":
            return {
                "attempt_id": body["attempt_id"],
                "attempt_number": body["number"],
                "response_code": body["code"] or "",
                "is_final": body["is_final"],
                "next_attempt_at": body["next_attempt_at"],
            } | _by_token(body)
        case "order.amended":
            return {"changed": _CHANGED[happening]}
        case _:
            return {
                "challenge_id": body["challenge_id"],
                "expires_at": body["expires_at"],
                "asks": body["asks"],
            }


def _by_token(body: Mapping[str, Any]) -> dict[str, bool]:
    return {f"by_{body['credential']}": True} if "credential" in body else {}


def _iso(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def _state(order: Order, status: str) -> OrderState:
    return OrderState(
        status=status,
        amount=order.units,
        refunded_amount=order.refunded_units,
        currency=order.asset,
        reason=order.reason,
        do_not_retry=order.do_not_retry,
        expiry_date=_iso(order.expires_at),
    )


def subject_kind(order: Order) -> str:
    """The kind of the event's subject: an endpoint hears the orders of its own dialect only."""
    return "stable_order" if order.kind == "stable" else "order"


def submitted_data(
    status: str, units: int, asset: str, expires_at: datetime | None
) -> dict[str, Any]:
    """The data of an order that is only just taken in."""
    state = OrderState(
        status=status,
        amount=units,
        refunded_amount=0,
        currency=asset,
        reason=None,
        do_not_retry=False,
        expiry_date=_iso(expires_at),
    )
    return event_data(
        "order.submitted",
        status=status,
        amount=units,
        currency=asset,
        attempts=0,
        next_attempt_at=None,
        order=state,
    )


def _last_code(order: Order) -> str | None:
    codes = [a.scheme_code for a in order.attempts if a.scheme_code and a.state == "declined"]
    return codes[-1] if codes else None
