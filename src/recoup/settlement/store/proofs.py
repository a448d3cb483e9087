"""Batches against their lines, lines against entries, payouts, reserves and adjustments against
batches and book."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kit.proofs.walk import STATEMENT_SECONDS, Difference, Differs, differences, of_merchant

_batches: Final = of_merchant(
    __name__,
    # $2, $3: recipe and the kind of line that its entry on the merchant's account is.
    of_batch="""
SELECT NULL::uuid AS order_id, v.field || ' of batch ' || b.batch_id AS field, v.expected, v.found
FROM settlement_batches b
CROSS JOIN LATERAL (
  SELECT count(*) AS lines, coalesce(sum(units), 0) AS units,
    coalesce(sum(units) FILTER (WHERE kind = 'amount'), 0) AS amount,
    coalesce(sum(units) FILTER (WHERE kind = 'fee'), 0) AS fee,
    coalesce(sum(units) FILTER (WHERE kind = 'dispute_fee'), 0) AS dispute_fee,
    coalesce(sum(units) FILTER (WHERE kind = 'dispute'), 0) AS dispute,
    coalesce(sum(units) FILTER (WHERE kind = 'refund'), 0) AS refund,
    coalesce(sum(units) FILTER (WHERE kind = 'adjustment'), 0) AS adjustment,
    coalesce(sum(units) FILTER (WHERE kind = 'reserve'), 0) AS reserve,
    coalesce(sum(units) FILTER (WHERE kind = 'carried'), 0) AS carried,
    -coalesce(sum(units) FILTER (WHERE kind = 'payout'), 0) AS payout
  FROM settlement_lines l WHERE l.merchant_id = b.merchant_id AND l.batch_id = b.batch_id
) l
LEFT JOIN pages g ON g.merchant_id = b.merchant_id AND g.page_no = b.page_to
CROSS JOIN LATERAL (VALUES
  (1, 'number of lines', l.lines::text, b.lines::text), (2, 'sum of all lines', '0', l.units::text),
  (3, 'amounts', l.amount::text, b.amount_units::text), (4, 'fees', l.fee::text, b.fee_units::text),
  (5, 'dispute fees', l.dispute_fee::text, b.dispute_fee_units::text),
  (6, 'disputes', l.dispute::text, b.dispute_units::text), (7, 'refunds', l.refund::text,
    b.refund_units::text),
  (8, 'adjustments', l.adjustment::text, b.adjustment_units::text),
  (9, 'reserve', l.reserve::text, b.reserve_units::text), (10, 'carried', l.carried::text,
    b.carried_units::text),
  (11, 'payout', l.payout::text, b.payout_units::text),
  (12, 'root', coalesce(encode(g.root, 'hex'), ''), encode(b.root, 'hex'))
) v (no, field, expected, found)
WHERE b.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found
  ORDER BY b.closed_at, b.batch_id, v.no LIMIT 1000
""",
)


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT p.order_id, v.field || ' of settlement line ' || l.posting_id || '.' || l.line_no AS field,
  v.expected, v.found
FROM settlement_lines l
JOIN settlement_batches b USING (merchant_id, batch_id)
JOIN postings p USING (merchant_id, posting_id)
JOIN entries e USING (merchant_id, posting_id, line_no)
LEFT JOIN page_lines s USING (merchant_id, posting_id)
LEFT JOIN unnest($2::text[], $3::text[]) AS k (recipe, kind) ON k.recipe = p.recipe
CROSS JOIN LATERAL (SELECT p.source_kind = 'batch' AND p.source_id = b.batch_id
  AND p.recipe IN ('settlement_closed', 'carried', 'reserve_held') AS own) o
CROSS JOIN LATERAL (VALUES
  (1, 'account', 'merchant_payable ' || b.asset || ' ', e.account || ' ' || e.asset || ' ' ||
    e.place),
  (2, 'units', (-e.units)::text, l.units::text), (3, 'kind', k.kind, l.kind),
  (4, 'page', 'at most ' || b.page_to,
    CASE WHEN o.own OR s.page_no <= b.page_to THEN 'at most ' || b.page_to
      ELSE coalesce(s.page_no::text, 'none') END),
  (5, 'available before', b.period_to::text,
    CASE WHEN o.own OR e.available_at < b.period_to THEN b.period_to::text
      ELSE e.available_at::text END)
) v (no, field, expected, found)
WHERE l.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found
  ORDER BY l.posting_id, l.line_no, v.no LIMIT 1000
""")
async def _of_line(
    db: Read, merchant_id: UUID, recipes: Sequence[str], kinds: Sequence[str]
) -> list[Differs]: ...


