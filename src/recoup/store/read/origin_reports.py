"""What transactions, descriptors, sites and campaigns brought, from the ledger itself; + is in the merchant's favour.

All four sum the same entries: every movement on merchant_payable but settlements, reserves and payouts, which are about
no single order; and, apart from the merchant's account, what issuers took back (`disputed`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from recoup.kernel.ids import LOWEST

STATEMENT_SECONDS: Final = 120.0
NEAR: Final = 10  # postings an order of the page, at most, among which it is looked for first
# column -> the recipes whose entries on the merchant's account it sums
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "approved": ("approve",), "refunded": ("refund_owed", "refund_refused"), "chargebacks": ("disputed", "dispute_won"),
    "fees": ("fee", "fee_returned", "fee_taken_back"),
    "chargeback_fees": ("dispute_fee_charged", "dispute_fee_returned"), "adjusted": ("adjusted",),
}  # fmt: skip
RECIPES: Final = tuple(recipe for recipes in COLUMNS.values() for recipe in recipes)
_TAKEN_BACK: Final = COLUMNS["chargebacks"]


def _sum(name: str, condition: str) -> str:
    return f"coalesce(-sum(e.units) FILTER (WHERE {condition}), 0) AS {name}"


def _one_of(recipes: Sequence[str]) -> str:
    return "p.recipe IN (" + ", ".join(f"'{recipe}'" for recipe in recipes) + ")"


_PAYABLE = "e.account = 'merchant_payable'"
_MOVES = f"({_PAYABLE} AND {_one_of(RECIPES)} OR e.account = 'clearing' AND {_one_of(_TAKEN_BACK)})"
_SUMS = ",\n  ".join((
    *(_sum(name, f"{_PAYABLE} AND {_one_of(recipes)}") for name, recipes in COLUMNS.items()), _sum("net", _PAYABLE),
    # A dispute credits what the processor holds for us: less there is money gone.
    f"coalesce(sum(e.units) FILTER (WHERE e.account = 'clearing' AND {_one_of(_TAKEN_BACK)}), 0) AS disputed",
    "count(*) FILTER (WHERE p.recipe = 'approve') AS approvals",
    "count(*) FILTER (WHERE p.recipe = 'refund_owed') AS refunds",
    "count(*) FILTER (WHERE p.recipe = 'disputed' AND e.account = 'clearing') AS disputes",
))  # fmt: skip
_LEDGER = """FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id"""
_WITHIN = f"p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND {_MOVES}"
_TOTALS = f"""
SELECT e.asset, {_SUMS}
{_LEDGER}
WHERE {_WITHIN} AND ($4::text IS NULL OR e.asset = $4)
GROUP BY e.asset ORDER BY e.asset
"""


def _grouped(keys: str, outer: str, joined: str, order: str) -> str:
    return f"""
SELECT {outer}, g.* FROM (
  SELECT {keys}, e.asset, {_SUMS}
  {_LEDGER}
  LEFT JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id
  WHERE {_WITHIN} AND ($4::text IS NULL OR e.asset = $4)
  GROUP BY {keys}, e.asset
) g {joined}
ORDER BY {order}, g.asset LIMIT $5
"""


_SITES = "LEFT JOIN sites s ON s.merchant_id = $1 AND s.site_id = g.site_id"
_CAMPAIGNS = f"{_SITES} LEFT JOIN campaigns c ON c.merchant_id = $1 AND c.campaign_id = g.campaign_id"
_GROUPS: Final = {
    "sites": _grouped("o.site_id", "s.name AS site, s.url", _SITES, "s.created_at, g.site_id"),
    "campaigns": _grouped("o.site_id, o.campaign_id", "s.name AS site, c.key, c.name AS campaign", _CAMPAIGNS,
                          "s.created_at, g.site_id, c.created_at, g.campaign_id"),
    "descriptors": _grouped("o.descriptor", "NULL", "", "g.descriptor"),
}  # fmt: skip
_MOVED_IN = f"""
JOIN orders o ON o.merchant_id = $1 AND o.order_id = p.order_id AND ($4::text IS NULL OR o.asset = $4)
WHERE p.business_at >= $2 AND p.business_at < $3 AND {_one_of(RECIPES)}
"""
_MOVED = f"""
SELECT DISTINCT p.order_id FROM postings p {_MOVED_IN} AND p.merchant_id = $1 AND p.order_id > $5
"""
# The period is read, whatever the page: to walk the orders until so many are found that moved in it would read all that
# came before.
_PAGE = f"WITH moved AS MATERIALIZED ({_MOVED}) SELECT order_id FROM moved ORDER BY order_id LIMIT $6"
# Only so many postings are looked at: enough for a page where most of what follows moved in the period. Of the order
# that they end with some may lack; it is the last one, so that none before it does.
_NEAR = f"""
SELECT DISTINCT p.order_id FROM (
  SELECT order_id, business_at, recipe FROM postings WHERE merchant_id = $1 AND order_id > $5
  ORDER BY order_id LIMIT $7
) p {_MOVED_IN} ORDER BY p.order_id LIMIT $6
"""
# Sixteen bytes an order: a file of millions is made without looking for its orders again for each part.
_ALL = f"SELECT string_agg(uuid_send(m.order_id), ''::bytea ORDER BY m.order_id) FROM ({_MOVED}) m"
_ORDERS = f"""
WITH sums AS (
  SELECT p.order_id, e.asset, {_SUMS}
  FROM unnest($4::uuid[]) AS k (order_id)
  JOIN postings p ON p.merchant_id = $1 AND p.order_id = k.order_id
  JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  WHERE {_WITHIN}
  GROUP BY p.order_id, e.asset
)
SELECT g.*, o.external_id, o.placed_at, o.site_id, s.name AS site, o.campaign_id, c.key, o.descriptor, h.order_type,
  h.status
