"""Lanes: one next event for each endpoint and subject. A lane that has nothing to deliver does not exist."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

LEASE = timedelta(seconds=60)
_CLAIM = """
WITH picked AS MATERIALIZED (
  SELECT merchant_id, endpoint_id, lane_id FROM lanes
  WHERE due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1) AND ($4::uuid IS NULL OR merchant_id = $4)
  ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), leased AS (
  UPDATE lanes l SET lease_until = $3 FROM picked p
  WHERE l.merchant_id = p.merchant_id AND l.endpoint_id = p.endpoint_id AND l.lane_id = p.lane_id
  RETURNING l.merchant_id, l.endpoint_id, l.lane_id, l.subject_id, l.next_seq, l.fails
)
SELECT l.*, e.state, e.url, e.format, e.encrypt, e.door, e.own_key, m.webhook_key,
  m.stablecoin_webhook_key, o.event_id, o.event, o.subject_kind, o.body, o.business_at, r.site_id,
  r.external_id
FROM leased l
JOIN endpoints e USING (merchant_id, endpoint_id)
JOIN merchants m USING (merchant_id)
LEFT JOIN outbox o ON o.merchant_id = l.merchant_id AND o.subject_id = l.subject_id AND o.seq = l.next_seq
LEFT JOIN orders r ON r.merchant_id = l.merchant_id AND r.order_id = l.subject_id
"""
_LOCK = """
SELECT 1 FROM lanes l JOIN jsonb_to_recordset($1) AS i (merchant_id uuid, endpoint_id uuid, lane_id uuid)
  USING (merchant_id, endpoint_id, lane_id)
ORDER BY l.merchant_id, l.endpoint_id, l.lane_id FOR UPDATE OF l
"""
# Under the locks: a lane goes on to its next wanted event, waits for another try, or ends.
_FINISH = """
WITH input AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset($1) AS i (merchant_id uuid, endpoint_id uuid, lane_id uuid, subject_id uuid, seq int,
    fails int, retry_at timestamptz, disable text)
), next AS MATERIALIZED (
  SELECT i.*, CASE WHEN e.state <> 'active' OR i.disable IS NOT NULL THEN NULL
      WHEN i.retry_at IS NOT NULL THEN i.seq WHEN e.ordered THEN (
      SELECT min(f.seq) FROM feed f WHERE f.merchant_id = i.merchant_id AND f.subject_id = i.subject_id
        AND f.seq > i.seq AND f.event = ANY(e.events)) END AS next_seq
  FROM input i JOIN endpoints e USING (merchant_id, endpoint_id)
), onward AS (
  UPDATE lanes l SET next_seq = n.next_seq, due_at = coalesce(n.retry_at, $2), lease_until = NULL,
    fails = CASE WHEN n.retry_at IS NULL THEN 0 ELSE n.fails END
  FROM next n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq = n.seq AND n.next_seq IS NOT NULL
), ended AS (
  DELETE FROM lanes l USING next n
  WHERE l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id AND l.lane_id = n.lane_id
    AND l.next_seq = n.seq AND n.next_seq IS NULL
), cleared AS (
  DELETE FROM lanes l USING next n
  WHERE n.disable IS NOT NULL AND l.merchant_id = n.merchant_id AND l.endpoint_id = n.endpoint_id
    AND l.lane_id <> n.lane_id
), tried AS (
  INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error,
    latency_ms, answer, result)
  SELECT merchant_id, try_id, endpoint_id, subject_id, seq, event_id, try_no, at, status, error, latency_ms, answer,
    result
  FROM jsonb_populate_recordset(NULL::delivery_tries, $3)
)
UPDATE endpoints e SET state = 'disabled', why = n.disable FROM next n
WHERE e.merchant_id = n.merchant_id AND e.endpoint_id = n.endpoint_id AND n.disable IS NOT NULL
"""


async def claim_lanes(
    connection: asyncpg.Connection, wall: datetime, limit: int, merchant_id: UUID | None = None
) -> list[asyncpg.Record]:
    return await connection.fetch(_CLAIM, wall, limit, wall + LEASE, merchant_id)  # type: ignore[no-any-return]


async def finish_lanes(
    connection: asyncpg.Connection, lanes: list[dict[str, Any]], tries: list[dict[str, Any]], wall: datetime
) -> None:
    """In a transaction: locks first, so that an event that is being fed meanwhile is seen by one of the two."""
    await connection.fetch(_LOCK, lanes)
    await connection.execute(_FINISH, lanes, wall, tries)
