"""The lines that a stablecoin order tells in other words than a rescue."""

from collections.abc import Callable, Mapping
from typing import Final

from recoup.doors.portal.order.told import Said, Told
from recoup.doors.portal.templates import when
from recoup.rules.stable.channels import CHANNELS


def _charged(told: Told) -> Said:
    until = f" It can be paid until {when(told.expires_at, told.now)}." if told.expires_at else ""
    return Said("Charge created", f"{told.amount()} are to be paid.{until}", "orders")


def _collected(told: Told) -> Said:
    return Said(f"Paid: {told.amount()}", f"By {channel_name(told.get('route'))}.", "completed", "ok", "money")


def _settled(told: Told) -> Said:
    text = f"Transaction {told.get('tx_hash')}." if told.get("tx_hash") else ""
    return Said(f"{told.amount()} reached your wallet", text, "completed", "ok", "money")


SAY: Final[Mapping[str, Callable[[Told], Said]]] = {
    "received": _charged,
    "started": lambda told: Said("The payment was seen", "", "processing", "run"),
    "attempt_approved": lambda told: Said("The payment is good", told.get("reference"), "check", "ok", "attempts"),
    "attempt_declined": lambda told: Said("The payment failed", "", "cancelled", "bad", "attempts"),
    "collected": _collected,
    "settlement_due": lambda told: Said(f"{told.amount()} leave for your wallet", told.get("to"), "right", "", "money"),
    "settled": _settled,
}


def channel_name(code: str) -> str:
    return CHANNELS[code].name if code in CHANNELS else code or "the payer's choice"
