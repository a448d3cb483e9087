"""A database put back to an older copy, callers who repeat with the same ids and keys, 22 days: no
order is charged twice and none refunded twice, as the processors' own books say."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Literal
from uuid import UUID

from tests.databases import drop
from tests.rescue.flows.test_card_limits import plan_now
from tests.restoring import (
    REFUND,
    Callers,
    Processor,
    days,
    forgotten,
    installation,
    moved,
    ordered,
    refunded,
    twice,
)
from tests.rings import each
from tests.worlds import Shop, change_world, make_shop

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import FORM
from recoup.kernel.scope import WORKER
from recoup.orders.moves.change import Change
from recoup.orders.moves.request import renew
from recoup.orders.rules.attention import ANSWER_DIFFERS
from recoup.processors.gateways.bridge import Bridge
from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.due import start
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import EvaluateRequest

ORDERS = 6
Memory = Literal["kept", "gone"]


def story(
    server: ServerAddress, *, memory: Memory, asks: bool, fails_over: bool = False
) -> tuple[int, int, int]:
    """`memory`: of keys, at the processors. `asks`: the operator recovered. `fails_over`: the
    preferred route was away at first, and is there after the restore. Answers orders charged twice,
    refunded twice, and charged at all."""

    async def whole() -> tuple[int, int, int]:
        async with AsyncExitStack() as ends:
            processors = [await Processor().start(), await Processor().start()]
            for one in processors:
                ends.push_async_callback(one.stop)
            known, lost = Callers(), Callers()
            async with installation(server, processors, keep=True) as made:
                shop = await make_shop(*made)
                known.requests = [await shop.declined() for _ in range(ORDERS // 2)]
                lost.requests = [
                    await shop.declined(days=None if number == 0 else 21, is_mit=True)
                    for number in range(ORDERS // 2)
                ]
                await ordered(shop, known)
                copy, since = made[0].database, made[0].clocks.wall()
            async with installation(server, processors, template=copy) as made:
                processors[0].is_away = fails_over
                await _live(moved(shop, *made), known, lost)
                charged, gave = len(processors[0].taken + processors[1].taken), twice(*processors)
                assert charged == ORDERS, charged
                assert gave == (0, 0)
            processors[0].is_away = False
            if memory == "gone":
                for one in processors:
                    one.forget()
            async with installation(server, processors, template=copy) as made:
                if asks:
                    change_world(made[0], standing=forgotten(since, made[0].clocks.wall()))
                await _live(moved(shop, *made), known, lost)
                assert (found := await verify(made[0])).difference is None, found.difference
                sql = "SELECT count(*) FROM current_orders WHERE stage = 'completed'"
                async with made[0].db.connection() as connection:
                    assert await connection.fetchval(sql) == ORDERS, (
                        "what was charged is known again"
                    )
            await drop(server, copy)
            return *twice(*processors), charged

    return asyncio.run(whole())


async def _live(shop: Shop, known: Callers, lost: Callers) -> None:
    everything = Callers([*known.requests, *lost.requests])
    await ordered(shop, everything)
    await days(shop, everything)
    await refunded(shop, everything)


def test_the_same_keys_charge_nothing_twice(server: ServerAddress) -> None:
    assert story(server, memory="kept", asks=False)[:2] == (0, 0)


def test_what_the_processor_forgot_is_asked_for_first(server: ServerAddress) -> None:
    assert story(server, memory="gone", asks=True)[:2] == (0, 0)


def test_what_another_route_took_is_found_there(server: ServerAddress) -> None:
    assert story(server, memory="gone", asks=True, fails_over=True)[:2] == (0, 0)


def test_what_cannot_be_looked_up_is_for_people_and_never_sent(server: ServerAddress) -> None:
    async def whole() -> None:
        async with AsyncExitStack() as ends:
            processor = await Processor().start()
            ends.push_async_callback(processor.stop)
            async with installation(server, [processor], keep=True) as made:
                shop = await make_shop(*made)
                request = await shop.declined()
                copy, since = made[0].database, made[0].clocks.wall()
            async with installation(server, [processor], template=copy) as made:
                await _sent(moved(shop, *made), request)
            processor.forget()
            processor.lists = False
            async with installation(server, [processor], template=copy) as made:
                standing = forgotten(since - Bridge.idempotency_window, made[0].clocks.wall())
                change_world(made[0], standing=standing)
                again = moved(shop, *made)
                order_id = await _sent(again, request)
                for _ in range(3):
                    await inquire(made[0], made[1], again.key(order_id))
                assert (await again.order(order_id))["attention"] == ANSWER_DIFFERS
                assert len(processor.taken) == 1, "it was not sent again, and no question sent it"
                processor.lists = True
                await inquire(made[0], made[1], again.key(order_id))
                assert (await again.order(order_id))["stage"] == "completed", (
                    "what is found later is adopted"
                )
                assert twice(processor) == (0, 0)
            await drop(server, copy)

    asyncio.run(whole())


@each(
    "way",
    ["of a form that is opened again", "owed, older than the processor's memory", "renewed since"],
)
def test_a_refund_that_was_forgotten_is_not_given_twice(server: ServerAddress, way: str) -> None:
    by_form, renewed_since = way.startswith("of a form"), way.startswith("renewed")

    async def whole() -> None:
        async with AsyncExitStack() as ends:
            processor = await Processor().start()
            ends.push_async_callback(processor.stop)

            async def asked(shop: Shop, key: str) -> None:
                wanted = RefundRequest(amount=REFUND, key=key)
                await refund(shop.world, shop.orders, shop.scope, order_id, wanted)

            async with installation(server, [processor], keep=True) as made:
                shop = await make_shop(*made)
                order_id = await _sent(shop, await shop.declined())
                if not by_form:
                    await asked(shop, "r-1")
                copy, since = made[0].database, made[0].clocks.wall()
            async with installation(server, [processor], template=copy) as made:
                again = moved(shop, *made)
                if by_form:
                    await asked(again, f"{FORM}1")
                if renewed_since:
                    (id,) = await again.value(
                        "SELECT array_agg(modification_id) FROM modifications"
                    )

                    def later(change: Change) -> None:
                        renew(change, change.order.modification(id))

                    await again.orders.change(Job(again.key(order_id), later, WORKER, "test"))
                await again.settle()
            assert len(processor.given) == 1
            processor.forget()
            async with installation(server, [processor], template=copy) as made:
                change_world(made[0], standing=forgotten(since, made[0].clocks.wall()))
                again = moved(shop, *made)
                if way.startswith("owed"):
                    made[0].processors["r0"].idempotency_window = timedelta(hours=1)
                if by_form:
                    await asked(again, f"{FORM}2")
                await again.settle()
                assert await again.value("SELECT state FROM modifications") == "done"
            assert len(processor.given) == 1, "its key is the same, or one that follows from it"
            await drop(server, copy)

    asyncio.run(whole())


async def _sent(shop: Shop, request: EvaluateRequest) -> UUID:
    order_id = (await shop.evaluate.evaluate(shop.scope, request)).order_id
    await start(shop.orders, shop.key(order_id))
    await plan_now(shop, order_id)
    await send_attempt(shop.world, shop.orders, shop.key(order_id))
    return order_id


def test_without_asking_each_would_be_charged_again(server: ServerAddress) -> None:
    """So the tests above can fail."""
    charged_twice, refunded_twice, charged = story(server, memory="gone", asks=False)
    assert charged_twice == charged == ORDERS
    assert refunded_twice == ORDERS


CHARGED = (
    "SELECT array_agg(DISTINCT key::text) FROM attempts WHERE order_id = $1 AND state = 'approved'"
)
FOLLOWED = (
    "SELECT array_agg(kind || units || key ORDER BY key) FROM modifications WHERE order_id = $1"
)
KINDS: dict[str, dict[str, object]] = {
    "managed": {},
    "synchronous": {"days": None},
    "customer": {"is_mit": False, "days": None, "cvv": "123"},
    "hold": {"facts": {"transaction_type": "AUTHORIZATION"}},
    "void": {"facts": {"transaction_type": "AUTHORIZATION"}},
}


def test_two_lives_of_one_copy_come_to_the_same_keys(server: ServerAddress) -> None:
    """Whichever route takes a charge, and in whatever order refunds come."""

    async def life(
        copy: str, like: Shop, requests: dict[str, EvaluateRequest], *, other: bool
    ) -> dict[str, list[str]]:
        async with AsyncExitStack() as ends:
            processors = [await Processor().start(), await Processor().start()]
            for one in processors:
                ends.push_async_callback(one.stop)
            processors[0].is_away = other
            async with installation(server, processors, template=copy) as made:
                shop, found = moved(like, *made), dict[str, list[str]]()
                for name, request in reversed(requests.items()) if other else requests.items():
                    order_id = await _sent(shop, request)
                    if name == "hold":
                        wanted = CaptureRequest(order_id, 4590, "USD", "capture-1")
                        assert (await capture(shop.world, shop.orders, shop.scope, wanted)).done
                    if name == "void":
                        await refund(
                            shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True)
                        )
                    elif name != "customer":
                        for key in ("r-2", "r-1") if other else ("r-1", "r-2"):
                            wish = RefundRequest(
                                amount="1.00" if key == "r-1" else "2.00", key=f"{name}-{key}"
                            )
                            await refund(shop.world, shop.orders, shop.scope, order_id, wish)
                    await shop.settle()
                    paid = await shop.value(CHARGED, order_id)
                    found[name] = [*paid, *(await shop.value(FOLLOWED, order_id) or [])]
                routes = await shop.value(
                    "SELECT array_agg(DISTINCT route) FROM attempts WHERE state = 'approved'"
                )
                assert routes == (["r1"] if other else ["r0"])
            return found

    async def whole() -> None:
        async with installation(server, [], keep=True) as made:
            shop = await make_shop(*made)
            requests = {name: await shop.declined(**more) for name, more in KINDS.items()}
            copy = made[0].database
        one, two = [await life(copy, shop, requests, other=other) for other in (False, True)]
        assert one == two
        assert [len(found) for found in one.values()] == [3, 3, 1, 4, 2]
        await drop(server, copy)

    asyncio.run(whole())
