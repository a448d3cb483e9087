"""Watches: whose rescue rate and whose model's drift are looked at next, and which fall, drift or
uplift raised an alert. Wall time."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx


class Watch(Row):
    merchant_id: UUID
    offset_us: int


async def claim_watches(
    db: Tx, wall: datetime, before: datetime, limit: int, merchant_id: UUID | None
) -> list[Watch]:
    """Claims the watches that were last looked at before then, the longest ago first."""
    await _begin_watches(db, limit, merchant_id)
    return await _claim_watches(db, wall, before, limit, merchant_id)


@MERCHANT.statement("""
WITH missing AS MATERIALIZED (
  SELECT m.merchant_id FROM merchants m
  WHERE NOT EXISTS (SELECT 1 FROM rescue_watches r WHERE r.merchant_id = m.merchant_id)
    AND ($2::uuid IS NULL OR m.merchant_id = $2)
  ORDER BY m.merchant_id LIMIT $1
)
INSERT INTO rescue_watches (merchant_id, checked_at) SELECT merchant_id, 'epoch' FROM missing
ON CONFLICT DO NOTHING
""")
async def _begin_watches(db: Tx, limit: int, merchant_id: UUID | None) -> None: ...


# A worker that takes a merchant has taken it for the hour; of two at once the second finds it
# taken.
@MERCHANT.statement("""
UPDATE rescue_watches w SET checked_at = $1 FROM merchants m
WHERE m.merchant_id = w.merchant_id AND w.merchant_id IN (
  SELECT merchant_id FROM rescue_watches
  WHERE checked_at <= $2 AND ($4::uuid IS NULL OR merchant_id = $4)
  ORDER BY checked_at, merchant_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING w.merchant_id, m.offset_us
""")
async def _claim_watches(
    db: Tx, wall: datetime, before: datetime, limit: int, merchant_id: UUID | None
) -> list[Watch]: ...


@MERCHANT.statement("SELECT fell_at FROM rescue_watches WHERE merchant_id = $1 FOR UPDATE")
async def lock_watch(db: Tx, merchant_id: UUID) -> datetime | None:
    """Locks a watch and returns since when its fall is known; None when the rate stands."""


@MERCHANT.statement("UPDATE rescue_watches SET fell_at = $2 WHERE merchant_id = $1")
async def save_watch(db: Tx, merchant_id: UUID, fell_at: datetime | None) -> None:
    """Saves the time of a fall; None: it was back since."""


# A worker that takes a merchant has taken it for the time; a merchant is watched once its rescue
# rate is.
@MERCHANT.statement("""
UPDATE rescue_watches SET drift_checked_at = $1 WHERE merchant_id IN (
  SELECT merchant_id FROM rescue_watches WHERE drift_checked_at IS NULL OR drift_checked_at <= $2
  ORDER BY drift_checked_at NULLS FIRST, merchant_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING merchant_id
""")
async def claim_drift_watches(db: Tx, wall: datetime, before: datetime, limit: int) -> list[UUID]:
    """Claims the drift watches that were last looked at before then, the longest ago first."""


@MERCHANT.statement("SELECT drift_told FROM rescue_watches WHERE merchant_id = $1 FOR UPDATE")
async def lock_drift(db: Tx, merchant_id: UUID) -> str | None:
    """The model with an alert."""


@MERCHANT.statement("UPDATE rescue_watches SET drift_told = $2 WHERE merchant_id = $1")
async def save_drift(db: Tx, merchant_id: UUID, model: str | None) -> None: ...


class Watched(Row):
    merchant_id: UUID
    offset_us: int
    region: str
    acceptor_id: str


# A worker that takes a merchant has taken it for the time; a merchant is counted once its rescue
# rate is.
@MERCHANT.statement("""
UPDATE rescue_watches w SET monitored_at = $1 FROM merchants m
WHERE m.merchant_id = w.merchant_id AND w.merchant_id IN (
  SELECT merchant_id FROM rescue_watches WHERE monitored_at IS NULL OR monitored_at <= $2
  ORDER BY monitored_at NULLS FIRST, merchant_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING m.merchant_id, m.offset_us, m.region, m.acceptor_id
""")
async def claim_monitoring(db: Tx, wall: datetime, before: datetime, limit: int) -> list[Watched]:
    """Claims the merchants whose programs were last counted before then, the longest ago first."""
