"""What brought the money of a rescued order is told apart: in its event, its log and the report."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from tests.reconciliation.flows.test_origin_reports import EVER, check
from tests.rescue.flows.test_by_hand import told, waiting
from tests.rescue.flows.test_challenges import ANOTHER, answered
from tests.webhooks.flows.test_payment_links import links, open_order
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card
from recoup.reconciliation.flows.origin_reports import ReportRequest, grouped_report, report_csv
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.challenge import show
from recoup.rescue.flows.tokenize import CardGiven, Vault

GOOD = script_card("visa", "51", 0)


async def planned(shop: Shop) -> UUID:
    return await waiting(shop, GOOD)


async def brought_forward(shop: Shop) -> UUID:
    order_id = await waiting(shop, GOOD)
    await bring_forward(shop.orders, shop.scope, order_id)
    return order_id


async def with_a_new_card(shop: Shop) -> UUID:
    order_id, token_id = await waiting(shop), new_id()
    await Vault(shop.world).store(
        CardGiven(shop.merchant_id, token_id, APPROVE_CARDS[1], 9, 2031, "")
    )
    await amend(shop.world, shop.orders, shop.scope, order_id, Amended(token_id=token_id))
    return order_id


async def by_link(shop: Shop) -> UUID:
    order_id = await open_order(shop)
    await answered(shop, await show(shop.world, *shop.key(order_id)), **ANOTHER)
    return order_id


STORIES: dict[str, Callable[[Shop], Awaitable[UUID]]] = {
    "retry": planned,
    "merchant": brought_forward,
    "new_card": with_a_new_card,
    "link": by_link,
}


def test_event_log_and_report_say_what_brought_the_money(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await links(shop)
        orders = {means: await play(shop) for means, play in STORIES.items()}
        await shop.settle()
        await shop.advance(timedelta(days=9))
        for means, order_id in orders.items():
            assert (await shop.order(order_id))["stage"] == "completed", means
            said = (
                "SELECT body ->> 'By' FROM outbox WHERE subject_id = $1 AND event = "
                "'order.completed'"
            )
            assert await shop.value(said, order_id) == means
            line = (
                "SELECT body ->> 'by' FROM order_log WHERE order_id = $1 AND happening = "
                "'collected'"
            )
            assert await shop.value(line, order_id) == means
        await check(shop.world, shop.merchant_id, EVER)
        request = ReportRequest(shop.merchant_id, EVER)
        rows = (await grouped_report(shop.world, "means", request)).rows
        assert {row.means: (row.approvals, float(row.share)) for row in rows} == dict.fromkeys(
            STORIES, (1, 25.0)
        )  # type: ignore[attr-defined]
        file = b"".join([part async for part in report_csv(shop.world, "means", request)]).decode()
        assert [line.split(",")[:2] for line in file.splitlines()] == [
            ["means", "share"],
            *([means, "25.00"] for means in sorted(STORIES)),
        ]

    told(server, story)
