"""Reveals: whose data somebody sees in the clear for a while, and which roles see customers' data.
Whoever changes the latter holds the merchant's row."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Tx


@MERCHANT.statement("""
SELECT until FROM reveals WHERE merchant_id = $1 AND user_id = $2 AND subject_id = $3 AND until > $4
""")
async def revealed_until(
    db: Read, merchant_id: UUID, user_id: UUID, subject_id: UUID, wall: datetime
) -> datetime | None:
    """The time until which it is revealed; None for what they have not revealed, or whose time is
    over."""


@MERCHANT.statement("""
INSERT INTO reveals AS r (merchant_id, user_id, subject_id, until) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, user_id, subject_id) DO UPDATE SET until = EXCLUDED.until
  WHERE r.until <= $5
RETURNING true
""")
async def insert_reveal(
    db: Tx, merchant_id: UUID, user_id: UUID, subject_id: UUID, until: datetime, wall: datetime
) -> bool:
    """Inserts a reveal; False when they see it already: nothing was changed."""
