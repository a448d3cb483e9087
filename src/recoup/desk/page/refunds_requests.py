"""Refunds that wait for a second person: the forms by which people decide, on the desk and on the
order's page."""

from typing import Annotated, Final

from recoup.desk.page.order.facts import card_of_modification, customer, remaining, sums
from recoup.desk.page.order.page import find, find_by
from recoup.desk.page.order.refund import RefundForm, review
from recoup.desk.page.order.within import back_to, came_from, inside
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.money import money
from recoup.kernel.money import shown as shown_amount
from recoup.kernel.problem import Figure, Problem, Sentence, invalid
from recoup.kernel.scope import Actor
from recoup.kit.personal import SHOWN
from recoup.orders.rules.refund_limits import ACCEPT, BY_HAND, GIVE_BACK, KEEP, REFUND, is_theirs
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageRequest
from recoup.orders.store.waiting_modifications import ROWS_MAX, WaitingModification
from recoup.people.flows.standing import role_who_may
from recoup.people.page.endpoint import (
    check_reviewed,
    done_of,
    id_in_path,
    redirect,
    review_mark,
    with_done,
)
from recoup.people.page.form_shape import among
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, member, shown
from recoup.people.page.permissions import whom_to_ask
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import anybody, role
from recoup.refunds.flows import requests
from recoup.refunds.flows.review_queue import ACTIONS, decide, waiting_refunds
from recoup.refunds.page import Waiting
from recoup.rescue.flows.locked import Orders

_OPERATOR: Final = {
    "propose": "pay a refund by hand",
    "confirm": "confirm it",
    "refuse": "refuse a refund",
}
KINDS: Final = {"refund": "Refund", "reversal": "Late approval", "void": "Hold"}
WAITS: Final = {
    "stuck": "Stuck", "waits_for_charge": "Waits for the charge",
    "outcome_unknown": "Outcome unknown",
    "delayed": "Delayed", "owed_long": "Owed long",
}  # fmt: skip
DONE: Final = {
    "again": "It is being sent to the processor again. Its order shows the outcome.",
    "propose": "Your note is stored. Another operator has to confirm it.",
    "confirm": "It is confirmed and closed.",
    "refuse": "The refund is refused.",
}


_id: Final = id_in_path(
    "request_id", Problem("not_found", "There is no such request.", cure="Reload the page.")
)


@member.page(
    "/refunds",
    "desk/refunds.html",
    menu=Entry("Queues", 3, "Refunds", "returned", counts="refunds"),
)
async def refunds(visit: Visit) -> Values:
    rows = await waiting_refunds(
        visit.world, visit.merchant_id, visit.now, clear=visit.pii_access == SHOWN
    )
    return dict(
        shown=rows,
        names=await named(visit, [row.hand_actor for row in rows]),
        me=visit.scope.actor.text(),
        full=len(rows) == ROWS_MAX,
        may_refund=visit.session.may("refund"),
        done=DONE.get(done_of(visit.session, visit.request), ""),
        waits=done_of(visit.session, visit.request) == "again",
    )


async def _waiting(visit: Visit) -> WaitingModification:
    """Raises: Problem(not_found), also for one that waits no more."""
    modification_id = parse_id(visit.request.path_params["modification_id"])
    rows = await waiting_refunds(
        visit.world, visit.merchant_id, visit.now, clear=visit.pii_access == SHOWN
    )
    for row in rows:
        if row.modification_id == modification_id:
            return row
    raise Problem(
        "not_found", "No such refund is waiting.", cure="Look it up in the list, or at its order."
    )


@member.page("/refunds/{modification_id}", "desk/refunds_refund.html")
async def refund_review(visit: Visit) -> Values:
    """Customer, amount, card and cause of a waiting refund: the step before somebody decides."""
    row = await _waiting(visit)
    page = await find_by(visit, row.order_id)
    me = visit.scope.actor.text()
    may_confirm = row.hand_actor is not None and row.hand_actor != me
    return dict(
        r=row,
        page=page,
        customer=customer(page),
        last4=card_of_modification(page, row.modification_id),
        names=await named(visit, [row.hand_actor]),
        me=me,
        may_confirm=may_confirm,
        may_again=visit.session.may("refund") and not may_confirm and row.why != "waits_for_charge",
        by_hand=visit.is_operator
        and (row.why == "outcome_unknown" or row.why == "stuck" and row.kind != "void"),
        seen=review_mark(visit.session, *_refund_facts(row)),
    )


def _refund_facts(row: WaitingModification) -> tuple[object, ...]:
    """Facts that may change in what a review shows."""
    return (
        row.modification_id,
        row.why,
        row.state,
        row.tries,
        row.refusals,
        row.hand_actor,
        row.hand_note,
    )


@refund_review.post(may=anybody)
async def act(visit: Visit, *, action: str, note: str, seen: str) -> Answer:
    """Back to the queue. `action`: of `ACTIONS`. `seen`: the mark of the review; without it, only
    shows one."""
    if action not in ACTIONS:
        raise Problem("not_found", "There is no such refund.", cure="Look it up in the list.")
    if action in _OPERATOR:
        visit.only_operator(_OPERATOR[action])
    else:
        visit.only("refund", "refund")
    row, portal = await _waiting(visit), visit.portal
    if not seen:
        return shown()
    check_reviewed(visit.session, seen, *_refund_facts(row))
    await decide(portal.world, portal.get(Orders), visit.scope, row.modification_id, action, note)
    return redirect(with_done(visit.session, "/refunds", action))


