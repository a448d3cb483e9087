"""With which other orders' cards the card of an order is one, by the operator's word; nothing of other merchants'."""

from recoup.doors.portal.pages import Values
from recoup.doors.portal.visit import Visit
from recoup.store.cards.card_joins import joins_of_order, print_of
from recoup.store.orders.order_page import OrderPage


async def joined_with(visit: Visit, page: OrderPage) -> list[Values]:
    """Of each order with the other print its ids, and when, on the wall clock, it was joined."""
    card = await print_of(visit.world.db.reader, visit.merchant_id, page.order_id)
    if card is None:
        return []
    return [
        dict(order_id=row.second_order, external_id=row.second_external, at=row.decided_at)
        if row.first_card == card.card_id
        else dict(order_id=row.first_order, external_id=row.first_external, at=row.decided_at)
        for row in await joins_of_order(visit.world.db.reader, visit.merchant_id, page.order_id)
    ]
