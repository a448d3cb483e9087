"""A processor that calls a payment by its card's number: wherever it says so, what is kept of it is
masked."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.door import everything
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.networks.decline_code import code_by
from recoup.networks.magic import script_card
from recoup.processors.gateways.port import Outcome
from recoup.refunds.flows.refund import RefundRequest, refund

CARD = script_card("visa", "51", 0, serial=8642)
GROUPED = " ".join(CARD[at : at + 4] for at in range(0, 16, 4))
MASKED = f"{CARD[:6]}…{CARD[-4:]}"
LIKE_A_CARD = script_card("visa", "51", 9, serial=4444)


class SaysItBack:
    """What the sandbox's issuer answers, with the card's number for every id. To the first charge
    nobody answers."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.is_first = inner, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def charge(self, charge: Any) -> Any:
        said = await self.inner.charge(charge)
        self.is_first, first = False, self.is_first
        return Outcome("unknown") if first else said

    async def inquire(self, inquiry: Any) -> Any:
        return replace(
            await self.inner.inquire(inquiry),
            reference=f"auth-{CARD}-7",
            network_transaction_id=LIKE_A_CARD,
            processor_code=code_by("", GROUPED),
        )

    async def modify(self, message: Any) -> Any:
        return replace(
            await self.inner.modify(message),
            reference=CARD,
            processor_code=code_by("", f"00{CARD}"),
        )


def test_an_inquiry_and_a_refund_leave_no_card_number_behind(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            world.processors["sandbox"] = SaysItBack(world.processors["sandbox"])
            shop = await make_shop(world, orders, deliveries)
            order_id = await shop.admit(pan=CARD, units=4590)
            await shop.advance(timedelta(days=20))
            row = await _attempt(shop)
            assert row["state"] == "approved"
            assert (row["reference"], row["processor_code"]) == (f"auth-{MASKED}-7", MASKED)
            assert row["network_transaction_id"] == LIKE_A_CARD, "ids are long numbers"
            await refund(world, orders, shop.scope, order_id, RefundRequest(amount="10.00"))
            await shop.advance(timedelta(minutes=1))
            kept = await everything(world)
            assert CARD not in kept
            assert GROUPED not in kept

    asyncio.run(story())


async def _attempt(shop: Shop) -> Any:
    async with shop.world.db.connection() as connection:
        return await connection.fetchrow("SELECT * FROM attempts WHERE state <> 'planned'")
