"""Terms under which a test's merchant is advanced whatever it asks for."""

from dataclasses import asdict
from typing import Any

from tests.worlds import Shop

from recoup.kernel.scope import Actor, Scope
from recoup.risk.flows.advance_bounds import bound_advances
from recoup.risk.flows.treasurer import Terms, agree_exposure
from recoup.risk.store.advance_bounds import keep_week
from recoup.terms.rules.advance_bounds import PAYERS_MIN, TENTHS, WEEK, Cell, weeks_until

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
    await agree_exposure(
        shop.world, Scope(shop.merchant_id, OPERATOR, "test"), "USD", Terms(**(usual | terms))
    )
    shop.merchants.forget(shop.merchant_id)


async def vouched(shop: Shop, lost: float = 0.0, weeks: int = 30) -> None:
    """As if so many weeks of a hundred customers in each tenth of the model's chance were over;
    `lost` of 1."""
    until = weeks_until(await shop.now())
    for number in range(1, weeks + 1):
        cells = [
            asdict(
                Cell(
                    "model",
                    "comparable",
                    tenth,
                    100,
                    10_000,
                    int(10_000 * lost),
                    tuple(range(PAYERS_MIN)),
                )
            )
            for tenth in range(TENTHS)
        ]
        async with shop.world.db.connection() as connection:
            await keep_week(connection, shop.merchant_id, "USD", until - number * WEEK, cells)
    await bound_advances(shop.world, shop.merchant_id)
