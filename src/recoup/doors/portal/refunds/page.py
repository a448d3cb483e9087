"""/refunds, the desk: money that does not get back to the customer by itself, and what may be done about it."""

from dataclasses import dataclass
from typing import Final

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.people import named
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.visit import Visit
from recoup.flows.locked import Orders
from recoup.flows.modifications.review_queue import ACTIONS, decide, waiting_refunds
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.merchants.personal import SHOWN
from recoup.store.refunds.waiting_modifications import ROWS_MAX, WaitingModification

_OPERATOR: Final = {"propose": "pay a refund by hand", "confirm": "confirm it", "refuse": "refuse a refund"}
KINDS: Final = {"refund": "Refund", "reversal": "Late approval", "void": "Hold"}
WAITS: Final = {
    "stuck": "Stuck", "waits_for_charge": "Waits for the charge", "outcome_unknown": "Outcome unknown",
    "delayed": "Delayed", "owed_long": "Owed long",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StuckRefund:
    """`proposed_by`: who said that it was paid by hand; `may_confirm`: it was somebody else."""

    row: WaitingModification
    proposed_by: str
    may_confirm: bool


@member.page("/refunds", "refunds/refunds.html", menu=Entry("Queues", 3, "Refunds", "returned", counts="refunds"))
async def refunds(visit: Visit) -> Values:
    rows = await waiting_refunds(visit.world, visit.merchant_id, visit.now, clear=visit.pii_access == SHOWN)
    names = await named(visit, [row.hand_actor for row in rows])
    mine = visit.scope.actor.text()
    shown = [StuckRefund(row, names.get(row.hand_actor or "", ""), row.hand_actor not in (None, mine)) for row in rows]
    return dict(
        shown=shown, kinds=KINDS, waits=WAITS, full=len(rows) == ROWS_MAX, may_refund=visit.session.may("refund")
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """`action`: of `ACTIONS`."""

    action: str
    note: str


@refunds.post("/refunds/{modification_id}", may=anybody, shape=Decision)
async def act(visit: Visit, form: Decision) -> Answer:
    """Back to the queue, which shows a refusal."""
    modification_id, action = parse_id(visit.request.path_params["modification_id"]), form.action
    if modification_id is None or action not in ACTIONS:
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    if action in _OPERATOR:
        visit.only_operator(_OPERATOR[action])
    else:
        visit.only("refund", "refund")
    portal = visit.portal
    await decide(portal.world, portal.get(Orders), visit.scope, modification_id, action, form.note)
    return redirect("/refunds")
