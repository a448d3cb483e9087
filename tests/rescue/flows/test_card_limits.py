"""The gate before every send, one case at a time: what a merchant or a network would have
complained of."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import PATIENCE, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.policy import Policy
from recoup.kernel.scope import WORKER
from recoup.networks.magic import Answer, script_card
from recoup.orders.moves.change import Change
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows import locked
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.due import start
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Job, Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.plan import plan_attempt

# Numbers count for real here, so that orders share a card.
POLICY = Policy(
    magic_inputs=False,
    call_timeout=timedelta(seconds=0.3),
    settled_after=timedelta(seconds=0.1),
    cit_deadline=timedelta(seconds=1),
)
# Where no call is lost: however slow the machine, each is answered.
PATIENT = replace(POLICY, call_timeout=PATIENCE)


async def plan_now(shop: Shop, order_id: UUID) -> None:
    def soon(change: Change) -> None:
        plan_attempt(change, change.now, "soft", None)

    await shop.orders.change(Job(shop.key(order_id), soon, WORKER, "test"))


async def started(shop: Shop, pan: str, **more: Any) -> UUID:
    order_id = await shop.admit(pan=pan, **more)
    await start(shop.orders, shop.key(order_id))
    return order_id


async def try_now(shop: Shop, order_id: UUID) -> str | None:
    await plan_now(shop, order_id)
    return await send_attempt(shop.world, shop.orders, shop.key(order_id))


async def sends(shop: Shop) -> int:
    async with owner(shop.world) as connection:
        return int(await connection.fetchval("SELECT count(*) FROM issuer.sends"))


async def _five_orders_of_one_card(server: ServerAddress) -> int:
    """Five declines came in and 13 sends were made: two are left. All five orders are tried in one
    transaction."""
    async with sandbox_world(server, policy=PATIENT) as made:
        shop = await make_shop(*made)
        pan = script_card("visa", "51", 99)
        orders = [await started(shop, pan) for _ in range(5)]
        for _ in range(13):
            assert await try_now(shop, orders[0]) == "declined"
        for order_id in orders:
            await plan_now(shop, order_id)
        together = Orders(made[0])
        # While one writer is busy the others' jobs wait and go together.
        together._with_cards._writers = 1  # noqa: SLF001
        await asyncio.gather(*(send_attempt(made[0], together, shop.key(one)) for one in orders))
        return await sends(shop)


def test_orders_that_are_tried_in_one_transaction_see_each_others_sends(
    server: ServerAddress,
) -> None:
    assert asyncio.run(_five_orders_of_one_card(server)) == 15


def test_that_case_does_bite(server: ServerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "with_reserved", lambda given, _: given)
    assert asyncio.run(_five_orders_of_one_card(server)) > 15


def test_a_send_that_never_arrived_is_not_repeated_once_the_card_is_barred(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two orders of one card: the first one's message is lost; meanwhile the second one hears "lost
    or stolen"."""
    first = True

    def answer(self: SandboxProcessor, charge: Any, past: Any) -> Answer:
        nonlocal first
        lost, first = first, False
        return Answer(False, "51", fault="lost") if lost else Answer(False, "41")

    monkeypatch.setattr(SandboxProcessor, "_answer", answer)

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            pan = script_card("visa", "51", 99)
            lost, barred = await started(shop, pan), await started(shop, pan)
            assert await try_now(shop, lost) == "unknown"
            assert await try_now(shop.patient(), barred) == "declined"
            await asyncio.sleep(5 + 0.3 + 1.2)  # until "not found" counts
            for _ in range(3):
                await inquire(shop.world, shop.orders, shop.key(lost))
            assert await sends(shop) == 1
            state = "SELECT state FROM attempts WHERE order_id = $1 ORDER BY attempt_no LIMIT 1"
            assert await shop.value(state, lost) == "not_sent"

    asyncio.run(story())


