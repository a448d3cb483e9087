"""Several orders at once, the ticked ones or all that match: a look at which they are and what they sum up to, then
it is done, with an answer for each order. Many are done by the worker."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.form_key import fresh_key, is_key
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.orders.export import words_of
from recoup.doors.portal.orders.look import back_of
from recoup.doors.portal.orders.page import columns_of, habits_of, list_again, orders, sums_of
from recoup.doors.portal.orders.query import Query
from recoup.doors.portal.pages import Answer, nothing
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.order_notes import NOTE_MAX, checked_note
from recoup.flows.on_many import Act, act_on, take_all, too_many
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.order.faces import face
from recoup.rules.order.lifecycle import OPEN, can
from recoup.store.read.order_filter import OrderFilter
from recoup.store.read.order_row import OrderRow
from recoup.store.read.order_selection import SELECTED_MAX, selected_sums
from recoup.store.read.orders import list_orders

ORDERS_MAX: Final = 100
# A status says enough: no order that is paid, has ended or is a problem shows the face of one that may be cancelled.
CANCELLABLE: Final = frozenset(face(s, "mit_managed", 1, 0, False).status for s in OPEN if can(s, "cancelled"))


class Action(NamedTuple):
    """`needs`: the right; `verb` in a refusal; `looks`: whether a press only shows what would be done."""

    needs: str
    verb: str
    title: str
    button: str
    looks: bool = True


ACTIONS: Final = {
    "cancel": Action("cancel", "cancel", "Cancel", "Cancel"),
    "redeliver": Action("hooks", "send events again", "Send the last event of", "Send again for", looks=False),
    "note": Action("retry", "write notes", "Add a note to", "Add the note to"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """Of one order. `done` empty: `problem` says why not."""

    row: OrderRow
    done: str
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class BulkForm:
    """One press: what to do, to which list, and the form's own key."""

    doing: str
    query: Query
    key: UUID
    note: str
    sure: bool

    @property
    def action(self) -> Action:
        return ACTIONS[self.doing]


@orders.post("/orders/bulk", may=anybody, shows=nothing)
async def post_bulk(visit: Visit, form: Form) -> Answer:
    """Raises: Problem(forbidden). A first press changes nothing where there is something to look at."""
    query, doing, everything = back_of(visit, form), first(form, "do"), "all" in form
    chosen = _chosen(form)
    if doing not in (*ACTIONS, "export") or not everything and not 0 < len(chosen) <= ORDERS_MAX:
        message = f"Select at least one order, and at most {ORDERS_MAX}." if doing else "Choose what to do."
        return await list_again(visit, query, Problem("invalid", message, cure="Then try again."), form)
    if doing == "export":
        columns = columns_of(query, await habits_of(visit))
        wanted = query if everything else replace(query.without_filters(), order_ids=chosen)
        return redirect(replace(wanted, columns=columns).link("/orders/export.csv"))
    action = ACTIONS[doing]
    visit.only(action.needs, action.verb)
    key = first(form, "key")
    bulk_form = BulkForm(
        doing,
        query,
        UUID(hex=key if is_key(key) else fresh_key()),
        first(form, "note"),
        sure="sure" in form and (is_key(key) or doing == "cancel" and not everything),
    )
    return await (_all(visit, bulk_form, form) if everything else _ticked(visit, bulk_form, chosen, form))


async def _ticked(visit: Visit, bulk_form: BulkForm, chosen: tuple[UUID, ...], form: Form) -> Answer:
    order_filter = OrderFilter(visit.merchant_id, order_ids=chosen, sight=visit.pii_access)
    async with visit.world.db.read() as connection:
        found = await list_orders(connection, order_filter, limit=ORDERS_MAX)
    if not found.rows:
        nothing = Problem("invalid", "None of these is an order of this merchant.", cure="Select them in the list.")
        return await list_again(visit, bulk_form.query, nothing, form)
    missing = len(chosen) - len(found.rows)
    if bulk_form.action.looks and not bulk_form.sure:
        return _look(visit, bulk_form, found.rows, missing)
    try:
        act = Act(bulk_form.doing, checked_note(bulk_form.note) if bulk_form.doing == "note" else "")
    except Problem as problem:
        return _look(visit, bulk_form, found.rows, missing, problem)
    results = [await _one(visit, bulk_form, act, row) for row in found.rows]
    values = visit.values(
        back=_back(bulk_form), results=results, missing=missing, done=sum(bool(result.done) for result in results)
    )
    return render("orders/bulk_done.html", values)


