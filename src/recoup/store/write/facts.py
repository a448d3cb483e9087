"""What is kept to decide by: payers' looks, answers by issuer, and how far both are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

_KEEP: Final = """
INSERT INTO fact_clocks (merchant_id, kept, checked_at) VALUES ($1, $2, $3)
ON CONFLICT (merchant_id) DO UPDATE SET kept = EXCLUDED.kept WHERE fact_clocks.kept <> EXCLUDED.kept
"""
_BEHIND: Final = """
SELECT f.merchant_id FROM fact_clocks f LEFT JOIN closers c USING (merchant_id)
WHERE f.kept AND (c.feed_no > f.feed_no OR f.checked_at <= $1) ORDER BY f.checked_at LIMIT $2
"""
_LOCK: Final = """
SELECT f.feed_no, f.transmit_id, m.region FROM fact_clocks f JOIN merchants m USING (merchant_id)
WHERE f.merchant_id = $1 AND f.kept FOR UPDATE OF f
"""
_MOVE: Final = """
UPDATE fact_clocks SET feed_no = $2, transmit_id = $3, checked_at = $4 WHERE merchant_id = $1
"""
# Who was erased meanwhile stays so: these looks are from before.
_LOOKS: Final = """
INSERT INTO payer_looks AS l (merchant_id, payer_id, at, answers, tries, orders, since)
SELECT merchant_id, payer_id, at, answers, tries, orders, since
FROM jsonb_populate_recordset(NULL::payer_looks, $1) ORDER BY merchant_id, payer_id
ON CONFLICT (merchant_id, payer_id) DO UPDATE SET at = EXCLUDED.at, answers = EXCLUDED.answers, tries = EXCLUDED.tries,
  orders = EXCLUDED.orders
WHERE l.since = EXCLUDED.since
  AND (l.at, l.answers, l.tries, l.orders)
    IS DISTINCT FROM (EXCLUDED.at, EXCLUDED.answers, EXCLUDED.tries, EXCLUDED.orders)
"""
_ISSUERS: Final = """
INSERT INTO issuer_answers AS i (merchant_id, issuer_digits, approved, funds, soft, technical, over_limit, hard)
SELECT merchant_id, issuer_digits, approved, funds, soft, technical, over_limit, hard
FROM jsonb_populate_recordset(NULL::issuer_answers, $1) ORDER BY merchant_id, issuer_digits
ON CONFLICT (merchant_id, issuer_digits) DO UPDATE SET approved = i.approved + EXCLUDED.approved,
  funds = i.funds + EXCLUDED.funds, soft = i.soft + EXCLUDED.soft, technical = i.technical + EXCLUDED.technical,
  over_limit = i.over_limit + EXCLUDED.over_limit, hard = i.hard + EXCLUDED.hard
"""


async def keep_facts_for(connection: asyncpg.Connection, merchant_id: UUID, wall: datetime, *, kept: bool) -> None:
    """From now on; what was before is caught up with."""
    await connection.execute(_KEEP, merchant_id, kept, wall)


async def merchants_behind(connection: asyncpg.Connection, before: datetime, limit: int) -> list[UUID]:
    """Whose feed has gone on, or who were not looked at since then; the longest ago first."""
    return [row["merchant_id"] for row in await connection.fetch(_BEHIND, before, limit)]


async def lock_facts(tx: asyncpg.Connection, merchant_id: UUID) -> asyncpg.Record | None:
    """How far they are: feed_no, transmit_id; and the merchant's region. None where nothing is kept."""
    return await tx.fetchrow(_LOCK, merchant_id)


async def move_facts(
    tx: asyncpg.Connection, merchant_id: UUID, feed_no: int, transmit_id: UUID, wall: datetime
) -> None:
    await tx.execute(_MOVE, merchant_id, feed_no, transmit_id, wall)


async def save_looks(tx: asyncpg.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Whole rows of payer_looks; `since` is what they were counted from."""
    await tx.execute(_LOOKS, rows)


async def add_answers(tx: asyncpg.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Whole rows of issuer_answers, to be added to what is there."""
    await tx.execute(_ISSUERS, rows)
