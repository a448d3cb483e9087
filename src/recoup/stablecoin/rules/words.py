"""Names of an order's and its payment's states in this API. Source: contract stablecoin-api §2.1,
§7; design §3."""

from typing import Final

from recoup.orders.rules.faces import face
from recoup.orders.rules.lifecycle import Stage

ORDER_STATUSES: Final = (
    "created", "pending", "paid", "expired", "canceled", "failed", "refunded", "partially_refunded",
)  # fmt: skip
_PAYMENT: Final = {
    "planned": "requires_action", "open": "processing", "unknown": "processing",
    "approved": "succeeded",
    "declined": "failed",
}  # fmt: skip


def order_status(stage: Stage, units: int, refunded_units: int, disputed: bool = False) -> str:
    return face(stage, "stable", units, refunded_units, disputed).stable


def payment_status(attempt_state: str, stage: Stage) -> str:
    """A payment that never came ends as its order does."""
    if attempt_state == "not_sent":
        return "expired" if stage is Stage.EXPIRED else "canceled"
    return _PAYMENT[attempt_state]
