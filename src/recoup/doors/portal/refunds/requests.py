"""Refunds that wait for a second person: the forms by which people decide, on the desk and on the order's page."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from recoup.doors.portal.endpoint import id_in_path, redirect, with_done
from recoup.doors.portal.form_shape import among
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.order.page import find, order
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.rights import anybody
from recoup.doors.portal.settlements.approvals import approvals
from recoup.doors.portal.visit import Visit, named
from recoup.flows.locked import Orders
from recoup.flows.modifications.review_queue import ACTIONS, decide, waiting_refunds
from recoup.flows.people.standing import role_who_may
from recoup.flows.refunds import requests
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, invalid
from recoup.rules.merchants.personal import SHOWN
from recoup.store.orders.order_page import OrderPage
from recoup.store.refunds.waiting_modifications import ROWS_MAX

_OPERATOR: Final = {"propose": "pay a refund by hand", "confirm": "confirm it", "refuse": "refuse a refund"}
KINDS: Final = {"refund": "Refund", "reversal": "Late approval", "void": "Hold"}
WAITS: Final = {
    "stuck": "Stuck", "waits_for_charge": "Waits for the charge", "outcome_unknown": "Outcome unknown",
    "delayed": "Delayed", "owed_long": "Owed long",
}  # fmt: skip


_id: Final = id_in_path("request_id", Problem("not_found", "There is no such request.", cure="Reload the page."))


@member.page("/refunds", "refunds/refunds.html", menu=Entry("Queues", 3, "Refunds", "returned", counts="refunds"))
async def refunds(visit: Visit) -> Values:
    rows = await waiting_refunds(visit.world, visit.merchant_id, visit.now, clear=visit.pii_access == SHOWN)
    return dict(
        shown=rows,
        names=await named(visit, [row.hand_actor for row in rows]),
        me=visit.scope.actor.text(),
        full=len(rows) == ROWS_MAX,
        may_refund=visit.session.may("refund"),
    )


@refunds.post("/refunds/{modification_id}", may=anybody)
async def act(visit: Visit, *, action: str, note: str) -> None:
    """Back to the queue, which shows a refusal. `action`: of `ACTIONS`."""
    modification_id = parse_id(visit.request.path_params["modification_id"])
    if modification_id is None or action not in ACTIONS:
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    if action in _OPERATOR:
        visit.only_operator(_OPERATOR[action])
    else:
        visit.only("refund", "refund")
    portal = visit.portal
    await decide(portal.world, portal.get(Orders), visit.scope, modification_id, action, note)


# -> what the desk says then
DECISIONS: Final = {"approve": "refund", "refuse": "refund_refused", "withdraw": "refund_withdrawn"}


_NO_DECISION: Final = invalid("There is no such decision.", "decision", "Press one of the buttons.")


@dataclass(frozen=True, slots=True)
class Decision:
    """`seen`: how much of the order was refunded when its page was made, in minor units."""

    decision: Annotated[str, among(DECISIONS), _NO_DECISION]
    reason: str
    seen: str


@approvals.post("/approvals/refunds/{request_id}", may=anybody, shape=Decision)
async def post_on_desk(visit: Visit, form: Decision) -> Answer:
    await _decide(visit, form)
    return redirect(with_done(visit.session, "/approvals", DECISIONS[form.decision]))


async def _on_order(visit: Visit) -> OrderPage:
    page = await find(visit)
    if _id(visit) not in {row.request_id for row in page.requests}:
        raise Problem("not_found", "There is no such request.", cure="Check the order's refunds.")
    return page


@order.post("/orders/{order_id}/refunds/{request_id}", may=anybody, shape=Decision, find=_on_order)
async def post_on_order(visit: Visit, form: Decision, page: OrderPage) -> Answer:
    """Back to the order, which shows a refusal."""
    await _decide(visit, form)
    return redirect(back_to(visit, page.order_id, "refunds"))


async def _decide(visit: Visit, form: Decision) -> None:
    world, orders, request_id = visit.world, visit.portal.get(Orders), _id(visit)
    if form.decision == "withdraw":
        await requests.withdraw(world, orders, visit.scope, request_id)
        return
    visit.only("approve", "approve refunds")
    if form.decision == "refuse":
        await requests.refuse(world, orders, visit.scope, request_id, form.reason)
        return
    seen = form.seen
    if not (seen.isascii() and seen.isdigit() and len(seen) < 19):
        raise Problem("invalid", "This form does not say which state of the order you saw.", cure="Reload the page.")
    requester_role = await _requester_role(visit, request_id)
    await requests.approve(world, orders, visit.scope, request_id, requester_role=requester_role, seen_units=int(seen))


async def _requester_role(visit: Visit, request_id: UUID) -> str | None:
    """The requester's role now; None when they may not refund any more. A request while impersonating has the role
    that they had then, as long as they are somebody here themselves."""
    asker, role = await requests.asker_of(visit.world, visit.merchant_id, request_id)
    person = parse_id(asker.behind or asker.id)
    now = await role_who_may(visit.world, person, visit.merchant_id, "refund") if person is not None else None
    return role if asker.behind and now is not None else now
