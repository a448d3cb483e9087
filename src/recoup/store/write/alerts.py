"""What alerts are made under."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, Tx, statement


async def lock_feed(db: Tx, merchant_id: UUID) -> int:
    """The number of the feed's last event; until the transaction ends none is added. Of a merchant's replays one at a
    time goes on: lanes come into a replay under this lock only."""
    return await _lock_feed(db, merchant_id) or 0


@statement(MERCHANT, "SELECT feed_no FROM closers WHERE merchant_id = $1 FOR UPDATE")
async def _lock_feed(db: Tx, merchant_id: UUID) -> int | None:
    """None before its first event."""


class FailingEndpoint(Row, frozen=True):
    """Of a merchant or a partner."""

    endpoint_id: UUID
    merchant_id: UUID | None
    partner_id: UUID | None
    state: Literal["active", "disabled", "deleted"]
    failing_since: datetime | None
    created_at: datetime
    host: str | None


@statement(
    MERCHANT,
    """
SELECT endpoint_id, merchant_id, partner_id, state, failing_since, created_at,
  substring(url FROM '^[a-z]+://([^/?#]+)') AS host
FROM endpoints
WHERE endpoint_id = ANY($1::uuid[]) AND (state = 'disabled' OR opened_at IS NOT NULL)
ORDER BY endpoint_id
""",
)
async def failing_endpoints(db: Read, endpoint_ids: Sequence[UUID]) -> list[FailingEndpoint]:
    """Of these the ones that are open or switched off."""
