"""A transmission, and the rescues that it touches."""

from typing import Final
from uuid import UUID

import asyncpg

PAYER_ORDERS: Final = 1_000  # the newest of one payer that are looked through
# What the log tells leads to its transmissions, and not these to it: of one order id there may be very many. One id is
# asked for as a span, in order: so also a plan made while there was little looks it up by its whole key.
_TOUCHED = """
WITH touched AS (
SELECT o.order_id, true AS same_order FROM order_refs f JOIN orders o USING (merchant_id, order_id)
WHERE f.merchant_id = $1 AND f.door = 'rescue' AND f.external_id = $2
  AND f.generation = (SELECT max(generation) FROM order_refs g
    WHERE g.merchant_id = $1 AND g.door = 'rescue' AND g.external_id = $2)
UNION ALL
SELECT o.order_id, false
FROM (SELECT merchant_id, order_id FROM order_payer WHERE merchant_id = $1 AND payer_id = $3
  ORDER BY order_id DESC LIMIT $10) p
JOIN orders o USING (merchant_id, order_id)
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE o.external_id <> $2 AND o.units = $4 AND o.asset = $5
  AND v.last4 = $6 AND o.stage IN ('received', 'processing', 'held', 'problem', 'challenged', 'authorised')
LIMIT 20
)
SELECT order_id, same_order, (
  SELECT CASE WHEN l.happening = 'merchant_attempt' AND (l.body ->> 'declined')::boolean THEN 'declined' ELSE 'paid' END
  FROM order_log l LEFT JOIN LATERAL (SELECT external_id, transaction_id, units, asset FROM transmissions c
    WHERE c.merchant_id = $1 AND c.transmit_id BETWEEN (l.body ->> 'transmit_id')::uuid
      AND (l.body ->> 'transmit_id')::uuid ORDER BY c.transmit_id LIMIT 1) c ON true
  WHERE l.merchant_id = $1 AND l.order_id = t.order_id
    AND l.happening IN ('paid_elsewhere', 'paid_twice', 'merchant_attempt')
    AND (l.body ->> 'transmit_id' = $7 OR $8 <> '' AND c.transaction_id = $8 AND c.external_id = $2 AND c.units = $4
      AND c.asset = $5)
  ORDER BY l.seq DESC LIMIT 1
) AS told
FROM touched t WHERE $9::boolean OR $4 > 0
"""


async def read_transmission(
    connection: asyncpg.Connection, merchant_id: UUID, transmit_id: UUID
) -> asyncpg.Record | None:
    sql = "SELECT * FROM transmissions WHERE merchant_id = $1 AND transmit_id = $2"
    return await connection.fetchrow(sql, merchant_id, transmit_id)


async def touched_orders(
    connection: asyncpg.Connection, row: asyncpg.Record, *, declined: bool
) -> list[tuple[UUID, bool, str | None]]:
    """(order, same order id?, what its log says last of this payment, `paid` or `declined`): the rescue of this order
    id, and of the payer's newest orders open ones of the same card and amount. A success of nothing touches none."""
    found = await connection.fetch(
        _TOUCHED, row["merchant_id"], row["external_id"], row["payer_id"], row["units"], row["asset"], row["last4"],
        str(row["transmit_id"]), row["transaction_id"], declined, PAYER_ORDERS,
    )  # fmt: skip
    return [(r["order_id"], r["same_order"], r["told"]) for r in found]
