"""Content of a challenge's page."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.orders.rules.lifecycle import Stage


class ChallengeRow(Row):
    """An order's last challenge. `asks`: confirm, code, address or card. `lapsed`: its time is
    over. `out`: a try is under way. `back_kind` and `back_state`: of what goes back to the
    customer. `by_risk`: the risk check asked. `bank_url`: the processor's page, where the try
    waits for the customer. `stored_at`: the route whose processor keeps the card; `bin` of
    another. `planned`: an attempt is. `collected`: in parts. `typed_last4`: of the newest
    card that its payer typed and the bank declined; `asks_again`: the number of its attempt,
    where they may agree to later ones, `agreed`: they did. `last_reason`: of our
    own last attempt that was declined; `decline`: that it came in with. `item`: its first."""

    state: Literal["presented", "tried", "passed", "failed", "ended"]
    asks: str
    tries: int
    expires_at: datetime
    merchant: str
    descriptor: str
    units: int
    asset: str
    stage: Stage
    scheme: str
    last4: str
    exp_month: int
    exp_year: int
    billing: dict[str, Any] | None
    reason: str | None
    site_url: str
    lapsed: bool
    out: bool
    back_kind: Literal["reversal", "void"] | None
    back_state: Literal["owed", "sent", "netted", "done", "stuck", "refused"] | None
    by_risk: bool
    bank_url: str | None
    stored_at: str | None
    bin: str
    kind: Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync"]
    planned: bool
    collected: int
    typed_last4: str | None
    asks_again: int | None
    agreed: bool
    last_reason: str | None
    decline: dict[str, Any] | None
    placed_at: datetime
    item: str | None
    external_id: str


@MERCHANT.statement("""
SELECT c.state, c.asks, c.tries, coalesce(o.expires_at, c.expires_at) AS expires_at,
  m.name AS merchant, o.descriptor,
  h.units - CASE WHEN o.stage IN ('processing', 'held') THEN k.collected ELSE 0 END AS units,
  o.asset, o.stage, v.scheme, v.last4, v.exp_month, v.exp_year, p.billing, h.reason,
    s.url AS site_url,
  c.expires_at <= $3::timestamptz + m.offset_us * interval '1 microsecond' AS lapsed,
  EXISTS (SELECT FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
    AND a.state IN ('open', 'unknown')) AS out,
  b.kind AS back_kind, b.state AS back_state,
  EXISTS (SELECT FROM order_log l JOIN decisions d ON d.merchant_id = l.merchant_id
    AND d.decision_id = l.decision_id
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.happening = 'challenged'
      AND d.versions ->> 'decider' LIKE 'risk-%') AS by_risk,
  (SELECT a.authentication ->> 'url' FROM attempts a WHERE a.merchant_id = o.merchant_id
    AND a.order_id = o.order_id
    AND a.state IN ('open', 'unknown') AND (a.authentication ->> 'until')::timestamptz >
      $3::timestamptz
    LIMIT 1) AS bank_url,
  x.route AS stored_at, v.bin, o.kind, h.next_attempt_at IS NOT NULL AS planned, k.collected,
  t.card_last4 AS typed_last4,
  CASE WHEN jsonb_typeof(t.typed -> 'later') = 'object' AND NOT o.do_not_retry
    AND o.stage IN ('processing', 'held') THEN t.attempt_no END AS asks_again,
  coalesce(t.typed ->> 'until' <> '' AND t.typed #>> '{card,token_id}' = o.token_id::text, false)
    AS agreed,
  (SELECT a.code_reason FROM attempts a WHERE a.merchant_id = o.merchant_id
    AND a.order_id = o.order_id
    AND a.state = 'declined' ORDER BY a.attempt_no DESC
      LIMIT 1) AS last_reason, o.facts -> 'decline' AS decline,
  o.placed_at, o.facts #>> '{items,0,name}' AS item, o.external_id
FROM challenges c
JOIN current_orders o USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
JOIN merchants m USING (merchant_id)
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN stored_methods x ON x.merchant_id = o.merchant_id AND x.method_id = o.token_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum((l.body ->> 'units')::bigint), 0)::bigint AS collected FROM order_log l
  WHERE o.kind = 'mit_managed' AND l.merchant_id = o.merchant_id AND l.order_id = o.order_id
    AND l.happening = 'part_collected') k
LEFT JOIN LATERAL (SELECT a.attempt_no, a.card_last4, a.typed FROM attempts a
  WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id AND a.typed IS NOT NULL
    AND a.state = 'declined'
  ORDER BY a.attempt_no DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT r.kind, r.state FROM modifications r
  WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id AND r.kind IN ('reversal', 'void')
    AND r.state <> 'failed'
  ORDER BY r.state IN ('done', 'netted'), r.state = 'refused', r.modification_no DESC
    LIMIT 1) b ON true
WHERE c.merchant_id = $1 AND c.order_id = $2
ORDER BY c.challenge_no DESC LIMIT 1
""")
async def last_challenge(
    db: Read, merchant_id: UUID, order_id: UUID, wall: datetime
) -> ChallengeRow | None:
    """The order's last challenge; None for an order that never had one."""


@MERCHANT.statement("SELECT kind FROM orders WHERE merchant_id = $1 AND order_id = $2")
async def kind_of_order(
    db: Read, merchant_id: UUID, order_id: UUID
) -> Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable"] | None:
    """Kind of the order; None where there is no such order."""
