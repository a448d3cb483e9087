"""What waits, and for when."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row, statement


@statement(
    MERCHANT,
    """
SELECT m.merchant_id FROM merchants m
WHERE m.offset_us > 0 AND EXISTS (SELECT FROM due_work d WHERE d.merchant_id = m.merchant_id AND NOT d.wall
  AND d.due_at > $1::timestamptz AND d.due_at <= $1::timestamptz + m.offset_us * interval '1 microsecond'
  AND (d.lease_until IS NULL OR d.lease_until <= $1))
""",
)
async def moved_merchants(db: Read, wall: datetime) -> list[UUID]:
    """Merchants whose clock is ahead and has passed something that the wall has not."""


# A loose index scan: one look-up for each merchant, however much work it has.
@statement(
    MERCHANT,
    """
WITH RECURSIVE t AS (
  (SELECT merchant_id, 1 AS number FROM due_work WHERE merchant_id > $1 ORDER BY merchant_id LIMIT 1)
  UNION ALL
  SELECT (SELECT d.merchant_id FROM due_work d WHERE d.merchant_id > t.merchant_id ORDER BY d.merchant_id LIMIT 1),
    t.number + 1
  FROM t WHERE t.merchant_id IS NOT NULL AND t.number < $2
)
SELECT merchant_id FROM t WHERE merchant_id IS NOT NULL
""",
)
async def merchants_in_turn(db: Read, after: UUID, limit: int) -> list[UUID]:
    """The next merchants that have any work, due or not, by their ids."""


@statement(MERCHANT, "SELECT min(due_at) FROM due_work WHERE merchant_id = $1 AND NOT wall")
async def next_business_instant(db: Read, merchant_id: UUID) -> datetime | None:
    """When the first of what waits by the merchant's clock is due."""


class Outstanding(Row, frozen=True):
    """How much of each. `work`: what is due, and what waits for a processor; `unfed`: events that are not in the feed;
    `undelivered`: first deliveries."""

    work: int
    unanswered: int
    unfed: int
    undelivered: int


@statement(
    MERCHANT,
    """
SELECT (SELECT count(*) FROM due_work d JOIN merchants m USING (merchant_id) WHERE d.merchant_id = $1
    AND (d.kind IN ('inquire', 'refund') OR (NOT d.wall
      AND d.due_at <= $2::timestamptz + m.offset_us * interval '1 microsecond'))) AS work,
  (SELECT count(*) FROM due_work WHERE merchant_id = $1 AND kind = 'inquire') AS unanswered,
  (SELECT count(*) FROM outbox WHERE merchant_id = $1 AND NOT fed) AS unfed,
  (SELECT count(*) FROM lanes l JOIN endpoints e USING (endpoint_id)
    WHERE l.merchant_id = $1 AND l.due_at IS NOT NULL AND l.fails = 0 AND e.opened_at IS NULL) AS undelivered
""",
)
async def outstanding(db: Read, merchant_id: UUID, wall: datetime) -> Outstanding:
    """What must be finished before a merchant's clock may go on: work, events to feed, first deliveries.
    What waits for an endpoint whose breaker is open is not waited for."""


class Unanswered(NamedTuple):
    order_id: UUID
    attempt_id: UUID


@statement(
    MERCHANT,
    """
SELECT a.order_id, a.attempt_id FROM due_work d
JOIN attempts a ON a.merchant_id = d.merchant_id AND a.order_id = d.subject_id AND a.state IN ('open', 'unknown')
WHERE d.merchant_id = $1 AND d.kind = 'inquire' AND d.due_at > $2 ORDER BY d.subject_id LIMIT 1000
""",
)
async def unanswered(db: Read, merchant_id: UUID, wall: datetime) -> list[Unanswered]:
    """Later inquiries."""
