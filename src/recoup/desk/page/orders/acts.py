"""/orders/bulk: what was done to many orders, how far it is, and what became of each."""

from copy import copy
from typing import Final

from recoup.desk.flows.on_many import stop_act
from recoup.desk.store.bulk_acts import BulkAct, act_rows, find_act, list_acts, refused_rows
from recoup.kernel.problem import Problem
from recoup.kit.lists.paging import cut
from recoup.people.page.endpoint import id_in_path
from recoup.people.page.form_shape import RowNo
from recoup.people.page.pages import Values, member, nothing
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import anybody
from recoup.people.page.words import State

ROWS: Final = 100
LISTED: Final = 50
RIGHTS: Final = {"cancel": "cancel", "redeliver": "hooks", "note": "retry"}
WORDS: Final = {"cancel": "Cancel", "redeliver": "Resend the last event", "note": "Add a note"}
STATES: Final = {
    "working": State("Under way", "run", "processing", "The orders are processed in batches."),
    "completed": State("Completed", "ok", "completed", "All orders are processed."),
    "stopped": State("Stopped", "off", "cancelled", "Stopped; remaining orders were not started."),
}
ROW_STATES: Final = {
    "waiting": State("Waits", "off", "draft", "Not started yet."),
    "done": State("Done", "ok", "completed", "Completed."),
    "refused": State("Not done", "prob", "problem", "The reason is shown beside it."),
    "left": State("Left", "off", "cancelled", "Stopped before this order."),
}


@member.page("/orders/bulk", "desk/orders/acts.html")
async def acts(visit: Visit) -> Values:
    rows = await list_acts(visit.world.db.reader, visit.merchant_id, LISTED)
    names = await named(visit, [row.actor for row in rows])
    return dict(acts=rows, words=WORDS, states=STATES, names=names)


@member.page("/orders/bulk/{act_id}", "desk/orders/act.html")
async def act_page(visit: Visit, *, show: str, after: RowNo = 0) -> Values:
    act, refused = await _find(visit), show == "refused"
    async with visit.world.db.read() as connection:
        read = refused_rows if refused else act_rows
        rows = await read(connection, visit.merchant_id, act.act_id, after, ROWS + 1)
    shown, last = cut(rows, ROWS)
    return dict(
        act=act,
        rows=shown,
        next=last and last.row_no,
        first=not after,
        refused=refused,
        live=act.finished_at is None,
        left=act.row_count - act.done_count - act.refused_count,
        may=visit.session.may(RIGHTS[act.action]),
        names=await named(visit, [act.actor]),
    )


_MAYBE_ELSEWHERE: Final = "It may belong to another merchant: switch first."
_NONE: Final = Problem("not_found", "This merchant has no such bulk action.", cure=_MAYBE_ELSEWHERE)
_id: Final = id_in_path("act_id", _NONE)


async def _find(visit: Visit) -> BulkAct:
    """Raises: Problem(not_found)."""
    row = await find_act(visit.world.db.reader, visit.merchant_id, _id(visit))
    if row is None:
        raise copy(_NONE)
    return row


@act_page.post("/orders/bulk/{act_id}/stop", may=anybody, find=_find, shows=nothing)
async def post_stop(visit: Visit, act: BulkAct) -> None:
    """Raises: Problem(forbidden) for a role that may not do it either."""
    visit.only(RIGHTS[act.action], "stop this")
    await stop_act(visit.world, visit.merchant_id, act.act_id)
