"""Exposure: the customers' rows and the slots of a merchant's limit, under locks that are taken in
one order; what may be advanced and what is, for those who set it and look at it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx
from recoup.kernel.frozen import frozen
from recoup.terms.rules.exposure import SLOTS, Limits, Slot

Customer = tuple[UUID, UUID, str]  # merchant, customer, asset


async def lock_customers(db: Tx, keys: Sequence[Customer]) -> dict[Customer, int]:
    """Locks customers and returns what each has in use. `keys` sorted; a row is made where there is
    none."""
    merchants, customers, assets = zip(*keys, strict=True)
    await _make_customers(db, merchants, customers, assets)
    rows = await _lock_customers(db, merchants, customers, assets)
    return {(row.merchant_id, row.customer_id, row.asset): row.used for row in rows}


@MERCHANT.statement("""
INSERT INTO customer_exposure (merchant_id, customer_id, asset)
SELECT merchant_id, customer_id, asset FROM unnest($1::uuid[], $2::uuid[], $3::text[])
  AS k (merchant_id, customer_id, asset)
ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING
""")
async def _make_customers(
    db: Tx, merchants: Collection[UUID], customers: Collection[UUID], assets: Collection[str]
) -> None:
    """A row of each."""


class _CustomerUse(Row):
    merchant_id: UUID
    customer_id: UUID
    asset: str
    used: int


@MERCHANT.statement("""
SELECT c.merchant_id, c.customer_id, c.asset, c.used FROM customer_exposure c
JOIN unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, customer_id, asset)
  USING (merchant_id, customer_id, asset)
ORDER BY 1, 2, 3 FOR UPDATE OF c
""")
async def _lock_customers(
    db: Tx, merchants: Collection[UUID], customers: Collection[UUID], assets: Collection[str]
) -> list[_CustomerUse]:
    """Always in one order."""


async def move_customers(db: Tx, moved: Mapping[Customer, int]) -> None:
    """`moved`: what each uses more, or less."""
    if moved:
        merchants, customers, assets = zip(*moved, strict=True)
        await _move_customers(db, merchants, customers, assets, list(moved.values()))


@MERCHANT.statement("""
UPDATE customer_exposure c SET used = c.used + k.units
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[]) AS k (merchant_id, customer_id, asset,
  units)
