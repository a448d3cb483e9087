"""The orders before and after this one, in the list that one came from: its filters stand in the address as `in`."""

from recoup.doors.portal.order.within import came_from, inside
from recoup.doors.portal.pages import Values
from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.store.lists.order_cursor import COLUMNS, Cursor
from recoup.store.lists.orders import list_orders
from recoup.store.orders.order_page import OrderPage


async def beside(visit: Visit, page: OrderPage) -> Values:
    """Addresses, empty where there is none: neighbours that take too long to find are left out. `listed`: the list
    itself, `narrowed` whether filters narrow it."""
    query = came_from(visit)
    within = inside(query)

    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)

    async def neighbour(back: bool) -> str:
        cursor = Cursor(back, getattr(page.head, COLUMNS[query.sort][0]), page.order_id, query.sort).text()
        try:
            async with visit.world.db.read() as connection:
                found = await list_orders(
                    connection, wanted, after=cursor, limit=1, newest_first=not query.up, by=query.sort
                )
        except Problem:
            return ""
        return f"/orders/{found.rows[0].order_id}{within}" if found.rows else ""

    before, after = await neighbour(True), await neighbour(False)
    return dict(before=before, after=after, listed=query.link(), narrowed=not query.is_plain())