def test_not_found_proves_nothing_of_an_id_that_may_be_forgotten(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A charge whose answer was lost was sent again after a month: to the processor a new one."""
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: Answer(False, "51", fault="lost"))

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 99))
            assert await try_now(shop, order_id) == "unknown"
            monkeypatch.setattr(SandboxProcessor, "idempotency_window", timedelta(hours=1))
            await shop.value(
                "UPDATE attempts SET send_before = send_before - interval '1 hour' WHERE order_id "
                "= $1",
                order_id,
            )
            for _ in range(3):
                await inquire(shop.world, shop.orders, shop.key(order_id))
            counted = (
                "SELECT (not_found, state, sends)::text FROM attempts WHERE order_id = $1 "
                "AND sends > 0"
            )
            assert await shop.value(counted, order_id) == "(0,unknown,1)"

    asyncio.run(story())


def test_not_found_counts_from_when_it_was_asked(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow answer to an early question proves nothing about
    what arrived while it was on its way."""
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: Answer(False, "51", fault="lost"))
    ask = SandboxProcessor.inquire

    async def slowly(self: SandboxProcessor, inquiry: Any) -> Any:
        found = await ask(self, inquiry)
        await asyncio.sleep(6.5)
        return found

    monkeypatch.setattr(SandboxProcessor, "inquire", slowly)

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 99))
            assert await try_now(shop, order_id) == "unknown"
            await inquire(shop.world, shop.orders, shop.key(order_id))
            counted = "SELECT not_found FROM attempts WHERE order_id = $1 AND state = 'unknown'"
            assert await shop.value(counted, order_id) == 0

    asyncio.run(story())


def test_a_call_leaves_no_later_than_the_database_says_however_long_the_locks_took(
    server: ServerAddress,
) -> None:
    """The wait for a lock is no grace: otherwise an inquiry says "not found" of a call that is
    still to leave."""

    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 99))
            await plan_now(shop, order_id)
            deadlines: list[tuple[float, Any]] = []
            issuer: Any = made[0].processors["sandbox"]
            charge = issuer.charge

            async def noted(call: Any) -> Any:
                left = call.send_before_monotonic - made[0].clocks.monotonic()
                deadlines.append((left, made[0].clocks.wall()))
                return await charge(call)

            issuer.charge = noted
            async with owner(made[0]) as beside:
                lock = beside.transaction()
                await lock.start()
                await beside.execute(
                    "SELECT 1 FROM orders WHERE order_id = $1 FOR UPDATE", order_id
                )
                call = asyncio.create_task(
                    send_attempt(shop.world, shop.orders, shop.key(order_id))
                )
                await asyncio.sleep(2)
                await lock.rollback()
            assert await call == "declined"
            send_before = await shop.value(
                "SELECT send_before FROM attempts WHERE order_id = $1", order_id
            )
            left, wall = deadlines[0]
            assert abs(left - (send_before - wall).total_seconds()) < 0.2
            assert left < 3.5

    asyncio.run(story())


@pytest.mark.parametrize(("code", "allowed"), [("51", True), ("41", False)])
def test_the_merchants_own_decline_binds_as_ours_would(
    server: ServerAddress, code: str, allowed: bool
) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as made:
            shop = await make_shop(*made)
            given = await shop.declined(pan=script_card("visa", "51", 99))
            order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
            await start(shop.orders, shop.key(order_id))
            await shop.transmitted(given.external_id, declined=True, code=code)
            state = await try_now(shop, order_id)
            assert state == ("declined" if allowed else None)
            assert await sends(shop) == int(allowed)

    asyncio.run(story())


def test_a_transmission_that_is_looked_at_twice_is_noted_once(server: ServerAddress) -> None:
    """The caller's process and the worker both look at it: one line in the order's history, not
    two."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined()
            order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
            payer = {"external_id": "", "email": given.payer.email, "phone": "", "name": ""}
            assert given.pan
            transmit_id = await shop.transmitted(
                "another order",
                declined=False,
                payer=payer,
                last4=given.pan[-4:],
                transaction_id="theirs",
            )
            await shop.transmit.update(shop.scope, transmit_id, {"outcome": "seen again"})
            assert (await shop.happenings(order_id)).count("merchant_attempt") == 1

    asyncio.run(story())


def test_an_order_that_ended_asks_nobody_to_stop_their_retries(server: ServerAddress) -> None:
    """Orders that were cancelled weeks ago stood under "needs attention", with nothing that anybody
    could do."""

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            given = await shop.declined()
            order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
            await start(shop.orders, shop.key(order_id))
            await shop.transmitted(given.external_id, declined=True)
            assert (await shop.order(order_id))["attention"] == "merchant_retries"
            await cancel(shop.world, shop.orders, shop.scope, order_id)
            assert (await shop.order(order_id))["attention"] is None

    asyncio.run(story())
