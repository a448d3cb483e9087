"""How often the networks let this card be tried still. Of other merchants' sends only that they leave no room."""

from recoup.doors.portal.visit import Visit
from recoup.rules.network.limits import LOOKBACK, Allowance, allowance
from recoup.rules.order.card_sends import initiator_of, send_of
from recoup.store.read.card_sends import card_sends
from recoup.store.read.order_page import OrderPage

OPEN = frozenset({0, 1, 3, 4})


async def sends_left(visit: Visit, page: OrderPage) -> Allowance | None:
    """None for an order that is not tried any more, or has no card."""
    if page.head["status"] not in OPEN or page.order["kind"] == "stable" or page.card is None:
        return None
    async with visit.portal.world.db.connection() as connection:
        rows = await card_sends(connection, visit.merchant_id, page.order_id, visit.now - LOOKBACK)
    if not rows:
        return None
    planned = next((a["initiator"] for a in page.attempts if a["state"] == "planned"), "merchant")
    sends = [send_of(row) for row in rows if row["at"] is not None]
    return allowance(
        rows[0]["card_scheme"], sends, visit.now, units=page.order["units"], currency=page.order["asset"],
        initiator=initiator_of(planned), acceptor_id=rows[0]["own_acceptor_id"],
        merchant_id=str(visit.merchant_id), region=rows[0]["region"], visa_limit=visit.portal.world.policy.visa_limit,
    )  # fmt: skip
