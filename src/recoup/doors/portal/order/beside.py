"""The orders before and after this one, in the list that one came from: its filters stand in the address as `in`."""

from dataclasses import dataclass

from recoup.doors.portal.order.within import came_from, inside
from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.store.lists.order_cursor import COLUMNS, Cursor
from recoup.store.lists.orders import list_orders
from recoup.store.orders.order_page import OrderPage


@dataclass(frozen=True, slots=True)
class Beside:
    """Addresses; empty where there is none. `listed`: the list itself, `narrowed` whether filters narrow it."""

    before: str
    after: str
    listed: str
    narrowed: bool


async def beside(visit: Visit, page: OrderPage) -> Beside:
    """Neighbours that take too long to find are left out."""
    query = came_from(visit)
    within = inside(query)

    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)

    async def neighbour(back: bool) -> str:
        cursor = Cursor(back, getattr(page.head, COLUMNS[query.sort][0]), page.order_id, query.sort).text()
        try:
            found = await visit.read(
                list_orders, wanted, after=cursor, limit=1, newest_first=not query.up, by=query.sort
            )
        except Problem:
            return ""
        return f"/orders/{found.rows[0].order_id}{within}" if found.rows else ""

    return Beside(await neighbour(True), await neighbour(False), query.link(), not query.is_plain())
