"""Several orders at once, the ticked ones or all that match: a look at which they are and what they
sum up to, then it is done, with an answer for each order. Many are done by the worker."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from recoup.desk.flows.on_many import Act, act_on, take_all, too_many
from recoup.desk.page.orders.export import words_of
from recoup.desk.page.orders.look import back_of
from recoup.desk.page.orders.page import columns_of, habits_of, list_again, orders, sums_of
from recoup.desk.page.orders.query import Query
from recoup.desk.store.bulk_acts import SELECTED_MAX, selected_sums
from recoup.desk.store.order_filter import OrderFilter
from recoup.desk.store.order_row import OrderRow
from recoup.desk.store.orders import list_orders
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.texts import parse_whole
from recoup.orders.rules.faces import face
from recoup.orders.rules.lifecycle import OPEN, can
from recoup.people.flows.order_notes import NOTE_MAX, checked_note
from recoup.people.page.endpoint import STATUSES, redirect
from recoup.people.page.form_shape import fresh_key, is_key
from recoup.people.page.pages import Answer, Values, nothing
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import anybody
from recoup.people.page.templates import render
from recoup.rescue.flows.locked import Orders

ORDERS_MAX: Final = 100
# A status says enough: no order that is paid, has ended or is a problem shows the face of one that
# may be cancelled.
CANCELLABLE: Final = frozenset(
    face(s, "mit_managed", 1, 0, False).status for s in OPEN if can(s, "cancelled")
)


class Action(NamedTuple):
    """`needs`: the right; `verb` in a refusal; `looks`: whether a press only shows what would be
    done."""

    needs: str
    verb: str
    looks: bool = True


ACTIONS: Final = {
    "cancel": Action("cancel", "cancel"),
    "redeliver": Action("hooks", "send events again", looks=False),
    "note": Action("retry", "write notes"),
}


@frozen
class Press:
    """Press of a button: what to do, to which list, and the form's own key."""

    doing: str
    query: Query
    key: UUID
    note: str
    sure: bool

    @property
    def action(self) -> Action:
        return ACTIONS[self.doing]


@orders.post("/orders/bulk", may=anybody, shows=nothing)
async def post_bulk(
    visit: Visit,
    *,
    do: str,
    back: str,
    order: tuple[UUID, ...],
    all: bool,
    expected: str,
    key: str,
    note: str,
    sure: bool,
) -> Answer:
    """Raises: Problem(forbidden). A first press changes nothing where there is something to look
    at. `do`: of `ACTIONS`, or export. `order`: those that are ticked, unless it is of `all` that
    match: then `expected` says how many somebody saw. `key` and `sure`: of the look at them.
    `back`: the list."""
    query, doing, everything = back_of(visit, back), do, all
    chosen = tuple(dict.fromkeys(order))
    if doing not in (*ACTIONS, "export") or not everything and not 0 < len(chosen) <= ORDERS_MAX:
        message = (
            Sentence("Select at least one order, and at most {0}.", ORDERS_MAX)
            if doing
            else "Choose what to do."
        )
        return await list_again(visit, query, Problem("invalid", message, cure="Then try again."))
    if doing == "export":
        columns = columns_of(query, await habits_of(visit))
        wanted = query if everything else replace(query.without_filters(), order_ids=chosen)
        return redirect(replace(wanted, columns=columns).link("/orders/export.csv"))
    action = ACTIONS[doing]
    visit.only(action.needs, action.verb)
    keyed = is_key(key)
    press = Press(
        doing,
        query,
        UUID(hex=key if keyed else fresh_key()),
        note,
        sure=sure and (keyed or doing == "cancel" and not everything),
    )
    return await (_all(visit, press, expected) if everything else _ticked(visit, press, chosen))


