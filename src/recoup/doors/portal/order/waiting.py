"""What a stablecoin order waits for a person to decide about."""

from dataclasses import dataclass
from typing import Literal

from recoup.doors.portal.order.stable_words import channel_name
from recoup.rules.order.snapshot import Attempt
from recoup.rules.stable.channels import CHANNELS
from recoup.store.orders.order_page import OrderPage


@dataclass(frozen=True, slots=True)
class Waiting:
    """`what`: late money that its channel can give back, late money that went to the merchant's own wallet, or a
    settlement that the channel refused. `again`: a first try was refused."""

    what: Literal["give_back", "by_hand", "settlement"]
    units: int
    channel: str
    reference: str = ""
    again: bool = False


def waiting(page: OrderPage) -> Waiting | None:
    if page.order.kind != "stable":
        return None
    return next((found for attempt in page.attempts if (found := _late(page, attempt))), None) or _stuck(page)


def _late(page: OrderPage, attempt: Attempt) -> Waiting | None:
    if attempt.initiator != "payer" or not attempt.reference or attempt.state in ("approved", "declined"):
        return None
    rows = [r for r in page.modifications if r.kind == "reversal" and r.attempt_id == attempt.attempt_id]
    before = next((r for r in rows if r.state not in ("refused", "failed")), None)
    if before is not None and before.state != "stuck":
        return None
    channel = CHANNELS.get(attempt.route or "")
    what: Literal["give_back", "by_hand"] = "give_back" if channel and channel.supports_refund else "by_hand"
    return Waiting(what, attempt.units, channel_name(attempt.route or ""), attempt.reference, before is not None)


def _stuck(page: OrderPage) -> Waiting | None:
    """By the log: the last word on the last settlement."""
    lines = [line for line in page.log if line.fact_kind == "settlement"]
    if not lines or lines[-1].happening != "settlement_stuck":
        return None
    return Waiting("settlement", int(lines[-1].body["units"]), channel_name(page.attempts[-1].route or ""))
