"""Disputes beside their log, their charges, their due work, and the sandbox issuer's own cases."""

from typing import Final

from recoup.kit.proofs.walk import of_merchant, of_window

disputes: Final = of_window(
    __name__,
    of_dispute="""
SELECT d.order_id, v.field || ' of dispute ' || d.dispute_no AS field, v.expected, v.found
FROM disputes d
LEFT JOIN attempts a ON a.merchant_id = d.merchant_id AND a.attempt_id = d.attempt_id
CROSS JOIN LATERAL (
  SELECT (array_agg(l.happening ORDER BY l.seq DESC) FILTER (WHERE l.happening IN
    ('dispute_inquiry', 'inquiry_closed',
      'dispute_opened', 'dispute_continued', 'dispute_answered', 'dispute_won',
        'dispute_lost')))[1] AS last,
    (array_agg(l.body ORDER BY l.seq DESC) FILTER (WHERE l.body ? 'liable'))[1] AS body
  FROM order_log l WHERE l.merchant_id = d.merchant_id AND l.order_id = d.order_id
    AND l.fact_id = d.dispute_id
) l
CROSS JOIN LATERAL (
  SELECT coalesce(sum(o.units) FILTER (WHERE o.stage <> 'inquiry'
    AND o.state <> 'won'), 0) <= a.units AS fits
  FROM disputes o WHERE o.merchant_id = d.merchant_id AND o.order_id = d.order_id
    AND o.attempt_id = d.attempt_id
) s
CROSS JOIN LATERAL (VALUES
  (1, 'charge', d.order_id::text || ' approved', a.order_id::text || ' ' || a.state),
  (2, 'asset', a.asset, d.asset),
  (3, 'route', a.route, d.route),
  (4, 'sum beside the charge', 'fits', CASE WHEN s.fits THEN 'fits'
    ELSE 'more than the charge' END),
  (5, 'state', CASE l.last WHEN 'dispute_won' THEN 'won' WHEN 'dispute_answered' THEN 'answered'
      WHEN 'dispute_lost' THEN coalesce(l.body ->> 'how', 'lost') WHEN 'inquiry_closed' THEN CASE
      WHEN d.state IN ('won', 'expired') THEN d.state ELSE 'won' END
        WHEN 'dispute_inquiry' THEN 'open'
      WHEN 'dispute_opened' THEN 'open' WHEN 'dispute_continued' THEN 'open' END, d.state),
  (6, 'units', l.body ->> 'units', d.units::text),
  (7, 'stage', l.body ->> 'stage', d.stage),
  (8, 'round', l.body ->> 'round_id', d.round_id::text),
  (9, 'liability', l.body ->> 'liable', d.liable),
  (12, 'fee for the merchant', l.body ->> 'fee_charged', d.fee_units::text),
  (13, 'kind', l.body ->> 'kind', d.kind),
  (14, 'deadline', (l.body ->> 'respond_by')::timestamptz::text, d.respond_by::text),
  (10, 'due work of the deadline', CASE WHEN d.state = 'open'
    AND d.respond_by IS NOT NULL THEN 'due' ELSE 'none' END,
    CASE WHEN EXISTS (SELECT FROM due_work w WHERE w.merchant_id = d.merchant_id
      AND w.kind = 'dispute_deadline'
      AND w.subject_id = d.dispute_id) THEN 'due' ELSE 'none' END),
  (11, 'due work of the answer', CASE WHEN d.answer_state IN ('owed', 'sent') THEN 'due'
    ELSE 'none' END,
    CASE WHEN EXISTS (SELECT FROM due_work w WHERE w.merchant_id = d.merchant_id
      AND w.kind = 'dispute_answer'
      AND w.subject_id = d.dispute_id) THEN 'due' ELSE 'none' END)
) v (no, field, expected, found)
WHERE d.merchant_id = $1 AND d.order_id > $2 AND d.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY d.order_id, d.dispute_no, v.no LIMIT 1000
""",
    lines_of_no_dispute="""
SELECT l.order_id, 'dispute of log line ' || l.seq || ' (' || l.happening || ')' AS field,
  'a dispute' AS expected,
  'none' AS found
FROM order_log l LEFT JOIN disputes d ON d.merchant_id = l.merchant_id AND d.dispute_id = l.fact_id
WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3 AND l.fact_kind = 'dispute'
  AND d.order_id IS DISTINCT FROM l.order_id
ORDER BY l.order_id, l.seq LIMIT 1000
""",
)


