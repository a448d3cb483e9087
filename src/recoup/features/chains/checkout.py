"""The hosted page of an order on a chain."""

from starlette.responses import Response

from recoup.doors.checkout.visit import Visit
from recoup.store.stable.stable_orders import StableOrder


async def chain_page(visit: Visit, order: StableOrder) -> Response | None:
    """None for an order of another channel."""
    return None
