"""Webhook endpoints of a merchant or a partner: those of the rescue API, and the one of the stablecoin API."""

from datetime import datetime
from uuid import UUID

import asyncpg

WAITING_MAX = 1_000

_LIST = """
SELECT e.endpoint_id, e.url, e.events, e.format, e.own_key, e.state, e.why, e.created_at, e.encrypt, e.failures,
  e.failing_since, e.last_error, e.opened_at, e.probes, e.probe_at, e.door, e.rotated_at, m.webhook_key,
  CASE WHEN e.own_key IS NOT NULL THEN e.previous_until ELSE x.previous_until END AS previous_until,
  EXISTS (SELECT FROM delivery_tries t WHERE t.endpoint_id = e.endpoint_id) AS tried,
  (SELECT count(*) FROM (SELECT FROM lanes l JOIN feed f ON f.merchant_id = l.merchant_id
      AND f.subject_id = l.subject_id AND f.seq >= l.next_seq AND f.event = ANY(e.events)
    WHERE l.endpoint_id = e.endpoint_id AND l.due_at IS NOT NULL LIMIT $2) w) AS waiting
FROM endpoints e
LEFT JOIN merchants m ON m.merchant_id = e.merchant_id
LEFT JOIN webhook_key_overlaps x ON x.merchant_id = e.merchant_id AND x.door = e.door
WHERE (e.merchant_id = $1 OR e.partner_id = $1) AND e.state <> 'deleted' AND (e.door = 'rescue' OR $3)
ORDER BY e.created_at, e.endpoint_id
"""

_TRIES = """
SELECT t.try_id, t.merchant_id, t.resent, t.subject_id, t.seq, t.event_id, t.try_no, t.at, t.status, t.error,
  t.latency_ms, t.answer, t.result,
  t.sample IS NOT NULL AS is_sample, coalesce(t.sample, b.event) AS event, o.external_id
FROM delivery_tries t
LEFT JOIN outbox b ON b.merchant_id = t.merchant_id AND b.subject_id = t.subject_id AND b.seq = t.seq
LEFT JOIN orders o ON o.merchant_id = t.merchant_id AND o.order_id = t.subject_id
WHERE t.endpoint_id = $1 AND t.try_id < coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY t.try_id DESC LIMIT $2
"""


async def list_tries(
    connection: asyncpg.Connection, endpoint_id: UUID, limit: int, before: UUID | None
) -> list[asyncpg.Record]:
    """Newest first, older than `before`; each with its event's name, its merchant and its order's external id."""
    return await connection.fetch(_TRIES, endpoint_id, limit, before)  # type: ignore[no-any-return]


_STABLECOIN = """
SELECT endpoint_id, url, events, encrypt, state, why FROM endpoints
WHERE merchant_id = $1 AND door = 'stablecoin' AND state <> 'deleted'
"""


async def stablecoin_endpoint(connection: asyncpg.Connection, merchant_id: UUID) -> asyncpg.Record | None:
    """The one of the stablecoin API."""
    return await connection.fetchrow(_STABLECOIN, merchant_id)


async def stablecoin_webhook_key_of(connection: asyncpg.Connection, merchant_id: UUID) -> bytes | None:
    """Sealed."""
    return await connection.fetchval(  # type: ignore[no-any-return]
        "SELECT stablecoin_webhook_key FROM merchants WHERE merchant_id = $1", merchant_id
    )


_SHARED_KEYS = """
SELECT CASE WHEN $2 = 'stablecoin' THEN m.stablecoin_webhook_key ELSE m.webhook_key END AS key, x.previous_key,
  x.previous_until
FROM merchants m LEFT JOIN webhook_key_overlaps x ON x.merchant_id = m.merchant_id AND x.door = $2
WHERE m.merchant_id = $1
"""


async def shared_keys(
    connection: asyncpg.Connection, merchant_id: UUID, door: str
) -> tuple[bytes | None, bytes | None, datetime | None]:
    """The key that signs for every endpoint of this API without one of its own and, while it is kept, the one before,
    both sealed; and until when that one is good."""
    row = await connection.fetchrow(_SHARED_KEYS, merchant_id, door)
    return (row["key"], row["previous_key"], row["previous_until"]) if row else (None, None, None)


async def list_endpoints(
    connection: asyncpg.Connection, owner_id: UUID, *, every_door: bool = False
) -> list[asyncpg.Record]:
    """Those of a merchant, or of a partner; with how many events are still to be delivered there. `every_door`: the
    stablecoin API's own among them."""
    return await connection.fetch(_LIST, owner_id, WAITING_MAX, every_door)  # type: ignore[no-any-return]
