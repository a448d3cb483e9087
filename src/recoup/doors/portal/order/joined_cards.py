"""With which other orders' cards the card of an order is one, by the operator's word; nothing of other merchants'."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from recoup.doors.portal.visit import Visit
from recoup.store.cards.card_joins import joins_of_order, print_of
from recoup.store.orders.order_page import OrderPage


@dataclass(frozen=True, slots=True)
class JoinedWith:
    """`order_id`, `external_id`: of an order with the other print. `at`: wall time."""

    order_id: UUID
    external_id: str
    at: datetime | None


async def joined_with(visit: Visit, page: OrderPage) -> list[JoinedWith]:
    async with visit.world.db.read() as connection:
        card = await print_of(connection, visit.merchant_id, page.order_id)
        rows = await joins_of_order(connection, visit.merchant_id, page.order_id) if card is not None else []
    return [
        JoinedWith(row.second_order, row.second_external, row.decided_at)
        if card is not None and row.first_card == card.card_id
        else JoinedWith(row.first_order, row.first_external, row.decided_at)
        for row in rows
    ]
