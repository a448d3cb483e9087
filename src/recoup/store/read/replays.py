"""Replays of an endpoint's events, and how far they got."""

from datetime import datetime
from uuid import UUID

import asyncpg

_LIST = """
SELECT replay_id, key, min(asked::text)::jsonb AS asked, min(created_at) AS created_at, sum(found)::bigint AS found,
  bool_or(done_to < feed_to) AS opening, (SELECT count(*) FROM (SELECT FROM lanes l WHERE l.endpoint_id = $1
    AND l.replay_id = r.replay_id LIMIT 10000) w) AS lanes
FROM ({rows}) r GROUP BY replay_id, key ORDER BY created_at DESC, replay_id LIMIT $3
"""
_BY_KEY = _LIST.format(rows="SELECT * FROM replays WHERE endpoint_id = $1 AND key = $2")
# A partner's replay has a row of each merchant.
_NEWEST = _LIST.format(rows="""SELECT * FROM replays WHERE endpoint_id = $1 AND $2::text IS NULL
  ORDER BY created_at DESC LIMIT 10000""")
COUNTED_MAX = 100_000
# As a replay finds them.
_COUNT = """
SELECT count(*) AS events, count(DISTINCT subject_id) AS orders FROM (
  SELECT f.subject_id FROM feed f
  JOIN outbox b ON b.merchant_id = f.merchant_id AND b.subject_id = f.subject_id AND b.seq = f.seq
  WHERE f.merchant_id = $1 AND f.event = ANY($4) AND CASE WHEN $5 THEN f.number IS NULL
      ELSE f.number BETWEEN $2 AND $3 END
    AND ($6::timestamptz IS NULL OR b.business_at >= $6) AND ($7::timestamptz IS NULL OR b.business_at < $7)
  LIMIT $8) w
"""


async def count_events(
    connection: asyncpg.Connection, merchant_id: UUID, numbers: tuple[int, int], events: list[str], *, stable: bool,
    since: datetime | None, until: datetime | None,
) -> tuple[int, int]:  # fmt: skip
    """(events, orders) that a merchant's replay would send; at most COUNTED_MAX events are counted."""
    row = await connection.fetchrow(_COUNT, merchant_id, *numbers, events, stable, since, until, COUNTED_MAX)
    return row["events"], row["orders"]


async def list_replays(
    connection: asyncpg.Connection, endpoint_id: UUID, limit: int, key: str | None = None
) -> list[asyncpg.Record]:
    """Newest first, among the newest 10,000 rows; with `key` the one that it asked for."""
    sql = _NEWEST if key is None else _BY_KEY
    return await connection.fetch(sql, endpoint_id, key, limit)  # type: ignore[no-any-return]
