"""What may be advanced and what is, for those who set it and look at it."""

from dataclasses import dataclass
from uuid import UUID

from msgspec import convert

from recoup.rules.money.exposure import Limits
from recoup.store.homes import MERCHANT
from recoup.store.statement import Read, Row


@dataclass(frozen=True, slots=True)
class Exposure:
    """One merchant's in one asset, in its smallest unit. `allotted_units` of the limit may be used now;
    `lost_units` of it were written off since the terms were set, and may not."""

    limits: Limits
    allotted_units: int
    used_units: int
    operator_limit_units: int
    operator_drawn_units: int
    advanced_orders: int
    bad_debt_units: int
    lost_units: int


class _Exposure(Row, frozen=True):
    """`limits`: the row as JSON; None: no terms were set."""

    limits: object
    allotted_units: int
    used_units: int
    operator_limit_units: int
    operator_drawn_units: int
    advanced_orders: int
    bad_debt_units: int
    lost_units: int


@MERCHANT.statement("""
SELECT to_jsonb(l) AS limits,
  (SELECT coalesce(sum(allotted), 0) FROM exposure_allotments a WHERE a.merchant_id = $1 AND a.asset = $2)::bigint
    AS allotted_units,
  (SELECT coalesce(sum(used), 0) FROM exposure_allotments a WHERE a.merchant_id = $1 AND a.asset = $2)::bigint
    AS used_units,
  coalesce(o.limit_units, 0) AS operator_limit_units, coalesce(o.drawn_units, 0) AS operator_drawn_units,
  (SELECT count(*) FROM advances d WHERE d.merchant_id = $1 AND d.asset = $2 AND d.due_units > 0) AS advanced_orders,
  (SELECT coalesce(sum(units), 0) FROM account_balances b WHERE b.merchant_id = $1 AND b.asset = $2
    AND b.account = 'bad_debt')::bigint AS bad_debt_units,
  (SELECT coalesce(sum(lost), 0) FROM exposure_allotments a WHERE a.merchant_id = $1 AND a.asset = $2)::bigint
    AS lost_units
FROM (SELECT 1) one
LEFT JOIN exposure_limits l ON l.merchant_id = $1 AND l.asset = $2
LEFT JOIN operator_exposure o ON o.asset = $2
""")
async def _exposure(db: Read, merchant_id: UUID, asset: str) -> _Exposure:
    """One row, whatever was set."""


async def read_exposure(db: Read, merchant_id: UUID, asset: str) -> Exposure:
    """Without terms: nothing may be advanced."""
    row = await _exposure(db, merchant_id, asset)
    return Exposure(
        convert(row.limits, Limits) if row.limits else Limits(),
        row.allotted_units,
        row.used_units,
        row.operator_limit_units,
        row.operator_drawn_units,
        row.advanced_orders,
        row.bad_debt_units,
        row.lost_units,
    )


@MERCHANT.statement("SELECT asset FROM exposure_limits WHERE merchant_id = $1 ORDER BY 1")
async def assets_with_terms(db: Read, merchant_id: UUID) -> list[str]:
    """Of one merchant."""


@MERCHANT.statement("SELECT merchant_id FROM exposure_limits WHERE asset = $1 ORDER BY 1")
async def merchants_with_terms(db: Read, asset: str) -> list[UUID]:
    """Of every merchant."""
