"""Subscriptions: a row changes under its own lock."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

# Known by their e-mail alone so far, or erased: the subscription's orders are charged to them by this id.
_PAYER = """
INSERT INTO payers AS p (merchant_id, payer_id, external_id, first_seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, payer_id) DO UPDATE SET external_id = EXCLUDED.external_id
WHERE coalesce(p.external_id, '') = ''
"""
_ADD = """
INSERT INTO subscriptions (merchant_id, subscription_id, version, state, title, customer_id, asset, units, amount_text,
  channel, interval_unit, interval_count, total_cycles, anchor, next_charge_at, ends_at, facts, created_at)
SELECT merchant_id, subscription_id, version, state, title, customer_id, asset, units, amount_text, channel,
  interval_unit, interval_count, total_cycles, anchor, next_charge_at, ends_at, facts, created_at
FROM jsonb_populate_record(NULL::subscriptions, $1)
"""
_LOCK = """
SELECT s.*, m.offset_us FROM subscriptions s JOIN merchants m USING (merchant_id)
WHERE s.merchant_id = $1 AND s.subscription_id = $2 FOR UPDATE OF s
"""
_CHANGE = """
UPDATE subscriptions SET version = $3, state = $4, cycles_done = $5, skipped = $6, next_charge_at = $7,
  last_order_id = $8
WHERE merchant_id = $1 AND subscription_id = $2
"""


async def add_payer(
    connection: asyncpg.Connection, merchant_id: UUID, payer_id: UUID, external_id: str, at: datetime
) -> None:
    await connection.execute(_PAYER, merchant_id, payer_id, external_id, at)


async def add_subscription(connection: asyncpg.Connection, row: dict[str, Any]) -> None:
    await connection.execute(_ADD, row)


async def lock_subscription(
    connection: asyncpg.Connection, merchant_id: UUID, subscription_id: UUID
) -> asyncpg.Record | None:
    return await connection.fetchrow(_LOCK, merchant_id, subscription_id)


async def change_subscription(connection: asyncpg.Connection, merchant_id: UUID, subscription_id: UUID, *,
                              version: int, state: str, cycles_done: int, skipped: int,
                              next_charge_at: datetime | None, last_order_id: UUID | None) -> None:  # fmt: skip
    await connection.execute(_CHANGE, merchant_id, subscription_id, version, state, cycles_done, skipped,
                             next_charge_at, last_order_id)  # fmt: skip
