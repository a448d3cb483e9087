"""Erasure of a person's data, in parts: beside their orders, what is searched by, and last who they
are."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx


class OrderPerson(Row):
    """Payer of an order."""

    order_id: UUID
    first_name: str
    last_name: str
    email: str
    phone: str


# In the order of their ids. What is being written beside an order or a dispute waits for their rows
# or is waited for: a later statement sees it.
@MERCHANT.statement("""
SELECT p.order_id, p.first_name, p.last_name, p.email, p.phone
FROM order_payer p JOIN orders o USING (merchant_id, order_id)
WHERE p.merchant_id = $1 AND p.payer_id = $2 AND p.order_id > $3 ORDER BY p.order_id LIMIT $4
  FOR UPDATE OF o
""")
async def _lock_orders(
    db: Tx, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int
) -> list[OrderPerson]: ...


@MERCHANT.statement(
    "SELECT FROM disputes WHERE merchant_id = $1 AND order_id = ANY($2::uuid[]) ORDER BY "
    "dispute_id FOR UPDATE"
)
async def _lock_disputes(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None: ...


async def lock_part(
    db: Tx, merchant_id: UUID, payer_id: UUID, after: UUID, limit: int
) -> list[OrderPerson]:
    """Their next orders, and who they are there, until the transaction ends."""
    rows = await _lock_orders(db, merchant_id, payer_id, after, limit)
    await _lock_disputes(db, merchant_id, [row.order_id for row in rows])
    return rows


@MERCHANT.statement("SELECT erase_orders($1, $2)")
async def erase_part(db: Tx, merchant_id: UUID, order_ids: Sequence[UUID]) -> None:
    """Everything in words that stands beside these orders, which are locked. What remains to be
    searched by are references."""


@MERCHANT.statement("SELECT erase_payer($1, $2, $3)")
async def erase_payer(db: Tx, merchant_id: UUID, payer_id: UUID, since: UUID) -> None:
    """The row stays, for its id stands in what is never changed; nothing in it names anybody. What
    came before the id `since` is not counted for them any more."""


@MERCHANT.statement("""
INSERT INTO person_log (merchant_id, line_id, payer_id, what, orders, actor, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
""")
async def note_person(
    db: Tx,
    merchant_id: UUID,
    line_id: UUID,
    payer_id: UUID,
    what: str,
    orders: int,
    actor: str,
    at: datetime,
) -> None: ...
