"""GET /checkout/{token}: the order as its payer sees it, in every state."""

from starlette.responses import Response

from recoup.doors.checkout.templates import render
from recoup.doors.checkout.visit import Visit
from recoup.kernel.problem import Problem
from recoup.rules.order.lifecycle import OPEN
from recoup.rules.stable.channels import enabled
from recoup.rules.stable.words import order_status
from recoup.store.stable.stable_orders import stable_order


async def pay_page(visit: Visit) -> Response:
    checkout, (merchant_id, order_id) = visit.checkout, visit.key
    world = checkout.world
    async with world.db.read() as connection:
        order = await stable_order(connection, merchant_id, order_id)
    if order is None:
        raise Problem("not_found", "No payment found for this link.", cure="Ask the shop for a new one.")
    merchant = (await checkout.merchants.get(merchant_id)).merchant
    now = merchant.business(world.clocks.wall())
    over = order.expires_at is not None and order.expires_at <= now
    open_ = order.stage in OPEN and not over
    status = "expired" if order.stage in OPEN and over else order_status(order.stage, order.units, order.refunded_units)
    # A payer chooses among those that take the currency, where the charge left it open.
    channels = [c for c in enabled(test=world.policy.test_mode) if c.takes(order.asset)] if not order.channel else []
    return render(
        "pay.html",
        visit.language,
        {
            "order": order,
            "merchant": merchant.name,
            "now": now,
            "open": open_,
            "status": status,
            "channels": channels,
            "test": world.policy.test_mode,
            "address": visit.address,
            "subject": order.facts.get("subject") or "",
            "description": order.facts.get("description") or "",
            "return_url": order.facts.get("return_url"),
            "cancel_url": order.facts.get("cancel_url"),
        },
    )
