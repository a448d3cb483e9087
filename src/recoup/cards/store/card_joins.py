"""Joins of cards by the operator's people: what is proposed, decided, and worth a look."""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx

ROWS_MAX: Final = 100
# Orders whose customers are looked at for two prints of one card, and other orders of each.
RECENT_ORDERS: Final = 500
OTHER_ORDERS: Final = 20


class Print(Row):
    """The card of an order. `own_identity`: a test card that is another one in each order."""

    order_id: UUID
    external_id: str
    card_id: UUID
    own_identity: bool
    scheme: str
    last4: str
    exp_month: int
    exp_year: int
    route: str | None


@MERCHANT.statement("""
SELECT o.order_id, o.external_id, o.card_id, o.card_id IS DISTINCT
  FROM o.pan_id AS own_identity, v.scheme, v.last4,
  v.exp_month, v.exp_year, s.route
FROM orders o JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
LEFT JOIN stored_methods s ON s.merchant_id = o.merchant_id AND s.method_id = o.token_id
WHERE o.merchant_id = $1 AND o.order_id = $2 AND o.card_id IS NOT NULL
""")
async def print_of(db: Read, merchant_id: UUID, order_id: UUID) -> Print | None:
    """The card fingerprint of an order."""


class CardJoin(Row):
    """`first_order`, `second_order`: by which the prints were named; the other two as the merchant
    calls them, or the end of the id of one in an archive."""

    join_id: UUID
    first_card: UUID
    second_card: UUID
    first_order: UUID
    second_order: UUID
    first_external: str
    second_external: str
    state: Literal["waiting", "joined", "refused"]
    reason: str
    evidence: str
    made_by: str
    decided_by: str | None
    created_at: datetime
    decided_at: datetime | None


_ROW: Final = """
SELECT j.join_id, j.first_card, j.second_card, j.first_order, j.second_order,
  coalesce(a.external_id, right(j.first_order::text, 8)) AS first_external,
  coalesce(b.external_id, right(j.second_order::text, 8)) AS second_external,
  j.state, j.reason, j.evidence, j.made_by, j.decided_by, j.created_at, j.decided_at
FROM card_joins j
LEFT JOIN orders a ON a.merchant_id = j.merchant_id AND a.order_id = j.first_order
LEFT JOIN orders b ON b.merchant_id = j.merchant_id AND b.order_id = j.second_order
"""


@MERCHANT.statement(f"{_ROW} WHERE j.merchant_id = $1 AND j.join_id = $2 FOR UPDATE OF j")
async def lock_join(db: Tx, merchant_id: UUID, join_id: UUID) -> CardJoin | None: ...


@MERCHANT.statement(
    f"{_ROW} WHERE j.merchant_id = $1 AND j.first_card = $2 AND j.second_card = $3 AND j.state <> "
    f"'refused'"
)
async def join_of_pair(
    db: Read, merchant_id: UUID, first_card: UUID, second_card: UUID
) -> CardJoin | None:
    """The one that waits or holds."""


@MERCHANT.statement(
    f"{_ROW} WHERE j.merchant_id = $1 ORDER BY j.created_at DESC, j.join_id DESC LIMIT {ROWS_MAX}"
)
async def list_joins(db: Read, merchant_id: UUID) -> list[CardJoin]:
    """The newest first, at most ROWS_MAX."""


@MERCHANT.statement(f"""
{_ROW} WHERE j.merchant_id = $1 AND j.state = 'joined'
  AND (j.first_card = (SELECT card_id FROM orders o WHERE o.merchant_id = $1 AND o.order_id = $2)
    OR j.second_card = (SELECT card_id FROM orders o WHERE o.merchant_id = $1 AND o.order_id = $2))
ORDER BY j.decided_at, j.join_id LIMIT {ROWS_MAX}
""")
async def joins_of_order(db: Read, merchant_id: UUID, order_id: UUID) -> list[CardJoin]:
    """Joins that its card has part in, the first one first."""


@MERCHANT.statement("SELECT count(*) FROM card_joins WHERE merchant_id = $1 AND state = 'waiting'")
async def count_waiting(db: Read, merchant_id: UUID) -> int: ...


