-- When a settlement was written, and each state that a payout came into: what was so at a moment of the past. Of what was
-- before, the postings say when they were written; where a step has none, its business time, which is not later than now.
ALTER TABLE settlement_batches ADD COLUMN recorded_at timestamptz;
UPDATE settlement_batches b SET recorded_at = coalesce((SELECT min(p.recorded_at) FROM postings p
  WHERE p.merchant_id = b.merchant_id AND p.source_kind = 'batch' AND p.source_id = b.batch_id
    AND p.recipe IN ('settlement_closed', 'carried', 'reserve_held')), least(b.closed_at, now()));
ALTER TABLE settlement_batches ALTER COLUMN recorded_at SET NOT NULL;

CREATE TABLE bank_payout_states (
  merchant_id uuid NOT NULL,
  payout_id uuid NOT NULL,
  state_no smallint NOT NULL,
  state text NOT NULL CHECK (state IN ('created', 'approved', 'sent', 'paid', 'returned')),
  business_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  PRIMARY KEY (merchant_id, payout_id, state_no),
  FOREIGN KEY (merchant_id, payout_id) REFERENCES bank_payouts
);
GRANT SELECT, INSERT ON bank_payout_states TO recoup_app;
INSERT INTO bank_payout_states (merchant_id, payout_id, state_no, state, business_at, recorded_at)
SELECT p.merchant_id, p.payout_id, row_number() OVER (PARTITION BY p.merchant_id, p.payout_id ORDER BY s.step),
  s.state, s.at, coalesce(s.recorded_at, least(s.at, now()))
FROM bank_payouts p
CROSS JOIN LATERAL (VALUES
  (1, 'created', p.created_at, (SELECT b.recorded_at FROM settlement_batches b
    WHERE b.merchant_id = p.merchant_id AND b.batch_id = p.batch_id AND p.payout_no = 1)),
  (2, 'approved', p.approved_at, NULL),
  (3, 'sent', p.sent_at, (SELECT g.recorded_at FROM postings g WHERE g.merchant_id = p.merchant_id
    AND g.source_kind = 'bank_payout' AND g.source_id = p.payout_id AND g.recipe = 'paid_out')),
  (4, CASE WHEN p.state IN ('paid', 'returned') THEN p.state END, p.ended_at, (SELECT g.recorded_at FROM postings g
    WHERE g.merchant_id = p.merchant_id AND g.source_kind = 'bank_payout' AND g.source_id = p.payout_id
      AND g.recipe = 'payout_bounced' AND p.state = 'returned'))
) AS s (step, state, at, recorded_at)
WHERE s.at IS NOT NULL AND s.state IS NOT NULL;
