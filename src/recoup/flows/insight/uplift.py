"""A merchant's orders of both arms, as the comparison reads them."""

from uuid import UUID

from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import LOWEST
from recoup.rules.uplift.closed_order import ClosedOrder, OrdersRead
from recoup.store.insight.compared_orders import ComparedRow, compared_orders

PAGE = 5_000


async def closed_orders(world: World, merchant_id: UUID) -> OrdersRead:
    """Those whose window has closed by the merchant's clock, by closing day. Raises: Problem(not_found)."""
    found, after = OrdersRead(), LOWEST
    async with world.db.connection() as connection:
        until = world.clocks.business(await known_offset(connection, merchant_id))
    while True:
        async with world.db.connection() as connection:
            rows = await compared_orders(connection, merchant_id, after, PAGE)
        for row in rows:
            if row.closed_at is None or row.closed_at > until:
                found.open += 1
            else:
                found.add(_order(row))
        if len(rows) < PAGE:
            found.finish()
            return found
        after = rows[-1].order_id


def _order(row: ComparedRow) -> ClosedOrder:
    assert row.closed_at is not None
    return ClosedOrder(
        row.closed_at.date(),
        row.declined_at.date(),
        str(row.who),
        "engine" if row.arm == "engine" else "holdout",
        row.chance,
        float(row.units) / 10 ** EXPONENTS.get(row.asset, 2),
        row.asset,
        row.rescued_at.date() if row.rescued_at else None,
        row.by or "",
        row.share,
    )
