"""A hold captured in parts: each part is booked when the processor has it, the order is worth what
was captured, and the rest is let go."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from tests.comparing import compare, outcomes, statement, verdicts
from tests.refund_states import authorised, do_cancel, first_dispute
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.disputes.moves.case import apply_notice
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.networks.disputes import Refused
from recoup.orders.moves.change import Change
from recoup.refunds.flows.capture import Captured, CaptureRequest, capture
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.send import send_modification
from recoup.rescue.moves.capture import ask_capture

Story = Callable[[Shop], Awaitable[None]]
UNITS = 4590
SUMS = """SELECT jsonb_object_agg(account, units)
    FROM (SELECT account, sum(units) AS units FROM entries
    GROUP BY account HAVING sum(units) <> 0) s"""
HEAD = "SELECT status, units, refunded_units FROM order_heads WHERE order_id = $1"


@pytest.fixture(scope="module")
def play(server: ServerAddress) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def whole() -> None:
            async with sandbox_world(server) as made:
                shop = await make_shop(*made)
                await story(shop)
                await shop.close_pages()
                assert (done := await verify(shop.world)).difference is None, done.difference

        asyncio.run(whole())

    return run


async def take(
    shop: Shop, order_id: UUID, units: int, *, final: bool | None, key: str | None = None
) -> Captured:
    key = key or f"{order_id}/{units}/{final}"
    return await capture(
        shop.world, shop.orders, shop.scope, CaptureRequest(order_id, units, "USD", key, final)
    )


async def head(shop: Shop, order_id: UUID) -> tuple[int, int, int]:
    row = await shop.world.db.fetchrow(HEAD, order_id)
    assert row is not None
    return tuple(row)


async def refused(shop: Shop, order_id: UUID, units: int, *, final: bool | None) -> str:
    try:
        done = await take(shop, order_id, units, final=final)
    except Problem as problem:
        return problem.code
    return f"captured {done.captured_units}" if done.done else "refused"


def test_parts_are_booked_as_they_come_and_the_final_one_completes(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        first = await take(shop, order_id, 1000, final=False)
        assert (first.done, first.captured_units, first.held_units) == (True, 1000, 3590)
        assert await head(shop, order_id) == (5, UNITS, 0)
        assert await shop.value(SUMS) == {"clearing": 1000, "merchant_payable": -1000}
        again = await take(shop, order_id, 1000, final=False)
        assert (again.capture_id, again.captured_units) == (first.capture_id, 1000), (
            "the same key is the same capture"
        )
        second = await take(shop, order_id, 500, final=False)
        assert second.held_units == 3090
        last = await take(shop, order_id, 2000, final=True)
        assert (last.captured_units, last.held_units) == (3500, 0)
        assert await head(shop, order_id) == (7, 3500, 0)
        assert (await shop.value(SUMS))["clearing"] == 3500
        assert not await shop.value("SELECT count(*) FROM modifications WHERE kind = 'void'"), (
            "released with the last"
        )
        assert await shop.value(
            "SELECT body -> 'Order' ->> 'Amount' FROM outbox WHERE event = 'order.completed'"
        ) == ("3500")
        assert await refused(shop, order_id, 10, final=True) == "wrong_state"
        with pytest.raises(Problem) as over:
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="35.01")
            )
        assert over.value.code == "over_remainder"
        for amount in ("10.00", "5.00", None):
            request = RefundRequest(amount=amount, all=amount is None)
            await refund(shop.world, shop.orders, shop.scope, order_id, request)
        await shop.run_due()
        assert await head(shop, order_id) == (6, 3500, 3500)
        assert not (await shop.value(SUMS) or {}).get("clearing")

    play(story)


def test_what_is_not_captured_is_let_go_when_the_merchant_says_so_or_the_window_ends(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        released, forgotten = await authorised(shop), await authorised(shop)
        for order_id in (released, forgotten):
            await take(shop, order_id, 1200, final=False)
        assert await do_cancel(shop, released) == "wrong_state", "what is charged is not cancelled"
        with pytest.raises(Problem) as held:
            await refund(shop.world, shop.orders, shop.scope, released, RefundRequest(all=True))
        assert held.value.code == "wrong_state"
        done = [await take(shop, released, 0, final=True, key="let go") for _ in range(2)]
        assert [(one.done, one.captured_units, one.held_units) for one in done] == [
            (True, 1200, 0)
        ] * 2
        await shop.advance(timedelta(days=8))
        for order_id in (released, forgotten):
            assert await head(shop, order_id) == (7, 1200, 0)
        void = "SELECT array_agg(state || units) FROM modifications WHERE kind = 'void'"
        assert await shop.value(void) == ["done3390"] * 2

    play(story)


def test_amounts_that_cannot_be_captured_take_nothing(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        for units, final in ((0, None), (0, False), (4591, True), (4591, False), (1000, None)):
            assert await refused(shop, order_id, units, final=final) == "capture_amount", (
                units,
                final,
            )
        assert await refused(shop, order_id, 0, final=True) == "wrong_state", (
            "nothing of it is captured yet"
        )
        assert await head(shop, order_id) == (5, UNITS, 0)
        assert not await shop.value("SELECT count(*) FROM modifications")
        await take(shop, order_id, 4000, final=False)
        assert await refused(shop, order_id, 591, final=False) == "capture_amount"
        whole = await take(shop, order_id, 590, final=False)
        assert (whole.captured_units, whole.held_units) == (4590, 0), (
            "nothing is left: it is the final one"
        )
        assert await head(shop, order_id) == (7, 4590, 0)

    play(story)


def test_a_route_that_takes_one_capture_says_so_before_anything_is_sent(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        sandbox = shop.world.processors["sandbox"]
        sandbox.multicapture = False
        with pytest.raises(Problem) as one:
            await take(shop, order_id, 1000, final=False)
        assert (one.value.code, one.value.field) == ("capture_amount", "finalCapture")
        done = await take(shop, order_id, 1000, final=True)
        sandbox.multicapture = True
        assert (done.captured_units, done.held_units) == (1000, 0)
        assert await head(shop, order_id) == (7, 1000, 0)

    play(story)


def test_a_dispute_of_a_part_ends_the_capturing(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        await take(shop, order_id, 1500, final=False)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id))
        await shop.run_due()
        assert await head(shop, order_id) == (8, 1500, 0)
        assert await shop.value("SELECT array_agg(units) FROM disputes") == [1500]
        assert await shop.value(
            "SELECT array_agg(state || units) FROM modifications WHERE kind = 'void'"
        ) == ["done3090"]
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), decided="won")
        assert await head(shop, order_id) == (7, 1500, 0)

    play(story)


def test_each_part_is_a_line_of_the_processors_statement(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        order_id, other = await authorised(shop), await authorised(shop)
        for number in range(3):
            await take(shop, order_id, 700, final=False, key=f"part {number}")
        await take(shop, order_id, 100, final=True)
        await take(shop, other, 4590, final=None)
        ran = await compare(shop, await statement(shop))
        assert await outcomes(shop, ran) == {"matched": 5}
        assert {row.reason for row in await verdicts(shop, ran)} == {"by_id"}

    play(story)


async def asked(shop: Shop, order_id: UUID, units: int) -> UUID:
    """A part whose call has not left yet."""

    def work(change: Change) -> UUID:
        return ask_capture(change, units.to_bytes(8), units, final=False).modification_id

    return await shop.orders.run(work, shop.key(order_id))


def test_no_more_is_taken_of_what_the_customer_paid_otherwise_while_a_part_was_out(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        out = await asked(shop, order_id, 1000)
        name = await shop.value("SELECT external_id FROM orders WHERE order_id = $1", order_id)
        await shop.transmitted(external_id=name, declined=False, transaction_id="own")
        assert await head(shop, order_id) == (5, UNITS, 0), "the part's answer decides"
        await send_modification(shop.world, shop.orders, shop.merchant_id, out)
        assert await head(shop, order_id) == (7, 1000, 0)
        assert await shop.value("SELECT attention FROM order_heads") == "paid_twice"
        await shop.run_due()
        assert await shop.value(
            "SELECT array_agg(state || units) FROM modifications WHERE kind = 'void'"
        ) == ["done3590"]
        assert await refused(shop, order_id, 3590, final=True) == "wrong_state"

    play(story)


def test_a_notice_of_a_dispute_that_is_refused_ends_no_capturing(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        await take(shop, order_id, 1000, final=False)
        charge = await shop.value("SELECT attempt_id FROM attempts WHERE order_id = $1", order_id)

        def notice(units: int, currency: str) -> Callable[[Change], object]:
            said = first_dispute(shop.merchant_id, charge, units, currency)
            return lambda change: apply_notice(change, "sandbox", said)

        for units, currency in ((1001, "USD"), (500, "EUR")):
            assert isinstance(
                await shop.orders.run(notice(units, currency), shop.key(order_id), cards=True),
                Refused,
            )
            assert await head(shop, order_id) == (5, UNITS, 0)
        assert (await take(shop, order_id, 3590, final=True)).captured_units == UNITS

    play(story)
