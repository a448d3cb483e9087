"""The forms by which a person works on an order: retry, stop, go on, hold, release, deal with, capture, and notes."""

from typing import Final
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_key import key_of, request_key
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.order.just_done import done
from recoup.doors.portal.order.page import find, order
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.rights import role
from recoup.doors.portal.visit import Visit
from recoup.flows.cards.amend import Amended, amend
from recoup.flows.cards.by_hand import bring_forward, deal_with, hold, release
from recoup.flows.merchants.order_notes import note_order
from recoup.flows.refunds.capture import CaptureRequest, capture
from recoup.kernel.problem import Problem
from recoup.store.read.order_page import OrderPage

WORK: Final = role("retry", "work on orders")


@order.post("/orders/{order_id}/retry", may=WORK, find=find)
async def post_retry(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await bring_forward(visit.portal.orders, visit.scope, page.order_id)
    return done(visit, page)


@order.post("/orders/{order_id}/stop", may=WORK, find=find)
async def post_stop(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await amend(visit.world, visit.portal.orders, visit.scope, page.order_id, Amended(do_not_retry=True))
    return done(visit, page)


@order.post("/orders/{order_id}/resume", may=WORK, find=find)
async def post_resume(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await amend(visit.world, visit.portal.orders, visit.scope, page.order_id, Amended(do_not_retry=False))
    return done(visit, page)


@order.post("/orders/{order_id}/hold", may=WORK, find=find)
async def post_hold(visit: Visit, form: Form, page: OrderPage) -> Answer:
    reason = first(form, "reason")
    await hold(visit.portal.orders, visit.scope, page.order_id, reason, operator=visit.is_operator)
    return done(visit, page)


@order.post("/orders/{order_id}/release", may=WORK, find=find)
async def post_release(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await release(visit.portal.orders, visit.scope, page.order_id, operator=visit.is_operator)
    return done(visit, page)


@order.post("/orders/{order_id}/dealt-with", may=WORK, find=find)
async def post_deal_with(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await deal_with(visit.portal.orders, visit.scope, page.order_id, first(form, "why"))
    return done(visit, page)


@order.post("/orders/{order_id}/capture", may=role("capture", "capture orders"), find=find)
async def post_capture(visit: Visit, form: Form, page: OrderPage) -> Answer:
    """A processor that takes its time is not a refusal: the page says that the capture is under way."""
    request = CaptureRequest(page.order_id, page.order["units"], page.order["asset"], request_key(key_of(form)))
    try:
        made = await capture(visit.world, visit.portal.orders, visit.scope, request)
    except Problem as problem:
        if problem.code != "unavailable" or problem.facts.get("full"):
            raise
        return done(visit, page)
    if not made.done:
        cure = "While the order is authorised, capture it again later, or cancel it."
        raise Problem("capture_refused", made.refusal(), cure=cure)
    return done(visit, page)


@order.post("/orders/{order_id}/notes", may=WORK, find=find)
async def post_note(visit: Visit, form: Form, page: OrderPage) -> Answer:
    await note_order(visit.world, visit.scope, page.order_id, UUID(hex=key_of(form)), first(form, "note"))
    return redirect(back_to(visit, page.order_id, "timeline"))
