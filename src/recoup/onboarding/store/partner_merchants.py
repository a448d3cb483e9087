"""A partner's merchants: the list, and how one of them stands."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import asyncpg

from recoup.db.statement import MERCHANT, Read, Row
from recoup.kernel.cached import cached
from recoup.kernel.frozen import frozen
from recoup.kit.lists.folding import fold, joined
from recoup.orders.store.rows import RESCUED

STATEMENT_SECONDS = 10.0
RESCUED_TIMEOUT_MS = 1_000
NAMED_MAX = 10_000  # merchants of a partner whose names are looked at


@frozen
class MerchantFilter:
    """Filter of merchants; None, or empty: does not matter. `name`: a part of it, folded as orders'
    texts are."""

    partner_id: UUID
    state: str | None = None
    name: str = ""
    external_id: str | None = None


class PartnerMerchant(Row):
    """`created_at`: when it became the partner's. `sites`: how many take orders."""

    merchant_id: UUID
    name: str
    external_id: str | None
    state: Literal["active", "paused"]
    created_at: datetime
    cit_web: bool
    cit_callcenter: bool
    mit: bool
    sites: int


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT m.merchant_id, m.name, o.external_id, m.state, o.created_at, m.cit_web, m.cit_callcenter,
  m.mit,
  (SELECT count(*) FROM sites s WHERE s.merchant_id = m.merchant_id
    AND s.retired_at IS NULL) AS sites
FROM partner_merchants o JOIN merchants m ON m.merchant_id = o.merchant_id
WHERE o.partner_id = $1 AND ($2::text IS NULL OR m.state = $2) AND ($3::uuid[] IS NULL
  OR o.merchant_id = ANY($3))
  AND ($4::text IS NULL OR o.external_id = $4) AND ($5::uuid IS NULL OR o.merchant_id > $5)
  AND ($7::uuid IS NULL OR o.merchant_id = $7)
ORDER BY o.merchant_id LIMIT $6
""")
async def _merchants(
    db: Read,
    partner_id: UUID,
    state: str | None,
    named: Sequence[UUID] | None,
    external_id: str | None,
    after: UUID | None,
    limit: int,
    only: UUID | None,
) -> list[PartnerMerchant]: ...


@MERCHANT.within(STATEMENT_SECONDS).statement(f"""
SELECT m.merchant_id, m.name FROM partner_merchants o JOIN merchants m ON m.merchant_id =
  o.merchant_id
WHERE o.partner_id = $1 ORDER BY o.merchant_id DESC LIMIT {NAMED_MAX}
""")
async def _names(db: Read, partner_id: UUID) -> dict[UUID, str]:
    """Names of the newest merchants."""


async def _named(db: Read, merchant_filter: MerchantFilter) -> list[UUID] | None:
    wanted = fold(merchant_filter.name)
    if not merchant_filter.name:
        return None
    names = await _names(db, merchant_filter.partner_id)
    return [merchant_id for merchant_id, name in names.items() if wanted in spelt(name)]


@cached(2 * NAMED_MAX)
def spelt(name: str) -> str:
    """The spellings that a name is found by, a line for each. Kept: to fold all names of a large
    partner takes a third of a second, in which nobody else is answered."""
    return f"{fold(name)}\n{joined(name)}"


async def list_merchants(
    db: Read,
    merchant_filter: MerchantFilter,
    after: UUID | None,
    limit: int,
    *,
    only: UUID | None = None,
) -> list[PartnerMerchant]:
    """Lists merchants in the order of their ids, which is that of their making."""
    return await _merchants(
        db,
        merchant_filter.partner_id,
        merchant_filter.state,
        await _named(db, merchant_filter),
        merchant_filter.external_id,
        after,
        limit,
        only,
    )


class PartnerMerchantStatus(PartnerMerchant):
    """The orders: `order_id` and `at`."""

    first_order: dict[str, Any] | None
    last_order: dict[str, Any] | None


@MERCHANT.statement("""
SELECT m.merchant_id, m.name, o.external_id, m.state, o.created_at, m.cit_web, m.cit_callcenter,
  m.mit,
  (SELECT count(*) FROM sites s WHERE s.merchant_id = m.merchant_id
    AND s.retired_at IS NULL) AS sites,
  (SELECT jsonb_build_object('order_id', order_id, 'at', placed_at) FROM order_heads h
    WHERE h.merchant_id = m.merchant_id ORDER BY placed_at, order_id LIMIT 1) AS first_order,
  (SELECT jsonb_build_object('order_id', order_id, 'at', placed_at) FROM order_heads h
    WHERE h.merchant_id = m.merchant_id ORDER BY placed_at DESC, order_id DESC
      LIMIT 1) AS last_order
