"""The hash of what happened: orders, attempts, refunds, log, ledger and balances, in words that no id, machine or speed
has a part in. Of one instant the order does not count: everything is sorted by its content."""

import hashlib
from typing import Final

from recoup_lab.simulate.sim import Sim

_ORDERS: Final = """
WITH lines AS (
  SELECT order_id, 1 AS part, concat_ws('|', extract(epoch FROM business_at), happening, src, dst, body ->> 'units',
    body ->> 'fee', body ->> 'number', body ->> 'code', body ->> 'cause',
    extract(epoch FROM (body ->> 'next')::timestamptz)) AS line
  FROM order_log WHERE merchant_id = $1
  UNION ALL
  SELECT order_id, 2, concat_ws('|', attempt_no, state, ladder, initiator, route, units, asset, scheme_code, klass,
    sends, if_late, extract(epoch FROM sent_at), extract(epoch FROM closed_at))
  FROM attempts WHERE merchant_id = $1
  UNION ALL
  SELECT order_id, 3, concat_ws('|', kind, state, units, asset, extract(epoch FROM business_at))
  FROM modifications WHERE merchant_id = $1
  UNION ALL
  SELECT p.order_id, 4, concat_ws('|', extract(epoch FROM p.business_at), p.source_kind, p.recipe, e.account, e.asset,
    e.place, e.units)
  FROM postings p JOIN entries e USING (merchant_id, posting_id) WHERE p.merchant_id = $1 AND p.order_id IS NOT NULL
), told AS (
  SELECT order_id, string_agg(line, E'\n' ORDER BY part, line COLLATE "C") AS text FROM lines GROUP BY order_id
)
SELECT concat_ws(E'\n', o.external_id, o.generation, o.kind, o.stage, o.units, o.asset, h.status, h.refunded_units,
  h.reason, h.disputed, told.text)
FROM orders o JOIN order_heads h USING (merchant_id, order_id) LEFT JOIN told USING (order_id)
WHERE o.merchant_id = $1 ORDER BY o.external_id COLLATE "C", o.generation
"""
_OTHER_POSTINGS: Final = """
SELECT line FROM (
  SELECT concat_ws('|', extract(epoch FROM p.business_at), p.source_kind, p.recipe, e.account, e.asset, e.place,
    e.units) AS line
  FROM postings p JOIN entries e USING (merchant_id, posting_id) WHERE p.merchant_id = $1 AND p.order_id IS NULL
) x ORDER BY line COLLATE "C"
"""
_BALANCES: Final = """
SELECT concat_ws('|', account, asset, place, units) FROM account_balances WHERE merchant_id = $1 AND units <> 0
ORDER BY account COLLATE "C", asset COLLATE "C", place COLLATE "C"
"""


async def digest(sim: Sim) -> str:
    """Hex of SHA-256 over everything."""
    whole = hashlib.sha256()
    for shop in sim.shops:
        whole.update(f"merchant {shop.number}\n".encode())
        async with sim.owner.transaction():
            for sql in (_ORDERS, _OTHER_POSTINGS, _BALANCES):
                async for row in sim.owner.cursor(sql, shop.scope.merchant_id, prefetch=1000):
                    whole.update(row[0].encode() + b"\n")
    return whole.hexdigest()