_beside_lines: Final = of_merchant(
    __name__,
    # What was on the account in a closed page, available before the last cut-off, must stand in a
    # batch; but what was only carried waits for something to go with it.
    left_out="""
SELECT p.order_id, 'batch of entry ' || e.posting_id || '.' || e.line_no AS field,
  'one' AS expected, 'none' AS found
FROM (SELECT DISTINCT ON (asset) asset, period_to, page_to FROM settlement_batches
  WHERE merchant_id = $1
  ORDER BY asset, period_to DESC) b
JOIN page_lines s ON s.merchant_id = $1 AND s.page_no <= b.page_to
JOIN postings p ON p.merchant_id = $1 AND p.posting_id = s.posting_id
JOIN entries e ON e.merchant_id = $1 AND e.posting_id = p.posting_id AND e.asset = b.asset
  AND e.account = 'merchant_payable' AND e.place = '' AND e.available_at < b.period_to
LEFT JOIN settlement_lines l ON l.merchant_id = $1 AND l.posting_id = e.posting_id
  AND l.line_no = e.line_no
WHERE l.batch_id IS NULL ORDER BY s.page_no, s.position LIMIT 1000
""",
    # An entry may be settled from the instant at which it was booked; what a batch booked, from the
    # one it says.
    available="""
SELECT p.order_id, 'begin of entry ' || e.posting_id || '.' || e.line_no AS field, v.expected::text,
  e.available_at::text AS found
FROM entries e
JOIN postings p USING (merchant_id, posting_id)
LEFT JOIN settlement_batches b ON p.source_kind = 'batch' AND b.merchant_id = p.merchant_id
  AND b.batch_id = p.source_id
CROSS JOIN LATERAL (SELECT CASE WHEN p.source_kind <> 'batch' THEN p.business_at
  WHEN p.recipe = 'reserve_released' THEN b.release_at ELSE b.period_to END AS expected) v
WHERE e.merchant_id = $1 AND e.account = 'merchant_payable' AND e.place = ''
  AND e.available_at <> v.expected
ORDER BY e.posting_id, e.line_no LIMIT 1000
""",
    of_periods="""
SELECT NULL::uuid AS order_id, 'begin of the period of batch ' || batch_id AS field,
  'not before ' || before AS expected, period_from::text AS found
FROM (SELECT batch_id, period_from, lag(period_to) OVER (PARTITION BY asset
  ORDER BY period_to) AS before
  FROM settlement_batches WHERE merchant_id = $1) b
WHERE period_from < before LIMIT 1000
""",
    of_postings="""
SELECT NULL::uuid AS order_id, v.field || ' of batch ' || b.batch_id AS field, v.expected, v.found
FROM settlement_batches b
JOIN merchants m USING (merchant_id)
CROSS JOIN LATERAL (
  SELECT coalesce(sum(e.units) FILTER (WHERE p.recipe = 'settlement_closed'), 0) AS closed,
    coalesce(sum(e.units) FILTER (WHERE p.recipe = 'reserve_held'), 0) AS held,
    coalesce(sum(e.units) FILTER (WHERE p.recipe = 'reserve_released'), 0) AS released,
    count(*) FILTER (WHERE p.recipe = 'reserve_released') AS releases
  FROM postings p JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
    AND e.units > 0
  WHERE p.merchant_id = b.merchant_id AND p.source_kind = 'batch' AND p.source_id = b.batch_id
) p
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM due_work d WHERE d.merchant_id = b.merchant_id
  AND d.kind = 'reserve'
  AND d.subject_id = b.batch_id) AS due) d
CROSS JOIN LATERAL (VALUES
  (1, 'posted payout', b.payout_units::text, p.closed::text), (2, 'reserve held',
    b.held_units::text, p.held::text),
  (3, 'reserve released', CASE WHEN p.releases > 0 THEN b.held_units
    ELSE 0 END::text, p.released::text),
  (4, 'release of the reserve', CASE WHEN b.held_units > 0 AND p.releases = 0 THEN 'due'
    ELSE 'none' END,
    CASE WHEN d.due THEN 'due' ELSE 'none' END),
  (5, 'time of release', 'set', CASE WHEN (b.held_units > 0) = (b.release_at IS NOT NULL) THEN 'set'
    ELSE 'not' END)
) v (no, field, expected, found)
WHERE b.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found
  ORDER BY b.closed_at, b.batch_id, v.no LIMIT 1000
""",
    of_payout="""
SELECT NULL::uuid AS order_id, v.field || ' of bank payout ' || o.payout_id AS field, v.expected,
  v.found
FROM bank_payouts o
LEFT JOIN settlement_batches b USING (merchant_id, batch_id)
LEFT JOIN bank_accounts a USING (merchant_id, account_id)
CROSS JOIN LATERAL (
  SELECT coalesce(string_agg(recipe, ' ' ORDER BY recipe), 'none') AS recipes,
    count(*) FILTER (WHERE e.units <> o.units) AS other,
    min(p.business_at) FILTER (WHERE p.recipe = 'paid_out') AS sent,
    min(p.business_at) FILTER (WHERE p.recipe = 'payout_bounced') AS bounced
  FROM postings p JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
    AND e.units > 0
  WHERE p.merchant_id = o.merchant_id AND p.source_kind = 'bank_payout'
    AND p.source_id = o.payout_id
) p
CROSS JOIN LATERAL (VALUES
  (1, 'units', b.payout_units::text, o.units::text), (2, 'asset', b.asset, o.asset),
  (3, 'postings', CASE o.state WHEN 'created' THEN 'none' WHEN 'approved' THEN 'none'
    WHEN 'returned' THEN CASE WHEN o.sent_at IS NULL THEN 'none' ELSE 'paid_out payout_bounced' END
    ELSE 'paid_out' END, p.recipes),
  (4, 'postings of other amounts', '0', p.other::text),
  (5, 'due work', CASE WHEN o.state = 'approved' THEN 'due' WHEN o.state = 'sent' THEN 'any'
    ELSE 'none' END,
    CASE WHEN o.state = 'sent' THEN 'any' WHEN EXISTS (SELECT FROM due_work d
      WHERE d.merchant_id = o.merchant_id
      AND d.kind = 'bank_payout' AND d.subject_id = o.payout_id) THEN 'due' ELSE 'none' END),
  (6, 'second person', 'another', CASE WHEN o.approved_by IN (o.requested_by,
    a.added_by) THEN 'the same'
    ELSE 'another' END),
  (7, 'approval', CASE WHEN o.state = 'created' THEN 'none' ELSE 'given' END,
    CASE WHEN o.approved_by IS NULL THEN 'none' ELSE 'given' END),
  (8, 'account', 'active when approved, in ' || o.asset, CASE WHEN o.account_id IS NULL
    OR a.active_at <= o.approved_at AND a.asset = o.asset THEN 'active when approved, in ' ||
      o.asset
    ELSE coalesce('active ' || coalesce(a.active_at::text, 'never') || ', in ' || a.asset,
      'none') END),
  (9, 'reference', 'RC' || upper(left(encode(sha256(uuid_send(o.merchant_id) ||
    convert_to(concat_ws('|', o.asset,
    floor(extract(epoch FROM b.period_to))::bigint, o.payout_no), 'UTF8')), 'hex'), 12)),
      o.reference),
  (10, 'time of sending', p.sent::text, o.sent_at::text),
  (11, 'end', CASE WHEN o.state IN ('paid', 'returned') THEN 'set' ELSE 'none' END,
    CASE WHEN o.ended_at IS NULL THEN 'none' ELSE 'set' END),
  (12, 'time of the return', p.bounced::text, CASE WHEN p.bounced IS NOT NULL THEN o.ended_at::text
    END),
  (13, 'file', CASE WHEN o.sent_at IS NOT NULL THEN 'kept' WHEN o.state = 'created' THEN 'none'
    ELSE 'any' END,
    CASE WHEN o.sent_at IS NULL AND o.state <> 'created' THEN 'any' WHEN o.file IS NULL THEN 'none'
      ELSE 'kept' END),
  (14, 'last state that was noted', o.state, (SELECT s.state FROM bank_payout_states s
    WHERE s.merchant_id = o.merchant_id AND s.payout_id = o.payout_id ORDER BY s.state_no DESC
      LIMIT 1))
) v (no, field, expected, found)
WHERE o.merchant_id = $1 AND v.expected IS DISTINCT FROM v.found ORDER BY o.payout_id, v.no
  LIMIT 1000
""",
    # What needs a second person had one. An adjustment within its limit has nobody who decided.
    second="""
SELECT NULL::uuid AS order_id, v.field, 'another' AS expected, 'the same or none' AS found FROM (
  SELECT 'second person of bank account ' || account_id AS field FROM bank_accounts
  WHERE merchant_id = $1 AND active_at IS NOT NULL AND coalesce(approved_by, added_by) = added_by
  UNION ALL
  SELECT 'second person of adjustment ' || adjustment_id FROM adjustments
  WHERE merchant_id = $1 AND state = 'booked' AND decided_by = made_by
) v ORDER BY v.field LIMIT 1000
""",
    unpaid="""
SELECT NULL::uuid AS order_id, 'payout of batch ' || b.batch_id AS field,
  CASE WHEN b.payout_units > 0 THEN 'at least one' ELSE 'none' END AS expected,
    count(o.payout_id)::text AS found
FROM settlement_batches b LEFT JOIN bank_payouts o USING (merchant_id, batch_id)
WHERE b.merchant_id = $1 GROUP BY b.batch_id, b.payout_units
HAVING (b.payout_units > 0) <> (count(o.payout_id) > 0) LIMIT 1000
""",
    # What the accounts of a batch's money hold is what batches and payouts say.
    accounts="""
SELECT NULL::uuid AS order_id, 'balance of ' || v.account || ' in ' || k.asset AS field,
  v.expected::text,
  coalesce(e.units, 0)::text AS found
FROM (SELECT DISTINCT asset FROM settlement_batches WHERE merchant_id = $1
  UNION SELECT DISTINCT asset FROM adjustments WHERE merchant_id = $1) k
CROSS JOIN LATERAL (
  SELECT coalesce(sum(payout_units), 0) AS closed,
    coalesce(sum(held_units) FILTER (WHERE NOT EXISTS (SELECT FROM postings p
      WHERE p.merchant_id = b.merchant_id
      AND p.source_kind = 'batch' AND p.source_id = b.batch_id
        AND p.recipe = 'reserve_released')), 0) AS held
  FROM settlement_batches b WHERE merchant_id = $1 AND asset = k.asset
) b
CROSS JOIN LATERAL (SELECT coalesce(sum(units), 0) AS out FROM bank_payouts
  WHERE merchant_id = $1 AND asset = k.asset AND state IN ('sent', 'paid')) o
CROSS JOIN LATERAL (SELECT coalesce(sum(units), 0) AS units FROM adjustments
  WHERE merchant_id = $1 AND asset = k.asset AND state = 'booked') j
CROSS JOIN LATERAL (VALUES ('settlement_due', o.out - b.closed), ('reserve', -b.held),
  ('adjustments', j.units))
  v (account, expected)
LEFT JOIN (SELECT account, asset, sum(units) AS units FROM entries WHERE merchant_id = $1
  AND account IN ('settlement_due', 'reserve', 'adjustments')
    GROUP BY 1, 2) e ON e.account = v.account
  AND e.asset = k.asset
WHERE coalesce(e.units, 0) <> v.expected LIMIT 1000
""",
    of_nothing="""
SELECT p.order_id, p.source_kind || ' of posting ' || p.posting_id AS field, 'one' AS expected,
  'none' AS found
FROM postings p
WHERE p.merchant_id = $1 AND CASE p.source_kind
  WHEN 'batch' THEN NOT EXISTS (SELECT FROM settlement_batches b WHERE b.merchant_id = p.merchant_id
    AND b.batch_id = p.source_id)
  WHEN 'bank_payout' THEN NOT EXISTS (SELECT FROM bank_payouts o WHERE o.merchant_id = p.merchant_id
    AND o.payout_id = p.source_id)
  WHEN 'adjustment' THEN NOT EXISTS (SELECT FROM adjustments a WHERE a.merchant_id = p.merchant_id
    AND a.adjustment_id = p.source_id AND a.state = 'booked')
  ELSE false END
LIMIT 1000
""",
    clock="""
SELECT NULL::uuid AS order_id, v.field, v.expected, v.found
FROM settlement_clocks c
CROSS JOIN LATERAL (SELECT max(period_to) AS until FROM settlement_batches
  WHERE merchant_id = c.merchant_id) b
CROSS JOIN LATERAL (VALUES
  (1, 'due work settlement', 'due', CASE WHEN EXISTS (SELECT FROM due_work d
    WHERE d.merchant_id = c.merchant_id
    AND d.kind = 'settlement' AND d.subject_id = c.merchant_id) THEN 'due' ELSE 'none' END),
  (2, 'first period that is not settled', 'after the last batch',
    CASE WHEN c.period_from < b.until THEN c.period_from::text ELSE 'after the last batch' END)
) v (no, field, expected, found)
WHERE c.merchant_id = $1 AND v.expected <> v.found ORDER BY v.no LIMIT 1000
""",
    events="""
SELECT NULL::uuid AS order_id, v.field AS field, v.expected, v.found FROM (
  SELECT 'event of batch ' || b.batch_id AS field, 'settlement.closed' AS expected,
    coalesce(x.event, 'none') AS found
  FROM settlement_batches b LEFT JOIN outbox x ON x.merchant_id = b.merchant_id
    AND x.subject_id = b.batch_id
  WHERE b.merchant_id = $1
  UNION ALL
  SELECT 'events of bank payout ' || o.payout_id, o.version::text, count(x.seq)::text
  FROM bank_payouts o LEFT JOIN outbox x ON x.merchant_id = o.merchant_id
    AND x.subject_id = o.payout_id
  WHERE o.merchant_id = $1 GROUP BY o.payout_id, o.version
) v WHERE v.expected <> v.found ORDER BY v.field LIMIT 1000
""",
)


async def bank_settlements(
    db: Read, merchant_id: UUID, recipes: Sequence[str], kinds: Sequence[str]
) -> list[Difference]:
    """`recipes[i]` makes lines of `kinds[i]`. An entry is in one batch at most by the table's own
    key."""
    wrong = await _batches(db, merchant_id) + await differences(
        db, _of_line, merchant_id, merchant_id, recipes, kinds
    )
    return wrong + await _beside_lines(db, merchant_id)
