"""What an order's events say, read off the order as it stands at that line."""

from typing import Any

from recoup.rules.messages.events import event_data
from recoup.rules.messages.stable_events import stable_event_data
from recoup.rules.order.faces import STATUS_NAMES
from recoup.rules.order.snapshot import Order


def order_event_data(name: str, order: Order, body: dict[str, Any]) -> dict[str, Any]:
    """`body` is what the happening recorded; names are those of the order log."""
    if order.kind == "stable":
        return stable_event_data(order, body)
    status = order.face().status
    facts: dict[str, Any] = {"status": STATUS_NAMES[status].upper(), "amount": order.units, "currency": order.asset}
    match name:
        case "order.completed":
            facts |= {"attempts": order.attempts_count}
        case "order.cancelled":
            facts |= {"reason": order.reason, "attempts": order.attempts_count, "response_code": _last_code(order)}
        case "order.expired":
            facts |= {"attempts": order.attempts_count, "expired_at": order.expires_at}
        case "order.refunded":
            facts |= {"refund_id": body["refund_id"], "refund_amount": body["units"],
                      "refunded_amount": order.refunded_units,
                      "refundable_amount": order.refundable_units}  # fmt: skip
        case "payment.chargeback.received":
            facts |= {"chargeback_id": body["dispute_id"], "chargeback_amount": body["units"],
                      "reason_code": body["reason_code"] or None, "respond_by": body["respond_by"]}  # fmt: skip
        case "order.submitted" | "order.processing":
            facts |= {"attempts": order.attempts_count, "next_attempt_at": order.next_attempt_at}
        case "order.onhold" | "order.problem":
            facts |= {"reason": body.get("cause") or "held", "until": body.get("until")}
        case "attempt.declined":
            facts |= {"attempt_id": body["attempt_id"], "attempt_number": body["number"],
                      "response_code": body["code"] or "", "is_final": body["is_final"],
                      "next_attempt_at": body["next_attempt_at"]}  # fmt: skip
        case "order.capturerequired":
            facts |= {"capture_before": body["capture_before"]}
        case "challenge.presented" | "challenge.attempted" | "challenge.passed" | "challenge.failed":
            facts |= {"challenge_id": body["challenge_id"], "expires_at": body["expires_at"], "asks": body["asks"]}
        case _:
            facts |= body
    return event_data(name, **facts)


def subject_kind(order: Order) -> str:
    """Whose event it is: an endpoint hears the orders of its own dialect only."""
    return "stable_order" if order.kind == "stable" else "order"


def submitted_data(status: str, units: int, asset: str) -> dict[str, Any]:
    """Of an order that is only just taken in."""
    return event_data("order.submitted", status=status, amount=units, currency=asset, attempts=0, next_attempt_at=None)


def _last_code(order: Order) -> str | None:
    codes = [a.scheme_code for a in order.attempts if a.scheme_code and a.state == "declined"]
    return codes[-1] if codes else None
