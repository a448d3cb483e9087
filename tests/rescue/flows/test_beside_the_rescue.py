"""What a merchant does with the same payment beside its rescue,
and what the order says afterwards."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.absence import hurried, processor_away, refused, worried
from tests.disputes.flows.test_disputes import notice_of, sent, tell_issuer, tried
from tests.disputes.flows.test_disputes import story as proved
from tests.rescue.flows.test_customer_waiting import POLICY, asked, held, kept, run
from tests.rings import each
from tests.risk.flows.test_advances import LATER, NEVER, advanced, due
from tests.risk.flows.test_advances import run as with_terms
from tests.worlds import FUNDS_CARD, HARD_CARD, Shop, make_shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import FAULT_CARDS
from recoup.networks.whys import HELD_BY_PERSON, held_by
from recoup.orders.moves import change as changes
from recoup.orders.rules.attention import HELD, PAID_TOO, PAID_TWICE
from recoup.refunds.flows.capture import capture
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.by_hand import deal_with, hold, release
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.on_demand import clear_fault, set_fault
from recoup.rescue.flows.transmit import Transmit, transmitted
from recoup.rescue.store.transmissions import touched_orders

YES = APPROVE_CARDS[2]
SILENT_YES = 80_001
LATER_TOLD: list[dict[str, Any]] = [
    {"refund": {"amount": 4590, "reason": "asked", "id": "", "status": ""}},
    {"chargeback": {"amount": 4590, "reason": "fraud", "id": "cb-1", "status": "open"}},
]


async def sold(shop: Shop, **more: Any) -> UUID:
    """A rescue that was paid: synchronous, so that it is done at once."""
    word = await shop.ask(**({"pan": YES, "days": None, "code": "05"} | more))
    assert word.outcome == "APPROVED"
    return UUID(str(word.order_id))


async def name(shop: Shop, order_id: Any) -> str:
    return str((await shop.order(order_id))["external_id"])


async def attention_of(shop: Shop, order_id: Any) -> str | None:
    said: str | None = (await shop.order(order_id))["attention"]
    return said


async def paid_under_another_id(shop: Shop, order_id: Any, pan: str = FUNDS_CARD) -> UUID:
    email = await shop.value("SELECT email FROM order_payer WHERE order_id = $1", order_id)
    payer = {"external_id": "", "email": email, "phone": "", "name": ""}
    return await shop.transmitted("another-order", declined=False, payer=payer, last4=pan[-4:])


async def redelivered(shop: Shop, transmit_id: UUID) -> None:
    async with owner(shop.world) as connection:
        await connection.execute(
            "INSERT INTO due_work (merchant_id, kind, subject_id, due_at) VALUES ($1, "
            "'transmission', $2, now())",
            shop.merchant_id,
            transmit_id,
        )
    await shop.run_due()


# what is told later of an earlier payment
# ----------------------------------------------------------------------------


@pytest.mark.parametrize("later", LATER_TOLD, ids=["refund", "chargeback"])
def test_a_refund_or_chargeback_of_last_months_payment_does_not_end_this_months_rescue(
    server: ServerAddress, later: dict[str, Any]
) -> None:
    async def story(shop: Shop) -> None:
        first = await shop.transmitted("SUB-7", declined=False)
        await shop.advance(timedelta(days=30))
        order_id = await shop.admit(external_id="SUB-7", pan=FUNDS_CARD)
        await shop.run_due()
        assert (await shop.order(order_id))["stage"] == "processing"
        await shop.transmit.update(shop.scope, first, later)
        await shop.run_due()
        row = await shop.order(order_id)
        assert (row["stage"], row["reason"]) == ("processing", None)

    run(server, story)


def test_a_chargeback_of_what_was_paid_after_the_first_rescue_does_not_end_the_second(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        first = await shop.admit(external_id="SUB-8", pan=HARD_CARD, code="04")
        await shop.run_due()
        assert (await shop.order(first))["stage"] == "declined"
        paid = await shop.transmitted("SUB-8", declined=False)
        await shop.advance(timedelta(days=30))
        second = await shop.admit(external_id="SUB-8", pan=FUNDS_CARD)
        await shop.run_due()
        assert second != first
        await shop.transmit.update(shop.scope, paid, LATER_TOLD[1])
        await shop.run_due()
        assert (await shop.order(second))["stage"] == "processing"

    run(server, story)


def test_a_chargeback_of_an_earlier_payment_does_not_take_an_advance_back(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        first = await shop.transmitted("SUB-9", declined=False)
        await shop.advance(timedelta(days=30))
        order_id = await advanced(shop, external_id="SUB-9", pan=LATER)
        await shop.transmit.update(shop.scope, first, LATER_TOLD[1])
        await shop.settle()
        assert (await shop.order(order_id))["refunded_units"] == 0

    with_terms(server, story)


def test_a_refund_of_last_months_payment_does_not_flag_the_next_order_of_the_customer(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        payer = {"external_id": "", "email": "ana@example.test", "phone": "", "name": ""}
        first = await shop.transmitted("JAN", declined=False, payer=payer, last4=FUNDS_CARD[-4:])
        await shop.advance(timedelta(days=30))
        order_id = await shop.admit(external_id="FEB", pan=FUNDS_CARD, email="ana@example.test")
        await shop.run_due()
        assert await attention_of(shop, order_id) is None
        await shop.transmit.update(shop.scope, first, LATER_TOLD[0])
        await shop.run_due()
        assert await attention_of(shop, order_id) is None

    run(server, story)


# told again after it was settled
# -------------------------------------------------------------------------------------


@each("again", ["update", "redelivery", "copy"])
@each("settled", ["dealt with", "given back"])
def test_paid_twice_that_is_settled_stays_settled(
    server: ServerAddress, again: str, settled: str
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await sold(shop)
        told: dict[str, Any] = {
            "external_id": await name(shop, order_id),
            "declined": False,
            "transaction_id": "own-1",
        }
        first = await shop.transmitted(**told)
        assert await attention_of(shop, order_id) == PAID_TWICE
        if settled == "dealt with":
            assert await deal_with(shop.orders, shop.scope, order_id)
        else:
            await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
            await shop.settle()
        assert await attention_of(shop, order_id) is None
        if again == "update":
            await shop.transmit.update(shop.scope, first, LATER_TOLD[0])
        elif again == "redelivery":
            await redelivered(shop, first)
        else:
            await shop.transmitted(**told)
        await shop.run_due()
        assert await attention_of(shop, order_id) is None
        assert (await shop.happenings(order_id)).count("paid_twice") == 1

    run(server, story)


def test_paid_by_the_merchant_after_all_was_given_back_is_not_paid_twice(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await sold(shop)
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        await shop.settle()
        await shop.transmitted(await name(shop, order_id), declined=False)
        assert await attention_of(shop, order_id) is None

    run(server, story)


def test_paid_under_another_id_that_is_dealt_with_is_not_flagged_again(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        told = await paid_under_another_id(shop, order_id)
        assert await attention_of(shop, order_id) == PAID_TOO
        await deal_with(shop.orders, shop.scope, order_id)
        await redelivered(shop, told)
        assert await attention_of(shop, order_id) is None

    run(server, story)


# what needs a person is not lost
# -------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False], ids=["before the hold", "during the hold"])
def test_paid_under_another_id_outlasts_a_hold(server: ServerAddress, first: bool) -> None:
    """After the hold it was collected, beside the payment under the other id,
    and nobody was told."""

    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        if first:
            await paid_under_another_id(shop, order_id)
        await hold(shop.orders, shop.scope, order_id, "check")
        if not first:
            await paid_under_another_id(shop, order_id)
        await release(shop.orders, shop.scope, order_id)
        assert await attention_of(shop, order_id) == PAID_TOO

    run(server, story)


def test_paid_under_another_id_outlasts_the_merchants_own_declines(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        await paid_under_another_id(shop, order_id)
        await shop.transmitted(await name(shop, order_id), declined=True)
        assert await attention_of(shop, order_id) == PAID_TOO

    run(server, story)


def test_a_hold_still_needs_somebody_when_the_rest_is_dealt_with(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        await hold(shop.orders, shop.scope, order_id, "fraud")
        assert await attention_of(shop, order_id) == f"{HELD}:{held_by(HELD_BY_PERSON, 'fraud')}"
        await paid_under_another_id(shop, order_id)
        await deal_with(shop.orders, shop.scope, order_id)
        assert await attention_of(shop, order_id) == f"{HELD}:{held_by(HELD_BY_PERSON, 'fraud')}"

    run(server, story)


@pytest.mark.parametrize("ended", ["dealt with", "rest given back"])
def test_a_stuck_refund_is_not_hidden_by_paid_twice(server: ServerAddress, ended: str) -> None:
    async def story(shop: Shop) -> None:
        order_id = await sold(shop)
        await shop.transmitted(await name(shop, order_id), declined=False)
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="20.00"))
        await shop.settle()
        await clear_fault(shop.world, "refuse")
        if ended == "dealt with":
            await deal_with(shop.orders, shop.scope, order_id)
        else:
            await refund(
                shop.world,
                shop.orders,
                shop.scope,
                order_id,
                RefundRequest(amount="25.90", key="rest"),
            )
            await shop.settle()
        states = await shop.value(
            "SELECT array_agg(state ORDER BY modification_no) FROM modifications"
        )
        assert states[0] == "stuck"
        assert await attention_of(shop, order_id) is not None

    run(server, story)


def test_a_late_dispute_is_not_hidden_by_paid_twice(server: ServerAddress) -> None:
    """It was lost for want of an answer, and nobody had been told."""

    async def tell(shop: Shop) -> None:
        order_id = await sold(shop)
        await shop.transmitted(await name(shop, order_id), declined=False)
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), units=2000)
        respond_by = await shop.value("SELECT respond_by FROM disputes")
        await shop.advance(respond_by - await shop.now() - timedelta(days=2))
        assert "dispute_warned" in await shop.happenings(order_id)
        await deal_with(shop.orders, shop.scope, order_id)
        assert await attention_of(shop, order_id) == "dispute_late:1"

    proved(server, tell)


def test_paid_under_another_id_outlasts_a_capture_that_is_delayed(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        word = await held(shop)
        await paid_under_another_id(shop, word.order_id, APPROVE_CARDS[1])
        assert await attention_of(shop, word.order_id) == PAID_TOO
        with processor_away(monkeypatch):
            with pytest.raises(Problem):
                await capture(shop.world, shop.orders, shop.scope, asked(word))
            await worried(shop)
            assert "capture_delayed" in await shop.happenings(word.order_id)
        await hurried(shop)
        await shop.settle()
        assert (await shop.order(word.order_id))["stage"] == "completed"
        assert await attention_of(shop, word.order_id) == PAID_TOO

    run(server, story, POLICY)


def test_a_dispute_that_is_won_leaves_the_order_paid_twice(server: ServerAddress) -> None:
    """What an open dispute holds is not given back: won, the merchant has the customer's money
    twice."""

    async def tell(shop: Shop) -> None:
        order_id = await sold(shop)
        await shop.transmitted(await name(shop, order_id), declined=False)
        opened = await notice_of(shop, order_id, amount=2000)
        await tell_issuer(shop, opened)
        await sent(shop, opened)
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="25.90"))
        await shop.settle()
        won = opened | {"noticeId": opened["noticeId"] + "-won", "status": "won"}
        await tell_issuer(shop, won)
        assert (await sent(shop, won)).state == "applied"
        row = await shop.order(order_id)
        assert (row["refunded_units"], row["disputed"]) == (2590, False)
        assert row["attention"] == PAID_TWICE

    proved(server, tell)


# nor does it stay when it is over
# ------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["cancelled", "paid elsewhere", "expired"])
def test_paid_under_another_id_is_over_when_the_order_ends_unpaid(
    server: ServerAddress, how: str
) -> None:
    """The page says: cancel this order. Who did found it among those that need attention all the
    same."""

    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        await paid_under_another_id(shop, order_id)
        if how == "cancelled":
            await cancel(shop.world, shop.orders, shop.scope, order_id)
        elif how == "paid elsewhere":
            await shop.transmitted(await name(shop, order_id), declined=False)
        else:
            await shop.advance(timedelta(days=22))
        assert (await shop.order(order_id))["stage"] in ("cancelled", "expired")
        assert await attention_of(shop, order_id) is None

    run(server, story)


# success, then decline
# -----------------------------------------------------------------------------------------------


def test_a_success_that_is_told_to_be_a_decline_is_not_paid_twice(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await sold(shop)
        told = await shop.transmitted(await name(shop, order_id), declined=False)
        await shop.transmit.update(shop.scope, told, {"is_declined": True})
        await shop.run_due()
        assert await attention_of(shop, order_id) is None

        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        told = await paid_under_another_id(shop, order_id)
        await shop.transmit.update(shop.scope, told, {"is_declined": True})
        assert await attention_of(shop, order_id) is None

    run(server, story)


def test_a_success_told_and_untold_without_end_slows_nobody_down(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn of it was a line of the order, which is loaded with all of them."""

    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        told = await paid_under_another_id(shop, order_id)
        monkeypatch.setattr(changes, "LINES_MAX", (await shop.order(order_id))["version"] + 2)
        for turn in range(6):
            await shop.transmit.update(shop.scope, told, {"is_declined": turn % 2 == 0})
            await shop.run_due()
        assert (await shop.order(order_id))["version"] == changes.LINES_MAX
        assert await attention_of(shop, order_id) == PAID_TOO, "what it came to is said"

    run(server, story)


