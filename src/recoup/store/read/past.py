"""Attempts of the past as training reads them: a merchant at a time, a bounded number of rows at a time."""

from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import UUID

import asyncpg

ORDERS_MAX: Final = 4_000
TRANSMISSIONS_MAX: Final = 10_000
_MERCHANTS: Final = """
SELECT merchant_id, region, coalesce(partner_id, merchant_id) AS owner FROM merchants ORDER BY merchant_id
"""
# Hours since 1970, by the merchant's clock.
_HOURS: Final = "(extract(epoch FROM {}) / 3600)::float8"
_ORDERS: Final = f"""
SELECT d.*, {_HOURS.format("d.declined_at")} AS at, (d.declined_at AT TIME ZONE 'UTC')::date AS on
FROM (
  SELECT o.order_id, p.payer_id, coalesce(v.scheme, 'generic') AS scheme,
    coalesce(nullif(v.issuer_digits, ''), v.bin, '') AS issuer,
    o.facts -> 'decline' ->> 'source' AS source, o.facts -> 'decline' ->> 'code' AS code,
    o.facts -> 'decline' ->> 'text' AS text, o.facts -> 'decline' ->> 'advice' AS advice,
    coalesce(o.facts ->> 'funding' = 'credit', false) AS credit,
    jsonb_build_object('zone', o.facts -> 'zone') || CASE WHEN o.facts ? 'utc_offset'
      THEN jsonb_build_object('utc_offset', o.facts -> 'utc_offset') ELSE '{{}}' END AS zone_facts,
    least((o.facts -> 'decline' ->> 'at')::timestamptz, o.placed_at) AS declined_at
  FROM orders o
  LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
  LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
  WHERE o.merchant_id = $1 AND o.order_id > $2 AND o.kind <> 'stable' AND o.facts ? 'decline'
  ORDER BY o.order_id LIMIT $3
) d ORDER BY d.order_id
"""
_ATTEMPTS: Final = f"""
SELECT order_id, state, scheme_code, processor_code, advice_code, {_HOURS.format("sent_at")} AS at,
  (sent_at AT TIME ZONE 'UTC')::date AS on
FROM attempts
WHERE merchant_id = $1 AND order_id > $2 AND order_id <= $3 AND state IN ('approved', 'declined')
  AND sent_at IS NOT NULL
ORDER BY order_id, attempt_no
"""
# A copy of the payment that an order came in with is no other payment. Copies of one payment are one. None happened
# after it was told: a date that lies ahead, by mistake or not, is the moment at which it came.
_TRANSMISSIONS: Final = f"""
SELECT t.*, {_HOURS.format("t.happened_at")} AS at, (t.happened_at AT TIME ZONE 'UTC')::date AS on, o.order_id
FROM (
  SELECT transmit_id, external_id, payer_id, coalesce(bin, '') AS bin, code_source, code, transaction_id,
    coalesce((outcome ->> 'is_declined')::boolean, is_declined) AS is_declined, facts ->> 'country' AS country,
    coalesce(lower(facts ->> 'funding') = 'credit', false) AS credit,
    least(transacted_at, received_at + (SELECT m.offset_us FROM merchants m WHERE m.merchant_id = $1)
      * interval '1 microsecond') AS happened_at
  FROM transmissions WHERE merchant_id = $1 AND transmit_id > $2 ORDER BY transmit_id LIMIT $3
) t
LEFT JOIN LATERAL (
  SELECT f.order_id FROM order_refs f
  WHERE f.merchant_id = $1 AND f.door = 'rescue' AND f.external_id = t.external_id
  ORDER BY f.generation DESC LIMIT 1
) f ON true
LEFT JOIN orders o ON o.merchant_id = $1 AND o.order_id = f.order_id
WHERE o.order_id IS NULL OR NOT t.is_declined
  OR t.transaction_id IS DISTINCT FROM o.transaction_id AND abs(extract(epoch FROM t.happened_at
    - least((o.facts -> 'decline' ->> 'at')::timestamptz, o.placed_at))) > 60
ORDER BY t.transmit_id
"""
_LAST_TRANSMISSION: Final = """
SELECT max(transmit_id::text)::uuid FROM (
  SELECT transmit_id FROM transmissions WHERE merchant_id = $1 AND transmit_id > $2 ORDER BY transmit_id LIMIT $3) t
"""


async def merchants_to_learn(connection: asyncpg.Connection) -> Sequence[asyncpg.Record]:
    return await connection.fetch(_MERCHANTS)  # type: ignore[no-any-return]


async def past_orders(
    connection: asyncpg.Connection, merchant_id: UUID, after: UUID
) -> AsyncIterator[tuple[Sequence[asyncpg.Record], Sequence[asyncpg.Record]]]:
    """Orders with the payment that came in, and their answered attempts, from the order id `after` on."""
    while orders := await connection.fetch(_ORDERS, merchant_id, after, ORDERS_MAX):
        last = orders[-1]["order_id"]
        yield orders, await connection.fetch(_ATTEMPTS, merchant_id, after, last)
        after = last


async def past_transmissions(
    connection: asyncpg.Connection, merchant_id: UUID, after: UUID
) -> AsyncIterator[Sequence[asyncpg.Record]]:
    """The merchant's own payments. `order_id`: the order that one is of, where it was sent to us too."""
    while last := await connection.fetchval(_LAST_TRANSMISSION, merchant_id, after, TRANSMISSIONS_MAX):
        yield await connection.fetch(_TRANSMISSIONS, merchant_id, after, TRANSMISSIONS_MAX)
        after = last