FROM sums g
JOIN orders o ON o.merchant_id = $1 AND o.order_id = g.order_id
JOIN order_heads h ON h.merchant_id = $1 AND h.order_id = g.order_id
LEFT JOIN sites s ON s.merchant_id = $1 AND s.site_id = o.site_id
LEFT JOIN campaigns c ON c.merchant_id = $1 AND c.campaign_id = o.campaign_id
ORDER BY g.order_id, g.asset
"""
_WITHOUT_ORDER = f"""
SELECT NULL::uuid AS order_id, e.asset, {_SUMS}, NULL AS external_id, NULL::timestamptz AS placed_at,
  NULL::uuid AS site_id, NULL AS site, NULL::uuid AS campaign_id, NULL AS key, NULL AS descriptor, NULL AS order_type,
  NULL::smallint AS status
{_LEDGER}
WHERE {_WITHIN} AND ($4::text IS NULL OR e.asset = $4) AND p.order_id IS NULL
GROUP BY e.asset ORDER BY e.asset
"""
Span = tuple[datetime, datetime]


async def ledger_totals(
    connection: asyncpg.Connection, merchant_id: UUID, span: Span, asset: str | None
) -> Sequence[asyncpg.Record]:
    """By currency, whatever orders they are of."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _TOTALS, merchant_id, *span, asset, timeout=STATEMENT_SECONDS
    )


async def grouped(
    connection: asyncpg.Connection, report: str, merchant_id: UUID, span: Span, asset: str | None, limit: int
) -> Sequence[asyncpg.Record]:
    """`report`: sites, campaigns or descriptors. What is of no order stands in a last row without one."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _GROUPS[report], merchant_id, *span, asset, limit, timeout=STATEMENT_SECONDS
    )


async def orders_page(
    connection: asyncpg.Connection, merchant_id: UUID, span: Span, asset: str | None, after: UUID, limit: int
) -> list[UUID]:
    """Orders that moved, in the order of their ids, behind `after`. The pages of a long period do not each read all of
    it."""
    asked, rows = (merchant_id, *span, asset, after, limit), []
    if after != LOWEST:
        rows = await connection.fetch(_NEAR, *asked, limit * NEAR, timeout=STATEMENT_SECONDS)
    if len(rows) < limit:
        rows = await connection.fetch(_PAGE, *asked, timeout=STATEMENT_SECONDS)
    return [row["order_id"] for row in rows]


async def all_orders(connection: asyncpg.Connection, merchant_id: UUID, span: Span, asset: str | None) -> bytes:
    """All of them, sixteen bytes each, in the order of their ids."""
    found = await connection.fetchval(_ALL, merchant_id, *span, asset, LOWEST, timeout=STATEMENT_SECONDS)
    return found or b""


async def by_order(
    connection: asyncpg.Connection, merchant_id: UUID, span: Span, order_ids: Sequence[UUID]
) -> Sequence[asyncpg.Record]:
    """What these brought, in the order of their ids."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _ORDERS, merchant_id, *span, order_ids, timeout=STATEMENT_SECONDS
    )


async def without_order(
    connection: asyncpg.Connection, merchant_id: UUID, span: Span, asset: str | None
) -> Sequence[asyncpg.Record]:
    """Adjustments and the like: what is about no single order, by currency."""
    return await connection.fetch(  # type: ignore[no-any-return]
        _WITHOUT_ORDER, merchant_id, *span, asset, timeout=STATEMENT_SECONDS
    )
