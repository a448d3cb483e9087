"""Customers' data on the pages of one order or customer: masked or not for the visitor, and the
form that reveals."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from recoup.db.statement import Read
from recoup.kernel.problem import Problem
from recoup.kit.personal import SHOWN
from recoup.orders.store.order_page import OrderPage, read_order
from recoup.people.flows.personal_data import reveal
from recoup.people.page.portal_visit import Visit
from recoup.people.store.reveals import revealed_until


async def clear_until(visit: Visit, connection: Read, subject_id: UUID) -> datetime | None:
    """The time until which this person sees this order or customer in the clear because they
    revealed it."""
    if visit.pii_access != "reveal":
        return None
    return await revealed_until(
        connection, visit.merchant_id, visit.person_id, subject_id, visit.wall
    )


async def read_as_seen(visit: Visit, connection: Read, order_id: UUID) -> OrderPage | None:
    until = await clear_until(visit, connection, order_id)
    clear = visit.pii_access == SHOWN or until is not None
    page = await read_order(connection, visit.merchant_id, order_id, clear=clear)
    return replace(page, clear_until=until) if page else None


async def reveal_subject(visit: Visit, kind: str, subject_id: UUID) -> None:
    """Reveals an `order` or a `customer`. Raises: Problem(forbidden) for a role that does not see
    it either way."""
    if visit.pii_access == "masked":
        raise Problem(
            "forbidden",
            "Your role sees customers' data masked; nothing was revealed.",
            "Ask an owner to change what your role may see.",
        )
    if visit.pii_access == "reveal":
        await reveal(visit.world, visit.scope, kind, subject_id)
