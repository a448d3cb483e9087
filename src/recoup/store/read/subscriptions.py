"""Subscriptions as their merchant sees them."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement

SubscriptionState = Literal["active", "paused", "past_due", "canceled", "completed"]
IntervalUnit = Literal["day", "week", "month"]


class SubscriptionRow(Row, frozen=True):
    """`total_cycles` 0: without end. `customer`: the merchant's id of them. Business time."""

    merchant_id: UUID
    subscription_id: UUID
    state: SubscriptionState
    title: str
    asset: str
    amount_text: str
    channel: str | None
    interval_unit: IntervalUnit
    interval_count: int
    cycles_done: int
    total_cycles: int
    anchor: datetime
    next_charge_at: datetime | None
    ends_at: datetime | None
    last_order_id: UUID | None
    facts: dict[str, Any]
    created_at: datetime
    customer: str | None


_COLUMNS: Final = """
SELECT s.merchant_id, s.subscription_id, s.state, s.title, s.asset, s.amount_text, s.channel, s.interval_unit,
  s.interval_count, s.cycles_done, s.total_cycles, s.anchor, s.next_charge_at, s.ends_at, s.last_order_id, s.facts,
  s.created_at, p.external_id AS customer
FROM subscriptions s
LEFT JOIN payers p ON p.merchant_id = s.merchant_id AND p.payer_id = s.customer_id
WHERE s.merchant_id = $1"""


@statement(MERCHANT, f"{_COLUMNS} AND s.subscription_id = $2")
async def find_subscription(db: Read, merchant_id: UUID, subscription_id: UUID) -> SubscriptionRow | None:
    """None for a foreign or unknown id."""


@statement(
    MERCHANT,
    f"""{_COLUMNS} AND ($4::text IS NULL OR s.state = $4)
ORDER BY s.created_at DESC, s.subscription_id DESC LIMIT $2 OFFSET $3
""",
)
async def _list(db: Read, merchant_id: UUID, limit: int, offset: int, state: str | None) -> list[SubscriptionRow]:
    """Newest first."""


@statement(
    MERCHANT,
    """
SELECT count(*) FROM subscriptions WHERE merchant_id = $1 AND ($2::text IS NULL OR state = $2)
""",
)
async def _count(db: Read, merchant_id: UUID, state: str | None) -> int:
    """All of them."""


async def list_subscriptions(
    db: Read, merchant_id: UUID, limit: int, offset: int, state: str | None
) -> tuple[list[SubscriptionRow], int]:
    """Newest first, with the total."""
    rows = await _list(db, merchant_id, limit, offset, state)
    return rows, await _count(db, merchant_id, state)
