"""The forms by which a person works on an order: retry, stop, go on, hold, release, deal with, capture, and notes."""

from typing import Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.form_key import key_of, request_key
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.order.page import find, show
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.order.working import working
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.cards.amend import Amended, amend
from recoup.flows.cards.by_hand import bring_forward, deal_with, hold, release
from recoup.flows.merchants.order_notes import NOTE_MAX, note_order
from recoup.flows.refunds.capture import CaptureAsked, capture
from recoup.kernel.problem import Problem
from recoup.store.read.order_page import OrderPage

_WORK: Final = ("retry", "work on orders")


async def _retry(visit: Visit, page: OrderPage, form: Form) -> None:
    await bring_forward(visit.portal.orders, visit.scope, page.order_id)


async def _stop(visit: Visit, page: OrderPage, form: Form) -> None:
    await amend(visit.world, visit.portal.orders, visit.scope, page.order_id, Amended(do_not_retry=True))


async def _resume(visit: Visit, page: OrderPage, form: Form) -> None:
    await amend(visit.world, visit.portal.orders, visit.scope, page.order_id, Amended(do_not_retry=False))


async def _hold(visit: Visit, page: OrderPage, form: Form) -> None:
    reason = first(form, "reason")
    await hold(visit.portal.orders, visit.scope, page.order_id, reason, operator=visit.is_operator)


async def _release(visit: Visit, page: OrderPage, form: Form) -> None:
    await release(visit.portal.orders, visit.scope, page.order_id, operator=visit.is_operator)


async def _deal_with(visit: Visit, page: OrderPage, form: Form) -> None:
    await deal_with(visit.portal.orders, visit.scope, page.order_id, first(form, "why"))


async def _capture(visit: Visit, page: OrderPage, form: Form) -> None:
    """A processor that takes its time is not a refusal: the page tells that the capture is under way."""
    asked = CaptureAsked(page.order_id, page.order["units"], page.order["asset"], request_key(key_of(form)))
    try:
        made = await capture(visit.world, visit.portal.orders, visit.scope, asked)
    except Problem as problem:
        if problem.code != "unavailable" or problem.facts.get("full"):
            raise
        return
    if not made.done:
        cure = "While the order is authorised, capture it again later, or cancel it."
        raise Problem("capture_refused", made.refusal(), cure=cure)


async def post_note(visit: Visit) -> Response:
    form = await checked_form(visit)
    page = await find(visit)
    visit.only(*_WORK)
    text = first(form, "note")
    try:
        await note_order(visit.world, visit.scope, page.order_id, UUID(hex=key_of(form)), text)
    except Problem as problem:
        return show(visit, page, problem=problem, status=STATUSES[problem.code], typed=text[:NOTE_MAX])
    return redirect(back_to(visit, page.order_id, "timeline"))


post_retry: Final = working(_retry, *_WORK)
post_stop: Final = working(_stop, *_WORK)
post_resume: Final = working(_resume, *_WORK)
post_hold: Final = working(_hold, *_WORK)
post_release: Final = working(_release, *_WORK)
post_deal_with: Final = working(_deal_with, *_WORK)
post_capture: Final = working(_capture, "capture", "capture orders")
