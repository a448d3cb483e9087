"""Subscriptions: a row changes under its own lock."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx

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


@MERCHANT.statement(f"{_COLUMNS} AND s.subscription_id = $2")
async def find_subscription(db: Read, merchant_id: UUID, subscription_id: UUID) -> SubscriptionRow | None:
    """None for a foreign or unknown id."""


@MERCHANT.statement(f"""{_COLUMNS} AND ($4::text IS NULL OR s.state = $4)
ORDER BY s.created_at DESC, s.subscription_id DESC LIMIT $2 OFFSET $3
""")
async def _list(db: Read, merchant_id: UUID, limit: int, offset: int, state: str | None) -> list[SubscriptionRow]:
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


# Known by their e-mail alone so far, or erased: the subscription's orders are charged to them by this id.
@MERCHANT.statement("""
INSERT INTO payers AS p (merchant_id, payer_id, external_id, first_seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, payer_id) DO UPDATE SET external_id = EXCLUDED.external_id
WHERE coalesce(p.external_id, '') = ''
""")
async def add_payer(db: Tx, merchant_id: UUID, payer_id: UUID, external_id: str, at: datetime) -> None:
    """Or gives one that is there its id."""


class NewSubscription(Row, frozen=True):
    """`total_cycles` 0: without end. Business time."""

    merchant_id: UUID
    subscription_id: UUID
    version: int
    state: SubscriptionState
    title: str
    customer_id: UUID | None
    asset: str
    units: int
    amount_text: str
    channel: str | None
    interval_unit: str
    interval_count: int
    total_cycles: int
    anchor: datetime
    next_charge_at: datetime
    ends_at: datetime | None
    facts: dict[str, Any]
    created_at: datetime


@MERCHANT.statement("""
INSERT INTO subscriptions (merchant_id, subscription_id, version, state, title, customer_id, asset, units, amount_text,
  channel, interval_unit, interval_count, total_cycles, anchor, next_charge_at, ends_at, facts, created_at)
SELECT merchant_id, subscription_id, version, state, title, customer_id, asset, units, amount_text, channel,
  interval_unit, interval_count, total_cycles, anchor, next_charge_at, ends_at, facts, created_at
FROM jsonb_populate_record(NULL::subscriptions, $1)
""")
async def add_subscription(db: Tx, subscription: NewSubscription) -> None:
    """No cycle is charged yet."""


class LockedSubscription(Row, frozen=True):
    """`version` numbers its events; `skipped`: cycles that passed while it was paused; `offset_us`: its merchant's."""

    merchant_id: UUID
    subscription_id: UUID
    version: int
    state: SubscriptionState
    asset: str
    amount_text: str
    interval_unit: IntervalUnit
    interval_count: int
    cycles_done: int
    skipped: int
    total_cycles: int
    anchor: datetime
    next_charge_at: datetime | None
    ends_at: datetime | None
    last_order_id: UUID | None
    offset_us: int


@MERCHANT.statement("""
SELECT s.merchant_id, s.subscription_id, s.version, s.state, s.asset, s.amount_text, s.interval_unit, s.interval_count,
  s.cycles_done, s.skipped, s.total_cycles, s.anchor, s.next_charge_at, s.ends_at, s.last_order_id, m.offset_us
FROM subscriptions s JOIN merchants m USING (merchant_id)
WHERE s.merchant_id = $1 AND s.subscription_id = $2 FOR UPDATE OF s
""")
async def lock_subscription(db: Tx, merchant_id: UUID, subscription_id: UUID) -> LockedSubscription | None:
    """None for a foreign or unknown id."""


@MERCHANT.statement("""
UPDATE subscriptions SET version = $3, state = $4, cycles_done = $5, skipped = $6, next_charge_at = $7,
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
    """Under its lock."""
