"""What a challenge's page shows."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from recoup.rules.order.lifecycle import Stage
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


class ChallengeRow(Row, frozen=True):
    """An order's last challenge. `asks`: confirm, code, address or card. `lapsed`: its time is over. `out`: a try is
    under way. `back_kind` and `back_state`: of what goes back to the customer. `by_risk`: the risk check asked.
    `bank_url`: the processor's page, where the try waits for the customer. `stored_at`: the route whose processor keeps
    the card; `bin` of another."""

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


@MERCHANT.statement("""
SELECT c.state, c.asks, c.tries, c.expires_at, m.name AS merchant, o.descriptor,
  h.units - CASE WHEN o.kind = 'mit_managed' AND o.stage IN ('processing', 'held') THEN coalesce((
    SELECT sum((l.body ->> 'units')::bigint)::bigint FROM order_log l WHERE l.merchant_id = o.merchant_id
      AND l.order_id = o.order_id AND l.happening = 'part_collected'), 0) ELSE 0 END AS units,
  o.asset, o.stage, v.scheme, v.last4, v.exp_month, v.exp_year, p.billing, h.reason, s.url AS site_url,
  c.expires_at <= $3::timestamptz + m.offset_us * interval '1 microsecond' AS lapsed,
  EXISTS (SELECT FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
    AND a.state IN ('open', 'unknown')) AS out,
  b.kind AS back_kind, b.state AS back_state,
  EXISTS (SELECT FROM order_log l JOIN decisions d ON d.merchant_id = l.merchant_id AND d.decision_id = l.decision_id
    WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.happening = 'challenged'
      AND d.versions ->> 'decider' LIKE 'risk-%') AS by_risk,
  (SELECT a.authentication ->> 'url' FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
    AND a.state IN ('open', 'unknown') AND (a.authentication ->> 'until')::timestamptz > $3::timestamptz
    LIMIT 1) AS bank_url,
  x.route AS stored_at, v.bin
FROM challenges c
JOIN orders o USING (merchant_id, order_id)
JOIN order_heads h USING (merchant_id, order_id)
JOIN merchants m USING (merchant_id)
JOIN sites s ON s.merchant_id = o.merchant_id AND s.site_id = o.site_id
JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN stored_methods x ON x.merchant_id = o.merchant_id AND x.method_id = o.token_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN LATERAL (SELECT r.kind, r.state FROM modifications r
  WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id AND r.kind IN ('reversal', 'void')
    AND r.state <> 'failed'
  ORDER BY r.state IN ('done', 'netted'), r.state = 'refused', r.modification_no DESC LIMIT 1) b ON true
WHERE c.merchant_id = $1 AND c.order_id = $2
ORDER BY c.challenge_no DESC LIMIT 1
""")
async def last_challenge(db: Read, merchant_id: UUID, order_id: UUID, wall: datetime) -> ChallengeRow | None:
    """None for an order that never had one."""


@MERCHANT.statement("SELECT kind FROM orders WHERE merchant_id = $1 AND order_id = $2")
async def kind_of_order(
    db: Read, merchant_id: UUID, order_id: UUID
) -> Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable"] | None:
    """None for an order that is none."""
