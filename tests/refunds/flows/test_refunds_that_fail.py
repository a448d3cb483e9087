"""A refund that was made and came back: owed to the customer again, on the desk, with no stage that
goes back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import UUID

import pytest
from tests.comparing import compare, outcomes, statement
from tests.refund_states import authorised, collected
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.orders.moves.change import Change
from recoup.orders.rules.refund_limits import Limits
from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup.refunds.flows.limits import change_limits
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.review_queue import decide
from recoup.refunds.moves.elsewhere import failed_since

Story = Callable[[Shop], Awaitable[None]]
STATES = "SELECT array_agg(kind || ' ' || state ORDER BY modification_no) FROM modifications"
SUMS = """SELECT jsonb_object_agg(account, units)
    FROM (SELECT account, sum(units) AS units FROM entries
    GROUP BY account HAVING sum(units) <> 0) s"""


@pytest.fixture(scope="module")
def play(server: ServerAddress) -> Callable[..., None]:
    def run(story: Story, *, unknown_to_the_issuer: bool = False) -> None:
        async def whole() -> None:
            async with sandbox_world(server) as made:
                shop = await make_shop(*made)
                await story(shop)
                await shop.close_pages()
                found = (await verify(shop.world)).difference
                assert (
                    found is None or unknown_to_the_issuer and found.field.startswith("issuer's")
                ), found

        asyncio.run(whole())

    return run


async def failed_there(shop: Shop, number: int) -> UUID:
    """The issuer's book says that it came back."""
    find = "SELECT modification_id FROM modifications WHERE modification_no = $1"
    id: UUID = await shop.value(find, number)
    async with owner(shop.world) as connection:
        wire = (
            "SELECT coalesce(send_id, modification_id) FROM modifications WHERE "
            "modification_id = $1"
        )
        back = "UPDATE issuer.reversals SET failed_at = decided_at WHERE id = $1"
        await connection.execute(back, await connection.fetchval(wire, id))
    return id


async def fails(shop: Shop, order_id: UUID, number: int) -> bool:
    """It came back, and that is told."""
    id = await failed_there(shop, number)

    def work(change: Change) -> bool:
        return failed_since(change, change.order.modification(id))

    return await shop.orders.run(work, shop.key(order_id))


def by(shop: Shop, name: str) -> Scope:
    return Scope(shop.merchant_id, Actor("user", name), "test")


async def given_back(shop: Shop, amount: str = "20.00") -> UUID:
    order_id = await collected(shop)
    await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount=amount))
    await shop.settle()
    return order_id


def test_it_is_owed_again_once_and_sent_again_by_a_person(play: Callable[..., None]) -> None:
    async def story(shop: Shop) -> None:
        order_id = await given_back(shop)
        before = await shop.value(SUMS)
        assert [await fails(shop, order_id, 1) for _ in range(2)] == [True, False], (
            "a notice may come twice"
        )
        assert await shop.value(STATES) == ["refund failed", "refund stuck"]
        order = await shop.order(order_id)
        assert (order["stage"], order["attention"]) == ("completed", "refund_failed")
        assert await shop.value("SELECT refunded_units FROM order_heads") == 2000, "it counts on"
        owed = await shop.value(SUMS)
        assert (owed["refund_due"], owed["clearing"] - before["clearing"]) == (-2000, 2000)
        body = await shop.value("SELECT body FROM outbox WHERE event = 'order.refundfailed'")
        assert body["RefundAmount"] == 2000
        with pytest.raises(Problem) as over:
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="25.91")
            )
        assert over.value.code == "over_remainder"
        ran = await compare(shop, await statement(shop))
        assert await outcomes(shop, ran) == {"matched": 3}
        again = await shop.value("SELECT modification_id FROM modifications WHERE state = 'stuck'")
        await decide(shop.world, shop.orders, by(shop, "olga"), again, "again")
        await shop.settle()
        assert await shop.value(STATES) == ["refund failed", "refund done"]
        assert (await shop.order(order_id))["attention"] is None
        assert await shop.value(SUMS) == before
        assert await fails(shop, order_id, 2), "and this one fails as well"
        assert await shop.value(STATES) == ["refund failed", "refund failed", "refund stuck"]

    play(story)


