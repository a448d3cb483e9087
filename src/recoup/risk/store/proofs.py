"""Proofs of what was advanced: each advance against its log, the exposure against what is not
collected, and every version of what closed orders say about advances."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kit.proofs.walk import (
    STATEMENT_SECONDS,
    Difference,
    DiffersAt,
    differences,
    of_merchant,
    of_window,
)


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT l.merchant_id, NULL::uuid AS order_id, 'operator''s exposure in ' || o.asset AS field,
  v.drawn::text AS expected, o.drawn_units::text AS found
FROM operator_exposure o
LEFT JOIN (SELECT asset, min(merchant_id::text)::uuid AS merchant_id,
  sum(drawn_units)::bigint AS drawn
  FROM exposure_limits GROUP BY asset) l USING (asset)
CROSS JOIN LATERAL (SELECT coalesce(l.drawn, 0) + coalesce(($1::jsonb ->> o.asset)::bigint, 0)
  AS drawn) v
WHERE o.drawn_units <> v.drawn LIMIT 1000
""")
async def _operator(db: Read, elsewhere: dict[str, Any]) -> list[DiffersAt]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(
    "SELECT asset, sum(drawn_units)::bigint FROM exposure_limits GROUP BY asset"
)
async def drawn(db: Read) -> dict[str, int]:
    """Units by asset that the cell's merchants draw."""


advances: Final = of_window(
    __name__,
    of_advance="""
SELECT order_id, v.field || ' of the advance' AS field, v.expected, v.found
FROM (
  SELECT l.order_id, max(l.happening) FILTER (WHERE l.happening IN ('charged',
    'uncollected')) AS ended,
    (max(l.body ->> 'units') FILTER (WHERE l.happening = 'advanced'))::bigint AS units,
    coalesce(sum((l.body ->> 'units')::bigint) FILTER (WHERE l.happening IN ('charged',
      'uncollected',
      'refund_netted')), 0)::bigint AS gone
  FROM order_log l
  WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3
    AND l.happening IN ('advanced', 'charged', 'uncollected', 'refund_netted')
  GROUP BY l.order_id
) l
FULL JOIN (SELECT * FROM advances WHERE merchant_id = $1 AND order_id > $2
  AND order_id <= $3) x USING (order_id)
CROSS JOIN LATERAL (VALUES
  (1, 'units', l.units::text, x.units::text),
  (2, 'due units', (l.units - l.gone)::text, x.due_units::text),
  (3, 'state', CASE WHEN l.gone < l.units THEN 'due' ELSE coalesce(l.ended, 'netted') END, x.state),
  (4, 'asset', (SELECT o.asset FROM orders o WHERE o.merchant_id = $1
    AND o.order_id = x.order_id), x.asset),
  (5, 'card number', (SELECT o.pan_id::text FROM orders o WHERE o.merchant_id = $1
    AND o.order_id = x.order_id),
    x.pan_id::text),
  (6, 'customer', 'counted by card and payer', CASE WHEN x.due_units = 0
    OR x.customers @> array_remove(ARRAY[x.payer_id, x.pan_id],
      NULL) THEN 'counted by card and payer' ELSE 'not' END)
) v (no, field, expected, found)
WHERE v.expected IS DISTINCT FROM v.found
ORDER BY order_id, v.no LIMIT 1000
""",
    # What a decision says that closed orders show is what its version says.
    bounds="""
SELECT a.order_id, v.field || ' of the bounds of an advance' AS field, v.expected, v.found
FROM advances a
JOIN order_log l ON l.merchant_id = a.merchant_id AND l.order_id = a.order_id
  AND l.happening = 'advanced'
JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
LEFT JOIN advance_bounds b ON b.merchant_id = a.merchant_id AND b.asset = a.asset
  AND b.version = (d.features -> 'bounds' ->> 'version')::int
CROSS JOIN LATERAL (VALUES
  (1, 'table', b.tables ->> CASE WHEN d.features ? 'facts' THEN 'model' ELSE 'prior' END,
    d.features -> 'bounds' ->> 'table'),
  (2, 'until', b.until::text, d.features -> 'bounds' ->> 'until')
) v (no, field, expected, found)
WHERE a.merchant_id = $1 AND a.order_id > $2 AND a.order_id <= $3
  AND d.features -> 'bounds' <> 'null'
  AND v.expected IS DISTINCT FROM v.found
ORDER BY a.order_id, v.no LIMIT 1000
""",
)


