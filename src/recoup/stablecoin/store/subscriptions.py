"""Subscriptions: a row changes under its own lock."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored

SubscriptionState = Literal["active", "paused", "past_due", "canceled", "completed"]
IntervalUnit = Literal["day", "week", "month"]


class _Subscription(Row):
    """`total_cycles` 0: without end. Business time."""

    merchant_id: UUID
    subscription_id: UUID
    state: SubscriptionState
    asset: str
    amount_text: str
    interval_unit: IntervalUnit
    interval_count: int
    total_cycles: int
    anchor: datetime
    ends_at: datetime | None


class SubscriptionRow(_Subscription):
    """`customer`: the merchant's id of them."""

    title: str
    channel: str | None
    cycles_done: int
    last_order_id: UUID | None
    facts: dict[str, Any]
    created_at: datetime
    customer: str | None
    next_charge_at: datetime | None


_COLUMNS: Final = f"""
SELECT {columns_of(SubscriptionRow, "s", customer="p.external_id")}
FROM subscriptions s
LEFT JOIN payers p ON p.merchant_id = s.merchant_id AND p.payer_id = s.customer_id
WHERE s.merchant_id = $1"""


@MERCHANT.statement(f"{_COLUMNS} AND s.subscription_id = $2")
async def find_subscription(
    db: Read, merchant_id: UUID, subscription_id: UUID
) -> SubscriptionRow | None:
    """The subscription of that id; None for a foreign or unknown id."""


@MERCHANT.statement(f"""{_COLUMNS} AND ($4::text IS NULL OR s.state = $4)
ORDER BY s.created_at DESC, s.subscription_id DESC LIMIT $2 OFFSET $3
""")
async def _list(
    db: Read, merchant_id: UUID, limit: int, offset: int, state: str | None
) -> list[SubscriptionRow]:
    """Newest first."""


@MERCHANT.statement("""
SELECT count(*) FROM subscriptions WHERE merchant_id = $1 AND ($2::text IS NULL OR state = $2)
""")
async def _count(db: Read, merchant_id: UUID, state: str | None) -> int:
    """All of them."""


async def list_subscriptions(
    db: Read, merchant_id: UUID, limit: int, offset: int, state: str | None
) -> tuple[list[SubscriptionRow], int]:
    """Newest first, with the total."""
    rows = await _list(db, merchant_id, limit, offset, state)
    return rows, await _count(db, merchant_id, state)


# Known by their e-mail alone so far, or erased: the subscription's orders are charged to them by
# this id.
@MERCHANT.statement("""
INSERT INTO payers AS p (merchant_id, payer_id, external_id, first_seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, payer_id) DO UPDATE SET external_id = EXCLUDED.external_id
WHERE coalesce(p.external_id, '') = ''
""")
async def add_payer(
    db: Tx, merchant_id: UUID, payer_id: UUID, external_id: str, at: datetime
) -> None:
    """Adds a payer, or gives one that is there its id."""


@stored("subscriptions")
class NewSubscription(_Subscription):
    version: int
    title: str
    customer_id: UUID | None
    units: int
    channel: str | None
    facts: dict[str, Any]
    created_at: datetime
    next_charge_at: datetime


@MERCHANT.statement(insert_of(NewSubscription, single=True) + "RETURNING 1")
async def add_subscription(db: Tx, subscription: NewSubscription) -> None:
    """Adds a subscription of which no cycle is charged yet."""


class LockedSubscription(_Subscription):
    """`version` numbers its events; `skipped`: cycles that passed while it was paused; `offset_us`:
    its merchant's."""

    version: int
    cycles_done: int
    skipped: int
    last_order_id: UUID | None
    offset_us: int
    next_charge_at: datetime | None


@MERCHANT.statement(f"""
SELECT {columns_of(LockedSubscription, "s", offset_us="m.offset_us")}
FROM subscriptions s JOIN merchants m USING (merchant_id)
WHERE s.merchant_id = $1 AND s.subscription_id = $2 FOR UPDATE OF s
""")
async def lock_subscription(
    db: Tx, merchant_id: UUID, subscription_id: UUID
) -> LockedSubscription | None:
    """Locks a subscription; None for a foreign or unknown id."""


@MERCHANT.statement("""
UPDATE subscriptions SET version = $3, state = $4, cycles_done = $5, skipped = $6,
  next_charge_at = $7,
  last_order_id = $8
WHERE merchant_id = $1 AND subscription_id = $2
""")
async def change_subscription(
    db: Tx,
    merchant_id: UUID,
    subscription_id: UUID,
    *,
    version: int,
    state: str,
    cycles_done: int,
    skipped: int,
    next_charge_at: datetime | None,
    last_order_id: UUID | None,
) -> None:
    """Changes a subscription under its lock."""
