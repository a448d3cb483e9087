"""An order that is not paid, or not all of it: what was collected, and why nothing of it can be
refunded."""

from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import collected_in_parts, is_hold
from recoup.orders.store.order_page import OrderPage


def collected_units(page: OrderPage) -> int:
    """The amount that was collected in parts, while the rest is still due."""
    order = page.order
    return collected_in_parts(Stage(order.stage), order.kind, is_hold(order.facts), page.attempts)


def why_no_refund(page: OrderPage) -> str:
    """The reason why an order that is not completed has no refund."""
    happened = {line.happening for line in page.log}
    if "paid_late" in happened:
        return "What arrived does not pay the order; it is listed separately below."
    if "approved_late" in happened:
        return "Late approvals are reversed automatically."
    if "part_owed_back" in happened:
        return "The part that was collected goes back to the customer: see Refunds below."
    if collected_units(page):
        return "A part is collected and waits for the rest. To give it back now, cancel the order."
    return "Nothing was paid, so there is nothing to refund."