exposure: Final = of_merchant(
    __name__,
    slots="""
SELECT NULL::uuid AS order_id, v.field || ' of exposure slot ' || slot || ' in ' || asset AS field,
  v.expected, v.found
FROM (SELECT * FROM exposure_allotments WHERE merchant_id = $1) s
FULL JOIN (SELECT asset, slot, sum(due_units)::bigint AS due FROM advances
  WHERE merchant_id = $1 AND due_units > 0 GROUP BY 1, 2) x USING (asset, slot)
CROSS JOIN LATERAL (VALUES
  (1, 'use', coalesce(x.due, 0)::text, coalesce(s.used, 0)::text),
  (2, 'allotment', 'at least what is used', CASE WHEN s.allotted >= s.used AND s.used >= s.reclaim
    THEN 'at least what is used' ELSE s.allotted::text END)
) v (no, field, expected, found)
WHERE v.expected IS DISTINCT FROM v.found ORDER BY asset, slot, v.no LIMIT 1000
""",
    customers="""
SELECT NULL::uuid AS order_id, 'exposure of customer ' || customer_id || ' in ' || asset AS field,
  coalesce(x.due, 0)::text AS expected, coalesce(c.used, 0)::text AS found
FROM (SELECT * FROM customer_exposure WHERE merchant_id = $1) c
FULL JOIN (SELECT customer_id, asset, sum(due_units)::bigint AS due FROM advances
  CROSS JOIN LATERAL unnest(customers) AS k (customer_id)
  WHERE merchant_id = $1 AND due_units > 0 GROUP BY 1, 2) x USING (customer_id, asset)
WHERE coalesce(x.due, 0) <> coalesce(c.used, 0) LIMIT 1000
""",
    # Slots hold no more than was drawn for them, and all of it was drawn from the operator.
    drawn="""
SELECT NULL::uuid AS order_id, 'exposure drawn in ' || l.asset AS field,
  'at least ' || s.allotted AS expected,
  l.drawn_units::text AS found
FROM exposure_limits l
CROSS JOIN LATERAL (SELECT coalesce(sum(allotted), 0)::bigint AS allotted FROM exposure_allotments a
  WHERE a.merchant_id = l.merchant_id AND a.asset = l.asset) s
WHERE l.merchant_id = $1 AND l.drawn_units < s.allotted LIMIT 1000
""",
)


async def operator_exposure(db: Read, elsewhere: Mapping[str, int]) -> list[Difference]:
    """Differences between what all merchants draw together and what the operator counts; one of
    them is named. `elsewhere`: drawn by those of other cells."""
    return await differences(db, _operator, None, dict(elsewhere))


@MERCHANT.within(STATEMENT_SECONDS).statement(
    "SELECT DISTINCT asset FROM advance_bounds WHERE merchant_id = $1 ORDER BY asset"
)
async def assets_bounded(db: Read, merchant_id: UUID) -> list[str]:
    """Currencies of which there is a version."""


class KeptBounds(Row):
    """`tables`: whatever stands there."""

    version: int
    made_on: date
    until: date
    tables: dict[str, Any]


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT version, made_on, until, tables FROM advance_bounds
WHERE merchant_id = $1 AND asset = $2 AND version > $3 ORDER BY version LIMIT $4
""")
async def kept_bounds(
    db: Read, merchant_id: UUID, asset: str, after: int, limit: int
) -> list[KeptBounds]:
    """The next versions, in their order."""