def test_it_is_paid_otherwise_by_two_people_or_closed_with_a_reason(
    play: Callable[..., None],
) -> None:
    async def story(shop: Shop) -> None:
        for number, action in enumerate(("by hand", "refuse")):
            order_id = await given_back(shop)
            find = "SELECT modification_id FROM modifications WHERE order_id = $1 AND state = $2"
            await shop.orders.run(
                lambda change: failed_since(change, change.order.modifications[0]),
                shop.key(order_id),
            )
            again = await shop.value(find, order_id, "stuck")
            if action == "refuse":
                await decide(
                    shop.world,
                    shop.orders,
                    by(shop, "olga"),
                    again,
                    "refuse",
                    "The account is closed.",
                )
                assert (
                    await shop.value(
                        "SELECT refunded_units FROM order_heads WHERE order_id = $1", order_id
                    )
                    == 0
                )
            else:
                await decide(
                    shop.world, shop.orders, by(shop, "olga"), again, "propose", "Transfer 17."
                )
                with pytest.raises(Problem):
                    await decide(shop.world, shop.orders, by(shop, "olga"), again, "confirm")
                await decide(shop.world, shop.orders, by(shop, "otto"), again, "confirm")
                assert await fails(shop, order_id, 2) is False, "no processor made it"
            assert (await shop.order(order_id))["attention"] is None, number
        assert not (await shop.value(SUMS)).get("refund_due")

    play(story)


def test_a_capture_that_fails_later_takes_its_money_back_and_is_a_case(
    play: Callable[..., None],
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await authorised(shop)
        await capture(
            shop.world, shop.orders, shop.scope, CaptureRequest(order_id, 4590, "USD", "k")
        )
        for _ in range(2):
            await shop.orders.run(
                lambda change: failed_since(change, change.order.modifications[0]),
                shop.key(order_id),
            )
        order = await shop.order(order_id)
        assert (order["stage"], order["attention"]) == ("completed", "capture_failed")
        assert (await shop.happenings(order_id)).count("capture_failed") == 1
        assert await shop.value(STATES) == ["capture done", "refund done"]
        assert await shop.value(SUMS) is None, "the processor has nothing, and nothing is owed"

    play(story, unknown_to_the_issuer=True)


def test_what_a_dispute_gave_back_is_not_owed_again(play: Callable[..., None]) -> None:
    """The customer has the money by the dispute: the refund that came back is not paid a second
    time."""

    async def story(shop: Shop) -> None:
        order_id = await given_back(shop, "45.90")
        refund_id = await failed_there(shop, 1)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id))
        assert await shop.value("SELECT array_agg(units) FROM disputes") == [4590]
        late = await shop.orders.run(
            lambda change: failed_since(change, change.order.modification(refund_id)),
            shop.key(order_id),
        )
        assert late
        assert await shop.value(STATES) == ["refund failed", "refund refused"]
        assert await shop.value("SELECT refunded_units FROM order_heads") == 0
        assert not (await shop.value(SUMS)).get("refund_due")
        assert await fails(shop, order_id, 1) is False

    play(story)


def test_of_a_part_that_a_dispute_left_the_refund_that_came_back_is_owed(
    play: Callable[..., None],
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await given_back(shop)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), units=2590)
        assert await fails(shop, order_id, 1)
        assert await shop.value(STATES) == ["refund failed", "refund stuck"]

    play(story)


def test_who_gave_it_back_has_used_their_limit_although_it_came_back(
    play: Callable[..., None],
) -> None:
    async def story(shop: Shop) -> None:
        person, order_id = replace(by(shop, "ada"), role="operations"), await collected(shop)
        await change_limits(shop.world, shop.scope, "operations", "USD", Limits(day_max_units=2000))

        async def give(amount: str) -> None:
            await refund(shop.world, shop.orders, person, order_id, RefundRequest(amount=amount))

        await give("20.00")
        await shop.settle()
        assert await fails(shop, order_id, 1)
        with pytest.raises(Problem) as over:
            await give("0.01")
        assert over.value.code == "forbidden"

    play(story)
