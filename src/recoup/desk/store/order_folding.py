"""The text that orders are found by, made again of what it is derived from."""

from collections.abc import Sequence
from uuid import UUID

from recoup.db.statement import MERCHANT, Row, Tx
from recoup.kit.lists.folding import FOLDED, search_text


class _Key(Row):
    merchant_id: UUID
    order_id: UUID


class _Source(_Key):
    """`customer` and `subject`: of a stablecoin order."""

    first_name: str
    last_name: str
    email: str
    external_id: str
    transaction_id: str | None
    customer: str | None
    subject: str | None
    last4: str | None


@MERCHANT.statement("""
SELECT merchant_id, order_id FROM order_search WHERE fold = 0 ORDER BY merchant_id, order_id
  LIMIT $1
FOR UPDATE SKIP LOCKED
""")
async def _lock_unfolded(db: Tx, limit: int) -> list[_Key]:
    """An erasure that comes meanwhile waits for them, and has the last word."""


@MERCHANT.statement("""
SELECT o.merchant_id, o.order_id, coalesce(p.first_name, '') AS first_name, coalesce(p.last_name,
  '') AS last_name,
  coalesce(p.email, '') AS email, o.external_id, o.transaction_id,
  CASE WHEN o.door = 'stablecoin' AND NOT p.forgotten THEN y.external_id END AS customer,
  CASE WHEN o.door = 'stablecoin' THEN o.facts ->> 'subject' END AS subject, v.last4
FROM unnest($1::uuid[], $2::uuid[]) AS k (merchant_id, order_id)
JOIN orders o ON o.merchant_id = k.merchant_id AND o.order_id = k.order_id
LEFT JOIN order_payer p ON p.merchant_id = o.merchant_id AND p.order_id = o.order_id
LEFT JOIN payers y ON y.merchant_id = p.merchant_id AND y.payer_id = p.payer_id
LEFT JOIN vault v ON v.merchant_id = o.merchant_id AND v.token_id = o.token_id
""")
async def _sources(
    db: Tx, merchant_ids: Sequence[UUID], order_ids: Sequence[UUID]
) -> list[_Source]: ...


@MERCHANT.statement(f"""
UPDATE order_search s SET text = k.text, fold = {FOLDED}
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, order_id, text)
WHERE s.merchant_id = k.merchant_id AND s.order_id = k.order_id
""")
async def _write(
    db: Tx, merchant_ids: Sequence[UUID], order_ids: Sequence[UUID], texts: Sequence[str]
) -> None: ...


async def fold_some(db: Tx, limit: int) -> int:
    """Folds some of the orders whose text older rules made; how many."""
    keys = await _lock_unfolded(db, limit)
    return await fold_orders(db, [(key.merchant_id, key.order_id) for key in keys]) if keys else 0


async def fold_orders(db: Tx, keys: Sequence[tuple[UUID, UUID]]) -> int:
    """Folds the texts of these (merchant, order); returns how many there were."""
    rows = await _sources(db, [key[0] for key in keys], [key[1] for key in keys])
    await _write(
        db,
        [row.merchant_id for row in rows],
        [row.order_id for row in rows],
        [_text(row) for row in rows],
    )
    return len(rows)


def _text(row: _Source) -> str:
    """The text as for a new order, with the last four at its end."""
    others = (row.email, row.external_id, row.transaction_id, row.customer, row.subject, row.last4)
    return search_text(row.first_name, row.last_name, others)
