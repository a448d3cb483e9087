"""The feed of the rescue API: its events, numbered without gaps in the order of their commits."""

from collections.abc import Sequence
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, columns_of
from recoup.orders.store.rows import OutboxEvent


@MERCHANT.statement("SELECT coalesce(max(number), 0) FROM closers WHERE merchant_id = $1")
async def last_number(db: Read, merchant_id: UUID) -> int:
    """Number of the newest event in the feed; 0 while there is none."""


class FeedLine(OutboxEvent):
    """`site_id`, `external_id`: of its order, if it is about one."""

    number: int
    site_id: UUID | None
    external_id: str | None


@MERCHANT.statement(f"""
SELECT {columns_of(OutboxEvent, "b")}, f.number, o.site_id, o.external_id
FROM feed f
JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
LEFT JOIN orders o ON o.merchant_id = f.merchant_id AND o.order_id = f.subject_id
WHERE f.merchant_id = $1 AND f.number > $2 AND f.number <= $3 AND ($4::text[] IS NULL
  OR f.event = ANY($4))
ORDER BY f.number LIMIT $5
""")
async def feed_page(
    db: Read, merchant_id: UUID, after: int, until: int, events: Sequence[str] | None, limit: int
) -> list[FeedLine]:
    """Feed lines with after < number <= until, lowest first."""
