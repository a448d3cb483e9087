"""Stablecoin money: settlements against the log, payouts against the book, and the mock channels'
own book."""

from typing import Final

from recoup.kit.proofs.walk import of_merchant, of_window
from recoup.orders.rules.ledger import with_recipes

settlements: Final = of_window(
    __name__,
    of_settlement="""
SELECT s.order_id, v.field || ' of settlement ' || s.settlement_id AS field, v.expected, v.found
FROM settlements s
LEFT JOIN orders o ON o.merchant_id = s.merchant_id AND o.order_id = s.order_id
LEFT JOIN attempts a ON a.merchant_id = s.merchant_id AND a.attempt_id = s.attempt_id
CROSS JOIN LATERAL (
  SELECT (array_agg(l.body ->> 'units' ORDER BY seq DESC) FILTER (WHERE happening =
    'settlement_due'))[1] AS units,
    CASE WHEN bool_or(happening = 'settled') THEN 'confirmed'
      WHEN bool_or(happening = 'settlement_replaced') THEN 'failed'
      WHEN bool_or(happening = 'settlement_stuck') THEN 'stuck' ELSE 'under way' END AS outcome
  FROM order_log l WHERE l.merchant_id = s.merchant_id AND l.order_id = s.order_id
    AND l.fact_id = s.settlement_id
) l
CROSS JOIN LATERAL (
  SELECT o.units + coalesce((SELECT sum(CASE l.happening
    WHEN 'overpaid' THEN (l.body ->> 'units')::bigint
        ELSE -coalesce((l.body ->> 'short')::bigint, 0) END) FROM order_log l
      WHERE l.merchant_id = s.merchant_id AND l.order_id = s.order_id
        AND l.happening IN ('overpaid', 'collected')), 0) AS paid,
    (SELECT sum(t.units + t.fee_units) FROM settlements t WHERE t.merchant_id = s.merchant_id
      AND t.order_id = s.order_id AND t.state <> 'failed') AS settled
) p
CROSS JOIN LATERAL (VALUES
  (1, 'units', l.units, s.units::text),
  (2, 'net and fee', p.paid::text, p.settled::text),
  (3, 'asset', o.asset, s.asset),
  (4, 'payment', 'approved', a.state),
  (5, 'state', l.outcome, CASE WHEN s.state IN ('pending', 'broadcast') THEN 'under way'
    ELSE s.state END),
  (6, 'transaction', CASE WHEN s.state = 'confirmed' THEN 'set' ELSE 'none' END,
    CASE WHEN s.tx_hash IS NULL THEN 'none' ELSE 'set' END),
  (7, 'due work', CASE WHEN s.state IN ('confirmed', 'stuck', 'failed') THEN 'none' ELSE 'due' END,
    CASE WHEN EXISTS (SELECT FROM due_work d WHERE d.merchant_id = s.merchant_id
      AND d.kind = 'settle'
      AND d.subject_id = s.settlement_id) THEN 'due' ELSE 'none' END)
) v (no, field, expected, found)
WHERE s.merchant_id = $1 AND s.order_id > $2 AND s.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY s.order_id, v.no LIMIT 1000
""",
    lines_of_no_settlement="""
SELECT l.order_id, 'settlement of log line ' || l.seq || ' (' || l.happening || ')' AS field,
  'a settlement' AS expected, 'none' AS found
FROM order_log l LEFT JOIN settlements s ON s.merchant_id = l.merchant_id
  AND s.settlement_id = l.fact_id
WHERE l.merchant_id = $1 AND l.order_id > $2 AND l.order_id <= $3 AND l.fact_kind = 'settlement'
  AND s.order_id IS DISTINCT FROM l.order_id
ORDER BY l.order_id, l.seq LIMIT 1000
""",
)