def test_a_hold_is_not_let_go_for_a_success_that_was_none(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        word = await held(shop)
        with processor_away(monkeypatch):
            with pytest.raises(Problem):
                await capture(shop.world, shop.orders, shop.scope, asked(word))
            told = await shop.transmitted(word.external_id, declined=False)
            await shop.transmit.update(shop.scope, told, {"is_declined": True})
        await refused(shop)
        assert (await shop.order(word.order_id))["stage"] == "authorised"

    run(server, story, POLICY)


def test_a_decline_that_turned_into_a_success_before_its_rescue_began(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        told = await shop.transmitted(
            "TURNED", declined=True, transacted_at=await shop.now() + timedelta(seconds=5)
        )
        await shop.transmit.update(shop.scope, told, {"is_declined": False})
        order_id = await shop.admit(external_id="TURNED")
        await shop.run_due()
        assert (await shop.order(order_id))["reason"] == "paid_elsewhere"

    run(server, story)


# counted
# --------------------------------------------------------------------------------------------------


def test_the_same_decline_copied_twice_counts_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        before = await shop.value("SELECT count(*) FROM network_sends")
        told: dict[str, Any] = {
            "external_id": await name(shop, order_id),
            "declined": True,
            "transaction_id": "own-1",
        }
        for _ in range(2):
            await shop.transmitted(**told)
        assert await shop.value("SELECT count(*) FROM network_sends") == before + 1

    run(server, story)


# what nobody could collect; what a verification is; a race
# -----------------------------------------------------------


def test_what_nobody_could_collect_is_taken_back_when_the_merchant_was_paid(
    server: ServerAddress,
) -> None:
    """The customer was never charged by us: "Paid twice: refund one of them" left the loss with the
    operator."""

    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=NEVER)
        await shop.advance(timedelta(days=31))
        assert await due(shop, order_id) == ("uncollected", 0)
        await shop.transmitted(await name(shop, order_id), declined=False)
        await shop.settle()
        row = await shop.order(order_id)
        assert (row["refunded_units"], row["attention"]) == (4590, None)

    with_terms(server, story)


def test_a_verification_of_nothing_does_not_end_the_rescue(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(external_id="SUB-11", pan=FUNDS_CARD)
        await shop.run_due()
        await shop.transmitted("SUB-11", declined=False, units=0)
        assert (await shop.order(order_id))["stage"] == "processing"

    run(server, story)


def test_what_is_told_while_the_worker_looks_is_looked_at_too(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who took the success died before it looked; the worker that looked at the decline took its
    work away."""

    class Killed:
        async def run(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("killed")

    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        told = await shop.transmitted(await name(shop, order_id), declined=True)
        dying = Transmit(shop.world, Killed(), shop.merchants)  # type: ignore[arg-type]

        async def between(*given: Any, **more: Any) -> Any:
            found = await touched_orders(*given, **more)
            monkeypatch.undo()
            with pytest.raises(RuntimeError):
                await dying.update(shop.scope, told, {"is_declined": False})
            return found

        monkeypatch.setattr("recoup.rescue.flows.transmit.touched_orders", between)
        await transmitted(shop.world, shop.orders, shop.merchant_id, told, shop.scope)
        await shop.run_due()
        assert (await shop.order(order_id))["reason"] == "paid_elsewhere"

    run(server, story)


# what held
# --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [SILENT_YES, 80_002, 80_003, 80_011])
def test_a_success_while_an_attempt_is_out(server: ServerAddress, units: int) -> None:
    async def story(shop: Shop) -> None:
        order_id = await tried(shop, pan=FAULT_CARDS["visa"], units=units)
        told = await shop.transmitted(await name(shop, order_id), declined=False, units=units)
        await shop.settle()
        await redelivered(shop, told)
        await shop.settle()
        assert (await shop.order(order_id))["reason"] == "paid_elsewhere"
        assert order_id not in await kept(shop)

    run(server, story, POLICY)


def test_another_merchants_order_id_is_not_touched(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        order_id = await shop.admit(external_id="MINE", pan=FUNDS_CARD)
        await shop.run_due()
        told = await other.transmitted("MINE", declined=False)
        assert (await shop.order(order_id))["stage"] == "processing"
        with pytest.raises(Problem) as none:
            await shop.transmit.update(shop.scope, told, {"is_declined": False})
        assert none.value.code == "not_found"

    run(server, story)
