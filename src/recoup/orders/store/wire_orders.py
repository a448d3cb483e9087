"""Orders with everything that the rescue API shows of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.facet import facets_sql
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.snapshot import Attempt, Modification
from recoup.orders.store.rows import ListedOrder

_COLUMNS = """
SELECT o.order_id, o.external_id, o.placed_at, h.units, o.asset, o.stage, o.kind, o.site_id,
  o.campaign_id,
  o.descriptor, o.expires_at, o.facts ->> 'correlation_id' AS correlation_id,
  o.do_not_retry, o.metadata, h.created_at, h.status, h.refunded_units,
  h.disputed, h.reason, h.next_attempt_at, h.order_type, h.source, p.first_name, p.last_name,
    p.email, p.phone,
  p.billing, p.shipping"""
# Orders by their ids have a statement of their own: its plan is kept, that of a list is made anew
# each time.
_WHOLE = f"""{_COLUMNS}, o.facts -> 'items' AS items,
  (SELECT jsonb_agg(to_jsonb(a) || CASE WHEN a.checks ->> 'fault' IS NULL THEN '{{}}'
      ELSE jsonb_build_object('said',
      (SELECT w.text FROM order_log l JOIN order_words w USING (merchant_id, order_id, seq)
        WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id AND l.fact_id = a.attempt_id
          AND l.happening = 'attempt_not_sent')) END ORDER BY a.attempt_no) FROM attempts a
    WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id) AS attempts,
  (SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object('life',
      (SELECT jsonb_agg(jsonb_build_object('happening', l.happening, 'at', l.business_at)
        ORDER BY l.seq)
        FROM order_log l
        WHERE l.merchant_id = o.merchant_id AND l.order_id = o.order_id
          AND l.fact_id = r.modification_id))
      ORDER BY r.modification_no) FROM modifications r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id
      AND (r.kind = 'refund' OR r.kind = 'void' AND length(r.input_mac) > 0
        OR r.kind = 'reversal' AND EXISTS (SELECT FROM order_log l
          WHERE l.merchant_id = o.merchant_id
          AND l.order_id = o.order_id AND l.fact_id = r.modification_id
            AND l.happening = 'part_owed_back'))
  ) AS refunds,
  CASE WHEN o.stage = 'completed' THEN (SELECT jsonb_agg(to_jsonb(d) ORDER BY d.dispute_no)
    FROM disputes d
    WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) END AS disputes,
  (SELECT v.scheme FROM vault v WHERE v.merchant_id = o.merchant_id
    AND v.token_id = o.token_id) AS scheme, o.facts, {{facets}} AS facets,
  EXISTS (SELECT FROM challenges c WHERE c.merchant_id = o.merchant_id AND c.order_id = o.order_id
    AND c.state IN ('presented', 'tried')) AS challenged, q.place
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS q(merchant_id, order_id, place)
JOIN current_orders o ON o.merchant_id = q.merchant_id AND o.order_id = q.order_id
  AND o.door = 'rescue'
JOIN order_heads h ON h.merchant_id = o.merchant_id AND h.order_id = o.order_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
"""
# A page of a list: `{page}` picks the heads, in `{order}`.
_PAGE = f"""WITH page AS MATERIALIZED ({{page}})
{_COLUMNS}
FROM page h
JOIN current_orders o ON o.merchant_id = $1 AND o.order_id = h.order_id
LEFT JOIN order_payer p ON p.merchant_id = $1 AND p.order_id = h.order_id
ORDER BY {{order}}
"""


def wire_page(page: str, order: str) -> str:
    """The statement of a page of a list, from the one that picks its heads, the merchant's id first
    of its values."""
    return _PAGE.format(page=page, order=order)


class WireOrder(ListedOrder):
    """Order as a list shows it."""

    stage: str
    kind: str
    site_id: UUID
    campaign_id: UUID | None
    descriptor: str
    expires_at: datetime | None
    correlation_id: str | None
    do_not_retry: bool
    metadata: dict[str, str]
    created_at: datetime | None
    status: int
    refunded_units: int
    disputed: bool
    reason: str | None
    next_attempt_at: datetime | None
    order_type: str
    source: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    billing: dict[str, Any] | None
    shipping: dict[str, Any] | None


class RefundedItem(Row, frozen=True):
    """Amount that a refund takes of a line of the order."""

    line: int
    quantity: int
    units: int


class RefundStep(Row, frozen=True):
    happening: str
    at: datetime


@dataclass(slots=True)
class WireRefund(Modification):
    items: list[RefundedItem]
    life: list[RefundStep] | None = None


@dataclass(slots=True)
class WireAttempt(Attempt):
    """`said`: of one that was refused before it was sent, the processor's words; empty once they
    are erased."""

    said: str | None = None


class WholeOrder(WireOrder, frozen=True):
    """Order with its lines, attempts, refunds and disputes, oldest first; None: there are none."""

    items: list[dict[str, Any]] | None
    attempts: list[WireAttempt] | None
    refunds: list[WireRefund] | None
    disputes: list[Dispute] | None
    scheme: str | None
    facts: dict[str, Any]
    facets: dict[str, Any] | None
    challenged: bool
    place: int


@MERCHANT.statement(lambda: _WHOLE.replace("{facets}", facets_sql()))
async def whole_orders(
    db: Read, merchant_ids: Sequence[UUID], order_ids: Sequence[UUID]
) -> list[WholeOrder]:
    """Orders, each of its merchant; none for a foreign or unknown id."""


class LogLine(Row, frozen=True):
    """`body` with what somebody `typed`. `route_reason`: why an attempt took its card route, where
    that was chosen."""

    seq: int
    happening: str
    business_at: datetime
    body: dict[str, Any]
    route_reason: str | None = None


@MERCHANT.statement("""
SELECT l.seq, l.happening, l.business_at,
  l.body || CASE WHEN w.text IS NULL THEN '{}' ELSE jsonb_build_object('typed', w.text) END AS body,
  (SELECT d.reasons ->> 1 FROM decisions d WHERE d.merchant_id = l.merchant_id
    AND d.decision_id = l.decision_id
    AND l.happening = 'attempt_sent' AND d.versions ->> 'decider' LIKE 'route-%') AS route_reason
FROM order_log l LEFT JOIN order_words w USING (merchant_id, order_id, seq)
WHERE l.merchant_id = $1 AND l.order_id = $2 ORDER BY l.seq
""")
async def order_history(db: Read, merchant_id: UUID, order_id: UUID) -> list[LogLine]:
    """Oldest first."""
