"""Sums by transaction, descriptor, site and campaign, from the ledger itself; + is in the
merchant's favour.

All four sum the same entries: every movement on merchant_payable but settlements, reserves and
payouts, which are about no single order; and, apart from the merchant's account, what issuers took
back (`disputed`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

from recoup.db.known import known_at
from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.ids import LOWEST
from recoup.kit.as_of import Window
from recoup.orders.rules.ledger import with_recipes

STATEMENT_SECONDS: Final = 120.0
NEAR: Final = 10  # postings an order of the page, at most, among which it is looked for first
# column -> the line of the recipes whose entries on the merchant's account it sums
COLUMNS: Final[Mapping[str, str]] = {
    "approved": "amount", "refunded": "refund", "chargebacks": "dispute", "fees": "fee",
    "chargeback_fees": "dispute_fee", "adjusted": "adjustment",
}  # fmt: skip


def _sum(name: str, condition: str) -> str:
    return f"coalesce(-sum(e.units) FILTER (WHERE {condition}), 0) AS {name}"


def _one_of(*lines: str) -> str:
    """A mark, which `with_recipes` fills in."""
    return "p.recipe IN {" + " ".join(lines) + "}"


_PAYABLE = "e.account = 'merchant_payable'"
_MOVES = (
    f"({_PAYABLE} AND {_one_of(*COLUMNS.values())} OR e.account = 'clearing' AND "
    f"{_one_of('dispute')})"
)
_SUMS = ",\n  ".join((
    *(_sum(name, f"{_PAYABLE} AND {_one_of(line)}") for name, line in COLUMNS.items()),
    _sum("net", _PAYABLE),
    # A dispute credits what the processor holds for us: less there is money gone.
    f"coalesce(sum(e.units) FILTER (WHERE e.account = 'clearing' AND {_one_of('dispute')}), 0) AS "
    f"disputed",
    "count(*) FILTER (WHERE p.recipe = 'approve') AS approvals",
    f"count(*) FILTER (WHERE {_one_of('refund')} AND e.units > 0) AS refunds",
    "count(*) FILTER (WHERE p.recipe = 'disputed' AND e.account = 'clearing') AS disputes",
))  # fmt: skip
_NAMES = (*COLUMNS, "net", "disputed", "approvals", "refunds", "disputes")
_OF_GROUP = "g.asset, " + ", ".join(f"g.{name}" for name in _NAMES)
_LEDGER = """FROM postings p
JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id"""
_KNOWN = known_at("p", 4)
_WITHIN = (
    f"p.merchant_id = $1 AND p.business_at >= $2 AND p.business_at < $3 AND {_KNOWN} AND {_MOVES}"
)
_TOTALS = f"""
SELECT e.asset, {_SUMS}
{_LEDGER}
WHERE {_WITHIN} AND ($6::text IS NULL OR e.asset = $6)
GROUP BY e.asset ORDER BY e.asset
"""


def _grouped(
    keys: str, outer: str, joined: str, order: str, beside: str = "", name: str = ""
) -> str:
    """SQL for sums by group. `beside`: what the keys are read from, besides the orders; `name`: of
    a key that is no column."""
    return f"""
