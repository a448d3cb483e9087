"""/orders/new: how many orders came in above the newest that is seen, for a page that asks now and then."""

from dataclasses import replace
from typing import Final

from starlette.responses import JSONResponse, Response

from recoup.doors.portal.orders.page import habits_of
from recoup.doors.portal.orders.reading import read_query
from recoup.doors.portal.pages import member
from recoup.doors.portal.templates import HEADERS
from recoup.doors.portal.visit import Visit
from recoup.kernel.problem import Problem
from recoup.store.lists.orders import list_orders

COUNTED_MAX: Final = 99


@member.page("/orders/new")
async def new_orders(visit: Visit) -> Response:
    """`cursor` is the place of the newest order that is seen. What cannot be counted is no news."""
    habits = await habits_of(visit)
    query = replace(read_query(visit.request.query_params, visit.known, zone=habits.zone), sort="placed")
    if not query.cursor or query.misread:
        return JSONResponse({"count": 0, "more": False}, headers=HEADERS)
    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)
    try:
        async with visit.world.db.read() as connection:
            page = await list_orders(connection, wanted, after=query.cursor, limit=COUNTED_MAX)
    except Problem:
        return JSONResponse({"count": 0, "more": False}, headers=HEADERS)
    return JSONResponse({"count": len(page.rows), "more": page.prev_cursor is not None}, headers=HEADERS)
