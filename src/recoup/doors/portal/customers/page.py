"""Customers: looked up by what the merchant knows of them; one with all of theirs; and who is blocked."""

from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.customers.label import is_gone, label_of
from recoup.doors.portal.people import named
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import STATUSES, Visit, see
from recoup.flows.people.persons import find_by_name, no_such_customer
from recoup.kernel.ids import HIGHEST, parse_id
from recoup.kernel.problem import Problem
from recoup.rules.merchants.blocks import REASONS, STANDING_MAX
from recoup.store.read.blocks import list_blocks, standing_blocks
from recoup.store.read.customers import (
    attempts_of,
    customer_orders,
    customer_sums,
    find_customer,
    person_log,
    refunds_of,
    transmissions_of,
)

SIZE: Final = 100
TYPED_MAX: Final = 320


async def customers_page(visit: Visit) -> Response:
    """The look-up; who is found opens at once."""
    typed = visit.request.query_params.get("q", "").replace("\0", "").strip()[:TYPED_MAX]
    problem = None
    if typed:
        found = parse_id(typed) or await find_by_name(visit.portal.world, visit.merchant_id, typed)
        if found is not None and await _known(visit, found):
            return see(f"/customers/{found}")
        problem = no_such_customer()
    return await blocks_page(visit, typed=typed, problem=problem)


async def blocks_page(visit: Visit, *, typed: str = "", problem: Problem | None = None) -> Response:
    async with visit.portal.world.db.connection() as connection:
        blocks = await list_blocks(connection, visit.merchant_id, STANDING_MAX)
    names = await named(visit, [row["actor"] for row in blocks])
    values = visit.values(typed=typed, problem=problem, blocks=blocks, names=names, reasons=REASONS)
    return render("customers/customers.html", values, status=STATUSES[problem.code] if problem else 200)


async def _known(visit: Visit, payer_id: UUID) -> bool:
    async with visit.portal.world.db.connection() as connection:
        return await find_customer(connection, visit.merchant_id, payer_id) is not None


async def customer_page(visit: Visit) -> Response:
    return await show(visit)


async def show(visit: Visit, *, problem: Problem | None = None) -> Response:
    """Raises: Problem(not_found) for an id that is none, and for another merchant's customer."""
    payer_id, merchant_id = _id(visit), visit.merchant_id
    before = parse_id(visit.request.query_params.get("before", "")) or HIGHEST
    async with visit.portal.world.db.connection() as connection:
        customer = await find_customer(connection, merchant_id, payer_id)
        if customer is None:
            raise no_such_customer()
        orders = await customer_orders(connection, merchant_id, payer_id, before, SIZE + 1)
        ids = [row["order_id"] for row in orders[:SIZE]]
        attempts = await attempts_of(connection, merchant_id, ids)
        refunds = await refunds_of(connection, merchant_id, ids)
        transmissions = await transmissions_of(connection, merchant_id, payer_id, SIZE)
        sums = await customer_sums(connection, merchant_id, payer_id)
        lines = await person_log(connection, merchant_id, payer_id)
        blocks = await standing_blocks(connection, merchant_id, [payer_id])
    actors = [row["actor"] for row in (*lines, *blocks)]
    newest = dict.fromkeys(("first_name", "last_name", "email", "phone"), "") | (customer["newest"] or {})
    values = visit.values(
        customer=customer, newest=newest, gone=is_gone(customer), label=label_of(customer), payer_id=payer_id,
        orders=orders[:SIZE], more=ids[-1] if len(orders) > SIZE else None, paged=before != HIGHEST, attempts=attempts,
        refunds=refunds, transmissions=transmissions, sums=sums, lines=lines, blocks=blocks,
        external={row["order_id"]: row["external_id"] for row in orders}, size=SIZE,
        open_orders=sum(row["open"] for row in sums), names=await named(visit, actors), reasons=REASONS,
        problem=problem, may_erase=visit.session.may("erase"),
    )  # fmt: skip
    return render("customers/customer.html", values, status=STATUSES[problem.code] if problem else 200)


async def find(visit: Visit) -> Any:
    """The customer of the address. Raises: Problem(not_found) for an id that is none, and for another merchant's."""
    async with visit.portal.world.db.connection() as connection:
        customer = await find_customer(connection, visit.merchant_id, _id(visit))
    if customer is None:
        raise no_such_customer()
    return customer


def _id(visit: Visit) -> UUID:
    """Of the address. Raises: Problem(not_found)."""
    found = parse_id(visit.request.path_params["payer_id"])
    if found is None:
        raise no_such_customer()
    return found
