"""One day at each vendor (charges, a partial capture, refunds here and there, a dispute, fees, one
of them given back, a payout) in the reports that the vendor tells merchants to download: each line
is a movement of ours, or a cost."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest
from connectors.made_there import AtAdyen, AtBraintree, AtNmi, AtStripe, reference_of
from connectors.test_made_there import Ground, play  # noqa: F401 - a fixture
from tests.comparing import compare, person, verdicts
from tests.refund_states import authorised

from recoup.kernel.problem import Problem
from recoup.reconciliation.flows.book_differences import book_lines
from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup_lab.processors.reports import LAYOUTS

COSTS = frozenset({"cost", "cost_returned", "funding"})
# Reports that have each movement once; the others are of the same movements.
WHOLE = {
    "stripe": ("balance_change_from_activity.itemized", "payouts.itemized"),
    "adyen": ("settlement_detail_report",),
    "braintree": ("transaction_level_fees", "disputes"),
    "nmi": ("transactions",),
}
PLACES = (
    "SELECT coalesce(sum(units), 0)::bigint FROM entries WHERE account = 'clearing' AND "
    "merchant_id = $1"
)


async def the_day(on: Ground) -> None:
    vendor, shop = on.vendor, on.shop
    orders = [await on.paid() for _ in range(3)]
    held = await authorised(shop)
    with suppress(Problem):  # Adyen's result follows
        await capture(shop.world, shop.orders, shop.scope, CaptureRequest(held, 2000, "USD", "k"))
    await on.hear()
    vendor.settle()
    await on.give_back(orders[0], "6.89")
    await on.give_back(orders[0], "6.89")
    vendor.refund(await reference_of(shop, orders[1]), 300)
    await shop.run_due()
    await on.hear()
    vendor.disputed(await reference_of(shop, orders[2]))
    await on.hear()
    vendor.costs()
    vendor.settle()


async def downloaded(on: Ground, name: str) -> bytes:
    async with httpx.AsyncClient() as client:
        listed = (await client.get(f"{on.vendor.standin.url}/downloads")).json()
        address = f"{on.vendor.standin.url}/downloads/{name}.csv"
        assert address in listed
        return (await client.get(address)).content


@pytest.mark.parametrize("kind", [AtStripe, AtAdyen, AtBraintree, AtNmi])
def test_each_line_of_a_vendors_own_report_is_one_of_ours(
    play: Callable[..., None],  # noqa: F811
    kind: type[Any],
) -> None:
    async def story(on: Ground) -> None:
        await the_day(on)
        compared = list[Any]()
        for name in LAYOUTS[on.vendor.name]:
            content = await downloaded(on, name)
            assert len(content.splitlines()) > 1, name
            ran = await compare(on.shop, content)
            lines = await verdicts(on.shop, ran)
            odd = [
                (one.type, one.outcome, one.reason, one.units, one.reference, one.finding)
                for one in lines
                if one.outcome not in ("matched", "missing_there") and one.reason not in COSTS
            ]
            assert odd == [], name
            if name in WHOLE[on.vendor.name]:
                compared.append((ran, lines, content))
        here, there = (
            {
                (one.order_id, one.type)
                for _, lines, _ in compared
                for one in lines
                if one.outcome == outcome
            }
            for outcome in ("matched", "missing_there")
        )
        assert there <= here, "each movement of ours is in one of them"
        assert len(compared) == len(WHOLE[on.vendor.name])
        for ran, _, _ in compared:
            await book_lines(
                on.shop.world, person(on.shop), ran.run.run_id, None, "the costs of the day"
            )
        assert await on.shop.value(PLACES, on.shop.merchant_id) == on.vendor.balance()

    play(kind, story)
