"""Acts on an order: a refund in two steps, a cancellation in one. Both go through the flows of the
API."""

from dataclasses import replace
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from recoup.desk.page.order import facts
from recoup.desk.page.order.allowance import allowance, with_limits
from recoup.desk.page.order.just_done import done
from recoup.desk.page.order.page import WORK, find, order, sheet
from recoup.desk.page.order.refund import RefundFields, RefundForm, review, to_ask
from recoup.desk.page.order.within import back_to
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem
from recoup.merchants.flows.blocks import block_of_order, unblock
from recoup.orders.rules.refund_limits import BY_HAND, GIVE_BACK, KEEP
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.requests import find_request
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import FormKey, Text, fresh_key, read_shape, request_key
from recoup.people.page.forms import fields_of
from recoup.people.page.pages import Answer, Values, member, nothing, shown
from recoup.people.page.personal import reveal_subject
from recoup.people.page.portal_visit import Visit
from recoup.people.page.rights import anybody, role
from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup.refunds.flows.late import decide_late
from recoup.refunds.flows.refund import refund
from recoup.refunds.flows.refund_destination import destination
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.by_hand import bring_forward, deal_with, hold, release
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.flows.expire import last_look
from recoup.stablecoin.flows.settle import settle_again


@member.page("/orders/{order_id}/refund", "desk/order/order.html")
async def review_refund(visit: Visit) -> Values | Answer:
    """The first step says what would happen; nothing happens. A form that was sent already leads to
    its receipt."""
    page = await find(visit)
    try:
        fields = fields_of(visit.request.url.query)
    except ValueError:
        raise Problem(
            "malformed",
            "This address has too many fields.",
            cure="Open the refund from the order's page.",
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
        to = await destination(
            visit.world, visit.merchant_id, page.order_id, form.to_address or None
        )
        if isinstance(to, Problem):
            raise to
        reviewed = await with_limits(visit, page, review(page, form, facts.sums(page).fee))
    except Problem as problem:
        return shown(problem, **sheet(visit, page, dialog="refund", refund_form=form))
    return sheet(visit, page, dialog="review", refund_form=form, review=reviewed)


async def _made_by(visit: Visit, form: RefundForm) -> UUID | None:
    """The refund that this form made before, if it did."""
    known = await find_request(
        visit.world.db.reader, visit.merchant_id, "refund", request_key(form.key)
    )
    return UUID(known.answer["refund_id"]) if known is not None and known.answer else None


@order.post(
    "/orders/{order_id}/refund", may=role("refund", "refund"), shape=RefundFields, find=find
)
async def post_refund(visit: Visit, form: RefundFields, page: OrderPage) -> Answer:
    """The second step. The same form again, by a double click or by going back, is the same
    refund."""
    refund_form = form.as_typed()
    try:
        request = to_ask(refund_form, page.order.asset)
        made = await refund(
            visit.world, visit.portal.get(Orders), visit.scope, page.order_id, request
        )
    except Problem as problem:
        if problem.code == "conflict":
            message = (
                "This form was already sent with another amount, and that refund was made. "
                "Check it first."
            )
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


BLOCK: Final = role("block", "block customers and cards")


BlockId: TypeAlias = Annotated[
    UUID, Problem("not_found", "There is no such block.", cure="Reload the page.")
]


@order.post("/orders/{order_id}/block", may=BLOCK, find=find)
async def post_block(visit: Visit, page: OrderPage, *, kind: str, reason: str) -> Answer:
    """Blocked before, nothing changes. `kind`: customer or card."""
    await block_of_order(visit.world, visit.scope, page.order_id, kind, reason)
    visit.portal.merchants.forget(visit.merchant_id)
    return redirect(back_to(visit, page.order_id, "customer"))


@order.post("/orders/{order_id}/unblock", may=BLOCK, find=find)
async def post_unblock(visit: Visit, page: OrderPage, *, block: BlockId) -> Answer:
    await unblock_by(visit, block)
    return redirect(back_to(visit, page.order_id, "customer"))


async def unblock_by(visit: Visit, block_id: UUID) -> None:
    """Raises: Problem(not_found)."""
    await unblock(visit.world, visit.scope, block_id)
    visit.portal.merchants.forget(visit.merchant_id)


MONEY: Final = role("refund", "move money")


@order.post("/orders/{order_id}/give-back", may=MONEY, find=find)
async def post_give_back(
    visit: Visit, page: OrderPage, *, to_address: Annotated[str, Text(80, strip=True)] = ""
) -> Answer:
    return await _late(visit, page, GIVE_BACK, to_address=to_address or None)


async def _late(
    visit: Visit, page: OrderPage, act: str, note: str = "", to_address: str | None = None
) -> Answer:
    await decide_late(
        visit.world, visit.portal.get(Orders), visit.scope, page.order_id, act, note, to_address
    )
    return done(visit, page)


@order.post("/orders/{order_id}/settled-by-hand", may=MONEY, find=find)
async def post_by_hand(visit: Visit, page: OrderPage, *, note: str) -> Answer:
    """`note`: how it was settled."""
    return await _late(visit, page, BY_HAND, note)


@order.post("/orders/{order_id}/keep", may=MONEY, find=find)
async def post_keep(visit: Visit, page: OrderPage, *, note: str) -> Answer:
    """`note`: what the payer got for it."""
    return await _late(visit, page, KEEP, note)


@order.post("/orders/{order_id}/settle-again", may=MONEY, find=find)
async def post_settle_again(visit: Visit, page: OrderPage) -> Answer:
    await settle_again(visit.portal.get(Orders), visit.scope, page.order_id)
    return done(visit, page)


@order.post("/orders/{order_id}/retry", may=WORK, find=find)
async def post_retry(visit: Visit, page: OrderPage) -> Answer:
    await bring_forward(visit.portal.get(Orders), visit.scope, page.order_id)
    return done(visit, page)


@order.post("/orders/{order_id}/stop", may=WORK, find=find)
async def post_stop(visit: Visit, page: OrderPage) -> Answer:
    await amend(
        visit.world,
        visit.portal.get(Orders),
        visit.scope,
        page.order_id,
        Amended(do_not_retry=True),
    )
    return done(visit, page)


@order.post("/orders/{order_id}/resume", may=WORK, find=find)
async def post_resume(visit: Visit, page: OrderPage) -> Answer:
    await amend(
        visit.world,
        visit.portal.get(Orders),
        visit.scope,
        page.order_id,
        Amended(do_not_retry=False),
    )
    return done(visit, page)


@order.post("/orders/{order_id}/hold", may=WORK, find=find)
async def post_hold(visit: Visit, page: OrderPage, *, reason: str) -> Answer:
    await hold(
        visit.portal.get(Orders), visit.scope, page.order_id, reason, operator=visit.is_operator
    )
    return done(visit, page)


@order.post("/orders/{order_id}/release", may=WORK, find=find)
async def post_release(visit: Visit, page: OrderPage) -> Answer:
    await release(visit.portal.get(Orders), visit.scope, page.order_id, operator=visit.is_operator)
    return done(visit, page)


@order.post("/orders/{order_id}/dealt-with", may=WORK, find=find)
async def post_deal_with(visit: Visit, page: OrderPage, *, why: str) -> Answer:
    """Marks an order as dealt with. `why`: nothing is left to do about it."""
    await deal_with(visit.portal.get(Orders), visit.scope, page.order_id, why)
    return done(visit, page)


@order.post("/orders/{order_id}/capture", may=role("capture", "capture orders"), find=find)
async def post_capture(
    visit: Visit,
    page: OrderPage,
    *,
    key: FormKey,
    amount: Annotated[str, Text(max=32, strip=True)] = "",
    rest: Literal["release", "keep"] = "release",
) -> Answer:
    """A processor that takes its time is not a refusal: the page says that the capture is under
    way. `amount`: empty for the whole order's; 0 only releases what is held. `rest`: what becomes
    of what is not captured."""
    asset, whole = page.order.asset, not amount
    units = page.order.units if whole else _units(amount, asset)
    final = None if whole else rest == "release"
    request = CaptureRequest(page.order_id, units, asset, request_key(key), final)
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
