"""A process dies between every two steps of what collects a payment in parts, gives a part back, or
refunds over both charges. See the stories beside."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.rescue.flows.test_kill_between_statements import (
    ONCE,
    POLICY,
    Act,
    Case,
    Prepare,
    Story,
    do_cancel,
    do_expire,
    do_send,
    do_send_refund,
    do_transmit,
    kill_everywhere,
    ready,
    until_nothing_is_due,
)
from tests.rings import deep
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.scope import WORKER
from recoup.orders.moves.change import Change
from recoup.parts.flows import set_part_terms
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.plan import plan_attempt

pytestmark = deep("kills")

UNITS, PART = 4590, 1500


async def next_is_due(shop: Shop, case: Case) -> None:
    """What is planned, now, and for what it is planned."""

    def soon(change: Change) -> None:
        attempt = change.order.planned()
        assert attempt is not None
        plan_attempt(change, change.now, "funds", attempt.decision_id, units=attempt.units)

    assert case.order_id
    await shop.orders.change(Job(shop.key(case.order_id), soon, WORKER, "test"))


async def send_next(shop: Shop, case: Case) -> None:
    assert case.order_id
    await next_is_due(shop, case)
    assert await send_attempt(shop.world, shop.orders, shop.key(case.order_id)) in (
        "approved",
        "declined",
    )


def tried(sends: int, then: Act | None = None, *, due: bool = False) -> Prepare:
    """An order with so many sends: the whole, declined; a part; the rest."""

    async def prepare(shop: Shop) -> Case:
        case = await ready(ONCE, UNITS, days=30)(shop)
        for _ in range(sends):
            await send_next(shop, case)
        if due:
            await next_is_due(shop, case)
        if then is not None:
            await then(shop, case)
        return case

    return prepare


async def with_reversal(shop: Shop, case: Case) -> None:
    await do_cancel(shop, case)
    of_order = "SELECT modification_id FROM modifications WHERE order_id = $1"
    case.more["refund_id"] = await shop.value(of_order, case.order_id)
    assert case.more["refund_id"]


async def do_refund_over_both(shop: Shop, case: Case) -> Any:
    assert case.order_id
    asked = RefundRequest(amount="30.00", key=f"refund {case.order_id}")
    return await refund(shop.world, shop.orders, shop.scope, case.order_id, asked)


LATER = timedelta(days=40)
STORIES = (
    (Story("a part, approved", tried(1, due=True), do_send), "refund"),
    (Story("the rest, approved", tried(2, due=True), do_send), "refund"),
    (Story("cancel with a part", tried(2), do_cancel, again=True), "keep"),
    (Story("paid elsewhere with a part", tried(2), do_transmit, again=True), "keep"),
    (Story("expire, refund", tried(2), do_expire, after=LATER), "refund"),
    (Story("expire, keep", tried(2), do_expire, after=LATER), "keep"),
    (Story("a part goes back", tried(2, with_reversal), do_send_refund), "refund"),
    (Story("refund over both charges", tried(3), do_refund_over_both, again=True), "refund"),
)
# what the processor has at the end of each order, by what is killed
LEFT = {
    "cancel with a part": {0, PART},  # those that no case needed wait on
    "paid elsewhere with a part": {0, PART},
    "expire, refund": {0},
    "expire, keep": {PART},
    "a part goes back": {0},
    "refund over both charges": {UNITS, UNITS - 3000},
}


@pytest.mark.prove("kills")
@pytest.mark.timeout(1200)
def test_a_kill_between_any_two_steps(server: ServerAddress) -> None:
    async def tell() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            told: list[tuple[Story, Shop, list[Case]]] = []
            for story, at_expiry in STORIES:
                shop = await make_shop(*made)
                await set_part_terms(
                    shop.world,
                    shop.scope,
                    {"enabled": True, "count_max": 1, "at_expiry": at_expiry},
                )
                cases, steps = await kill_everywhere(shop, story)
                print(f"{story.name}: {steps} steps, {2 * steps} kills")
                told.append((story, shop, cases))
            await until_nothing_is_due(told[0][1])
            for story, shop, cases in told:
                if story.after:
                    await shop.settle()
                await _judge(shop, story.name, cases)
                await shop.close_pages()
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(tell())


async def _judge(shop: Shop, name: str, cases: list[Case]) -> None:
    """The processor has what the story ends with, by its own book and by ours, and charged each
    attempt once."""
    assert cases
    async with owner(shop.world) as connection:
        theirs = await connection.fetch(
            """
            SELECT s.order_id, sum(s.units - coalesce((SELECT sum(r.units) FROM issuer.reversals r
              WHERE r.charge_id = s.id AND r.decision = 'approved'
                AND r.kind IN ('refund', 'void')), 0))::bigint
              AS units FROM issuer.sends s WHERE s.decision = 'approved'
              AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = s.order_id
                AND o.merchant_id <> $1)
            GROUP BY 1""",
            shop.merchant_id,
        )
        ours = await connection.fetch(
            """
            SELECT p.order_id, sum(e.units)::bigint AS units
            FROM postings p JOIN entries e USING (merchant_id, posting_id)
            WHERE merchant_id = $1 AND e.account = 'clearing' GROUP BY 1""",
            shop.merchant_id,
        )
        paid = await connection.fetch(
            """
            SELECT order_id, array_agg(units ORDER BY attempt_no) AS units FROM attempts
            WHERE merchant_id = $1 AND state = 'approved' GROUP BY 1""",
            shop.merchant_id,
        )
    assert {row["order_id"]: row["units"] for row in theirs} == {
        row["order_id"]: row["units"] for row in ours
    }
    assert {tuple(row["units"]) for row in paid} <= {(PART,), (PART, UNITS - PART)}
    if name in LEFT:
        assert {row["units"] for row in ours} <= LEFT[name], {row["units"] for row in ours}
