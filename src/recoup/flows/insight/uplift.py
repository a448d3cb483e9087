"""A merchant's orders of both arms, as the comparison reads them."""

from typing import Final
from uuid import UUID

from recoup.flows.merchant_cache import known_offset
from recoup.flows.world import World
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import LOWEST
from recoup.kernel.time import BusinessTime
from recoup.rules.uplift.closed_order import Came, ClosedOrder, OrdersRead, Shares
from recoup.rules.uplift.cohorts import place_key
from recoup.rules.uplift.strata import ComparedArm
from recoup.store.insight.uplift_reports import ComparedRow, compared_orders

PAGE: Final = 5_000
ORDERS_MAX: Final = 300_000  # closed ones; of more, the payers are sampled


async def closed_orders(world: World, merchant_id: UUID) -> OrdersRead:
    """Those whose window has closed by the merchant's clock, by closing day. Raises: Problem(not_found)."""
    async with world.db.connection() as connection:
        until = world.clocks.business(await known_offset(connection, merchant_id))
    return await closed_orders_until(world, merchant_id, until)


async def closed_orders_until(world: World, merchant_id: UUID, until: BusinessTime) -> OrdersRead:
    """Of very many, those of one payer in 2, 4, 8 …: the same ones at each look."""
    found, after = OrdersRead(until.date()), LOWEST
    while True:
        async with world.db.connection() as connection:
            rows = await compared_orders(connection, merchant_id, after, PAGE)
        for row in rows:
            if not _sampled(row.who, found.one_in):
                continue
            if row.arm == "ladder":
                found.add_other(_came(row)._replace(arm=None))
            elif row.closed_at > until:
                found.add_waiting(_came(row))
            else:
                found.add(_order(row))
        while len(found.closed) > ORDERS_MAX:
            found.thin(lambda payer, one_in: _sampled(UUID(payer), one_in))
        if len(rows) < PAGE:
            found.finish()
            return found
        after = rows[-1].order_id


def _sampled(who: UUID, one_in: int) -> bool:
    return who.int % one_in == 0


def _came(row: ComparedRow) -> Came:
    return Came(str(row.who), row.declined_at.date(), _arm(row), _shares(row), _place(row))


def _arm(row: ComparedRow) -> ComparedArm:
    return "engine" if row.arm == "engine" else "holdout"


def _shares(row: ComparedRow) -> Shares:
    return Shares(row.holdout, row.engine)


def _place(row: ComparedRow) -> str:
    return place_key(row.site_id, row.campaign_id)


def _order(row: ComparedRow) -> ClosedOrder:
    return ClosedOrder(
        row.closed_at.date(),
        row.declined_at.date(),
        str(row.who),
        _arm(row),
        row.chance,
        float(row.units) / 10 ** EXPONENTS.get(row.asset, 2),
        row.asset,
        row.rescued_at.date() if row.rescued_at else None,
        row.by or "",
        _shares(row),
        row.sends,
        row.disputed,
        str(row.card) if row.card else "",
        _place(row),
    )
