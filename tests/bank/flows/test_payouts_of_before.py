"""Payouts that the release before scheduled, and this one sends."""

import asyncio

from msgspec.structs import replace
from tests.bank.flows.test_bank_payouts import closed, events
from tests.settlement.flows.test_settle import proved
from tests.settling import DAY, payouts, person
from tests.worlds import make_shop, sandbox_world

from recoup.bank.flows import approve
from recoup.bank.moves import _tell
from recoup.bank.store.payouts import lock_payout, save_payout
from recoup.db.server import ServerAddress
from recoup.orders.store.changes import Rows, write


def test_a_payout_that_the_release_before_told_of_is_not_told_again(server: ServerAddress) -> None:
    """It told `payout.created` when it was scheduled. Sent after the upgrade it was told a second
    time."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            payout = await closed(shop)
            async with shop.world.db.transaction() as connection:
                locked = await lock_payout(connection, shop.merchant_id, payout["payout_id"])
                assert locked is not None
                row = replace(locked, version=1)
                await save_payout(connection, row)
                told = Rows()
                _tell(
                    told,
                    row,
                    "payout.created",
                    "pending",
                    await shop.now(),
                    shop.world.clocks.wall(),
                )
                await write(connection, told)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await shop.run_due()
            assert (await payouts(shop))[0]["state"] == "sent"
            assert await events(shop, payout["payout_id"]) == [("payout.created", "pending")]
            await shop.advance(2 * DAY)
            told_of = await events(shop, payout["payout_id"])
            assert told_of == [("payout.created", "pending"), ("payout.updated", "completed")]
            await proved(shop)

    asyncio.run(story())
