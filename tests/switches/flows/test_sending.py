"""The switch of all sending: nothing leaves in any process, whatever comes together, and what
waited goes on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from tests.bank.flows.test_bank_payouts import closed
from tests.left_processes import second_process
from tests.routes.flows.test_routes import run as run_story
from tests.routes.flows.test_routes import try_now
from tests.settlement.flows.test_fees import paid
from tests.settling import payouts, person
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.bank.flows import approve
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.merchants.store.sending_stops import standing_stop
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.locked import Orders
from recoup.switches.flows import sending
from recoup.switches.flows.sending import SwitchedOff, switch_sending_off, switch_sending_on

ACTOR = "operator:test"
STATE = "SELECT state FROM modifications WHERE modification_id = $1"
INTENTS = "SELECT count(*) FROM order_log WHERE happening IN ('attempt_sent', 'refund_sent')"


async def off(shop: Shop, why: str = "charges twice") -> SwitchedOff:
    return await switch_sending_off(shop.world, why, ACTOR)


@pytest.mark.prove("faults")
def test_orders_wait_on_hold_and_go_on_by_themselves(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(code="05")
        await shop.run_due()
        assert await off(shop) is SwitchedOff.NOW
        assert await off(shop) is SwitchedOff.BEFORE
        await shop.advance(timedelta(days=4))
        row = await shop.order(order_id)
        assert (row["stage"], row["attempts"]) == ("held", 0)
        synchronous = await shop.patient().ask(days=None, code="05")
        customer = await shop.patient().ask(is_mit=False, days=None, cvv="123", code="05")
        assert (synchronous.outcome, customer.evaluate) != ("APPROVED", "APPROVED")
        assert customer.evaluate == "DECLINED", "nobody lets a customer wait"
        assert not await shop.value("SELECT count(*) FROM network_sends WHERE NOT claimed")
        assert await switch_sending_on(shop.world, ACTOR)
        assert not await switch_sending_on(shop.world, ACTOR)
        await shop.advance(timedelta(days=2))
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"

    run_story(server, story)


def test_a_refund_and_a_payout_wait(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await paid(shop, 9_999)
            payout = await closed(shop)
            await approve(shop.world, person(shop, "olga"), payout["payout_id"])
            await off(shop)
            back = await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True)
            )
            await shop.run_due()
            assert await shop.value(STATE, back.refund_id) == "owed"
            assert (await payouts(shop))[-1]["state"] == "approved"
            await switch_sending_on(shop.world, ACTOR)
            async with shop.world.db.connection() as connection:
                await connection.execute("UPDATE due_work SET due_at = now() - interval '1 minute'")
            await shop.settle()
            assert await shop.value(STATE, back.refund_id) == "done"
            assert (await payouts(shop))[-1]["state"] in ("sent", "paid")

    asyncio.run(story())


def test_no_intent_is_committed_once_the_switch_has_answered(server: ServerAddress) -> None:
    """Two processes send side by side while a third switches off."""

    async def story(shop: Shop) -> None:
        made = await shop.admit_many(40, code="91")
        async with second_process(shop.world) as world, second_process(shop.world) as third:
            one, other = (
                replace(shop, world=own, orders=Orders(own, together=1))
                for own in (shop.world, world)
            )

            async def send(by: Shop, orders: Sequence[UUID]) -> None:
                for order in orders:
                    await try_now(by, order)

            work = [
                asyncio.create_task(send(one, made[:20])),
                asyncio.create_task(send(other, made[20:])),
            ]
            async with asyncio.timeout(30):
                while not await shop.value(INTENTS):  # noqa: ASYNC110 - other processes make them
                    await asyncio.sleep(0.005)
            assert await switch_sending_off(third, "charges twice", ACTOR) is SwitchedOff.NOW
            then = await shop.value(INTENTS)
            await asyncio.gather(*work)
            assert await shop.value(INTENTS) == then
            assert 0 < then < len(made)

    run_story(server, story)


def test_the_switch_waits_for_who_has_looked_and_not_committed(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(code="05")
        async with shop.world.db.transaction() as tx:
            await tx.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            assert await standing_stop(tx) is None, "it may send"
            switch = asyncio.create_task(off(shop))
            await asyncio.sleep(0.3)
            assert not switch.done()
        assert await switch is SwitchedOff.NOW
        await switch_sending_on(shop.world, ACTOR)
        async with shop.world.db.transaction() as tx:
            await tx.execute("SELECT FROM orders WHERE order_id = $1 FOR UPDATE", order_id)
            with monkeypatch.context() as hasty:
                hasty.setattr(sending, "OPEN_WAIT", timedelta(seconds=0.1))
                assert await off(shop) is SwitchedOff.LEAVING, (
                    "it says so, and holds for all that comes"
                )
        assert await off(shop) is SwitchedOff.BEFORE

    run_story(server, story)


def test_a_reason_is_asked_for(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        for why in ("", " ", "x" * 201):
            with pytest.raises(Problem, match="A reason of up to"):
                await off(shop, why)

    run_story(server, story)
