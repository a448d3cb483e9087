"""The feed of a partner: the rescue API's events of all its merchants, in one order."""

from collections.abc import Sequence
from uuid import UUID

from recoup.store.homes import HUB
from recoup.store.read.feed import FeedLine
from recoup.store.statement import Read, statement

_EVENTS = """
SELECT p.number, f.merchant_id, f.subject_id, f.seq, f.event_id, f.event, b.subject_kind, b.body,
  b.business_at, o.site_id, o.external_id
FROM partner_feed p
JOIN feed f ON f.merchant_id = p.merchant_id AND f.number = p.merchant_number
JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
LEFT JOIN orders o ON o.merchant_id = f.merchant_id AND o.order_id = f.subject_id
WHERE p.partner_id = $1 AND p.number > $2 AND p.number <= $3 AND ($4::text[] IS NULL OR f.event = ANY($4))
ORDER BY p.number LIMIT $5
"""


@statement(HUB, "SELECT coalesce((SELECT number FROM partner_closers WHERE partner_id = $1), 0)")
async def last_partner_number(db: Read, partner_id: UUID) -> int:
    """Of the newest event in the partner's feed; 0 while there is none."""


async def partner_feed_page(
    db: Read, partner_id: UUID, after: int, until: int, events: Sequence[str] | None, limit: int
) -> list[FeedLine]:
    """As `feed_page`, over all merchants of the partner."""
    return [FeedLine(*row) for row in await db.fetch(_EVENTS, partner_id, after, until, events, limit)]
