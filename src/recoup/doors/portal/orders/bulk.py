"""Several orders at once: cancelled after a look at what that means, their last event sent again, exported. Each order
has an answer of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.orders.look import back_of, list_again
from recoup.doors.portal.orders.page import columns_of, habits_of, sums_of
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Form, Visit, checked_form, one, see
from recoup.flows.cards.cancel import cancel
from recoup.flows.messages.redeliver import redeliver_last
from recoup.flows.stable.expire import last_look
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.store.read.order_filter import OrderFilter
from recoup.store.read.orders import OrderRow, list_orders

ORDERS_MAX: Final = 100
# action -> what it needs, its verb, what was done
ACTIONS: Final = {
    "cancel": ("cancel", "cancel", "Cancelled"), "redeliver": ("hooks", "send events again", "Sent again"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """Of one order. `done` empty: `problem` says why not."""

    row: OrderRow
    done: str
    problem: Problem | None = None


async def post_bulk(visit: Visit) -> Response:
    """Raises: Problem(forbidden). A first press of Cancel changes nothing: it shows what would be."""
    form = await checked_form(visit)
    query, doing = back_of(visit, form), one(form, "do")
    chosen = _chosen(form)
    if not chosen or len(chosen) > ORDERS_MAX or doing not in (*ACTIONS, "export"):
        message = f"Select at least one order, and at most {ORDERS_MAX}." if doing else "Choose what to do."
        return await list_again(visit, query, Problem("invalid", message, cure="Then press the button again."), form)
    if doing == "export":
        columns = columns_of(query, await habits_of(visit))
        wanted = replace(query.without_filters(), order_ids=chosen, columns=columns)
        return see(wanted.link("/orders/export.csv"))
    needs, verb, done = ACTIONS[doing]
    if not visit.session.may(needs):
        raise Problem("forbidden", f"Your role may look, not {verb}.", cure="Ask somebody with the role operations.")
    async with visit.portal.world.db.connection() as connection:
        found = await list_orders(connection, OrderFilter(visit.merchant_id, order_ids=chosen), limit=ORDERS_MAX)
    if not found.rows:
        nothing = Problem("invalid", "None of these is an order of this merchant.", cure="Select them in the list.")
        return await list_again(visit, query, nothing, form)
    back = query.link(cursor=query.cursor)
    if doing == "cancel" and "sure" not in form:
        return _show(visit, back, found.rows, len(chosen), None)
    results = [await _one(visit, doing, done, row) for row in found.rows]
    return _show(visit, back, found.rows, len(chosen), results)


def _chosen(form: Form) -> tuple[UUID, ...]:
    """Each once, in the order of the list."""
    ids = [parse_id(text) for text in form.get("order", [])]
    return tuple(dict.fromkeys(found for found in ids if found is not None))


async def _one(visit: Visit, doing: str, done: str, row: OrderRow) -> Result:
    portal, key = visit.portal, (visit.merchant_id, row.order_id)
    try:
        if doing == "cancel":
            await last_look(portal.world, portal.orders, key)
            await cancel(portal.world, portal.orders, visit.scope, row.order_id)
            return Result(row, done)
        return Result(row, f"{done}: {await redeliver_last(portal.world, visit.scope, row.order_id)}")
    except Problem as problem:
        return Result(row, "", problem)


def _show(
    visit: Visit, back: str, rows: Sequence[OrderRow], asked: int, results: Sequence[Result] | None
) -> Response:
    values = visit.values(
        back=back, rows=rows, sums=sums_of(rows), missing=asked - len(rows), results=results,
        done=sum(bool(result.done) for result in results or ()),
    )  # fmt: skip
    return render("orders/bulk.html", values)
