"""The desk of stuck refunds: again, by hand with two people, or refused; and holds that a refund
lets go."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.absence import first_not_processed, hurried, processor_away
from tests.refund_states import do_capture
from tests.settlement.flows.test_fees import book, paid
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.processors.gateways.port import ModificationMessage, Outcome
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.review_queue import decide, waiting_refunds
from recoup.rescue.flows.on_demand import clear_fault, set_fault
from recoup.terms.rules.fees import Tariff

ANN, BEN = Actor("user", "ann"), Actor("user", "ben")
HOLD: dict[str, Any] = {"is_mit": False, "days": None, "code": "05", "pan": APPROVE_CARDS[2],
                        "facts": {"transaction_type": "AUTHORIZATION"}}  # fmt: skip


async def stuck(shop: Shop, units: int = 9_999, **more: Any) -> tuple[UUID, UUID]:
    """(order, refund): the processor has refused it for good."""
    order_id = await paid(shop, units, **more)
    await set_fault(shop.world, "refuse", timedelta(hours=1))
    made = await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
    await shop.settle()
    await clear_fault(shop.world, "refuse")
    assert (await shop.order(order_id))["attention"] == "refund_stuck"
    return order_id, made.refund_id


async def act(
    shop: Shop, refund_id: UUID, action: str, who: Actor = ANN, note: str = "wire 7 of today"
) -> str:
    return await decide(
        shop.world, shop.orders, Scope(shop.merchant_id, who, "test"), refund_id, action, note
    )


async def state(shop: Shop, refund_id: UUID) -> str:
    return str(
        await shop.value("SELECT state FROM modifications WHERE modification_id = $1", refund_id)
    )


async def on_desk(shop: Shop) -> list[tuple[UUID, str]]:
    rows = await waiting_refunds(shop.world, shop.merchant_id, await shop.now(), clear=True)
    return [(row.modification_id, row.why) for row in rows]


def told(server: ServerAddress, work: Callable[[Shop], Any]) -> None:
    async def story() -> None:
        async with sandbox_world(server) as (world, orders, deliveries):
            shop = await make_shop(world, orders, deliveries)
            await shop.fees(Tariff(290, refund="pro_rata"))
            await work(shop)
            await shop.settle()
            assert (found := await verify(world)).difference is None, found.difference

    asyncio.run(story())


def test_asking_once_more_for_a_stuck_refund_does_not_pay_it_twice(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id = await paid(shop, 9_999)
        asked = RefundRequest(amount="10.00")
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        first = await refund(shop.world, shop.orders, shop.scope, order_id, asked)
        await shop.settle()
        await clear_fault(shop.world, "refuse")
        again = await refund(shop.world, shop.orders, shop.scope, order_id, asked)
        assert (again.refund_id, again.remaining_units) == (first.refund_id, 8_999)
        await act(shop, first.refund_id, "again")
        await shop.settle()
        assert (
            await shop.value(
                "SELECT sum(units)::bigint FROM modifications WHERE order_id = $1", order_id
            )
            == 1_000
        )

    told(server, work)


def test_again_at_the_desk(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id, refund_id = await stuck(shop)
        assert await on_desk(shop) == [(refund_id, "stuck")]
        assert await act(shop, refund_id, "again") == "owed"
        assert (await shop.order(order_id))["attention"] is None
        await shop.settle()
        assert await state(shop, refund_id) == "done"
        assert await book(shop, order_id) == {}
        assert await on_desk(shop) == []
        with pytest.raises(Problem, match="done already"):
            await act(shop, refund_id, "again")

    told(server, work)


def test_by_hand_takes_two_people(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id, refund_id = await stuck(shop)
        for wrong, code in (("confirm", "wrong_state"), ("nothing", "invalid")):
            with pytest.raises(Problem) as problem:
                await act(shop, refund_id, wrong)
            assert problem.value.code == code
        with pytest.raises(Problem, match="how it was paid"):
            await act(shop, refund_id, "propose", note="  ")
        await act(shop, refund_id, "propose")
        with pytest.raises(Problem, match="second person"):
            await act(shop, refund_id, "confirm")
        results = await asyncio.gather(
            *(act(shop, refund_id, "confirm", BEN) for _ in range(4)), return_exceptions=True
        )
        assert results.count("done") == 1
        assert await book(shop, order_id) == {"bank": -9_999, "clearing": 9_999}
        assert (await shop.order(order_id))["attention"] is None

    told(server, work)


def test_what_somebody_says_was_paid_by_hand_is_not_sent_again_by_another(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop) -> None:
        order_id, refund_id = await stuck(shop)
        await act(shop, refund_id, "propose")
        with pytest.raises(Problem, match="wire 7 of today. Sent again it would be paid twice"):
            await act(shop, refund_id, "again", BEN)
        assert await state(shop, refund_id) == "stuck"
        assert await act(shop, refund_id, "again") == "owed"
        await shop.settle()
        assert await state(shop, refund_id) == "done"
        assert await book(shop, order_id) == {}

    told(server, work)


def test_refused_by_the_operator(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id, refund_id = await stuck(shop)
        assert "fees" not in await book(shop, order_id)
        await act(shop, refund_id, "refuse", note="paid back in cash by the shop")
        order = await shop.order(order_id)
        assert (order["refunded_units"], order["status"], order["attention"]) == (0, 7, None)
        assert (await book(shop, order_id))["fees"] == -290
        again = await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        await shop.settle()
        assert await state(shop, again.refund_id) == "done"

    told(server, work)


def test_an_order_needs_somebody_while_one_of_its_refunds_is_stuck(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id = await paid(shop, 9_999)
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        made = [
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount=amount)
            )
            for amount in ("10.00", "20.00")
        ]
        await shop.settle()
        await clear_fault(shop.world, "refuse")
        for one, left in zip(made, ("refund_stuck", None), strict=True):
            await act(shop, one.refund_id, "again")
            await shop.settle()
            assert await state(shop, one.refund_id) == "done"
            assert (await shop.order(order_id))["attention"] == left

    told(server, work)


def test_a_dispute_overtakes_a_stuck_refund_and_its_fee(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id, refund_id = await stuck(shop)
        assert "fees" not in await book(shop, order_id)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id))
        assert await state(shop, refund_id) == "refused"
        assert (await book(shop, order_id))["fees"] == -290
        assert await on_desk(shop) == []

    told(server, work)


def test_what_is_under_way_is_nobodys_to_decide(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id = await paid(shop)
        await set_fault(shop.world, "outage", timedelta(hours=1))
        made = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
        )
        await shop.run_due()
        for action in ("propose", "refuse"):
            with pytest.raises(Problem, match="may still pay"):
                await act(shop, made.refund_id, action)
        await shop.value(
            "UPDATE modifications SET tries = 6 WHERE modification_id = $1", made.refund_id
        )
        assert await on_desk(shop) == [(made.refund_id, "delayed")]
        await clear_fault(shop.world, "outage")
        assert await act(shop, made.refund_id, "again") == "sent"
        await shop.settle()
        assert await state(shop, made.refund_id) == "done"

    told(server, work)


def test_a_refund_without_an_answer_is_not_paid_again_once_its_id_may_be_forgotten(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was sent again under its own id for ever; after 30 days that is a second refund to the
    processor."""

    async def work(shop: Shop) -> None:
        order_id = await paid(shop)
        with processor_away(monkeypatch):
            made = await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
            )
            await shop.run_due()
        assert await state(shop, made.refund_id) == "sent"
        await shop.value(
            "UPDATE modifications SET send_id = $2 WHERE modification_id = $1",
            made.refund_id,
            first_id_of(shop.world.clocks.wall() - timedelta(days=29, hours=23, minutes=1)),
        )
        for _ in range(2):
            await act(shop, made.refund_id, "again")
            await shop.run_due()
        assert await state(shop, made.refund_id) == "sent", "nobody knows"
        assert await on_desk(shop) == [(made.refund_id, "outcome_unknown")]
        async with owner(shop.world) as connection:
            assert await connection.fetchval("SELECT count(*) FROM issuer.reversals") == 0
        await shop.value(
            "UPDATE modifications SET send_id = NULL WHERE modification_id = $1", made.refund_id
        )
        await shop.settle()
        assert await state(shop, made.refund_id) == "done"

    told(server, work)


