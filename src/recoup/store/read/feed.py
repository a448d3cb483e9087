"""The feed of the rescue API: its events, numbered without gaps in the order of their commits."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

_LAST = "SELECT number FROM closers WHERE merchant_id = $1"
_EVENTS = """
SELECT f.number, f.merchant_id, f.subject_id, f.seq AS next_seq, f.event_id, f.event, b.subject_kind, b.body,
  b.business_at, o.site_id, o.external_id
FROM feed f
JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
LEFT JOIN orders o ON o.merchant_id = f.merchant_id AND o.order_id = f.subject_id
WHERE f.merchant_id = $1 AND f.number > $2 AND f.number <= $3 AND ($4::text[] IS NULL OR f.event = ANY($4))
ORDER BY f.number LIMIT $5
"""


async def last_number(connection: asyncpg.Connection, merchant_id: UUID) -> int:
    """Of the newest event in the feed; 0 while there is none."""
    return int(await connection.fetchval(_LAST, merchant_id) or 0)


async def feed_page(
    connection: asyncpg.Connection, merchant_id: UUID, after: int, until: int, events: Sequence[str] | None, limit: int
) -> list[asyncpg.Record]:
    """Those with after < number <= until, lowest first."""
    wanted = list(events) if events is not None else None
    return await connection.fetch(_EVENTS, merchant_id, after, until, wanted, limit)  # type: ignore[no-any-return]
