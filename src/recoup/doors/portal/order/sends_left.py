"""How often the networks let this card be tried still. Of other merchants' sends only that they leave no room."""

from recoup.doors.portal.visit import Visit
from recoup.kernel.time import BusinessTime
from recoup.rules.network.limits import LOOKBACK, Allowance, Wish, allowance
from recoup.rules.order.card_sends import initiator_of, own_tries
from recoup.store.cards.card_sends import card_of_order, sends_of_card
from recoup.store.orders.order_page import OrderPage

OPEN = frozenset({0, 1, 3, 4})


async def sends_left(visit: Visit, page: OrderPage) -> Allowance | None:
    """None for an order that is not tried any more, or has no card."""
    if page.head.status not in OPEN or page.order.kind == "stable" or page.card is None:
        return None
    card = await card_of_order(visit.world.db.reader, visit.merchant_id, page.order_id)
    if card is None or card.card_id is None:
        return None
    sends = await sends_of_card(visit.world.db.reader, card.card_id, visit.merchant_id, visit.now - LOOKBACK)
    planned = next((a.initiator for a in page.attempts if a.state == "planned"), "merchant")
    return allowance(
        card.scheme,
        sends,
        visit.now,
        Wish(
            units=page.order.units,
            currency=page.order.asset,
            initiator=initiator_of(planned),
            acceptor_id=card.acceptor_id,
            merchant_id=str(visit.merchant_id),
            region=card.region,
            visa_limit=visit.world.policy.visa_limit,
            own_tries=own_tries(
                page.order.facts,
                units=page.order.units,
                currency=page.order.asset,
                acceptor_id=card.acceptor_id,
                merchant_id=visit.merchant_id,
                offset=visit.now - BusinessTime(visit.wall),
            ),
        ),
    )
