"""Whose data somebody sees in the clear for a while."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, statement


@statement(
    MERCHANT,
    """
SELECT until FROM reveals WHERE merchant_id = $1 AND user_id = $2 AND subject_id = $3 AND until > $4
""",
)
async def revealed_until(
    db: Read, merchant_id: UUID, user_id: UUID, subject_id: UUID, wall: datetime
) -> datetime | None:
    """None for what they have not revealed, or whose time is over."""
