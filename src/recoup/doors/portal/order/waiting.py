"""What a stablecoin order waits for a person to decide about."""

from typing import Any

from recoup.doors.portal.order.stable_words import channel_name
from recoup.rules.order.snapshot import Attempt
from recoup.rules.stable.channels import CHANNELS
from recoup.store.orders.order_page import OrderPage


def waiting(page: OrderPage) -> dict[str, Any] | None:
    """`what`: late money that its channel can give back (give_back), late money that went to the merchant's own wallet
    (by_hand), or a settlement that the channel refused. `why` it pays nothing: short, more; else it came late. `again`:
    a first try was refused."""
    if page.order.kind != "stable":
        return None
    return next((found for attempt in page.attempts if (found := _late(page, attempt))), None) or _stuck(page)


def _late(page: OrderPage, attempt: Attempt) -> dict[str, Any] | None:
    if attempt.initiator != "payer" or not attempt.reference or attempt.state in ("approved", "declined"):
        return None
    if attempt.asset != page.order.asset:
        return None  # of another token: nothing is booked
    rows = [r for r in page.modifications if r.kind == "reversal" and r.attempt_id == attempt.attempt_id]
    before = next((r for r in rows if r.state not in ("refused", "failed")), None)
    if before is not None and before.state != "stuck":
        return None
    channel = CHANNELS.get(attempt.route or "")
    return dict(
        what="give_back" if channel and channel.supports_refund else "by_hand",
        units=attempt.units,
        channel=channel_name(attempt.route or ""),
        reference=attempt.reference,
        why=_why(page, attempt),
        again=before is not None,
    )


def _why(page: OrderPage, attempt: Attempt) -> str:
    found = [line.body for line in page.log if line.happening == "paid_late" and line.fact_id == attempt.attempt_id]
    return str(found[-1].get("why", "")) if found else ""


def _stuck(page: OrderPage) -> dict[str, Any] | None:
    """By the log: the last word on the last settlement."""
    lines = [line for line in page.log if line.fact_kind == "settlement"]
    if not lines or lines[-1].happening != "settlement_stuck":
        return None
    units, channel = int(lines[-1].body["units"]), channel_name(page.attempts[-1].route or "")
    return dict(what="settlement", units=units, channel=channel, reference="", again=False)
