"""Exposure: the customers' rows and the slots of a merchant's limit, under locks that are taken in one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from recoup.rules.money.exposure import SLOTS, Limits, Slot
from recoup.store.read.locked import limits_of

Customer = tuple[UUID, UUID, str]  # merchant, customer, asset

_MAKE_CUSTOMERS = """
INSERT INTO customer_exposure (merchant_id, customer_id, asset)
SELECT merchant_id, customer_id, asset FROM unnest($1::uuid[], $2::uuid[], $3::text[])
  AS k (merchant_id, customer_id, asset)
ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
"""
_LOCK_CUSTOMERS = """
SELECT c.merchant_id, c.customer_id, c.asset, c.used FROM customer_exposure c
JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, customer_id, asset)
  USING (merchant_id, customer_id, asset)
ORDER BY 1, 2, 3 FOR UPDATE OF c
"""
_MOVE_CUSTOMERS = """
UPDATE customer_exposure c SET used = c.used + k.units
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) AS k (merchant_id, customer_id, asset, units)
WHERE c.merchant_id = k.merchant_id AND c.customer_id = k.customer_id AND c.asset = k.asset
"""
# A slot that another transaction holds is passed over; who finds none asks again under the lock of all.
_TAKE = """
WITH room AS MATERIALIZED (
  SELECT slot FROM exposure_allotments
  WHERE merchant_id = $1 AND asset = $2 AND allotted - used >= $3::bigint
  ORDER BY (slot - $4::int + $5::int) % $5::int LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE exposure_allotments a SET used = a.used + $3::bigint FROM room
WHERE a.merchant_id = $1 AND a.asset = $2 AND a.slot = room.slot AND a.used + $3::bigint <= a.allotted
RETURNING a.slot, a.allotted - a.used AS free
"""
_FREE = """
UPDATE exposure_allotments SET used = used - $4::bigint, allotted = allotted - least(reclaim, $4::bigint),
  reclaim = reclaim - least(reclaim, $4::bigint)
WHERE merchant_id = $1 AND asset = $2 AND slot = $3
"""
_LOCK_SLOTS = """
SELECT slot, allotted, used, reclaim FROM exposure_allotments WHERE merchant_id = $1 AND asset = $2
ORDER BY slot FOR UPDATE
"""
_WRITE_SLOTS = """
INSERT INTO exposure_allotments (merchant_id, asset, slot, allotted, used, reclaim)
SELECT $1, $2, slot, allotted, used, reclaim
FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS s (slot, allotted, used, reclaim)
ON CONFLICT (merchant_id, asset, slot) DO UPDATE SET allotted = EXCLUDED.allotted, used = EXCLUDED.used,
  reclaim = EXCLUDED.reclaim
"""


async def lock_customers(tx: asyncpg.Connection, keys: Sequence[Customer]) -> dict[Customer, int]:
    """What each has in use. `keys` sorted; a row is made where there is none."""
    columns = [list(column) for column in zip(*keys, strict=True)]
    await tx.execute(_MAKE_CUSTOMERS, *columns)
    rows = await tx.fetch(_LOCK_CUSTOMERS, *columns)
    return {(r["merchant_id"], r["customer_id"], r["asset"]): r["used"] for r in rows}


async def move_customers(tx: asyncpg.Connection, moved: Mapping[Customer, int]) -> None:
    if moved:
        columns = [list(column) for column in zip(*moved, strict=True)]
        await tx.execute(_MOVE_CUSTOMERS, *columns, list(moved.values()))


async def take_slot(
    tx: asyncpg.Connection, merchant_id: UUID, asset: str, units: int, prefer: int
) -> tuple[int, int] | None:
    """The slot that gave it and what it has left; None when none has room by itself and is not held."""
    row = await tx.fetchrow(_TAKE, merchant_id, asset, units, prefer, SLOTS)
    return (row["slot"], row["free"]) if row is not None else None


async def free_slot(tx: asyncpg.Connection, merchant_id: UUID, asset: str, slot: int, units: int) -> None:
    await tx.execute(_FREE, merchant_id, asset, slot, units)


async def lock_slots(tx: asyncpg.Connection, merchant_id: UUID, asset: str) -> list[Slot]:
    return [Slot(*row) for row in await tx.fetch(_LOCK_SLOTS, merchant_id, asset)]


async def write_slots(tx: asyncpg.Connection, merchant_id: UUID, asset: str, slots: Sequence[Slot]) -> None:
    """The caller holds the lock of all of them."""
    if slots:
        columns = [[getattr(s, name) for s in slots] for name in ("slot", "allotted", "used", "reclaim")]
        await tx.execute(_WRITE_SLOTS, merchant_id, asset, *columns)


@dataclass(frozen=True, slots=True)
class LockedTerms:
    """A merchant's terms beside the operator's, both locked. `drawn`: what each counts of the operator's limit."""

    limits: Limits
    drawn_units: int
    operator_limit_units: int
    operator_drawn_units: int


_ADD_OPERATOR = """
INSERT INTO operator_exposure (asset, changed_at, changed_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
_ADD_TERMS = """
INSERT INTO exposure_limits (merchant_id, asset, changed_at, changed_by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
"""
_SET_OPERATOR = """
UPDATE operator_exposure SET limit_units = $2, changed_at = $3, changed_by = $4 WHERE asset = $1
"""
_SET_TERMS = """
UPDATE exposure_limits SET limit_units = coalesce((n ->> 'limit_units')::bigint, limit_units),
  order_max_units = coalesce((n ->> 'order_max_units')::bigint, order_max_units),
  customer_max_units = coalesce((n ->> 'customer_max_units')::bigint, customer_max_units),
  chunk_units = coalesce((n ->> 'chunk_units')::bigint, chunk_units),
  allowed_loss_basis_points = coalesce((n ->> 'allowed_loss_basis_points')::int, allowed_loss_basis_points),
  advance_on = coalesce(n ->> 'advance_on', advance_on), version = version + 1, changed_at = $4, changed_by = $5
FROM (SELECT $3::jsonb AS n) x
WHERE merchant_id = $1 AND asset = $2
"""
# Orders are looked up for terms only where their merchant may be advanced at all.
_SWITCH = """
UPDATE merchants m SET cit_unresolved = x.wanted, version = version + 1
FROM (SELECT CASE WHEN EXISTS (SELECT FROM exposure_limits WHERE merchant_id = $1 AND limit_units > 0)
  THEN 'advance' ELSE 'decline_and_reverse' END AS wanted) x
WHERE m.merchant_id = $1 AND m.cit_unresolved <> x.wanted
"""
_LOCK_OPERATOR = "SELECT limit_units, drawn_units FROM operator_exposure WHERE asset = $1 FOR UPDATE"
_LOCK_TERMS = "SELECT * FROM exposure_limits WHERE merchant_id = $1 AND asset = $2 FOR UPDATE"
_DRAW = "UPDATE exposure_limits SET drawn_units = $3 WHERE merchant_id = $1 AND asset = $2"
_DRAW_OPERATOR = "UPDATE operator_exposure SET drawn_units = drawn_units + $2 WHERE asset = $1"


async def add_terms(tx: asyncpg.Connection, merchant_id: UUID, asset: str, wall: datetime, actor: str) -> None:
    """Rows of nothing where there are none; the operator's row is locked from here on."""
    await tx.execute(_ADD_OPERATOR, asset, wall, actor)
    await tx.fetchrow(_LOCK_OPERATOR, asset)
    await tx.execute(_ADD_TERMS, merchant_id, asset, wall, actor)


async def set_terms(
    tx: asyncpg.Connection, merchant_id: UUID, asset: str, new: Mapping[str, object], wall: datetime, actor: str
) -> None:
    """`new`: columns that change."""
    await tx.execute(_SET_TERMS, merchant_id, asset, new, wall, actor)


async def set_operator_limit(tx: asyncpg.Connection, asset: str, units: int, wall: datetime, actor: str) -> None:
    await tx.execute(_SET_OPERATOR, asset, units, wall, actor)


async def set_switch(tx: asyncpg.Connection, merchant_id: UUID) -> None:
    await tx.execute(_SWITCH, merchant_id)


async def lock_terms(tx: asyncpg.Connection, merchant_id: UUID, asset: str) -> LockedTerms | None:
    operator = await tx.fetchrow(_LOCK_OPERATOR, asset)
    row = await tx.fetchrow(_LOCK_TERMS, merchant_id, asset)
    if operator is None or row is None:
        return None
    return LockedTerms(limits_of(row), row["drawn_units"], operator["limit_units"], operator["drawn_units"])


async def draw(tx: asyncpg.Connection, merchant_id: UUID, asset: str, total: int, more: int) -> None:
    """`total`: what the merchant's slots hold now; `more`: than the operator counted for it."""
    if more:
        await tx.execute(_DRAW, merchant_id, asset, total)
        await tx.execute(_DRAW_OPERATOR, asset, more)
