"""Mandates that customers have revoked of a merchant's cards, and given anew."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from recoup.cards.store.joined_cards import SAME_CARDS
from recoup.db.statement import HUB, MERCHANT, Read, Row, Tx, Written
from recoup.db.table import insert_of, stored
from recoup.kernel.facet import Facet
from recoup.mandates.rules import MandateChange, Scope
from recoup.rescue.store.transmissions import CARDS_MAX, PAYER_ORDERS

ORDERS_MAX: Final = (
    1_000  # of a card that are looked through at once; older ones are stopped when they are due
)

# Of a row `c` of mandate_changes, as `MandateChange`.
MANDATE_JSON: Final = """jsonb_build_object('change_id', c.change_id, 'kind', c.kind, 'at', c.at,
  'order_id', c.order_id, 'scope', c.scope, 'code', c.code, 'subscription', c.subscription,
  'network_id', c.network_id, 'holds', c.holds)"""


@stored("mandate_changes")
class MandateRow(Row, kw_only=True):
    """A mandate that a customer has revoked of a card, or given anew: once for each source that
    says so."""

    merchant_id: UUID
    change_id: UUID
    pan_id: UUID
    kind: Literal["revoked", "renewed"]
    scope: Scope | None = None
    code: str | None = None
    order_id: UUID | None = None
    subscription: str | None = None
    network_id: str | None = None
    at: datetime
    recorded_at: datetime


@MERCHANT.statement(f"{insert_of(MandateRow)}ON CONFLICT DO NOTHING")
async def note_mandates(db: Tx, rows: Sequence[MandateRow]) -> None:
    """Inserts mandates; those known already stay as they are."""


@MERCHANT.statement(f"""
SELECT k.order_id, jsonb_agg({MANDATE_JSON})
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k (merchant_id, order_id, pan_id)
JOIN mandate_changes c ON c.merchant_id = k.merchant_id AND c.pan_id = k.pan_id
GROUP BY 1
""")
async def mandates_of_prints(
    db: Read, merchants: Sequence[UUID], orders: Sequence[UUID], cards: Sequence[UUID]
) -> dict[UUID, object]:
    """A customer revokes a mandate for the card, under whichever print it was charged. Nothing
    where none was."""


OF_CARD: Final = Facet(
    "mandates",
    sql=f"""(SELECT jsonb_agg({MANDATE_JSON}) FROM mandate_changes c
    WHERE c.merchant_id = o.merchant_id AND c.pan_id = o.pan_id)""",
    row=tuple[MandateChange, ...],
    none=(),
    needs=frozenset({"cards"}),
    then=lambda known, at: tuple(change for change in known if change.at <= at),
)


class RevokedCard(Row):
    """Card of the order that a revocation was kept with."""

    order_id: UUID
    pan_id: UUID
    card_id: UUID | None
    payer_id: UUID | None


@MERCHANT.statement("""
SELECT o.order_id, c.pan_id, o.card_id, (SELECT p.payer_id FROM order_payer p
  WHERE p.merchant_id = o.merchant_id AND p.order_id = o.order_id) AS payer_id
FROM mandate_changes c JOIN orders o ON o.merchant_id = c.merchant_id AND o.order_id = c.order_id
WHERE c.merchant_id = $1 AND c.change_id = $2 AND c.kind = 'revoked' AND c.holds
LIMIT 1
""")
async def revoked_card(db: Read, merchant_id: UUID, change_id: UUID) -> RevokedCard | None:
    """Finds the card of a revocation; None where it does not hold."""


@HUB.statement(f"""
SELECT DISTINCT n.order_id FROM {SAME_CARDS.format("$2::uuid")} same
CROSS JOIN LATERAL unnest(same.cards) AS c (card_id)
CROSS JOIN LATERAL (SELECT s.order_id FROM network_sends s
  WHERE s.card_id = c.card_id AND s.claimed AND NOT s.imported AND s.merchant_id = $1
  ORDER BY s.at DESC LIMIT {ORDERS_MAX}) n
""")
async def orders_of_card(db: Read, merchant_id: UUID, card_id: UUID) -> list[UUID]:
    """The merchant's newest that came in with the card, under whichever print of it."""


