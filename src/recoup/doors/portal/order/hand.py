"""The forms by which a person works on an order: retry, stop, go on, hold, release, deal with, capture, and notes."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import FormKey, Text, request_key
from recoup.doors.portal.order.just_done import done
from recoup.doors.portal.order.page import NewNote, find, order
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer
from recoup.doors.portal.rights import role
from recoup.doors.portal.visit import Visit
from recoup.flows.cards.amend import Amended, amend
from recoup.flows.cards.by_hand import bring_forward, deal_with, hold, release
from recoup.flows.locked import Orders
from recoup.flows.merchants.order_notes import note_order
from recoup.flows.modifications.capture import CaptureRequest, capture
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem
from recoup.store.orders.order_page import OrderPage

WORK: Final = role("retry", "work on orders")


@dataclass(frozen=True, slots=True)
class Hold:
    reason: str


@dataclass(frozen=True, slots=True)
class DealtWith:
    """`why`: nothing is left to do about it."""

    why: str


@dataclass(frozen=True, slots=True)
class Capture:
    """`amount`: empty for the whole order's; 0 only releases what is held. `rest`: what becomes of what is not
    captured."""

    key: FormKey
    amount: Annotated[str, Text(max=32, strip=True)] = ""
    rest: Literal["release", "keep"] = "release"


@order.post("/orders/{order_id}/retry", may=WORK, find=find)
async def post_retry(visit: Visit, page: OrderPage) -> Answer:
    await bring_forward(visit.portal.get(Orders), visit.scope, page.order_id)
    return done(visit, page)


@order.post("/orders/{order_id}/stop", may=WORK, find=find)
async def post_stop(visit: Visit, page: OrderPage) -> Answer:
    await amend(visit.world, visit.portal.get(Orders), visit.scope, page.order_id, Amended(do_not_retry=True))
    return done(visit, page)


@order.post("/orders/{order_id}/resume", may=WORK, find=find)
async def post_resume(visit: Visit, page: OrderPage) -> Answer:
    await amend(visit.world, visit.portal.get(Orders), visit.scope, page.order_id, Amended(do_not_retry=False))
    return done(visit, page)


@order.post("/orders/{order_id}/hold", may=WORK, shape=Hold, find=find)
async def post_hold(visit: Visit, form: Hold, page: OrderPage) -> Answer:
    await hold(visit.portal.get(Orders), visit.scope, page.order_id, form.reason, operator=visit.is_operator)
    return done(visit, page)


@order.post("/orders/{order_id}/release", may=WORK, find=find)
async def post_release(visit: Visit, page: OrderPage) -> Answer:
    await release(visit.portal.get(Orders), visit.scope, page.order_id, operator=visit.is_operator)
    return done(visit, page)


@order.post("/orders/{order_id}/dealt-with", may=WORK, shape=DealtWith, find=find)
async def post_deal_with(visit: Visit, form: DealtWith, page: OrderPage) -> Answer:
    await deal_with(visit.portal.get(Orders), visit.scope, page.order_id, form.why)
    return done(visit, page)


@order.post("/orders/{order_id}/capture", may=role("capture", "capture orders"), shape=Capture, find=find)
async def post_capture(visit: Visit, form: Capture, page: OrderPage) -> Answer:
    """A processor that takes its time is not a refusal: the page says that the capture is under way."""
    asset, whole = page.order.asset, not form.amount
    units = page.order.units if whole else _units(form.amount, asset)
    final = None if whole else form.rest == "release"
    request = CaptureRequest(page.order_id, units, asset, request_key(form.key), final)
    try:
        made = await capture(visit.world, visit.portal.get(Orders), visit.scope, request)
    except Problem as problem:
        if problem.code != "unavailable" or problem.facts.get("full"):
            raise
        return done(visit, page)
    if not made.done:
        cure = "While the order is authorised, capture it again later, or cancel it."
        raise Problem("capture_refused", made.refusal(), cure=cure)
    return done(visit, page)


def _units(text: str, asset: str) -> int:
    """Raises: Problem(invalid) for what is no amount."""
    return 0 if not text.strip("0.,") else from_text(text, asset, "amount").units


@order.post("/orders/{order_id}/notes", may=WORK, shape=NewNote, find=find)
async def post_note(visit: Visit, form: NewNote, page: OrderPage) -> Answer:
    await note_order(visit.world, visit.scope, page.order_id, UUID(hex=form.key), form.note)
    return redirect(back_to(visit, page.order_id, "timeline"))
