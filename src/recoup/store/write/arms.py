"""Who decides about new orders, and the engine's stops. Whoever changes a merchant's has raised its version first."""

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

_ADD = """
INSERT INTO arm_settings (merchant_id, version, site_id, mode, share, holdout, explore, explore_max, changed_at,
  changed_by)
SELECT merchant_id, version, site_id, mode, share, holdout, explore, explore_max, changed_at, changed_by
FROM jsonb_populate_record(NULL::arm_settings, $1)
"""
_STOP = """
INSERT INTO engine_stops (stop_id, merchant_id, why, actor, stopped_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING stop_id
"""
_RESUME = """
UPDATE engine_stops SET ended_by = $2, ended_at = $3
WHERE merchant_id IS NOT DISTINCT FROM $1 AND ended_at IS NULL RETURNING stop_id
"""


async def add_arm_settings(tx: asyncpg.Connection, row: dict[str, Any]) -> None:
    """`row` names every column."""
    await tx.execute(_ADD, row)


async def stop_engine(
    tx: asyncpg.Connection, stop_id: UUID, merchant_id: UUID | None, why: str, actor: str, at: datetime
) -> bool:
    """False when it is stopped already. `merchant_id` None: for all merchants."""
    return await tx.fetchval(_STOP, stop_id, merchant_id, why, actor, at) is not None


async def resume_engine(tx: asyncpg.Connection, merchant_id: UUID | None, actor: str, at: datetime) -> bool:
    """False when it was not stopped."""
    return await tx.fetchval(_RESUME, merchant_id, actor, at) is not None
