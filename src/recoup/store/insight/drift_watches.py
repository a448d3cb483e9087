"""Whose decisions of the model are looked at next, and the model whose drift raised an alert."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx


# A worker that takes a merchant has taken it for the time; a merchant is watched once its rescue rate is.
@MERCHANT.statement("""
UPDATE rescue_watches SET drift_checked_at = $1 WHERE merchant_id IN (
  SELECT merchant_id FROM rescue_watches WHERE drift_checked_at IS NULL OR drift_checked_at <= $2
  ORDER BY drift_checked_at NULLS FIRST, merchant_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING merchant_id
""")
async def claim_drift_watches(db: Tx, wall: datetime, before: datetime, limit: int) -> list[UUID]:
    """Those that were last looked at before then, the longest ago first."""


@MERCHANT.statement("SELECT drift_told FROM rescue_watches WHERE merchant_id = $1 FOR UPDATE")
async def lock_drift(db: Tx, merchant_id: UUID) -> str | None:
    """The model with an alert."""


@MERCHANT.statement("UPDATE rescue_watches SET drift_told = $2 WHERE merchant_id = $1")
async def save_drift(db: Tx, merchant_id: UUID, model: str | None) -> None: ...
