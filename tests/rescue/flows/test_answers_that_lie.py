"""A processor's late, lying or costly answer, and a question that may be a send."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.rescue.flows.test_card_limits import POLICY, plan_now, started, try_now
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.networks.magic import Answer, script_card
from recoup.orders.rules.attention import ANSWER_DIFFERS, NOT_REPEATED
from recoup.processors.gateways.port import Charge, Inquiry, Outcome
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.inquire import inquire

LIES: list[dict[str, Any]] = [{"units": 1}, {"currency": "EUR"}, {"other_id": True}]
OUT = "SELECT (state, sends)::text FROM attempts WHERE order_id = $1 AND sends > 0"


async def attention(shop: Shop, order_id: Any) -> str | None:
    return (await shop.order(order_id))["attention"]


@pytest.mark.parametrize("lie", LIES)
def test_an_approval_of_something_else_books_no_money(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, lie: dict[str, Any]
) -> None:
    real = SandboxProcessor.charge

    async def lying(self: SandboxProcessor, charge: Charge) -> Outcome:
        return replace(await real(self, charge), **lie)

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 0))
            monkeypatch.setattr(SandboxProcessor, "charge", lying)
            assert await try_now(shop, order_id) == "unknown"
            assert await attention(shop, order_id) == ANSWER_DIFFERS
            assert (
                await shop.value("SELECT count(*) FROM postings WHERE order_id = $1", order_id) == 0
            )
            await inquire(shop.world, shop.orders, shop.key(order_id))  # the truth, at last
            assert (await shop.order(order_id))["stage"] == "completed"
            assert await attention(shop, order_id) is None

    asyncio.run(story())


def test_a_late_answer_that_lies_is_a_case_and_no_money(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: Answer(False, "51", fault="silent"))

    async def lying(self: SandboxProcessor, inquiry: Inquiry) -> Outcome:
        message = inquiry.message
        assert isinstance(message, Charge)
        assert message.card.pan == "", "no vault is opened for a question"
        return Outcome("approved", "r-1", units=message.units - 1, currency=message.currency)

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 0))
            assert await try_now(shop, order_id) == "unknown"
            monkeypatch.setattr(SandboxProcessor, "inquire", lying)
            await inquire(shop.world, shop.orders, shop.key(order_id))
            assert await shop.value(OUT, order_id) == "(unknown,1)"
            assert await attention(shop, order_id) == ANSWER_DIFFERS

    asyncio.run(story())


def test_a_refund_of_another_amount_is_not_booked_as_done(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = SandboxProcessor.modify, []

    async def lying(self: SandboxProcessor, message: Any) -> Outcome:
        seen.append(message)
        return replace(await real(self, message), units=message.units + 1)

    async def story() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 0))
            assert await try_now(shop, order_id) == "approved"
            monkeypatch.setattr(SandboxProcessor, "modify", lying)
            back = await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
            )
            await shop.run_due()
            state = await shop.value(
                "SELECT state FROM modifications WHERE modification_id = $1", back.refund_id
            )
            assert (state, await attention(shop, order_id)) == ("sent", ANSWER_DIFFERS)
            reference = "SELECT reference FROM attempts WHERE order_id = $1 AND state = 'approved'"
            assert seen[0].reference == await shop.value(reference, order_id)

    asyncio.run(story())


def test_an_id_is_not_sent_again_once_its_window_is_over(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first send counts, however late it was planned or sent again."""
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: Answer(False, "51", fault="lost"))
    monkeypatch.setattr(SandboxProcessor, "idempotency_window", timedelta(days=1))

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 99))
            assert await try_now(shop, order_id) == "unknown"
            earlier = (
                "UPDATE attempts SET send_before = send_before - interval '1 hour' WHERE "
                "order_id = $1"
            )
            await shop.value(earlier, order_id)
            for _ in range(2):
                await inquire(shop.world, shop.orders, shop.key(order_id))
            assert await shop.value(OUT, order_id) == "(unknown,2)", (
                "within the window it is sent again"
            )
            await shop.value(
                "UPDATE attempts SET sent_at = sent_at - interval '23 hours' WHERE order_id = $1",
                order_id,
            )
            await shop.value(earlier, order_id)
            for _ in range(3):
                await inquire(shop.world, shop.orders, shop.key(order_id))
            assert await shop.value(OUT, order_id) == "(unknown,2)"
            assert await attention(shop, order_id) == NOT_REPEATED

    asyncio.run(story())


class Replayed:
    """The sandbox, which is asked by its own message once more."""

    asks = "by_replay"

    def __init__(self, inner: Any) -> None:
        self.inner, self.inquiries = inner, list[Inquiry]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        self.inquiries.append(inquiry)
        assert isinstance(inquiry.message, Charge)
        return await self.inner.charge(inquiry.message)


@pytest.mark.parametrize("barred", [False, True])
def test_a_question_that_may_be_a_send_is_put_only_when_a_send_is_allowed(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, barred: bool
) -> None:
    answers = iter([Answer(False, "51", fault="lost")])
    monkeypatch.setattr(SandboxProcessor, "_answer", lambda *_: next(answers, Answer(True, "00")))

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            processor = Replayed(made[0].processors["sandbox"])
            made[0].processors["sandbox"] = processor
            shop = await make_shop(*made)
            order_id = await started(shop, script_card("visa", "51", 0))
            assert await try_now(shop, order_id) == "unknown"
            if barred:
                await shop.value(
                    "UPDATE merchants SET killed = true WHERE merchant_id = $1",
                    shop.scope.merchant_id,
                )
                await shop.value(
                    "UPDATE merchants SET version = version + 1 WHERE merchant_id = $1",
                    shop.scope.merchant_id,
                )
            await inquire(shop.world, shop.orders, shop.key(order_id))
            if barred:
                assert not processor.inquiries
                assert await shop.value(OUT, order_id) == "(unknown,1)"
                return
            (inquiry,) = processor.inquiries
            assert inquiry.may_send
            assert isinstance(inquiry.message, Charge)
            assert (len(inquiry.message.card.pan), inquiry.message.n) == (16, 2)
            assert await shop.value(OUT, order_id) == "(approved,2)"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        ({"network_attempts": 3}, [("sent", 3)]),
        ({"reached_network": False}, [("not_sent", 1)]),
    ],
)
def test_limits_count_what_reached_the_network(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    counted: list[tuple[str, int]],
) -> None:
    real = SandboxProcessor.charge

    async def costly(self: SandboxProcessor, charge: Charge) -> Outcome:
        return replace(await real(self, charge), **answer)

    async def story() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made)
            order_id = await started(shop.patient(), script_card("visa", "51", 99))
            monkeypatch.setattr(SandboxProcessor, "charge", costly)
            await plan_now(shop, order_id)
            assert await try_now(shop.patient(), order_id) == "declined"
            async with owner(shop.world) as connection:
                rows = await connection.fetch(
                    "SELECT n.state, n.network_attempts FROM hub.network_sends n"
                    " JOIN attempts a ON a.attempt_id = n.send_id"
                )
            assert [tuple(row) for row in rows] == counted
            assert (done := await verify(shop.world)).difference is None, done.difference

    asyncio.run(story())