FROM partner_merchants o JOIN merchants m ON m.merchant_id = o.merchant_id
WHERE o.partner_id = $1 AND o.merchant_id = $2
""")
async def read_merchant(
    db: Read, partner_id: UUID, merchant_id: UUID
) -> PartnerMerchantStatus | None:
    """The merchant's status; None for one that is another's or nobody's."""


class HookHealth(Row):
    endpoint_id: UUID
    url: str
    state: str
    why: str | None
    delivered_at: datetime | None
    last_at: datetime | None
    last_result: Literal["delivered", "failed", "parked", "disabled"] | None
    last_status: int | None


@MERCHANT.statement("""
SELECT e.endpoint_id, e.url, e.state, e.why,
  (SELECT t.at FROM delivery_tries t WHERE t.merchant_id = e.merchant_id
    AND t.endpoint_id = e.endpoint_id
    AND t.result = 'delivered' AND t.try_id > $2 ORDER BY t.try_id DESC LIMIT 1) AS delivered_at,
  l.at AS last_at, l.result AS last_result, l.status AS last_status
FROM endpoints e LEFT JOIN LATERAL (SELECT at, result, status FROM delivery_tries t
  WHERE t.merchant_id = e.merchant_id AND t.endpoint_id = e.endpoint_id ORDER BY t.try_id DESC
    LIMIT 1) l ON true
WHERE e.merchant_id = $1 AND e.state <> 'deleted' ORDER BY e.created_at, e.endpoint_id
""")
async def hooks_of(db: Read, merchant_id: UUID, since: UUID) -> list[HookHealth]:
    """Endpoints with their last try, and when one last succeeded among the tries with ids after
    `since`."""


class _Rescued(Row):
    merchant_id: UUID
    asset: str
    units: Decimal
    orders: int


@MERCHANT.statement(f"""
SELECT h.merchant_id, h.asset, sum(h.units) AS units, count(*) AS orders
FROM merchants m JOIN order_heads h ON h.merchant_id = m.merchant_id
WHERE m.merchant_id = ANY($1) AND h.{RESCUED} AND h.order_type IN ('MIT', 'CIT') AND h.placed_at >=
  date_trunc('day', $2::timestamptz + m.offset_us * interval '1 microsecond',
    'UTC') - make_interval(days => $3 - 1)
GROUP BY 1, 2 ORDER BY 1, 3 DESC
""")
async def _rescued(
    db: Read, merchant_ids: Sequence[UUID], wall: datetime, days: int
) -> list[_Rescued]: ...


async def rescued_of(
    connection: asyncpg.Connection, merchant_ids: Sequence[UUID], wall: datetime, days: int
) -> dict[UUID, list[tuple[str, int, int]]]:
    """Rescued amounts of orders placed in so many days up to today, by each merchant's clock:
    merchant -> (asset, units, orders) that were rescued, as its overview counts them. Nothing when
    it takes too long."""
    try:
        async with connection.transaction(readonly=True):
            await connection.execute(f"SET LOCAL statement_timeout = {RESCUED_TIMEOUT_MS}")
            rows = await _rescued(connection, merchant_ids, wall, days)
    except asyncpg.QueryCanceledError:
        return {}
    counts: dict[UUID, list[tuple[str, int, int]]] = {}
    for row in rows:
        counts.setdefault(row.merchant_id, []).append((row.asset, int(row.units), row.orders))
    return counts
