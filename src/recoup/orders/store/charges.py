"""Facts that a cardholder may know of a charge, found by what a statement shows of it; over all
merchants."""

from datetime import datetime
from typing import Literal

from recoup.db.statement import MERCHANT, Read, Row

MATCHES_MAX = 5
LOOKED_AT_MAX = 1_000  # charges of one card ending, amount and day: the newest


class ChargeFound(Row):
    """`state`: of the money, never of the order, of which a cardholder knows nothing. `returned`:
    for good, the order has ended."""

    name: str
    url: str
    support: str
    descriptor: str
    scheme: str
    state: Literal["charged", "part_refunded", "refunded", "disputed", "held", "returned"]


@MERCHANT.statement(f"""
SELECT DISTINCT s.name, s.url, s.support, o.descriptor, coalesce(v.scheme, '') AS scheme,
  CASE WHEN o.stage = 'authorised' THEN 'held'
    WHEN o.stage IN ('declined', 'cancelled', 'expired') THEN 'returned'
    WHEN h.disputed THEN 'disputed'
    WHEN h.refunded_units >= h.units THEN 'refunded' WHEN h.refunded_units > 0 THEN 'part_refunded'
    ELSE 'charged' END AS state
FROM (SELECT merchant_id, attempt_id FROM charges
  WHERE card_last4 = $1 AND units = $2 AND asset = $3 AND closed_at >= $4 AND closed_at < $5
  ORDER BY closed_at DESC LIMIT {LOOKED_AT_MAX}) c
JOIN attempts a ON a.merchant_id = c.merchant_id AND a.attempt_id = c.attempt_id
JOIN current_orders o ON o.merchant_id = a.merchant_id AND o.order_id = a.order_id
JOIN order_heads h ON h.merchant_id = a.merchant_id AND h.order_id = a.order_id
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
ORDER BY s.name, s.url, 3, 4, 5, 6 LIMIT {MATCHES_MAX}
""")
async def find_charges(
    db: Read, last4: str, units: int, asset: str, since: datetime, until: datetime
) -> list[ChargeFound]:
    """Different ones only, at most MATCHES_MAX of the newest LOOKED_AT_MAX charges."""
