"""The feed of both APIs, in one order: what `webhooks/flows/listen` reads."""

from collections.abc import Sequence
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, columns_of
from recoup.orders.store.rows import OutboxEvent
from recoup.webhooks.store.feed import FeedLine


class Place(Row, frozen=True):
    """End of a merchant's feed, both APIs' events counted."""

    merchant_id: UUID
    feed_no: int


@MERCHANT.statement("SELECT merchant_id, feed_no FROM closers WHERE merchant_id = ANY($1)")
async def last_places(db: Read, merchants: Sequence[UUID]) -> list[Place]:
    """Reads where several merchants' feeds end; one without an event may be missing."""


class PlacedLine(FeedLine, frozen=True):
    """`number`: its place among both APIs' events."""

    of_stablecoin: bool


@MERCHANT.statement(f"""
SELECT {columns_of(OutboxEvent, "b")}, f.feed_no AS number, o.site_id, o.external_id,
  f.number IS NULL AS of_stablecoin
FROM feed f
JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
LEFT JOIN orders o ON o.merchant_id = f.merchant_id AND o.order_id = f.subject_id
WHERE f.merchant_id = $1 AND f.feed_no > $2 AND f.feed_no <= $3
  AND f.event = ANY(CASE WHEN f.number IS NULL THEN $5::text[] ELSE $4::text[] END)
ORDER BY f.feed_no LIMIT $6
""")
async def placed_page(
    db: Read,
    merchant_id: UUID,
    after: int,
    until: int,
    events: Sequence[str],
    stable: Sequence[str],
    limit: int,
) -> list[PlacedLine]:
    """Reads events of both APIs with after < place <= until, lowest first; `events` and `stable` of
    each."""