payouts: Final = of_merchant(
    __name__,
    of_payout="""
SELECT NULL::uuid AS order_id, v.field || ' of payout ' || o.payout_id AS field, v.expected, v.found
FROM payouts o
CROSS JOIN LATERAL (
  SELECT string_agg(recipe, ' ' ORDER BY recipe) AS recipes, count(*) FILTER (WHERE e.units <>
    o.units) AS other
  FROM postings p JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
    AND e.units > 0
  WHERE p.merchant_id = o.merchant_id AND p.source_kind = 'payout' AND p.source_id = o.payout_id
) p
CROSS JOIN LATERAL (VALUES
  (1, 'postings', CASE o.state WHEN 'paid' THEN 'payout_paid payout_requested'
    WHEN 'failed' THEN 'payout_requested payout_returned'
      WHEN 'rejected' THEN 'payout_requested payout_returned'
    ELSE 'payout_requested' END, p.recipes),
  (2, 'postings of other amounts', '0', p.other::text),
  (3, 'due work', CASE WHEN o.state IN ('paid', 'failed', 'rejected') THEN 'none' ELSE 'due' END,
    CASE WHEN EXISTS (SELECT FROM due_work d WHERE d.merchant_id = o.merchant_id
      AND d.kind = 'payout'
      AND d.subject_id = o.payout_id) THEN 'due' ELSE 'none' END)
) v (no, field, expected, found)
WHERE o.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found
ORDER BY o.payout_id, v.no LIMIT 1000
""",
    postings_of_no_payout="""
SELECT NULL::uuid AS order_id, 'payout of posting ' || p.posting_id AS field,
  'a payout' AS expected, 'none' AS found
FROM postings p LEFT JOIN payouts o ON o.merchant_id = p.merchant_id AND o.payout_id = p.source_id
WHERE p.merchant_id = $1 AND p.source_kind = 'payout' AND o.payout_id IS NULL LIMIT 1000
""",
    # Payouts are made of custodial money alone: what came in, less what settlements send.
    more_than_custodial=with_recipes("""
SELECT NULL::uuid AS order_id, 'payouts in ' || o.asset AS field,
  'at most ' || greatest(c.units - s.units, 0) AS expected, o.units::text AS found
FROM (SELECT asset, sum(units)::bigint AS units FROM payouts
  WHERE merchant_id = $1 AND state NOT IN ('failed', 'rejected') GROUP BY asset) o
CROSS JOIN LATERAL (SELECT -coalesce(sum(e.units), 0)::bigint AS units
  FROM postings p JOIN entries e USING (merchant_id, posting_id)
  WHERE p.merchant_id = $1 AND (p.recipe IN {amount} OR p.recipe = 'fee')
    AND e.account = 'merchant_payable'
    AND e.place = 'wallet' AND e.asset = o.asset) c
CROSS JOIN LATERAL (SELECT coalesce(sum(units), 0)::bigint AS units FROM settlements
  WHERE merchant_id = $1 AND asset = o.asset AND state <> 'failed') s
WHERE o.units > c.units - s.units ORDER BY o.asset LIMIT 1000
"""),
    # Payouts and refunds leave under the wallet's lock. Direct money that has not left yet is not
    # what may be taken. A fee that a chain paid to the merchant, as the money came in another
    # network's units, the merchant owes.
    below_nothing="""
SELECT NULL::uuid AS order_id, 'wallet in ' || w.asset AS field, 'at least ' || s.units AS expected,
  w.units::text AS found
FROM (SELECT e.asset, -sum(e.units)::bigint AS units FROM entries e
  WHERE e.merchant_id = $1 AND e.account = 'merchant_payable' AND e.place = 'wallet'
    GROUP BY e.asset) w
CROSS JOIN LATERAL (SELECT coalesce(sum(units), 0)::bigint AS units FROM settlements
  WHERE merchant_id = $1 AND asset = w.asset AND state NOT IN ('confirmed', 'failed')) s
WHERE w.units < s.units AND w.units < s.units - (SELECT coalesce(sum(f.fee - f.got), 0)::bigint
  FROM (
  SELECT (o.facts ->> 'fee_units')::bigint AS fee, sum(t.fee_units) AS got
  FROM settlements t JOIN orders o USING (merchant_id, order_id)
  WHERE t.merchant_id = $1 AND t.asset = w.asset AND t.state <> 'failed' AND o.facts ? 'fee_units'
  GROUP BY o.order_id, o.facts) f WHERE f.fee > f.got)
ORDER BY w.asset LIMIT 1000
""",
)