@pytest.mark.parametrize("kind", ["refund", "void"])
def test_what_never_left_goes_out_however_old_its_id_is(server: ServerAddress, kind: str) -> None:
    """Every connection was refused until the processor's memory of the id was over: then it was
    asked for for ever, the void could not even be closed by hand."""

    async def work(shop: Shop) -> None:
        order_id = (await shop.ask(**HOLD)).order_id if kind == "void" else await paid(shop)
        await set_fault(shop.world, "outage", timedelta(hours=1))
        made = await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        for _ in range(2):
            await hurried(shop)
        assert (
            await shop.value(
                "SELECT tries FROM modifications WHERE modification_id = $1", made.refund_id
            )
            > 1
        )
        await shop.value(
            "UPDATE modifications SET send_id = $2 WHERE modification_id = $1",
            made.refund_id,
            old := first_id_of(shop.world.clocks.wall() - timedelta(days=40)),
        )
        assert [why for _, why in await on_desk(shop)] in ([], ["delayed"])
        await clear_fault(shop.world, "outage")
        await hurried(shop)
        assert await state(shop, made.refund_id) == "done"
        assert (
            await shop.value(
                "SELECT send_id FROM modifications WHERE modification_id = $1", made.refund_id
            )
            != old
        )
        async with owner(shop.world) as connection:
            assert await connection.fetchval("SELECT count(*) FROM issuer.reversals") == 1

    told(server, work)