SELECT {_OF_GROUP}, {outer} FROM (
  SELECT {keys}{name}, e.asset, {_SUMS}
  {_LEDGER}
  LEFT JOIN orders o ON o.merchant_id = p.merchant_id AND o.order_id = p.order_id{beside}
  WHERE {_WITHIN} AND ($6::text IS NULL OR e.asset = $6)
  GROUP BY {keys}, e.asset
) g {joined}
ORDER BY {order}, g.asset LIMIT $7
"""


_SITES = "LEFT JOIN sites s ON s.merchant_id = $1 AND s.site_id = g.site_id"
_CAMPAIGNS = (
    f"{_SITES} LEFT JOIN campaigns c ON c.merchant_id = $1 AND c.campaign_id = g.campaign_id"
)
# The line of the log that approved it says what brought its money; before it did, all but links
# were tries.
_APPROVAL = f"""LEFT JOIN order_log l ON l.merchant_id = p.merchant_id AND l.order_id = p.order_id
    AND l.happening IN ('collected', 'captured', 'capture_ended', 'parts_kept')
    AND {known_at("l", 4)}"""
_MEANS = """CASE WHEN l.order_id IS NOT NULL AND o.kind IN ('mit_managed', 'mit_sync')
    THEN coalesce(l.body ->> 'by', 'retry') END"""
_SHARE = (
    "round(100 * g.approved / nullif(sum(g.approved) OVER (PARTITION BY g.asset), 0), 2) AS share"
)
_GROUPS: Final = {
    "sites": _grouped("o.site_id", "g.site_id, s.name AS site, s.url", _SITES,
    "s.created_at, g.site_id"),
    "campaigns": _grouped("o.site_id, o.campaign_id",
                          "g.site_id, s.name AS site, g.campaign_id, c.key, c.name AS campaign",
                          _CAMPAIGNS,
                          "s.created_at, g.site_id, c.created_at, g.campaign_id"),
    "descriptors": _grouped("o.descriptor", "g.descriptor", "", "g.descriptor"),
    "means": _grouped(_MEANS, f"g.means, {_SHARE}", "", "g.means", f"\n  {_APPROVAL}", " AS means"),
}  # fmt: skip
_MOVED_IN = f"""
JOIN orders o ON o.merchant_id = $1 AND o.order_id = p.order_id AND ($6::text IS NULL
  OR o.asset = $6)
WHERE p.business_at >= $2 AND p.business_at < $3 AND {_KNOWN} AND {_one_of(*COLUMNS.values())}
"""
_MOVED = f"""
SELECT DISTINCT p.order_id FROM postings p {_MOVED_IN} AND p.merchant_id = $1 AND p.order_id > $7
"""
# The period is read, whatever the page: to walk the orders until so many are found that moved in it
# would read all that came before.
_PAGE = (
    f"WITH moved AS MATERIALIZED ({_MOVED}) SELECT order_id FROM moved ORDER BY order_id LIMIT $8"
)
# Only so many postings are looked at: enough for a page where most of what follows moved in the
# period. Of the order that they end with some may lack; it is the last one, so that none before it
# does.
_NEAR = f"""
SELECT DISTINCT p.order_id FROM (
  SELECT order_id, business_at, recorded_at, recipe FROM postings WHERE merchant_id = $1
    AND order_id > $7
  ORDER BY order_id LIMIT $9
) p {_MOVED_IN} ORDER BY p.order_id LIMIT $8
"""
# Sixteen bytes an order: a file of millions is made without looking for its orders again for each
# part.
_ALL = f"SELECT string_agg(uuid_send(m.order_id), ''::bytea ORDER BY m.order_id) FROM ({_MOVED}) m"
_ORDERS = f"""
WITH sums AS (
  SELECT p.order_id, e.asset, {_SUMS}
  FROM unnest($6::uuid[]) AS k (order_id)
  JOIN postings p ON p.merchant_id = $1 AND p.order_id = k.order_id
  JOIN entries e ON e.merchant_id = p.merchant_id AND e.posting_id = p.posting_id
  WHERE {_WITHIN}
  GROUP BY p.order_id, e.asset
)
SELECT {_OF_GROUP}, g.order_id, o.external_id, h.order_type, o.placed_at, o.site_id, s.name AS site,
  c.key, o.descriptor
FROM sums g
JOIN orders o ON o.merchant_id = $1 AND o.order_id = g.order_id
JOIN order_heads h ON h.merchant_id = $1 AND h.order_id = g.order_id
LEFT JOIN sites s ON s.merchant_id = $1 AND s.site_id = o.site_id
LEFT JOIN campaigns c ON c.merchant_id = $1 AND c.campaign_id = o.campaign_id
ORDER BY g.order_id, g.asset
"""
_WITHOUT_ORDER = f"""
SELECT e.asset, {_SUMS}, NULL::uuid AS order_id, NULL AS external_id, NULL AS order_type,
  NULL::timestamptz AS placed_at, NULL::uuid AS site_id, NULL AS site, NULL AS key,
    NULL AS descriptor
{_LEDGER}
WHERE {_WITHIN} AND ($6::text IS NULL OR e.asset = $6) AND p.order_id IS NULL
GROUP BY e.asset ORDER BY e.asset
"""


class Sums(Row):
    """Units of one currency by column, and how many approvals, refunds and disputes they are of."""

    asset: str
    approved: Decimal
    refunded: Decimal
    chargebacks: Decimal
    fees: Decimal
    chargeback_fees: Decimal
    adjusted: Decimal
    net: Decimal
    disputed: Decimal
    approvals: int
    refunds: int
    disputes: int

    def of(self, name: str) -> int:
        """`name`: of a column."""
        return int(getattr(self, name))


class SiteSums(Sums):
    """Sums of a site; movements of no order have none."""

    site_id: UUID | None
    site: str | None
    url: str | None


class CampaignSums(Sums):
    """`key`: the merchant's own of the campaign."""

    site_id: UUID | None
    site: str | None
    campaign_id: UUID | None
    key: str | None
    campaign: str | None