WHERE c.merchant_id = k.merchant_id AND c.customer_id = k.customer_id AND c.asset = k.asset
""")
async def _move_customers(
    db: Tx,
    merchants: Collection[UUID],
    customers: Collection[UUID],
    assets: Collection[str],
    units: Collection[int],
) -> None:
    """Moves what customers have in use, under their lock."""


class Taken(NamedTuple):
    """The slot that gave it, and what that has left."""

    slot: int
    free: int


# A slot that another transaction holds is passed over; who finds none asks again under the lock of
# all.
@MERCHANT.statement(f"""
WITH room AS MATERIALIZED (
  SELECT slot FROM exposure_allotments
  WHERE merchant_id = $1 AND asset = $2 AND allotted - used >= $3::bigint
  ORDER BY (slot - $4::int + {SLOTS}) % {SLOTS} LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE exposure_allotments a SET used = a.used + $3::bigint FROM room
WHERE a.merchant_id = $1 AND a.asset = $2 AND a.slot = room.slot
  AND a.used + $3::bigint <= a.allotted
RETURNING a.slot, a.allotted - a.used AS free
""")
async def take_slot(db: Tx, merchant_id: UUID, asset: str, units: int, prefer: int) -> Taken | None:
    """Takes room in a slot; None when none has room by itself and is not held."""


@MERCHANT.statement("""
UPDATE exposure_allotments SET used = used - $4::bigint, reclaim = reclaim - least(reclaim,
  $4::bigint),
  allotted = allotted - greatest(least(reclaim, $4::bigint), $5::bigint), lost = lost + $5::bigint
WHERE merchant_id = $1 AND asset = $2 AND slot = $3
""")
async def free_slot(
    db: Tx, merchant_id: UUID, asset: str, slot: int, units: int, lost: int
) -> None:
    """Gives back what was taken there. `lost`: so much of it was written off, and is not free
    again."""


@MERCHANT.statement("""
UPDATE exposure_allotments SET lost = 0 WHERE merchant_id = $1 AND asset = $2 AND lost > 0
""")
async def forgive_lost(db: Tx, merchant_id: UUID, asset: str) -> None:
    """Frees what was written off: it counts against the limit no more. Under the lock of the
    terms."""


@MERCHANT.statement("""
SELECT slot, allotted, used, reclaim, lost FROM exposure_allotments WHERE merchant_id = $1
  AND asset = $2
ORDER BY slot FOR UPDATE
""")
async def lock_slots(db: Tx, merchant_id: UUID, asset: str) -> list[Slot]:
    """All of them."""


async def write_slots(db: Tx, merchant_id: UUID, asset: str, slots: Sequence[Slot]) -> None:
    """The caller holds the lock of all of them."""
    if slots:
        await _write_slots(
            db,
            merchant_id,
            asset,
            [s.slot for s in slots],
            [s.allotted for s in slots],
            [s.used for s in slots],
            [s.reclaim for s in slots],
            [s.lost for s in slots],
        )


@MERCHANT.statement("""
INSERT INTO exposure_allotments (merchant_id, asset, slot, allotted, used, reclaim, lost)
SELECT $1, $2, slot, allotted, used, reclaim, lost
FROM unnest($3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
  AS s (slot, allotted, used, reclaim, lost)
ON CONFLICT (merchant_id, asset, slot) DO UPDATE SET allotted = EXCLUDED.allotted,
  used = EXCLUDED.used,
  reclaim = EXCLUDED.reclaim, lost = EXCLUDED.lost
""")
async def _write_slots(
    db: Tx,
    merchant_id: UUID,
    asset: str,
    slot: list[int],
    allotted: list[int],
    used: list[int],
    reclaim: list[int],
    lost: list[int],
) -> None:
    """Made or changed."""


@frozen
class LockedTerms:
    """A merchant's terms beside the operator's, both locked. `drawn`: what each counts of the
    operator's limit."""

    limits: Limits
    drawn_units: int
    operator_limit_units: int
    operator_drawn_units: int


async def add_terms(db: Tx, merchant_id: UUID, asset: str, wall: datetime, actor: str) -> None:
    """Rows of nothing where there are none; the operator's row is locked from here on."""
    await _add_operator(db, asset, wall, actor)
    await _lock_operator(db, asset)
    await _add_terms(db, merchant_id, asset, wall, actor)


@DIRECTORY.statement("""
INSERT INTO operator_exposure (asset, changed_at, changed_by) VALUES ($1, $2, $3)
  ON CONFLICT DO NOTHING
""")
async def _add_operator(db: Tx, asset: str, wall: datetime, actor: str) -> None:
    """Adds the operator's terms with a limit of 0."""


@MERCHANT.statement("""
INSERT INTO exposure_limits (merchant_id, asset, changed_at, changed_by) VALUES ($1, $2, $3, $4)
  ON CONFLICT DO NOTHING
""")
async def _add_terms(db: Tx, merchant_id: UUID, asset: str, wall: datetime, actor: str) -> None:
    """Adds a merchant's terms with a limit of 0."""


@MERCHANT.statement("""
UPDATE exposure_limits SET limit_units = coalesce((n ->> 'limit_units')::bigint, limit_units),
  order_max_units = coalesce((n ->> 'order_max_units')::bigint, order_max_units),
  customer_max_units = coalesce((n ->> 'customer_max_units')::bigint, customer_max_units),
  chunk_units = coalesce((n ->> 'chunk_units')::bigint, chunk_units),
  allowed_loss_basis_points = coalesce((n ->> 'allowed_loss_basis_points')::int,
    allowed_loss_basis_points),
  advance_on = coalesce(n ->> 'advance_on', advance_on), version = version + 1, changed_at = $4,
    changed_by = $5
FROM (SELECT $3::jsonb AS n) x
WHERE merchant_id = $1 AND asset = $2
""")
async def set_terms(
    db: Tx, merchant_id: UUID, asset: str, new: Mapping[str, object], wall: datetime, actor: str
) -> None:
    """`new`: columns that change."""


@DIRECTORY.statement("""
UPDATE operator_exposure SET limit_units = $2, changed_at = $3, changed_by = $4 WHERE asset = $1
""")
async def set_operator_limit(db: Tx, asset: str, units: int, wall: datetime, actor: str) -> None:
    """Sets the operator's limit over all merchants."""


class _OperatorTerms(Row):
    limit_units: int
    drawn_units: int


@DIRECTORY.statement(
    "SELECT limit_units, drawn_units FROM operator_exposure WHERE asset = $1 FOR UPDATE"
)
async def _lock_operator(db: Tx, asset: str) -> _OperatorTerms | None:
    """Locks the operator's terms, before any merchant's."""


class _Terms(Row):
    limits: Limits
    drawn_units: int


@MERCHANT.statement("""
SELECT to_jsonb(l) AS limits, drawn_units FROM exposure_limits l WHERE merchant_id = $1
  AND asset = $2 FOR UPDATE
""")
async def _lock_terms(db: Tx, merchant_id: UUID, asset: str) -> _Terms | None:
    """Locks the terms of one merchant."""


async def lock_terms(db: Tx, merchant_id: UUID, asset: str) -> LockedTerms | None:
    """Locks the terms; None: no terms were set."""
    operator = await _lock_operator(db, asset)
    terms = await _lock_terms(db, merchant_id, asset)
    if operator is None or terms is None:
        return None
    return LockedTerms(terms.limits, terms.drawn_units, operator.limit_units, operator.drawn_units)


async def draw(db: Tx, merchant_id: UUID, asset: str, total: int, more: int) -> None:
    """`total`: what the merchant's slots hold now; `more`: than the operator counted for it."""
    if more:
        await _draw(db, merchant_id, asset, total)
        await _draw_operator(db, asset, more)


@MERCHANT.statement(
    "UPDATE exposure_limits SET drawn_units = $3 WHERE merchant_id = $1 AND asset = $2"
)
async def _draw(db: Tx, merchant_id: UUID, asset: str, total: int) -> None:
    """Sets what the merchant draws of the operator's limit now."""


@DIRECTORY.statement("UPDATE operator_exposure SET drawn_units = drawn_units + $2 WHERE asset = $1")
async def _draw_operator(db: Tx, asset: str, more: int) -> None:
    """Adds to what all merchants draw of the operator's limit."""


@frozen
class Exposure:
    """Exposure of one merchant in one asset, in its smallest unit. `allotted_units` of the limit
    may be used now; `lost_units` of it were written off since the terms were set, and may not."""

    limits: Limits
    allotted_units: int
    used_units: int
    operator_limit_units: int
    operator_drawn_units: int
    advanced_orders: int
    bad_debt_units: int
    lost_units: int


@MERCHANT.statement("""
SELECT coalesce(to_jsonb(l), '{}') AS limits,
  (SELECT coalesce(sum(allotted), 0) FROM exposure_allotments a WHERE a.merchant_id = $1
    AND a.asset = $2)::bigint
    AS allotted_units,
  (SELECT coalesce(sum(used), 0) FROM exposure_allotments a WHERE a.merchant_id = $1
    AND a.asset = $2)::bigint
    AS used_units,
  coalesce(o.limit_units, 0) AS operator_limit_units, coalesce(o.drawn_units,
    0) AS operator_drawn_units,
  (SELECT count(*) FROM advances d WHERE d.merchant_id = $1 AND d.asset = $2
    AND d.due_units > 0) AS advanced_orders,
  (SELECT coalesce(sum(units), 0) FROM account_balances b WHERE b.merchant_id = $1 AND b.asset = $2
    AND b.account = 'bad_debt')::bigint AS bad_debt_units,
  (SELECT coalesce(sum(lost), 0) FROM exposure_allotments a WHERE a.merchant_id = $1
    AND a.asset = $2)::bigint
    AS lost_units
FROM (SELECT 1) one
LEFT JOIN exposure_limits l ON l.merchant_id = $1 AND l.asset = $2
LEFT JOIN operator_exposure o ON o.asset = $2
""")
async def read_exposure(db: Read, merchant_id: UUID, asset: str) -> Exposure:
    """The exposure in one row; without terms nothing may be advanced."""


@MERCHANT.statement("SELECT asset FROM exposure_limits WHERE merchant_id = $1 ORDER BY 1")
async def assets_with_terms(db: Read, merchant_id: UUID) -> list[str]:
    """Assets with terms of one merchant."""


@MERCHANT.statement("SELECT merchant_id FROM exposure_limits WHERE asset = $1 ORDER BY 1")
async def merchants_with_terms(db: Read, asset: str) -> list[UUID]:
    """Merchants that have terms."""
