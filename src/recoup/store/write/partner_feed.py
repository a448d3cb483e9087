"""A partner's feed: what its merchants' feeds say, in one order. Written behind them, under the partner's own lock."""

from uuid import UUID

from recoup.store.homes import HUB
from recoup.store.statement import Read, Tx, statement

# With a loose eye on the merchants' side: their own numbers are without gaps, so that what is behind is complete.
_BEHIND = """
SELECT DISTINCT p.partner_id FROM heard_by_partners p
JOIN closers c USING (merchant_id)
LEFT JOIN partner_reached r ON r.partner_id = p.partner_id AND r.merchant_id = p.merchant_id
WHERE c.number > coalesce(r.number, 0)
"""
# In the order in which events were recorded, as far as each merchant's own order lets them.
_FEED = """
WITH behind AS MATERIALIZED (
  SELECT p.merchant_id, coalesce(r.number, 0) AS reached FROM heard_by_partners p
  JOIN closers c USING (merchant_id)
  LEFT JOIN partner_reached r ON r.partner_id = p.partner_id AND r.merchant_id = p.merchant_id
  WHERE p.partner_id = $1 AND c.number > coalesce(r.number, 0)
), found AS MATERIALIZED (
  SELECT m.merchant_id, f.number, max(f.recorded_at) OVER (PARTITION BY m.merchant_id ORDER BY f.number) AS at
  FROM behind m CROSS JOIN LATERAL (
    SELECT f.number, b.recorded_at FROM feed f
    JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
    WHERE f.merchant_id = m.merchant_id AND f.number > m.reached ORDER BY f.number LIMIT $2) f
), fresh AS MATERIALIZED (
  SELECT merchant_id, number, row_number() OVER (ORDER BY at, merchant_id, number) AS n FROM found
  ORDER BY at, merchant_id, number LIMIT $2
), fed AS (
  INSERT INTO partner_feed (partner_id, number, merchant_id, merchant_number)
  SELECT $1, c.number + f.n, f.merchant_id, f.number FROM fresh f, partner_closers c WHERE c.partner_id = $1
), reached AS (
  INSERT INTO partner_reached (partner_id, merchant_id, number)
  SELECT $1, merchant_id, max(number) FROM fresh GROUP BY merchant_id
  ON CONFLICT (partner_id, merchant_id) DO UPDATE SET number = EXCLUDED.number
), counted AS (
  UPDATE partner_closers SET number = number + (SELECT count(*) FROM fresh) WHERE partner_id = $1
)
SELECT count(*) FROM fresh
"""


async def partners_behind(db: Read) -> list[UUID]:
    """Whose merchants' feeds have gone on."""
    return [row["partner_id"] for row in await db.fetch(_BEHIND)]


@statement(HUB, "INSERT INTO partner_closers (partner_id) VALUES ($1) ON CONFLICT DO NOTHING")
async def _begin(db: Tx, partner_id: UUID) -> None: ...


@statement(HUB, "SELECT number FROM partner_closers WHERE partner_id = $1 FOR UPDATE SKIP LOCKED")
async def _lock(db: Tx, partner_id: UUID) -> int | None: ...


async def feed_partner(db: Tx, partner_id: UUID, limit: int) -> int:
    """Answers how many events it has now besides. None while another process does it."""
    await _begin(db, partner_id)
    if await _lock(db, partner_id) is None:
        return 0
    return int(await db.fetchval(_FEED, partner_id, limit))