def test_an_answer_that_was_lost_is_asked_for_and_not_sent_for_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor that answers a repeated id by its first word said "unknown" for ever, and was
    never asked."""

    async def work(shop: Shop) -> None:
        order_id, sent = await paid(shop), list[UUID]()
        processor = shop.world.processors["sandbox"]
        modify = processor.modify

        async def lost(message: ModificationMessage) -> Outcome:
            await modify(message)
            sent.append(message.id)
            return Outcome("unknown")

        monkeypatch.setattr(processor, "modify", lost)
        made = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
        )
        await shop.run_due()
        assert await state(shop, made.refund_id) == "sent"
        await act(shop, made.refund_id, "again")
        await shop.run_due()
        assert await state(shop, made.refund_id) == "done"
        assert sent == [made.refund_id]

    told(server, work)


def test_a_refund_of_a_hold_lets_it_go(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        order_id = (await shop.ask(**HOLD)).order_id
        with pytest.raises(Problem, match="part of it cannot") as problem:
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
            )
        assert "Capture it" in (problem.value.cure or "")
        made = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="45.90")
        )
        again = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="45.90")
        )
        assert (made.refund_id, made.remaining_units) == (again.refund_id, 0)
        await shop.settle()
        assert (await shop.happenings(order_id))[-3:] == ["cancelled", "void_owed", "voided"]
        assert await book(shop, order_id) == {}
        with pytest.raises(Problem, match="cannot be refunded"):
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="45.90")
            )

    told(server, work)


def test_people_close_a_refund_whose_outcome_nobody_will_ever_say(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No door got out of it: it was neither sent again nor anybody's to decide."""

    async def work(shop: Shop) -> None:
        order_id = await paid(shop)
        with processor_away(monkeypatch):
            made = [
                await refund(
                    shop.world,
                    shop.orders,
                    shop.scope,
                    order_id,
                    RefundRequest(amount="1.00", key=key),
                )
                for key in ("a", "b")
            ]
            await shop.run_due()
        for one in made:
            await shop.value(
                "UPDATE modifications SET send_id = $2 WHERE modification_id = $1",
                one.refund_id,
                first_id_of(shop.world.clocks.wall() - timedelta(days=31)),
            )
        await act(shop, made[0].refund_id, "propose", ANN)
        assert await act(shop, made[0].refund_id, "confirm", BEN) == "done"
        assert await act(shop, made[1].refund_id, "refuse") == "refused"
        assert await on_desk(shop) == []
        async with owner(shop.world) as connection:
            assert await connection.fetchval("SELECT count(*) FROM issuer.reversals") == 0

    told(server, work)


def test_two_people_close_a_void_whose_outcome_nobody_will_ever_say(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be neither refused nor marked by hand, and was asked for for ever."""

    async def work(shop: Shop) -> None:
        order_id = (await shop.ask(**HOLD)).order_id
        with processor_away(monkeypatch):
            made = await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True)
            )
            await shop.run_due()
        with pytest.raises(Problem, match="let go, not paid"):
            await act(shop, made.refund_id, "propose", ANN)
        await shop.value(
            "UPDATE modifications SET send_id = $2 WHERE modification_id = $1",
            made.refund_id,
            first_id_of(shop.world.clocks.wall() - timedelta(days=31)),
        )
        await act(shop, made.refund_id, "propose", ANN)
        with pytest.raises(Problem, match="second person"):
            await act(shop, made.refund_id, "confirm", ANN)
        assert await act(shop, made.refund_id, "confirm", BEN) == "done"
        assert (await shop.happenings(order_id))[-1] == "voided"
        assert await on_desk(shop) == []

    told(server, work)


@pytest.mark.parametrize("kind", ["refund", "capture"])
def test_what_the_processor_proves_it_never_processed_goes_out_under_another_id(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A processor repeats its first response to an id: the refund was asked for under it for ever,
    and never paid."""

    async def work(shop: Shop) -> None:
        order_id = (await shop.ask(**HOLD)).order_id if kind == "capture" else await paid(shop)
        with first_not_processed(monkeypatch) as dropped:
            if kind == "capture":
                assert await do_capture(shop, order_id) != "captured"
            else:
                await refund(
                    shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="1.00")
                )
            for _ in range(3):
                await hurried(shop)
        async with owner(shop.world) as connection:
            sql = "SELECT modification_id, send_id, state FROM modifications WHERE order_id = $1"
            found = await connection.fetch(sql, order_id)
        (row,) = found
        assert (row["state"], dropped) == ("done", {row["modification_id"]})
        assert row["send_id"] not in (None, row["modification_id"])

    told(server, work)
