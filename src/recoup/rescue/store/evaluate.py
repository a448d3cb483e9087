"""Earlier orders of an id that /evaluate gets again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec.structs import replace

from recoup.db.statement import MERCHANT, Read, Row
from recoup.orders.rules.lifecycle import Stage


class OrderNow(Row, frozen=True):
    """State of one order."""

    order_id: UUID
    generation: int
    stage: Stage
    kind: Literal["cit_web", "cit_callcenter", "mit_managed", "mit_sync", "stable"]
    asset: str
    units: int
    pan_id: UUID | None
    transaction_id: str | None
    external_id: str
    expires_at: datetime | None
    status: int
    refunded_units: int
    disputed: bool
    reason: str | None
    next_attempt_at: datetime | None


class LatestOrder(OrderNow, frozen=True):
    """`cards_before`: the ids of cards that it had before another took their place."""

    cards_before: tuple[UUID, ...]


class Trace(Row, frozen=True):
    """What there is of a call already. `input_mac` and what follows it: of the request with its
    key; `latest`: without one, the latest order with its id; `is_archived`: it left."""

    input_mac: bytes | None
    subject_id: UUID | None
    answer: dict[str, Any] | None
    latest: LatestOrder | None
    is_archived: bool
    place: int


@MERCHANT.statement("""
SELECT r.input_mac, r.subject_id, r.answer,
  CASE WHEN t.order_id IS NOT NULL THEN to_jsonb(t) END AS latest,
  t.named IS NOT NULL AND t.order_id IS NULL AS is_archived, q.place
FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY
  AS q(merchant_id, key, external_id, place)
LEFT JOIN requests r ON r.merchant_id = q.merchant_id AND r.operation = 'evaluate'
  AND r.key = q.key
LEFT JOIN LATERAL (
  SELECT f.order_id AS named, o.order_id, o.generation, o.stage, o.kind, o.asset, o.units, o.pan_id,
    o.transaction_id, o.external_id, o.expires_at, h.status, h.refunded_units, h.disputed, h.reason,
    h.next_attempt_at, o.cards_before
  FROM order_refs f
  LEFT JOIN current_orders o USING (merchant_id, order_id)
  LEFT JOIN order_heads h USING (merchant_id, order_id)
  WHERE r.key IS NULL AND f.merchant_id = q.merchant_id AND f.door = 'rescue'
    AND f.external_id = q.external_id
  ORDER BY f.generation DESC LIMIT 1) t ON true
""")
async def traces(
    db: Read, merchant_ids: Sequence[UUID], keys: Sequence[str], external_ids: Sequence[str]
) -> list[Trace]:
    """Traces of calls, each by its merchant, idempotency key and order id."""


class OrderOutcome(OrderNow, frozen=True):
    """`busy`: its first attempt, made while the caller waits, has no answer yet. `last_…`: of the
    last try that is more than planned, which says why an order is not approved. `cause`, `decline`:
    where the log alone says why it was declined."""

    busy: bool
    last_state: str | None
    last_klass: str | None
    last_reason: str | None
    cause: str | None
    decline: str | None
    place: int


async def order_outcome(db: Read, merchant_id: UUID, order_id: UUID) -> OrderOutcome | None:
    """State of one order, and why."""
    rows = await outcomes(db, [merchant_id], [order_id])
    return await with_cause(db, merchant_id, rows[0]) if rows else None


async def with_cause(db: Read, merchant_id: UUID, row: OrderOutcome) -> OrderOutcome:
    """The state with why, where the log alone says it."""
    if row.stage != Stage.DECLINED or row.last_state not in (None, "not_sent"):
        return row
    end = await _decline_logged(db, merchant_id, row.order_id)
    return row if end is None else replace(row, cause=end.cause, decline=end.decline)


@MERCHANT.statement("""
SELECT o.order_id, o.generation, o.stage, o.kind, o.asset, h.units, o.pan_id, o.transaction_id,
  o.external_id,
  o.expires_at, h.status, h.refunded_units, h.disputed, h.reason, h.next_attempt_at,
  o.kind <> 'mit_managed' AND o.stage = 'processing' AND (o.version = 1 OR CASE o.kind
    WHEN 'mit_sync' THEN EXISTS (
    SELECT FROM attempts a WHERE a.merchant_id = o.merchant_id AND a.order_id = o.order_id
      AND a.attempt_no = 1
      AND (a.state = 'open' OR (a.state = 'planned' AND a.due_at <= o.placed_at + interval
        '1 second')))
    ELSE NOT EXISTS (SELECT FROM challenges c WHERE c.merchant_id = o.merchant_id
      AND c.order_id = o.order_id)
    END) AS busy,
  t.last_state, t.last_klass, t.last_reason, NULL::text AS cause, NULL::text AS decline, q.place
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS q(merchant_id, order_id, place)
JOIN current_orders o USING (merchant_id, order_id) JOIN order_heads h USING (merchant_id, order_id)
LEFT JOIN LATERAL (
  SELECT a.state AS last_state, a.klass AS last_klass, a.code_reason AS last_reason FROM attempts a
  WHERE o.stage NOT IN ('received', 'completed') AND a.merchant_id = o.merchant_id
    AND a.order_id = o.order_id
    AND a.state <> 'planned' ORDER BY a.attempt_no DESC LIMIT 1) t ON true
""")
async def outcomes(
    db: Read, merchant_ids: Sequence[UUID], order_ids: Sequence[UUID]
) -> list[OrderOutcome]:
    """States of orders, each of its merchant, without the log."""


class _LoggedDecline(Row, frozen=True):
    cause: str | None
    decline: str | None


# Of an order that was declined with nothing sent.
@MERCHANT.statement("""
SELECT body ->> 'cause' AS cause, body ->> 'decline' AS decline FROM order_log
WHERE merchant_id = $1 AND order_id = $2 AND dst = 'declined' AND src <> 'declined' LIMIT 1
""")
async def _decline_logged(db: Read, merchant_id: UUID, order_id: UUID) -> _LoggedDecline | None:
    """Reason an order was declined with nothing sent."""


class KnownCard(Row):
    """`magic`: kind of a sandbox card that gets an identity of its own in each order."""

    pan_id: UUID
    scheme: str
    bin: str
    last4: str
    magic: str | None


class Token(KnownCard):
    """`route`:
    whose processor keeps it, None for a card of the vault."""

    route: str | None


@MERCHANT.statement("""
SELECT v.pan_id, v.scheme, v.bin, v.last4, v.magic, s.route FROM vault v
LEFT JOIN stored_methods s ON v.kek_id IS NULL AND s.merchant_id = v.merchant_id
  AND s.method_id = v.token_id
WHERE v.merchant_id = $1 AND v.token_id = $2 AND (v.kek_id IS NOT NULL OR s.route IS NOT NULL)
""")
async def find_token(db: Read, merchant_id: UUID, token_id: UUID) -> Token | None:
    """A card of this merchant that can be charged: None where its number is gone."""