# What approving something else than a refund does.
CONSEQUENCES: Final = {
    GIVE_BACK: "The late payment of {0} is sent back.",
    KEEP: "Nothing is sent: the late payment of {0} is kept.",
    BY_HAND: "Nothing is sent: the late payment of {0} counts as settled by hand.",
    ACCEPT: "The dispute is accepted: {0} are given up.",
}
# -> what the desk says then
DECISIONS: Final = {"approve": "refund", "refuse": "refund_refused", "withdraw": "refund_withdrawn"}


_NO_DECISION: Final = invalid("There is no such decision.", "decision", "Press one of the buttons.")


@frozen
class Decision:
    """`seen`: the mark of the review that it was made in; without it an approval only shows one."""

    decision: Annotated[str, among(DECISIONS), _NO_DECISION]
    reason: str
    seen: str


async def _requested(visit: Visit) -> OrderPage:
    """The order of the request. Raises: Problem(not_found), also for a request of another order."""
    request_id = _id(visit)
    if "order_id" in visit.request.path_params:
        page = await find(visit)
    else:
        page = await find_by(
            visit, await requests.order_of(visit.world, visit.merchant_id, request_id)
        )
    if request_id not in {row.request_id for row in page.requests}:
        cure = "Check the order's refunds."
        raise Problem("not_found", "There is no such request.", cure=cure)
    return page


def _request(visit: Visit, page: OrderPage) -> PageRequest:
    return next(row for row in page.requests if row.request_id == _id(visit))


async def review_request(visit: Visit) -> Values:
    """Shows the request that a second person decides on; changes nothing."""
    page = await _requested(visit)
    row, left = _request(visit, page), remaining(page)
    return dict(
        row=row,
        page=page,
        customer=customer(page),
        left=left,
        possible=row.act != REFUND or row.units <= left,
        sentences=_consequences(page, row),
        decision=Waiting(
            row,
            row.asker,
            is_theirs(row.requested_by, visit.scope.actor.text()),
            row.not_now,
            row.to,
        ),
        seen=review_mark(visit.session, *_facts(page, row)),
        path=visit.request.url.path + inside(came_from(visit)),
    )


_MAY: Final = role("approve", "approve refunds")
_REVIEW: Final = "desk/refunds_review.html"
on_desk: Final = member.page("/approvals/refunds/{request_id}", _REVIEW, may=_MAY)(review_request)
on_order: Final = member.page("/orders/{order_id}/refunds/{request_id}", _REVIEW, may=_MAY)(
    review_request
)


def _consequences(page: OrderPage, row: PageRequest) -> tuple[str, ...]:
    """Effects of approving the request, or why that is not possible any more."""
    if row.act != REFUND:
        amount = Sentence("{0} {1}", Figure(money(row.units, row.asset)), row.asset)
        return (Sentence(CONSEQUENCES[row.act], amount),)
    form = RefundForm(typed=shown_amount(row.units, row.asset), to_address=row.to)
    try:
        return review(page, form, sums(page).fee).sentences
    except Problem as problem:
        return (problem.message,)


def _facts(page: OrderPage, row: PageRequest) -> tuple[object, ...]:
    """Facts that may change in what a review shows."""
    return (row.request_id, page.head.refunded_units, row.to, *_consequences(page, row))


@on_desk.post("/approvals/refunds/{request_id}", may=anybody, shape=Decision, find=_requested)
async def post_on_desk(visit: Visit, form: Decision, page: OrderPage) -> Answer:
    back = with_done(visit.session, "/approvals", DECISIONS[form.decision])
    return await _decide(visit, form, page) or redirect(back)


@on_order.post(
    "/orders/{order_id}/refunds/{request_id}", may=anybody, shape=Decision, find=_requested
)
async def post_on_order(visit: Visit, form: Decision, page: OrderPage) -> Answer:
    """Back to the order."""
    return await _decide(visit, form, page) or redirect(back_to(visit, page.order_id, "refunds"))


async def _decide(visit: Visit, form: Decision, page: OrderPage) -> Answer | None:
    """Carries out the decision; None when that is done, else the review."""
    world, orders, row = visit.world, visit.portal.get(Orders), _request(visit, page)
    if form.decision == "withdraw":
        await requests.withdraw(world, orders, visit.scope, row.request_id)
        return None
    _MAY(visit)
    if form.decision == "refuse":
        await requests.refuse(world, orders, visit.scope, row.request_id, form.reason)
        return None
    if row.state == "waiting" and not form.seen:
        return shown()
    if row.state == "waiting":
        if row.not_now:
            raise Problem("forbidden", row.not_now, cure=whom_to_ask("approve"))
        check_reviewed(visit.session, form.seen, *_facts(page, row))
    role_now, seen = await _requester_role(visit, row), page.head.refunded_units
    await requests.approve(
        world, orders, visit.scope, row.request_id, requester_role=role_now, seen_units=seen
    )
    return None


async def _requester_role(visit: Visit, row: PageRequest) -> str | None:
    """The requester's role now; None when they may not refund any more. A request while
    impersonating has the role that they had then, as long as they are somebody here themselves."""
    asker = Actor.of(row.requested_by)
    person = parse_id(asker.behind or asker.id)
    now = (
        await role_who_may(visit.world, person, visit.merchant_id, "refund")
        if person is not None
        else None
    )
    return row.requested_role if asker.behind and now is not None else now
