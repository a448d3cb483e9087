"""Terms under which a test's merchant is advanced whatever it asks for."""

from typing import Any

from tests.worlds import Shop

from recoup.flows.money.treasurer import Terms, agree_exposure
from recoup.kernel.scope import Actor, Scope

OPERATOR = Actor("operator", "test")
PLENTY = 10**8


async def agree(shop: Shop, **terms: Any) -> None:
    """`terms`: as the fields of `Terms`, where they are less."""
    usual: dict[str, Any] = {
        "limit_units": PLENTY,
        "order_max_units": PLENTY,
        "customer_max_units": PLENTY,
        "chunk_units": PLENTY // 8,
        "allowed_loss_basis_points": 10_000,
        "advance_on": "both",
        "operator_limit_units": PLENTY * 100,
    }
    await agree_exposure(shop.world, Scope(shop.merchant_id, OPERATOR, "test"), "USD", Terms(**(usual | terms)))
    shop.merchants.forget(shop.merchant_id)
