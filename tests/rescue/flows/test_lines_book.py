"""A line of the log that moves money, and what it brings into the ledger: neither is written
without the other."""

from typing import Any

import pytest
from tests.refunds.flows.test_refund_desk import paid, told
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.orders.moves.change import Booked, Change
from recoup.orders.rules.ledger import refund_done
from recoup.rescue.flows.locked import Job


def test_a_refund_that_is_done_without_its_posting_is_not_written(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id = await paid(shop, 4590)
        source = new_id()

        async def refused(happening: str, booked: Booked | None) -> str:
            def record(change: Change) -> Any:
                change.fact(happening, source, booked=booked, units=100)

            with pytest.raises(AssertionError) as found:
                await shop.orders.change(Job(shop.key(order_id), record))
            return str(found.value)

        before = await shop.happenings(order_id)
        assert await refused("refund_done", None) == "refund_done books refund_done"
        posting = refund_done(100, "sandbox")
        assert (
            await refused("refund_sent", Booked(source, [posting])) == "refund_sent books nothing"
        )
        assert await shop.happenings(order_id) == before

    told(server, work)
