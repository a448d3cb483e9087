"""Contents of a file of one customer's data, besides their transmissions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row
from recoup.orders.store.order_page_rows import PersonalData
from recoup.orders.store.rows import ListedOrder


class PersonalCard(Row, frozen=True):
    scheme: str
    last4: str
    exp_month: int
    exp_year: int


class PersonalAttempt(Row, frozen=True):
    number: int
    sent_at: datetime
    state: str
    units: int
    currency: str
    code: str | None


class PersonalRefund(Row, frozen=True):
    number: int
    requested_at: datetime
    state: str
    units: int
    currency: str
    reason: str


class PersonalText(Row, frozen=True):
    at: datetime
    text: str


class PersonalFile(Row, frozen=True):
    at: datetime
    name: str
    media_type: str


class PersonalOrder(ListedOrder):
    """An order as the file of a customer's data has it: with what is known of the person beside the
    order."""

    kind: str
    descriptor: str
    stage: str
    metadata: dict[str, Any]
    person: PersonalData
    card: PersonalCard | None
    attempts: list[PersonalAttempt] | None
    refunds: list[PersonalRefund] | None
    notes: list[PersonalText] | None
    evidence: list[PersonalText] | None
    evidence_files: list[PersonalFile] | None


@MERCHANT.statement("""
SELECT o.order_id, o.external_id, o.placed_at, o.units, o.asset, o.kind, o.descriptor, o.stage,
  o.metadata,
  to_jsonb(p) - 'merchant_id' - 'order_id' - 'payer_id' AS person,
  (SELECT jsonb_build_object('scheme', v.scheme, 'last4', v.last4, 'exp_month', v.exp_month,
    'exp_year', v.exp_year)
    FROM vault v WHERE v.merchant_id = o.merchant_id AND v.token_id = o.token_id) AS card,
  (SELECT jsonb_agg(jsonb_build_object('number', a.attempt_no, 'sent_at', a.sent_at, 'state',
    a.state, 'units', a.units,
      'currency', a.asset, 'code', a.scheme_code) ORDER BY a.attempt_no) FROM attempts a
    WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
      AND a.sent_at IS NOT NULL) AS attempts,
  (SELECT jsonb_agg(jsonb_build_object('number', r.modification_no, 'requested_at', r.business_at,
    'state', r.state,
      'units', r.units, 'currency', r.asset, 'reason', r.message) ORDER BY r.modification_no)
        FROM modifications r
    WHERE r.merchant_id = o.merchant_id AND r.order_id = o.order_id
      AND r.kind IN ('refund', 'reversal')) AS refunds,
  (SELECT jsonb_agg(jsonb_build_object('at', n.business_at, 'text', n.text) ORDER BY n.note_id)
    FROM order_notes n
    WHERE n.merchant_id = o.merchant_id AND n.order_id = o.order_id) AS notes,
  (SELECT jsonb_agg(jsonb_build_object('at', n.business_at, 'text', n.text) ORDER BY n.note_id)
    FROM disputes d JOIN dispute_notes n USING (merchant_id, dispute_id)
    WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) AS evidence,
  (SELECT jsonb_agg(jsonb_build_object('at', n.business_at, 'name', n.name, 'media_type',
    n.media_type)
      ORDER BY n.file_id) FROM disputes d JOIN dispute_files n USING (merchant_id, dispute_id)
    WHERE d.merchant_id = o.merchant_id AND d.order_id = o.order_id) AS evidence_files
FROM order_payer p
JOIN current_orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id > $3 ORDER BY p.order_id LIMIT $4
""")
async def personal_orders(
    db: Read, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int
) -> list[PersonalOrder]:
    """Oldest first, with everything that is kept of the person."""


class Look(Row, frozen=True):
    """An attempt as the rescue engine knows it: `answer` is a class by number. Without an order one
    that was never sent to us."""

    at: datetime
    answer: int
    attempts_before: int
    order_id: UUID | None


@MERCHANT.statement("""
SELECT known.at, known.answer, known.attempts_before, known.order_id
FROM payer_looks l, unnest(l.at, l.answers, l.tries, l.orders)
  WITH ORDINALITY AS known (at, answer, attempts_before, order_id, n)
WHERE l.merchant_id = $1 AND l.payer_id = $2 ORDER BY known.n
""")
async def looks_of(db: Read, merchant_id: UUID, payer_id: UUID) -> list[Look]:
    """Their latest attempts, oldest first; at most 24."""
