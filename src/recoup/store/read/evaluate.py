"""What /evaluate needs to know of an order id that came before."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

_LATEST = """
SELECT o.order_id, o.generation, o.stage, o.kind, o.asset, o.units, o.pan_id, o.transaction_id, o.external_id,
  o.expires_at, o.cards_before, h.status, h.refunded_units, h.disputed, h.reason, h.next_attempt_at
FROM order_refs f
JOIN orders o USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
WHERE f.merchant_id = $1 AND f.door = $2 AND f.external_id = $3
ORDER BY f.generation DESC LIMIT 1
"""
# `last_*`: the last try that is more than planned, which says why an order is not approved.
_BY_ID = """
SELECT t.last_state, t.last_klass, t.last_reason,
  o.order_id, o.generation, o.stage, o.kind, o.asset, o.units, o.pan_id, o.transaction_id, o.external_id,
  o.expires_at, h.status, h.refunded_units, h.disputed, h.reason, h.next_attempt_at,
  o.kind <> 'mit_managed' AND o.stage = 'processing' AND (o.version = 1 OR CASE o.kind WHEN 'mit_sync' THEN EXISTS (
    SELECT FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id AND a.attempt_no = 1
      AND (a.state = 'open' OR (a.state = 'planned' AND a.due_at <= o.placed_at + interval '1 second')))
    ELSE NOT EXISTS (SELECT FROM challenges c WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id)
    END) AS busy
FROM orders o JOIN order_heads h USING (merchant_id, order_id)
LEFT JOIN LATERAL (
  SELECT a.state AS last_state, a.klass AS last_klass, a.code_reason AS last_reason FROM attempts a
  WHERE o.stage NOT IN ('received', 'completed') AND a.merchant_id = o.merchant_id AND a.order_id = o.order_id
    AND a.state <> 'planned' ORDER BY a.attempt_no DESC LIMIT 1) t ON true
WHERE o.merchant_id = $1 AND o.order_id = $2
"""
# Of an order that was declined with nothing sent.
_END = """
SELECT body ->> 'cause' AS cause, body ->> 'decline' AS decline FROM order_log
WHERE merchant_id = $1 AND order_id = $2 AND dst = 'declined' AND src <> 'declined' LIMIT 1
"""
_TOKEN = "SELECT pan_id, scheme, bin, last4, magic FROM vault WHERE merchant_id = $1 AND token_id = $2"  # noqa: S105


async def latest_generation(
    connection: asyncpg.Connection, merchant_id: UUID, door: str, external_id: str
) -> asyncpg.Record | None:
    return await connection.fetchrow(_LATEST, merchant_id, door, external_id)


async def order_word(connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID) -> Mapping[str, Any] | None:
    """Where one order stands, in one row; `busy`: its first attempt, made while the caller waits, has no answer yet.
    With `cause` and `decline` where the log alone says why it was declined."""
    row = await connection.fetchrow(_BY_ID, merchant_id, order_id)
    if row is None or row["stage"] != "declined" or row["last_state"] not in (None, "not_sent"):
        return row  # type: ignore[no-any-return]
    end = await connection.fetchrow(_END, merchant_id, order_id)
    return dict(row) | dict(end or {})


async def find_token(connection: asyncpg.Connection, merchant_id: UUID, token_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_TOKEN, merchant_id, token_id)