async def _one(visit: Visit, form: BulkForm, act: Act, row: OrderRow) -> Result:
    portal = visit.portal
    try:
        return Result(row, await act_on(portal.world, portal.orders, visit.scope, act, form.key, row.order_id))
    except Problem as problem:
        return Result(row, "", problem)


def _look(
    visit: Visit, form: BulkForm, rows: Sequence[OrderRow], missing: int, problem: Problem | None = None
) -> Answer:
    sums = [(total.asset, total.orders, total.units) for total in sums_of(rows)]
    taken = sum(_takes(form, row.status) for row in rows)
    values = _question(visit, form) | {
        "rows": rows,
        "sums": sums,
        "missing": missing,
        "problem": problem,
        "groups": (),
        "count": len(rows),
        "taken": taken,
        "everything": False,
    }
    return render("orders/bulk.html", visit.values(**values), status=STATUSES[problem.code] if problem else 200)


async def _all(visit: Visit, bulk_form: BulkForm, form: Form) -> Answer:
    """Not what could be read of the filters, but what somebody saw: a filter that is not understood makes the list
    longer, and nothing is done."""
    query = bulk_form.query
    if query.unclear:
        message = f"Not understood: {', '.join(query.unclear)[:200]}; nothing was done."
        problem = Problem("invalid", message, cure="Correct the filters and try again.")
        return await list_again(visit, query, problem, form)
    order_filter, expected = query.filter(visit.merchant_id, visit.now, visit.pii_access), first(form, "expected")
    problem_of = None
    if bulk_form.sure and expected.isascii() and expected.isdigit() and len(expected) < 9:
        act = Act(bulk_form.doing, bulk_form.note, tuple(words_of(visit, query)))
        try:
            await take_all(visit.world, visit.scope, bulk_form.key, act, order_filter, int(expected))
        except Problem as problem:
            problem_of = problem
        else:
            return redirect(f"/orders/bulk/{bulk_form.key}")
    async with visit.world.db.read() as connection:
        groups = await selected_sums(connection, order_filter)
    count = sum(group["orders"] for group in groups)
    if count > SELECTED_MAX or count == 0:
        nothing = Problem("invalid", "No order matches any more.", cure="Check the list again.")
        return await list_again(visit, query, too_many() if count else nothing, form)
    totals: dict[str, tuple[int, int]] = {}
    for group in groups:
        orders, units = totals.get(group["asset"], (0, 0))
        totals[group["asset"]] = (orders + group["orders"], units + group["units"])
    sums = [(asset, orders, units) for asset, (orders, units) in totals.items()]
    taken = sum(group["orders"] for group in groups if _takes(bulk_form, group["status"]))
    values = _question(visit, bulk_form) | {
        "rows": (),
        "sums": sums,
        "missing": 0,
        "problem": problem_of,
        "groups": groups,
        "count": count,
        "taken": taken,
        "everything": True,
    }
    return render("orders/bulk.html", visit.values(**values), status=STATUSES[problem_of.code] if problem_of else 200)


def _takes(form: BulkForm, status: int) -> bool:
    """Whether it can be done to an order of this status."""
    return form.doing != "cancel" or status in CANCELLABLE


def _question(visit: Visit, form: BulkForm) -> dict[str, object]:
    return {
        "back": _back(form),
        "doing": form.doing,
        "action": form.action,
        "key": form.key.hex,
        "note": form.note,
        "note_max": NOTE_MAX,
        "said": words_of(visit, form.query),
    }


def _back(form: BulkForm) -> str:
    return form.query.link(cursor=form.query.cursor)


def _chosen(form: Form) -> tuple[UUID, ...]:
    """Each once, in the order of the list."""
    ids = [parse_id(text) for text in form.get("order", [])]
    return tuple(dict.fromkeys(found for found in ids if found is not None))
