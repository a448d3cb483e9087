"""What may be advanced and what is, for those who set it and look at it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from recoup.rules.money.exposure import Limits
from recoup.store.read.locked import limits_of


@dataclass(frozen=True, slots=True)
class Exposure:
    """One merchant's in one asset, in its smallest unit. `allotted_units` of the limit may be used now."""

    limits: Limits
    allotted_units: int
    used_units: int
    operator_limit_units: int
    operator_drawn_units: int
    advanced_orders: int
    bad_debt_units: int


_EXPOSURE = """
SELECT to_jsonb(l) AS limits,
  (SELECT coalesce(sum(allotted), 0) FROM exposure_allotments a WHERE a.merchant_id = $1 AND a.asset = $2)::bigint
    AS allotted_units,
  (SELECT coalesce(sum(used), 0) FROM exposure_allotments a WHERE a.merchant_id = $1 AND a.asset = $2)::bigint
    AS used_units,
  coalesce(o.limit_units, 0) AS operator_limit_units, coalesce(o.drawn_units, 0) AS operator_drawn_units,
  (SELECT count(*) FROM advances d WHERE d.merchant_id = $1 AND d.asset = $2 AND d.due_units > 0) AS advanced_orders,
  (SELECT coalesce(sum(units), 0) FROM account_balances b WHERE b.merchant_id = $1 AND b.asset = $2
    AND b.account = 'bad_debt')::bigint AS bad_debt_units
FROM (SELECT 1) one
LEFT JOIN exposure_limits l ON l.merchant_id = $1 AND l.asset = $2
LEFT JOIN operator_exposure o ON o.asset = $2
"""


async def read_exposure(connection: asyncpg.Connection, merchant_id: UUID, asset: str) -> Exposure:
    row = await connection.fetchrow(_EXPOSURE, merchant_id, asset)
    values: dict[str, Any] = {name: row[name] for name in Exposure.__slots__ if name != "limits"}
    return Exposure(limits=limits_of(row["limits"]) if row["limits"] else Limits(), **values)


async def assets_with_terms(connection: asyncpg.Connection, merchant_id: UUID) -> list[str]:
    rows = await connection.fetch("SELECT asset FROM exposure_limits WHERE merchant_id = $1 ORDER BY 1", merchant_id)
    return [r["asset"] for r in rows]


async def merchants_with_terms(connection: asyncpg.Connection, asset: str) -> list[UUID]:
    rows = await connection.fetch("SELECT merchant_id FROM exposure_limits WHERE asset = $1 ORDER BY 1", asset)
    return [r["merchant_id"] for r in rows]
