"""What a challenge's page shows."""

from datetime import datetime
from uuid import UUID

import asyncpg

_ASKED = """
SELECT c.state, c.asks, c.tries, c.expires_at, m.name AS merchant, o.descriptor, o.units, o.asset, o.stage, v.scheme,
  v.last4, v.exp_month, v.exp_year, p.billing, h.reason, s.url AS site_url,
  c.expires_at <= $3::timestamptz + m.offset_us * interval '1 microsecond' AS lapsed,
  EXISTS (SELECT FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
    AND a.state IN ('open', 'unknown')) AS out,
  (SELECT jsonb_build_object('kind', r.kind, 'state', r.state) FROM refunds r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id AND r.kind IN ('reversal', 'void')
    ORDER BY r.state IN ('done', 'netted'), r.state = 'refused', r.refund_no DESC LIMIT 1) AS back
FROM challenges c
JOIN orders o USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
JOIN merchants m USING (merchant_id)
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
WHERE c.merchant_id = $1 AND c.order_id = $2
ORDER BY c.challenge_no DESC LIMIT 1
"""


async def asked_of(
    connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID, wall: datetime
) -> asyncpg.Record | None:
    """The order's last challenge, whether its time is over, whether a try is out, and what goes `back` of one."""
    return await connection.fetchrow(_ASKED, merchant_id, order_id, wall)


async def kind_of_order(connection: asyncpg.Connection, merchant_id: UUID, order_id: UUID) -> str | None:
    sql = "SELECT kind FROM orders WHERE merchant_id = $1 AND order_id = $2"
    return await connection.fetchval(sql, merchant_id, order_id)  # type: ignore[no-any-return]
