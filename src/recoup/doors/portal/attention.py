"""What needs somebody, for the menu of every page."""

from dataclasses import replace
from typing import Final

from recoup.doors.portal.partition_watch import PartitionWatch
from recoup.doors.portal.portal import Portal
from recoup.flows.people.sessions import Session
from recoup.store.lists.order_counts import count_orders, menu_counts
from recoup.store.lists.order_filter import OrderFilter

ATTENTION_MAX: Final = 99  # beyond it, `99+`


async def with_attention(portal: Portal, session: Session) -> Session:
    """From an index of what needs somebody, and not beyond what the menu says."""
    if session.merchant is None:
        return session
    needing = OrderFilter(session.merchant.merchant_id, attention=True)
    async with portal.world.db.read() as connection:
        count = await count_orders(connection, needing, cap=ATTENTION_MAX + 2)
        desks = await menu_counts(
            connection,
            session.merchant.merchant_id,
            portal.world.clocks.wall(),
            ATTENTION_MAX + 1,
            session.is_operator,
        )
    few = await portal.get(PartitionWatch).few_left(portal.world) if session.is_operator else None
    down = await portal.world.routes.down() if session.is_operator else 0
    return replace(
        session,
        attention=count.value,
        disputes=desks.disputes,
        unknown=desks.unknown,
        refunds=desks.refunds,
        approvals=desks.approvals,
        partition_days=few,
        routes_down=down,
    )