@MERCHANT.statement(f"""
SELECT x.order_id FROM (
  SELECT k.order_id FROM unnest($2::uuid[]) AS k (order_id)
  UNION SELECT q.order_id FROM (SELECT p.order_id FROM order_payer p
    WHERE p.merchant_id = $1 AND p.payer_id = $3 ORDER BY p.order_id DESC LIMIT {PAYER_ORDERS}) q
) k CROSS JOIN LATERAL (SELECT o.order_id, o.stage, o.kind, o.pan_id FROM current_orders o
  WHERE o.merchant_id = $1 AND o.order_id = k.order_id OFFSET 0) x
WHERE x.stage IN ('processing', 'held', 'problem') AND x.kind IN ('mit_managed', 'mit_sync')
  AND (x.pan_id = $4 OR x.order_id = ANY ($2))
ORDER BY x.order_id
""")
async def open_orders_of(
    db: Read, merchant_id: UUID, orders: Sequence[UUID], payer_id: UUID | None, pan_id: UUID
) -> list[UUID]:
    """Orders under way of these orders, and of this payer's with the same card."""


class ListedMandate(Row):
    """A revocation with the order that it was kept with; of one in an archive `external_id` is the
    end of its id. `changes`: all that is known of mandates of its card."""

    change_id: UUID
    at: datetime
    scope: Scope
    code: str
    subscription: str | None
    order_id: UUID
    external_id: str
    payer_id: UUID | None
    scheme: str | None
    last4: str | None
    changes: list[MandateChange]


_LISTED: Final = f"""
SELECT r.change_id, r.at, r.scope, r.code, r.subscription, r.order_id,
  coalesce(o.external_id, right(r.order_id::text, 8)) AS external_id, p.payer_id, v.scheme, v.last4,
  (SELECT jsonb_agg({MANDATE_JSON}) FROM mandate_changes c
    WHERE c.merchant_id = r.merchant_id AND c.pan_id = r.pan_id) AS changes
FROM mandate_changes r
LEFT JOIN orders o ON o.merchant_id = r.merchant_id AND o.order_id = r.order_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
"""


@MERCHANT.statement(f"""{_LISTED}
WHERE r.merchant_id = $1 AND r.kind = 'revoked' AND r.holds AND (r.at, r.change_id) < ($2, $3)
  AND r.order_id IS NOT NULL
ORDER BY r.at DESC, r.change_id DESC LIMIT $4
""")
async def list_mandates(
    db: Read, merchant_id: UUID, before: datetime, before_id: UUID, limit: int
) -> list[ListedMandate]:
    """Revoked ones, newest first, behind the one that is named."""


@MERCHANT.statement(f"""{_LISTED}
WHERE r.merchant_id = $1 AND r.kind = 'revoked' AND r.holds AND r.order_id IS NOT NULL
  AND r.pan_id = ANY (ARRAY(
  SELECT o.pan_id FROM (SELECT q.order_id FROM order_payer q
    WHERE q.merchant_id = $1 AND q.payer_id = $2 ORDER BY q.order_id DESC LIMIT {PAYER_ORDERS}) q
  CROSS JOIN LATERAL (SELECT y.pan_id FROM orders y
    WHERE y.merchant_id = $1 AND y.order_id = q.order_id AND y.pan_id IS NOT NULL OFFSET 0) o))
ORDER BY r.at DESC, r.change_id DESC LIMIT {CARDS_MAX}
""")
async def mandates_of_payer(db: Read, merchant_id: UUID, payer_id: UUID) -> list[ListedMandate]:
    """Mandates of the cards that the customer's newest orders had."""


@MERCHANT.statement("""
UPDATE mandate_changes SET holds = (kind = $3) WHERE merchant_id = $1 AND change_id = $2
  AND holds <> (kind = $3)
""")
async def correct_mandates(db: Tx, merchant_id: UUID, transmit_id: UUID, kind: str) -> Written:
    """Corrects mandates to what a transmission says now: only changes of this kind hold of it."""


class StoppedOrder(Row):
    """An order of which something left after a customer's stop, and the history of mandates of both
    cards."""

    order_id: UUID
    stop_id: UUID
    facts: dict[str, Any]
    mandates: list[MandateChange]


@MERCHANT.statement(f"""
SELECT k.order_id, k.stop_id, o.facts, (SELECT coalesce(jsonb_agg({MANDATE_JSON}), '[]')
  FROM mandate_changes c
  WHERE c.merchant_id = $1 AND c.pan_id IN (o.pan_id, r.pan_id)) AS mandates
FROM unnest($2::uuid[], $3::uuid[]) AS k (order_id, stop_id)
JOIN orders o ON o.merchant_id = $1 AND o.order_id = k.order_id
JOIN mandate_changes r ON r.merchant_id = $1 AND r.change_id = k.stop_id
""")
async def stopped_orders(
    db: Read, merchant_id: UUID, order_ids: Sequence[UUID], stop_ids: Sequence[UUID]
) -> list[StoppedOrder]:
    """Orders of those of these pairs whose stop was kept as a revoked mandate."""