async def _ticked(visit: Visit, press: Press, chosen: tuple[UUID, ...]) -> Answer:
    order_filter = OrderFilter(visit.merchant_id, order_ids=chosen, sight=visit.pii_access)
    async with visit.world.db.read() as connection:
        listed = await list_orders(connection, order_filter, limit=ORDERS_MAX)
    if not listed.rows:
        nothing = Problem(
            "invalid",
            "None of these is an order of this merchant.",
            cure="Select them in the list.",
        )
        return await list_again(visit, press.query, nothing)
    missing = len(chosen) - len(listed.rows)
    if press.action.looks and not press.sure:
        return _look(visit, press, listed.rows, missing)
    try:
        act = Act(press.doing, checked_note(press.note) if press.doing == "note" else "")
    except Problem as problem:
        return _look(visit, press, listed.rows, missing, problem)
    results = [await _one(visit, press, act, row) for row in listed.rows]
    values = visit.values(
        back=_back(press),
        results=results,
        missing=missing,
        done=sum(bool(result["done"]) for result in results),
    )
    return render("desk/orders/bulk_done.html", values)


async def _one(visit: Visit, press: Press, act: Act, row: OrderRow) -> Values:
    """`done` empty: `problem` says why not."""
    portal = visit.portal
    try:
        done = await act_on(
            portal.world, portal.get(Orders), visit.scope, act, press.key, row.order_id
        )
    except Problem as problem:
        return dict(row=row, done="", problem=problem)
    return dict(row=row, done=done, problem=None)


def _look(
    visit: Visit,
    press: Press,
    rows: Sequence[OrderRow],
    missing: int,
    problem: Problem | None = None,
) -> Answer:
    return _shown(
        visit,
        press,
        problem,
        rows=rows,
        sums=[(total.asset, total.orders, total.units) for total in sums_of(rows)],
        missing=missing,
        groups=(),
        count=len(rows),
        taken=sum(_takes(press, row.status) for row in rows),
        everything=False,
    )


async def _all(visit: Visit, press: Press, expected: str) -> Answer:
    """Acts on all that somebody saw, not on what could be read of the filters: a filter that is not
    understood makes the list longer, and nothing is done."""
    query = press.query
    if query.unclear:
        message = Sentence("Not understood: {0}; nothing was done.", ", ".join(query.unclear)[:200])
        problem = Problem("invalid", message, cure="Correct the filters and try again.")
        return await list_again(visit, query, problem)
    order_filter = query.filter(visit.merchant_id, visit.now, visit.pii_access)
    problem_of, count = None, parse_whole(expected, 8)
    if press.sure and count is not None:
        act = Act(press.doing, press.note, tuple(words_of(visit, query)))
        try:
            await take_all(visit.world, visit.scope, press.key, act, order_filter, count)
        except Problem as problem:
            problem_of = problem
        else:
            return redirect(f"/orders/bulk/{press.key}")
    async with visit.world.db.read() as connection:
        groups = await selected_sums(connection, order_filter)
    count = sum(group.orders for group in groups)
    if count > SELECTED_MAX or count == 0:
        nothing = Problem("invalid", "No order matches any more.", cure="Check the list again.")
        return await list_again(visit, query, too_many() if count else nothing)
    totals: dict[str, tuple[int, int]] = {}
    for group in groups:
        orders, units = totals.get(group.asset, (0, 0))
        totals[group.asset] = (orders + group.orders, units + group.units)
    return _shown(
        visit,
        press,
        problem_of,
        rows=(),
        sums=[(asset, orders, units) for asset, (orders, units) in totals.items()],
        missing=0,
        groups=groups,
        count=count,
        taken=sum(group.orders for group in groups if _takes(press, group.status)),
        everything=True,
    )


def _takes(press: Press, status: int) -> bool:
    """True when it can be done to an order of this status."""
    return press.doing != "cancel" or status in CANCELLABLE


def _shown(visit: Visit, press: Press, problem: Problem | None, **values: object) -> Answer:
    """Shows what would be done, and to which orders."""
    of_press = dict(
        problem=problem,
        back=_back(press),
        doing=press.doing,
        key=press.key.hex,
        note=press.note,
        note_max=NOTE_MAX,
        said=words_of(visit, press.query),
    )
    return render(
        "desk/orders/bulk.html",
        visit.values(**of_press, **values),
        status=STATUSES[problem.code] if problem else 200,
    )


def _back(press: Press) -> str:
    return press.query.link(cursor=press.query.cursor)