issuers_cases: Final = of_window(
    __name__,
    # Their case as their book has it: what came in a notice must be so, whatever has none yet.
    issuer="""
SELECT d.order_id, 'issuer''s ' || v.field || ' of dispute ' || d.dispute_no AS field, v.expected,
  v.found
FROM disputes d LEFT JOIN issuer.disputes i ON i.case_id = d.case_ref
CROSS JOIN LATERAL (VALUES
  (1, 'charge', d.attempt_id::text, i.charge_id::text),
  (2, 'units', d.units || ' ' || d.asset, i.units || ' ' || i.currency),
  (3, 'status', CASE WHEN i.stage <> d.stage THEN i.status
    WHEN d.state IN ('lost', 'accepted', 'won') THEN
      CASE d.state WHEN 'won' THEN 'won' ELSE 'lost' END ELSE i.status END, i.status)
) v (no, field, expected, found)
WHERE d.merchant_id = $1 AND d.order_id > $2 AND d.order_id <= $3 AND d.route = 'sandbox'
  AND v.expected IS DISTINCT FROM v.found
ORDER BY d.order_id, d.dispute_no, v.no LIMIT 1000
""",
)


# What each was taken for, against the log that it changed.
notices: Final = of_merchant(
    __name__,
    notices_of_nothing="""
SELECT NULL::uuid AS order_id, 'case of notice ' || n.notice_id AS field, 'a dispute' AS expected,
  'none' AS found
FROM dispute_notices n
WHERE n.merchant_id = $1 AND n.state = 'applied' AND NOT EXISTS (SELECT FROM disputes d
  WHERE d.merchant_id = n.merchant_id AND d.route = n.route AND d.case_ref = n.content ->> 'caseId')
LIMIT 1000
""",
    of_notice="""
SELECT NULL::uuid AS order_id, v.field || ' of notice ' || n.notice_id AS field, v.expected, v.found
FROM dispute_notices n
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM disputes d
  JOIN order_log l ON l.merchant_id = d.merchant_id
    AND l.order_id = d.order_id AND l.fact_id = d.dispute_id AND l.actor = 'processor:' || n.route
  WHERE d.merchant_id = n.merchant_id AND d.route = n.route AND d.case_ref = n.content ->> 'caseId'
    AND CASE WHEN n.tries = 1 THEN l.recorded_at = n.received_at
      ELSE l.recorded_at >= n.received_at END) AS heard) l
CROSS JOIN LATERAL (VALUES
  (1, 'line of the log', CASE WHEN n.state = 'applied' THEN 'one' ELSE 'any' END,
    CASE WHEN n.state <> 'applied' THEN 'any' WHEN l.heard THEN 'one' ELSE 'none' END),
  (2, 'reason', CASE WHEN n.state IN ('unmatched', 'settled') THEN 'given' ELSE 'none' END,
    CASE WHEN n.why = '' THEN 'none' ELSE 'given' END)
) v (no, field, expected, found)
WHERE n.merchant_id = $1 AND v.expected <> v.found ORDER BY n.notice_id, v.no LIMIT 1000
""",
    # What the processor's word changed, and the notice that was its word: a first hearing has the
    # same instant.
    words="""
SELECT l.order_id, 'notice of log line ' || l.seq || ' (' || l.happening || ')' AS field,
  'applied' AS expected,
  coalesce((SELECT min(n.state) FROM dispute_notices n WHERE n.merchant_id = d.merchant_id
    AND n.route = d.route
    AND n.content ->> 'caseId' = d.case_ref), 'none') AS found
FROM order_log l JOIN disputes d ON d.merchant_id = l.merchant_id AND d.dispute_id = l.fact_id
WHERE l.merchant_id = $1 AND l.fact_kind = 'dispute' AND l.actor LIKE 'processor:%'
  AND l.happening IN ('dispute_inquiry', 'inquiry_closed', 'dispute_opened', 'dispute_continued',
    'dispute_won',
    'dispute_lost')
  AND NOT EXISTS (SELECT FROM dispute_notices n WHERE n.merchant_id = d.merchant_id
    AND n.route = d.route
    AND n.content ->> 'caseId' = d.case_ref AND n.state = 'applied'
    AND CASE WHEN n.tries = 1 THEN n.received_at = l.recorded_at
      ELSE n.received_at <= l.recorded_at END)
LIMIT 1000
""",
)
