"""What may be done to an order: a refund in two steps, a cancellation in one. Both go through the flows of the API."""

from dataclasses import replace
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import fresh_key, read_shape, request_key
from recoup.doors.portal.forms import fields_of
from recoup.doors.portal.order import facts
from recoup.doors.portal.order.allowance import allowance, role_of, with_limits
from recoup.doors.portal.order.page import find, order, sheet
from recoup.doors.portal.order.refund import RefundFields, RefundForm, review, to_ask
from recoup.doors.portal.order.within import back_to
from recoup.doors.portal.pages import Answer, Values, member, nothing, shown
from recoup.doors.portal.personal import reveal_subject
from recoup.doors.portal.rights import anybody, role
from recoup.doors.portal.visit import Visit
from recoup.flows.cards.cancel import cancel
from recoup.flows.locked import Orders
from recoup.flows.refunds.refund import refund
from recoup.flows.stable.expire import last_look
from recoup.kernel.problem import Problem
from recoup.store.orders.order_page import OrderPage
from recoup.store.orders.requests import find_request


@member.page("/orders/{order_id}/refund", "order/order.html")
async def review_refund(visit: Visit) -> Values | Answer:
    """The first step says what would happen; nothing happens. A form that was sent already leads to its receipt."""
    page = await find(visit)
    try:
        fields = fields_of(visit.request.url.query)
    except ValueError:
        raise Problem(
            "malformed", "This address has too many fields.", cure="Open the refund from the order's page."
        ) from None
    possible = facts.can_refund(visit, page)
    form = read_shape(RefundFields, fields).as_typed()
    made = await _made_by(visit, form)
    if made is not None:
        return redirect(back_to(visit, page.order_id, refunded=str(made)))
    if not possible.possible:
        return shown(Problem("wrong_state", possible.why_not), **sheet(visit, page))
    if not {"amount", "how"} & set(fields):
        return sheet(visit, page, dialog="refund", allowance=await allowance(visit, page))
    return await _reviewed(visit, page, form)


async def _reviewed(visit: Visit, page: OrderPage, form: RefundForm) -> Values | Answer:
    try:
        found = await with_limits(visit, page, review(page, form, facts.sums(page).fee))
    except Problem as problem:
        return shown(problem, **sheet(visit, page, dialog="refund", form=form))
    return sheet(visit, page, dialog="review", form=form, review=found)


async def _made_by(visit: Visit, form: RefundForm) -> UUID | None:
    """The refund that this form made before, if it did."""
    async with visit.world.db.read() as connection:
        known = await find_request(connection, visit.merchant_id, "refund", request_key(form.key))
    return UUID(known.answer["refund_id"]) if known is not None and known.answer else None


@order.post("/orders/{order_id}/refund", may=role("refund", "refund"), shape=RefundFields, find=find)
async def post_refund(visit: Visit, form: RefundFields, page: OrderPage) -> Answer:
    """The second step. The same form again, by a double click or by going back, is the same refund."""
    refund_form = form.as_typed()
    try:
        request = to_ask(refund_form, page.order.asset)
        made = await refund(visit.world, visit.portal.get(Orders), visit.scope, page.order_id, request, role_of(visit))
    except Problem as problem:
        if problem.code == "conflict":
            message = "This form was already sent with another amount, and that refund was made. Check it first."
            problem = Problem("conflict", message, cure="See Refunds on this page.")
            refund_form = replace(refund_form, key=fresh_key())
        return shown(problem, dialog="refund", refund_form=refund_form)
    return redirect(back_to(visit, page.order_id, refunded=str(made.refund_id)))


@order.post("/orders/{order_id}/cancel", may=role("cancel", "cancel"), find=find)
async def cancel_order(visit: Visit, page: OrderPage) -> Answer:
    await last_look(visit.world, visit.portal.get(Orders), (visit.merchant_id, page.order_id))
    await cancel(visit.world, visit.portal.get(Orders), visit.scope, page.order_id)
    return redirect(back_to(visit, page.order_id))


@order.post("/orders/{order_id}/reveal", may=anybody, find=find, shows=nothing)
async def reveal_customer(visit: Visit, page: OrderPage) -> Answer:
    await reveal_subject(visit, "order", page.order_id)
    return redirect(back_to(visit, page.order_id, "customer"))