@MERCHANT.statement("""
INSERT INTO card_joins (merchant_id, join_id, first_card, second_card, first_order, second_order,
  state, reason,
  evidence, made_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7, $8, $9, $10)
ON CONFLICT (merchant_id, first_card, second_card) WHERE state <> 'refused' DO NOTHING
RETURNING join_id
""")
async def add_join(
    db: Tx,
    merchant_id: UUID,
    join_id: UUID,
    first_card: UUID,
    second_card: UUID,
    first_order: UUID,
    second_order: UUID,
    reason: str,
    evidence: str,
    made_by: str,
    at: datetime,
) -> UUID | None:
    """Adds a join; None where one of this pair waits or holds."""


@MERCHANT.statement(
    "UPDATE card_joins SET state = $3, decided_by = $4, decided_at = $5 WHERE merchant_id = $1 AND "
    "join_id = $2"
)
async def close_join(
    db: Tx,
    merchant_id: UUID,
    join_id: UUID,
    state: Literal["joined", "refused"],
    decided_by: str,
    at: datetime,
) -> None: ...


class Alike(Row):
    """Two prints of one customer with the same brand, last four digits and expiry."""

    first_card: UUID
    second_card: UUID
    first_order: UUID
    second_order: UUID
    first_external: str
    second_external: str
    first_route: str | None
    second_route: str | None
    scheme: str
    last4: str
    exp_month: int
    exp_year: int


@MERCHANT.statement(f"""
SELECT DISTINCT ON (o.card_id, p.card_id) o.card_id AS first_card, p.card_id AS second_card,
  o.order_id AS first_order, p.order_id AS second_order, o.external_id AS first_external,
  p.external_id AS second_external, o.route AS first_route, p.route AS second_route, o.scheme,
    o.last4, o.exp_month,
  o.exp_year
FROM (SELECT h.order_id FROM order_heads h WHERE h.merchant_id = $1
  ORDER BY h.placed_at DESC, h.order_id DESC LIMIT {RECENT_ORDERS}) recent
CROSS JOIN LATERAL (SELECT x.payer_id FROM order_payer x
  WHERE x.merchant_id = $1 AND x.order_id = recent.order_id AND x.payer_id IS NOT NULL OFFSET 0) x
CROSS JOIN LATERAL (SELECT c.order_id, c.external_id, c.card_id, s.route, v.scheme, v.last4,
  v.exp_month, v.exp_year
  FROM orders c JOIN vault v ON v.merchant_id = c.merchant_id AND v.token_id = c.token_id
  LEFT JOIN stored_methods s ON s.merchant_id = c.merchant_id AND s.method_id = c.token_id
  WHERE c.merchant_id = $1 AND c.order_id = recent.order_id AND c.card_id = c.pan_id
    AND v.last4 <> '' OFFSET 0) o
CROSS JOIN LATERAL (SELECT y.order_id FROM order_payer y WHERE y.merchant_id = $1
  AND y.payer_id = x.payer_id
  AND y.order_id <> recent.order_id ORDER BY y.order_id DESC LIMIT {OTHER_ORDERS}) y
CROSS JOIN LATERAL (SELECT c.order_id, c.external_id, c.card_id, s.route
  FROM orders c JOIN vault v ON v.merchant_id = c.merchant_id AND v.token_id = c.token_id
  LEFT JOIN stored_methods s ON s.merchant_id = c.merchant_id AND s.method_id = c.token_id
  WHERE c.merchant_id = $1 AND c.order_id = y.order_id AND c.card_id = c.pan_id
    AND c.card_id <> o.card_id
    AND v.scheme = o.scheme AND v.last4 = o.last4 AND v.exp_month = o.exp_month
      AND v.exp_year = o.exp_year
  OFFSET 0) p
WHERE NOT EXISTS (SELECT FROM card_joins j WHERE j.merchant_id = $1
  AND j.first_card = least(o.card_id, p.card_id)
  AND j.second_card = greatest(o.card_id, p.card_id))
ORDER BY o.card_id, p.card_id LIMIT {2 * ROWS_MAX}
""")
async def list_alike(db: Read, merchant_id: UUID) -> list[Alike]:
    """Pairs of alike cards among the newest RECENT_ORDERS orders; a pair may come twice, in either
    order, and may be one by now."""
