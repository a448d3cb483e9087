"""The list that somebody came to an order from: its filters stand in the order's address as `in`,
and stay there whatever is done to the order, so that the next one of the list is one click away."""

from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import QueryParams

from recoup.desk.page.orders.query import Query
from recoup.desk.page.orders.reading import read_query
from recoup.people.page.portal_visit import Visit

IN_MAX: Final = 2_000


def came_from(visit: Visit) -> Query:
    """The list; the whole one when the address names none, or one that cannot be read."""
    return read_query(QueryParams(visit.request.query_params.get("in", "")[:IN_MAX]), visit.known)


def filters_of(query: Query) -> str:
    """Filters that an address of one of its orders carries as `in`; nothing for the whole list."""
    filters = query.link().partition("?")[2]
    return filters if len(filters) <= IN_MAX else ""


def inside(query: Query) -> str:
    """The same as the query of an address."""
    filters = filters_of(query)
    return "?" + urlencode({"in": filters}) if filters else ""


def back_to(visit: Visit, order_id: UUID, part: str = "", **more: str) -> str:
    """The order's address with the list it was come to from, with `more`, at a part of the page."""
    filters = filters_of(came_from(visit))
    query = urlencode(more | ({"in": filters} if filters else {}))
    return f"/orders/{order_id}{'?' + query if query else ''}{'#' + part if part else ''}"
