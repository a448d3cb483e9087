"""A period's batch: made once, from what was booked before its end, and it closes to 0."""

import asyncio

from tests.flows.money.settling import DAY, batches, give_back, lines, payouts, sold, terms
from tests.worlds import make_shop, sandbox_world

from recoup.flows.insight.verify import verify
from recoup.store.server import ServerAddress


def test_a_months_orders_are_paid_once_less_fees_and_refunds(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await terms(shop, period="day", delay_days=1)
            first, *_ = await sold(shop, 3)
            await shop.advance(DAY)
            await give_back(shop, first, "10.00")
            await shop.advance(5 * DAY)
            found = await batches(shop)
            assert [(b["amount_units"], b["fee_units"], b["refund_units"], b["payout_units"]) for b in found] == [
                (13770, -399, 0, 13371), (0, 0, -1000, 0),
            ]
            for batch in found:
                taken = await lines(shop, batch["batch_id"])
                assert len(taken) == batch["lines"]
                assert not sum(line["units"] for line in taken)
            assert found[1]["carried_units"] == 1000
            assert [(p["units"], p["state"]) for p in await payouts(shop)] == [(13371, "created")]
            assert (await verify(shop.world)).difference is None

    asyncio.run(story())