class DescriptorSums(Sums):
    descriptor: str | None


class MeansSums(Sums):
    """`means`: what brought the money of rescued orders; `share`: percent of what was approved in
    the currency."""

    means: str | None
    share: Decimal | None


class OrderSums(Sums):
    """`key`: of its campaign. Without an order what is about no single one."""

    order_id: UUID | None
    external_id: str | None
    order_type: Literal["MIT", "CIT", "STABLE"] | None
    placed_at: datetime | None
    site_id: UUID | None
    site: str | None
    key: str | None
    descriptor: str | None


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_TOTALS))
async def ledger_totals(
    db: Read, merchant_id: UUID, window: Window, asset: str | None
) -> list[Sums]:
    """Ledger totals by currency, whatever orders they are of."""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_GROUPS["sites"]))
async def _sites(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, limit: int
) -> list[SiteSums]:
    """The oldest site first."""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_GROUPS["campaigns"]))
async def _campaigns(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, limit: int
) -> list[CampaignSums]:
    """The oldest site and campaign first."""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_GROUPS["descriptors"]))
async def _descriptors(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, limit: int
) -> list[DescriptorSums]:
    """Sums by descriptor."""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_GROUPS["means"]))
async def _means(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, limit: int
) -> list[MeansSums]:
    """Sums by means."""


async def grouped(
    db: Read, report: str, merchant_id: UUID, window: Window, asset: str | None, limit: int
) -> Sequence[SiteSums | CampaignSums | DescriptorSums | MeansSums]:
    """`report`: sites, campaigns, descriptors or means. What is of no order stands in a last row
    without one."""
    if report == "sites":
        return await _sites(db, merchant_id, window, asset, limit)
    if report == "campaigns":
        return await _campaigns(db, merchant_id, window, asset, limit)
    if report == "means":
        return await _means(db, merchant_id, window, asset, limit)
    return await _descriptors(db, merchant_id, window, asset, limit)


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_PAGE))
async def _page(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, after: UUID, limit: int
) -> list[UUID]:
    """Reads the period."""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_NEAR))
async def _near(
    db: Read,
    merchant_id: UUID,
    window: Window,
    asset: str | None,
    after: UUID,
    limit: int,
    postings: int,
) -> list[UUID]:
    """Orders with movements among the next so many postings."""


async def orders_page(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, after: UUID, limit: int
) -> list[UUID]:
    """Orders that moved, in the order of their ids, behind `after`. The pages of a long period do
    not each read all of it."""
    near = (
        await _near(db, merchant_id, window, asset, after, limit, limit * NEAR)
        if after != LOWEST
        else []
    )
    return near if len(near) >= limit else await _page(db, merchant_id, window, asset, after, limit)


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_ALL))
async def _all(
    db: Read, merchant_id: UUID, window: Window, asset: str | None, after: UUID
) -> bytes | None:
    """Every order with movements in the window; None where there is none."""


async def all_orders(db: Read, merchant_id: UUID, window: Window, asset: str | None) -> bytes:
    """All of them, sixteen bytes each, in the order of their ids."""
    return await _all(db, merchant_id, window, asset, LOWEST) or b""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_ORDERS))
async def by_order(
    db: Read, merchant_id: UUID, window: Window, order_ids: Collection[UUID]
) -> list[OrderSums]:
    """Sums of these orders, in the order of their ids."""


@MERCHANT.within(STATEMENT_SECONDS).statement(with_recipes(_WITHOUT_ORDER))
async def without_order(
    db: Read, merchant_id: UUID, window: Window, asset: str | None
) -> list[OrderSums]:
    """Adjustments and the like: what is about no single order, by currency."""
