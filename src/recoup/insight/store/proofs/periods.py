"""Bounds of a batch: its period as announced, its pages one after the other, the day of its
release."""

from typing import Final

from recoup.kit.proofs.walk import of_merchant

periods: Final = of_merchant(
    __name__,
    # The event at its close and the batch today agree.
    differences_as_reported="""
SELECT NULL::uuid AS order_id, v.field || ' of batch ' || b.batch_id || ', as its event told' AS
  field, v.expected,
  v.found
FROM settlement_batches b
JOIN outbox x ON x.merchant_id = b.merchant_id AND x.subject_id = b.batch_id
  AND x.event = 'settlement.closed'
CROSS JOIN LATERAL (SELECT coalesce(sum(units), 0) AS units FROM settlement_lines l JOIN postings p
    USING (merchant_id, posting_id)
  WHERE l.merchant_id = b.merchant_id AND l.batch_id = b.batch_id AND p.recipe = 'carried'
    AND p.source_id = b.batch_id
) c
CROSS JOIN LATERAL (VALUES
  (1, 'begin', (x.body ->> 'PeriodFrom')::timestamptz::text, b.period_from::text),
  (2, 'end', (x.body ->> 'PeriodTo')::timestamptz::text, b.period_to::text),
  (3, 'root', x.body ->> 'LedgerRoot', encode(b.root, 'hex')),
  (4, 'currency', x.body ->> 'Currency', b.asset),
  (5, 'amount', x.body ->> 'Amount', (b.payout_units + least(0, -c.units))::text),
  (6, 'closing', x.business_at::text, b.closed_at::text)
) v (no, field, expected, found)
WHERE b.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found
  ORDER BY b.closed_at, b.batch_id, v.no LIMIT 1000
""",
    release="""
SELECT NULL::uuid AS order_id, 'release of batch ' || b.batch_id AS field, v.expected, v.found
FROM settlement_batches b
LEFT JOIN due_work d ON d.merchant_id = b.merchant_id AND d.kind = 'reserve'
  AND d.subject_id = b.batch_id
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM settlement_terms t
  WHERE t.merchant_id = b.merchant_id
  AND t.valid_from < b.period_to AND b.period_to + make_interval(hours => 24 * t.reserve_days) =
    b.release_at) AS some
) t
CROSS JOIN LATERAL (VALUES
  (1, 'when its terms say', CASE WHEN t.some THEN 'when its terms say' ELSE b.release_at::text END),
  (2, b.release_at::text, coalesce(d.due_at, b.release_at)::text)
) v (no, expected, found)
WHERE b.merchant_id = $1 AND b.release_at IS NOT NULL AND v.expected <> v.found
ORDER BY b.closed_at, b.batch_id, v.no LIMIT 1000
""",
    # Each batch looked from where the one before had left something.
    pages="""
SELECT NULL::uuid AS order_id, 'first page of batch ' || batch_id AS field,
  before::text AS expected,
  page_from::text AS found
FROM (SELECT batch_id, page_from, lag(open_from, 1, 1::bigint) OVER (PARTITION BY asset
  ORDER BY period_to) AS before
  FROM settlement_batches WHERE merchant_id = $1) b
WHERE page_from <> before LIMIT 1000
""",
    left="""
WITH b AS MATERIALIZED (SELECT DISTINCT ON (asset) * FROM settlement_batches WHERE merchant_id = $1
  ORDER BY asset, period_to DESC)
SELECT NULL::uuid AS order_id, 'first page after batch ' || b.batch_id AS field,
  coalesce(n.page_no, b.page_to + 1)::text AS expected, b.open_from::text AS found
FROM b LEFT JOIN (
  SELECT e.asset, min(p.page_no) AS page_no
  FROM b JOIN page_lines p ON p.merchant_id = $1 AND p.page_no <= b.page_to
  JOIN entries e ON e.merchant_id = $1 AND e.posting_id = p.posting_id AND e.asset = b.asset
    AND e.account = 'merchant_payable' AND e.place = ''
  LEFT JOIN settlement_lines l ON l.merchant_id = $1 AND l.posting_id = e.posting_id
    AND l.line_no = e.line_no
  WHERE l.batch_id IS NULL GROUP BY 1
) n USING (asset)
WHERE b.open_from <> coalesce(n.page_no, b.page_to + 1) LIMIT 1000
""",
)
