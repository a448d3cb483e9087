"""Charges of a disputed payment's card, and which of them an answer names."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.networks.compelling_evidence import CardPayment

ORDERS_MAX: Final = 500  # of one card
OLDEST: Final = "500 days"  # before the dispute


# The disputed order by its id, for its payer may have typed another card than the order's.
@MERCHANT.statement(f"""
WITH k AS MATERIALIZED (
  SELECT d.order_id, d.opened_at, coalesce((a.typed #>> '{{card,pan_id}}')::uuid,
    o.pan_id) AS pan_id
  FROM disputes d
  JOIN current_orders o ON o.merchant_id = d.merchant_id AND o.order_id = d.order_id
  JOIN attempts a ON a.merchant_id = d.merchant_id AND a.attempt_id = d.attempt_id
  WHERE d.merchant_id = $1 AND d.dispute_id = $2
), of_card AS (
  SELECT order_id FROM k
  UNION SELECT x.order_id FROM k CROSS JOIN LATERAL (SELECT o.order_id FROM current_orders o
    WHERE o.pan_id::text = k.pan_id::text AND o.merchant_id = $1 AND o.stage = 'completed'
      AND o.placed_at > k.opened_at - interval '{OLDEST}' AND o.placed_at <= k.opened_at
        LIMIT {ORDERS_MAX}) x
)
SELECT a.attempt_id, o.order_id, o.external_id, a.route, a.reference,
  ARRAY(SELECT i.id FROM processor_ids i
    WHERE i.merchant_id = $1 AND i.movement_id = a.attempt_id ORDER BY i.id) AS ids,
  a.network_transaction_id AS network_id, a.units, a.asset,
  coalesce((SELECT max(m.business_at) FROM modifications m WHERE m.merchant_id = $1
    AND m.order_id = o.order_id
    AND m.attempt_id = a.attempt_id AND m.kind = 'capture'
      AND m.state = 'done'), a.closed_at, a.due_at) AS paid_at,
  coalesce(p.ip, '') AS ip, o.facts -> 'device' AS device, coalesce(y.external_id, '') AS account,
  p.shipping AS address,
  coalesce((SELECT string_agg(i ->> 'name', ', ') FROM jsonb_array_elements(o.facts -> 'items') i),
    o.descriptor)
    AS product,
  EXISTS (SELECT 1 FROM disputes d WHERE d.merchant_id = $1
    AND d.order_id = o.order_id) AS is_disputed,
  EXISTS (SELECT 1 FROM fraud_warnings w WHERE w.merchant_id = $1
    AND w.order_id = o.order_id) AS is_reported,
  h.refunded_units >= h.units AS is_refunded
FROM k JOIN of_card c ON true
JOIN current_orders o ON o.merchant_id = $1 AND o.order_id = c.order_id
JOIN order_heads h ON h.merchant_id = $1 AND h.order_id = c.order_id
JOIN attempts a ON a.merchant_id = $1 AND a.order_id = c.order_id AND a.state = 'approved'
  AND a.if_late IS DISTINCT FROM 'reverse' AND a.units > 0
  AND coalesce((a.typed #>> '{{card,pan_id}}')::uuid, o.pan_id) = k.pan_id
LEFT JOIN order_payer p ON p.merchant_id = $1 AND p.order_id = c.order_id
LEFT JOIN payers y ON y.merchant_id = $1 AND y.payer_id = p.payer_id
""")
async def payments_of_card(db: Read, merchant_id: UUID, dispute_id: UUID) -> list[CardPayment]:
    """The disputed one among them, in no order and in the clear."""


class NamedPriors(Row):
    """`attempts`: none where the dispute did not qualify; `keys`: as in `Compelling`."""

    attempts: list[UUID]
    keys: list[str]


@MERCHANT.statement("""
INSERT INTO dispute_priors (merchant_id, answer_id, dispute_id, attempts, keys)
  VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (merchant_id, answer_id) DO NOTHING
""")
async def name_priors(
    db: Tx,
    merchant_id: UUID,
    answer_id: UUID,
    dispute_id: UUID,
    attempts: Sequence[UUID],
    keys: Sequence[str],
) -> None:
    """Names the prior payments once for each answer: sent again it says the same."""


@MERCHANT.statement("""
SELECT attempts, keys FROM dispute_priors
WHERE merchant_id = $1 AND dispute_id = $2 AND ($3::uuid IS NULL OR answer_id = $3)
ORDER BY answer_id DESC LIMIT 1
""")
async def named_priors(
    db: Read, merchant_id: UUID, dispute_id: UUID, answer_id: UUID | None
) -> NamedPriors | None:
    """Prior payments named by that answer, or by the dispute's last."""