# Only where the book can be read; see `issuer.can_read`.
channel_book: Final = of_window(
    __name__,
    # What the channel took, gave back and swept, against what we believe of it.
    channel="""
SELECT c.order_id, v.field AS field, v.expected, v.found
FROM mock_channel.payments c
LEFT JOIN current_orders o ON o.merchant_id = c.merchant_id AND o.order_id = c.order_id
LEFT JOIN attempts a ON a.merchant_id = c.merchant_id AND a.attempt_id = c.id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(units) FILTER (WHERE kind = 'refund'), 0)::bigint AS refunded,
    coalesce(sum(units) FILTER (WHERE kind = 'sweep'), 0)::bigint AS swept
  FROM mock_channel.transfers t WHERE t.payment_id = c.id AND t.decision = 'approved'
) t
CROSS JOIN LATERAL (
  SELECT coalesce(sum(units) FILTER (WHERE state = 'done'), 0)::bigint AS done,
    coalesce(sum(units) FILTER (WHERE state IN ('sent', 'done', 'stuck')), 0)::bigint AS most
  FROM modifications r WHERE r.merchant_id = c.merchant_id AND r.attempt_id = c.id
    AND r.processor_code IS DISTINCT FROM 'by_hand'
) r
CROSS JOIN LATERAL (
  SELECT coalesce(sum(units) FILTER (WHERE state = 'confirmed'), 0)::bigint AS done,
    coalesce(sum(units) FILTER (WHERE state <> 'failed'), 0)::bigint AS most
  FROM settlements s WHERE s.merchant_id = c.merchant_id AND s.attempt_id = c.id
) s
CROSS JOIN LATERAL (VALUES
  (1, 'the channel''s payment of attempt ' || c.id,
    CASE WHEN c.decision = 'declined' OR o.stage IN ('received', 'processing') THEN a.state
      WHEN EXISTS (SELECT FROM order_log l WHERE l.merchant_id = c.merchant_id
        AND l.order_id = c.order_id
        AND l.happening = 'paid_late') THEN a.state ELSE 'approved' END, a.state),
  (2, 'units of the channel''s payment', a.units || ' ' || a.asset, c.units || ' ' || c.currency),
  (3, 'refunds by the channel', 'from ' || r.done || ' to ' || r.most,
    CASE WHEN t.refunded BETWEEN r.done AND r.most THEN 'from ' || r.done || ' to ' || r.most
      ELSE t.refunded::text END),
  (4, 'sweeps by the channel', 'from ' || s.done || ' to ' || s.most,
    CASE WHEN t.swept BETWEEN s.done AND s.most THEN 'from ' || s.done || ' to ' || s.most
      ELSE t.swept::text END),
  (5, 'channel of the payment', a.route, c.channel)
) v (no, field, expected, found)
WHERE c.merchant_id = $1 AND c.order_id > $2 AND c.order_id <= $3 AND v.expected IS DISTINCT
  FROM v.found
ORDER BY c.order_id, v.no LIMIT 1000
""",
    not_in_the_channel="""
SELECT a.order_id, 'the channel''s payment of attempt ' || a.attempt_no AS field,
  a.state AS expected,
  coalesce(c.decision, 'none') AS found
FROM attempts a LEFT JOIN mock_channel.payments c ON c.id = a.attempt_id
WHERE a.merchant_id = $1 AND a.order_id > $2 AND a.order_id <= $3 AND a.initiator = 'payer'
  AND a.route IN ('mock', 'mock_direct') AND a.state IN ('approved', 'declined')
    AND c.decision IS DISTINCT FROM a.state
ORDER BY a.order_id LIMIT 1000
""",
)
