"""Refunds by people against real rows: limits under races, a second person's word, and what becomes
of a request."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.settlement.flows.test_fees import paid
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.orders.rules.refund_limits import Limits
from recoup.refunds.flows import requests, review_queue
from recoup.refunds.flows.limits import change_limits, read_limits
from recoup.refunds.flows.refund import RefundAnswer, RefundRequest, refund
from recoup.rescue.flows.on_demand import clear_fault, set_fault

ANN, BEN, EVE = (Actor("user", str(UUID(int=n))) for n in (1, 2, 3))


def scope(shop: Shop, who: Actor, role: str | None = None) -> Scope:
    return Scope(shop.merchant_id, who, "test", role)


async def limit(
    shop: Shop,
    most: int | None = None,
    day: int | None = None,
    second: int | None = None,
    role: str = "operations",
    asset: str = "USD",
) -> None:
    await change_limits(shop.world, scope(shop, ANN), role, asset, Limits(most, day, second))


async def ask(
    shop: Shop,
    order_id: UUID,
    amount: str,
    who: Actor = ANN,
    key: str | None = None,
    role: str | None = "operations",
) -> RefundAnswer:
    """`role` None: a key asks, which has no limits."""
    asked, by = RefundRequest(amount=amount, key=key), who if role else Actor("api", "key")
    return await refund(shop.world, shop.orders, scope(shop, by, role), order_id, asked)


async def agree(
    shop: Shop,
    request_id: UUID,
    who: Actor = BEN,
    *,
    seen: int = 0,
    role: str = "owner",
    requester_role: str | None = "operations",
) -> None:
    await requests.approve(
        shop.world,
        shop.orders,
        scope(shop, who, role),
        request_id,
        requester_role=requester_role,
        seen_units=seen,
    )


async def refused(work: Awaitable[object]) -> Problem:
    with pytest.raises(Problem) as problem:
        await work
    return problem.value


async def refunded(shop: Shop) -> int:
    return int(
        await shop.value(
            "SELECT coalesce(sum(units), 0) FROM modifications WHERE state <> 'refused'"
        )
    )


async def state(shop: Shop, request_id: UUID) -> str:
    return str(
        await shop.value("SELECT state FROM refund_requests WHERE request_id = $1", request_id)
    )


def told(server: ServerAddress, work: Callable[[Shop], Any]) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            await work(shop)
            await shop.settle()
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(story())


def test_many_refunds_of_one_person_at_once_stay_within_their_day(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, day=3_000)
        ids = [await paid(shop, 5_000) for _ in range(6)]
        calls = [ask(shop, order_id, "7.00") for order_id in ids for _ in range(5)]
        calls += [ask(shop, order_id, "9.00", BEN) for order_id in ids[:2]]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        made = [a for a in answers[:30] if isinstance(a, RefundAnswer)]
        assert {a.code for a in answers[:30] if isinstance(a, Problem)} == {"forbidden"}
        # Without a key the same words of the same order are the same refund while it is open.
        assert sum({a.refund_id: a.units for a in made}.values()) == 2_800
        assert all(isinstance(a, RefundAnswer) for a in answers[30:]), (
            "another person has a day of their own"
        )
        by_ann = await shop.value(
            "SELECT sum(units) FROM modifications WHERE actor = $1", ANN.text()
        )
        assert by_ann == 2_800
        assert "2.00 USD are left" in (await refused(ask(shop, ids[0], "20.00"))).message

    told(server, work)


def test_a_day_fills_up_to_its_limit_and_no_further_under_a_race_with_keys(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, day=10_000)
        ids = [await paid(shop, 9_000) for _ in range(4)]
        calls = [
            ask(shop, order_id, "7.00", key=f"{order_id}-{n}") for n in range(8) for order_id in ids
        ]
        answers = await asyncio.gather(*calls, *calls_again(shop, ids), return_exceptions=True)
        assert await refunded(shop) == 9_800  # 14 of 7.00: the 15th would pass 100.00
        assert len({a.refund_id for a in answers if isinstance(a, RefundAnswer)}) == 14
        await shop.advance(timedelta(days=1))
        assert not (await ask(shop, ids[0], "7.00", key="tomorrow")).waits
        assert not (await ask(shop, ids[0], "7.00", key="api", role=None)).waits

    told(server, work)


def calls_again(shop: Shop, ids: list[UUID]) -> list[Awaitable[RefundAnswer]]:
    """Every form is pressed twice."""
    return [
        ask(shop, order_id, "7.00", key=f"{order_id}-{n}") for n in range(8) for order_id in ids
    ]


def test_what_was_refused_gives_its_room_back(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, day=1_000)
        order_id = await paid(shop, 5_000)
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        made = await ask(shop, order_id, "10.00")
        await shop.settle()
        await clear_fault(shop.world, "refuse")
        assert (await refused(ask(shop, order_id, "0.01"))).code == "forbidden"
        await review_queue.decide(
            shop.world, shop.orders, scope(shop, BEN), made.refund_id, "refuse", "paid in the shop"
        )
        assert not (await ask(shop, order_id, "9.99")).waits

    told(server, work)


def test_a_second_person_makes_it_one_refund_however_often_they_press(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=2_000)
        order_id = await paid(shop, 9_000)
        assert not (await ask(shop, order_id, "19.99", key="small")).waits
        asked = await ask(shop, order_id, "20.00", key="one")
        assert asked.waits
        assert (await ask(shop, order_id, "20.00", key="one")).refund_id == asked.refund_id, (
            "the same form"
        )
        assert (await refused(ask(shop, order_id, "30.00"))).code == "wrong_state", "one at a time"
        assert await refunded(shop) == 1_999
        own = await refused(agree(shop, asked.refund_id, ANN, seen=1_999))
        assert own.code == "forbidden"
        assert (await refused(agree(shop, asked.refund_id, seen=0))).code == "wrong_state"
        answers = await asyncio.gather(
            *(agree(shop, asked.refund_id, who, seen=1_999) for who in [BEN, EVE] * 6),
            return_exceptions=True,
        )
        assert {a.code for a in answers if isinstance(a, Problem)} == {"wrong_state"}
        assert sum(a is None for a in answers) == 6, "the same word of the same person does nothing"
        assert await refunded(shop) == 3_999
        by = await shop.value(
            "SELECT actor || ' ' || approved_by FROM modifications WHERE modification_id = $1",
            asked.refund_id,
        )
        assert by in (f"{ANN.text()} {BEN.text()}", f"{ANN.text()} {EVE.text()}")

    told(server, work)


def test_parts_of_one_order_count_together(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=2_000)
        order_id, other = await paid(shop, 9_000), await paid(shop, 9_000)
        assert not (await ask(shop, order_id, "19.99")).waits
        assert (await ask(shop, order_id, "0.01")).waits
        assert not (await ask(shop, other, "19.99")).waits
        assert not (await ask(shop, order_id, "19.98", BEN)).waits, (
            "another person begins at nothing"
        )

    told(server, work)


def test_what_the_order_does_not_allow_any_more_is_not_approved(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=2_000)
        order_id = await paid(shop, 5_000)
        asked = await ask(shop, order_id, "40.00")
        await ask(shop, order_id, "20.00", role=None)  # by the API
        problem = await refused(agree(shop, asked.refund_id, seen=2_000))
        assert "no longer allows it" in problem.message
        await requests.refuse(
            shop.world, shop.orders, scope(shop, BEN), asked.refund_id, "already by the shop"
        )
        again = await refused(agree(shop, asked.refund_id, seen=2_000))
        assert again.message == "It was refused already."
        assert await refunded(shop) == 2_000

    told(server, work)


def test_limits_of_the_approver_and_of_who_asked_hold_at_the_approval(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=2_000)
        await limit(shop, most=3_000, role="owner")
        order_id = await paid(shop, 9_000)
        asked = await ask(shop, order_id, "40.00")
        assert (await refused(agree(shop, asked.refund_id))).code == "forbidden"
        assert (
            await refused(agree(shop, asked.refund_id, role="operations", requester_role=None))
        ).code == "wrong_state"
        await limit(shop, day=4_500, second=2_000)
        assert not (await ask(shop, await paid(shop, 900), "9.00")).waits
        full = await refused(agree(shop, asked.refund_id, role="operations"))
        assert "Who asked has refunded 9.00 USD of 45.00 USD today" in full.message
        await shop.advance(timedelta(days=1))
        await agree(shop, asked.refund_id, role="operations")
        assert await state(shop, asked.refund_id) == "approved"

    told(server, work)


def test_a_week_later_it_is_over_and_only_who_asked_takes_it_back(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=100)
        order_id, other = await paid(shop, 5_000), await paid(shop, 5_000)
        asked, kept = await ask(shop, order_id, "40.00"), await ask(shop, other, "40.00")
        foreign = await refused(
            requests.withdraw(shop.world, shop.orders, scope(shop, BEN), asked.refund_id)
        )
        assert foreign.code == "forbidden"
        for _ in range(2):
            await requests.withdraw(shop.world, shop.orders, scope(shop, ANN), asked.refund_id)
        assert await state(shop, asked.refund_id) == "withdrawn"
        await shop.advance(timedelta(days=7, minutes=1))
        assert await state(shop, kept.refund_id) == "expired"
        assert (
            await refused(agree(shop, kept.refund_id))
        ).message == "Nobody agreed within seven days."
        assert await refunded(shop) == 0
        assert (await ask(shop, other, "40.00")).waits, "it can be asked for again"
        assert (await refused(agree(shop, UUID(int=9)))).code == "not_found"

    told(server, work)


def test_approval_withdrawal_and_refusal_at_once_leave_one_end(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=100)
        for _ in range(5):
            order_id = await paid(shop, 5_000)
            before = await refunded(shop)
            asked = await ask(shop, order_id, "40.00")
            await asyncio.gather(
                agree(shop, asked.refund_id),
                requests.withdraw(shop.world, shop.orders, scope(shop, ANN), asked.refund_id),
                requests.refuse(shop.world, shop.orders, scope(shop, EVE), asked.refund_id, "no"),
                return_exceptions=True,
            )
            end = await state(shop, asked.refund_id)
            assert await refunded(shop) - before == (4_000 if end == "approved" else 0)

    told(server, work)


def test_another_merchants_request_is_not_found(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, second=100)
        asked = await ask(shop, await paid(shop, 5_000), "40.00")
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        assert (await refused(agree(other, asked.refund_id))).code == "not_found"
        gone = await refused(
            requests.refuse(shop.world, shop.orders, scope(other, BEN), asked.refund_id, "no")
        )
        assert gone.code == "not_found"

    told(server, work)


def test_limits_are_noted_with_what_they_were(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await limit(shop, day=10_000)
        await limit(shop, day=10_000)
        await limit(shop, day=20_000, second=500)
        assert (await read_limits(shop.world, shop.merchant_id)) == {
            ("operations", "USD"): Limits(None, 20_000, 500)
        }
        async with owner(shop.world) as connection:
            lines = await connection.fetch("SELECT facts FROM audit_lines ORDER BY at")
        assert len(lines) == 2, "nothing changed by the second form"
        assert '"day_max_units": [10000, 20000]' in lines[1]["facts"]

    told(server, work)


def test_who_acts_in_somebodys_name_is_not_the_second_person_and_has_no_day_of_their_own(
    server: ServerAddress,
) -> None:
    as_ann, as_role = Actor("user", ANN.id, BEN.id), Actor("user", "operations", EVE.id)

    async def work(shop: Shop) -> None:
        await limit(shop, day=5_000, second=2_000)
        order_id, other = await paid(shop, 9_000), await paid(shop, 9_000)
        asked = await ask(shop, order_id, "20.00", as_ann)
        for who in (ANN, BEN, as_ann, Actor("user", EVE.id, BEN.id)):
            assert (await refused(agree(shop, asked.refund_id, who))).code == "forbidden", who
        await agree(shop, asked.refund_id, EVE)
        assert not (await ask(shop, other, "19.00")).waits
        assert (
            "11.00 USD are left"
            in (await refused(ask(shop, await paid(shop, 9_000), "12.00"))).message
        )
        assert (await ask(shop, other, "1.00", Actor("user", EVE.id, ANN.id))).waits, (
            "parts count together"
        )
        assert not (await ask(shop, await paid(shop, 9_000), "1.00", as_role)).waits

    told(server, work)
