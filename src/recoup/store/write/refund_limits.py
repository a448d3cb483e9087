"""Limits of refunds by people, and the lock of a person's day: taken after the order's, in one order."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from recoup.rules.money.refund_limits import Limits

_MAKE = """
INSERT INTO refund_people (merchant_id, person)
SELECT merchant_id, person FROM unnest($1::uuid[], $2::text[]) AS k (merchant_id, person) ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT FROM refund_people p JOIN unnest($1::uuid[], $2::text[]) AS k (merchant_id, person)
  USING (merchant_id, person)
ORDER BY merchant_id, person FOR UPDATE OF p
"""
_SET = """
INSERT INTO refund_limits (merchant_id, role, asset, refund_max_units, day_max_units, second_from_units, changed_at,
  changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (merchant_id, role, asset) DO UPDATE SET refund_max_units = EXCLUDED.refund_max_units,
  day_max_units = EXCLUDED.day_max_units, second_from_units = EXCLUDED.second_from_units,
  changed_at = EXCLUDED.changed_at, changed_by = EXCLUDED.changed_by
"""


async def lock_people(tx: asyncpg.Connection, people: Sequence[tuple[UUID, str]]) -> None:
    """`people`: merchant and person, each once; a row is made where there is none."""
    columns = [list(column) for column in zip(*people, strict=True)]
    await tx.execute(_MAKE, *columns)
    await tx.fetch(_LOCK, *columns)


async def set_limits(
    tx: asyncpg.Connection, merchant_id: UUID, role: str, asset: str, limits: Limits, wall: datetime, actor: str
) -> None:
    await tx.execute(_SET, merchant_id, role, asset, limits.refund_max_units, limits.day_max_units,
                     limits.second_from_units, wall, actor)  # fmt: skip
