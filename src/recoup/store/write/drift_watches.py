"""Whose decisions of the model are looked at next, and of which model somebody was told that it fits no more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

# Whoever takes a merchant has taken it for the time; a merchant is watched once its rescue rate is.
_CLAIM: Final = """
UPDATE rescue_watches SET drift_checked_at = $1 WHERE merchant_id IN (
  SELECT merchant_id FROM rescue_watches WHERE drift_checked_at IS NULL OR drift_checked_at <= $2
  ORDER BY drift_checked_at NULLS FIRST, merchant_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING merchant_id
"""
_LOCK: Final = "SELECT drift_told FROM rescue_watches WHERE merchant_id = $1 FOR UPDATE"
_SAVE: Final = "UPDATE rescue_watches SET drift_told = $2 WHERE merchant_id = $1"


async def claim_drift_watches(
    connection: asyncpg.Connection, wall: datetime, before: datetime, limit: int
) -> Sequence[UUID]:
    """Those that were last looked at before then, the longest ago first."""
    return [row["merchant_id"] for row in await connection.fetch(_CLAIM, wall, before, limit)]


async def lock_drift(tx: asyncpg.Connection, merchant_id: UUID) -> str | None:
    """The model of which it was told."""
    return await tx.fetchval(_LOCK, merchant_id)  # type: ignore[no-any-return]


async def save_drift(tx: asyncpg.Connection, merchant_id: UUID, model: str | None) -> None:
    await tx.execute(_SAVE, merchant_id, model)
