"""Everything a flow needs to know of orders that it has locked, in one statement."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

# One JSON per order: small, and one round trip however many attempts or sends there are. What orders have in common
# comes as text, so that each text is read once. The last line is true; to the planner it leaves one key, see
# `store.write.changes._FEW`. The merchant is named by an array so that it is looked up after the order: looked up
# before, a plan made while there were few orders goes through all orders of the merchant.
_EVIDENCE = """
SELECT o.merchant_id, o.order_id,
  (to_jsonb(m) - 'webhook_key' - 'stablecoin_webhook_key')::text AS merchant,
  to_jsonb(v) AS card,
  (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.attempt_no) FROM attempts a
    WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id) AS attempts,
  (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.refund_no) FROM refunds r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id) AS refunds,
  (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.challenge_no) FROM challenges c
    WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id) AS challenges,
  CASE WHEN $4 THEN (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.at) FROM network_sends s
    WHERE s.card_id = o.card_id AND s.state <> 'not_sent'
      AND (s.at > $3::timestamptz + m.offset_us * interval '1 microsecond' OR s.lasting OR s.send_id = o.order_id)
    ) END AS sends,
  CASE WHEN o.kind = 'stable' THEN (SELECT jsonb_agg(to_jsonb(s)) FROM settlements s
    WHERE s.merchant_id = o.merchant_id AND s.order_id = o.order_id) END AS settlements,
  CASE WHEN o.stage = 'completed' THEN (SELECT to_jsonb(x) FROM advances x
    WHERE x.merchant_id = o.merchant_id AND x.order_id = o.order_id) END AS advance,
  CASE WHEN m.cit_unresolved = 'advance' AND o.stage = 'processing' AND o.kind IN ('cit_web', 'cit_callcenter') THEN (
    SELECT to_jsonb(x) || jsonb_build_object('payer_id', p.payer_id, 'email', p.email, 'phone', p.phone)
    FROM exposure_limits x LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
    WHERE x.merchant_id = o.merchant_id AND x.asset = o.asset AND x.limit_units > 0
    ) END AS limits,
  (SELECT jsonb_agg(to_jsonb(f))::text FROM fee_terms f
    WHERE f.merchant_id = o.merchant_id AND (f.site_id IS NULL OR f.site_id = o.site_id)
      AND (f.currency IS NULL OR f.currency = o.asset)) AS fee_terms,
  (SELECT jsonb_object_agg(n.notice, n.enabled) FROM notice_settings n WHERE n.merchant_id = o.merchant_id) AS notices,
  CASE WHEN o.stage = 'completed' THEN (SELECT l.body FROM order_log l
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.dst = 'completed' AND l.src <> 'completed'
    ) END AS approval,
  CASE WHEN o.stage = 'held' THEN (SELECT l.body FROM order_log l
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.happening = 'held' ORDER BY l.seq DESC LIMIT 1
    ) END AS held,
  CASE WHEN o.stage IN ('completed', 'declined', 'cancelled', 'expired') AND o.kind <> 'stable' THEN
    (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.dispute_no) FROM disputes d
      WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) END AS disputes,
  CASE WHEN $4 AND o.stage IN ('completed', 'declined', 'cancelled', 'expired') THEN
    (SELECT jsonb_agg(to_jsonb(t)) FROM dispute_terms t
      WHERE t.merchant_id = o.merchant_id AND t.asset IN ('', o.asset)) END AS dispute_terms,
  CASE WHEN $4 THEN (SELECT jsonb_agg(to_jsonb(b)) FROM card_blocks b WHERE b.card_id = o.card_id) END AS blocks,
  CASE WHEN $4 AND o.stage IN ('received', 'processing', 'challenged') THEN (
    SELECT jsonb_agg(jsonb_build_object('merchant_id', b.merchant_id, 'acceptor_id', NULL, 'until', NULL, 'reason',
      b.kind))
    FROM blocks b WHERE b.merchant_id = o.merchant_id AND b.lifted_at IS NULL AND (
      b.kind = 'card' AND b.subject_id = o.pan_id
      OR b.kind = 'customer' AND b.subject_id = (SELECT p.payer_id FROM order_payer p
        WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id))
    ) END AS blocked
FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, order_id)
JOIN orders o USING (merchant_id, order_id)
JOIN merchants m ON m.merchant_id = ANY (ARRAY[o.merchant_id])
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
WHERE k.order_id = ANY (ARRAY[k.order_id])
"""


async def read_evidence(
    connection: asyncpg.Connection, keys: Sequence[tuple[UUID, UUID]], since: datetime, *, with_sends: bool
) -> dict[tuple[UUID, UUID], asyncpg.Record]:
    """By (merchant_id, order_id). `since` (wall time) bounds the card's sends, shifted by the
    merchant's clock; with_sends only under the card's lock, and with it the contract on disputes."""
    rows = await connection.fetch(_EVIDENCE, [k[0] for k in keys], [k[1] for k in keys], since, with_sends)
    return {(r["merchant_id"], r["order_id"]): r for r in rows}
