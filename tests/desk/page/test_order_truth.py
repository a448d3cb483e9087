"""What an order's page and the desks around it say is so: one attention note does not hide another,
and no button is offered that is refused then. Each as a reviewer saw it.
"""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from tests.absence import processor_away, worried
from tests.desk.page.test_limits import asks, limited, the_request
from tests.desk.page.test_order_capture import KEY
from tests.desk.page.test_order_tells import authorised, worked_on
from tests.dispute_terms import agree
from tests.disputes.flows.test_disputes import (
    SILENT_YES,
    approved_late,
    disputed,
    the_dispute,
    tried,
)
from tests.rescue.flows.test_beside_the_rescue import attention_of, paid_under_another_id
from tests.rescue.flows.test_customers_attacked import offered, set_merchant
from tests.risk.flows.test_advances import advanced
from tests.settling import sold
from tests.stablecoin.flows.test_give_back import the_channel_refuses
from tests.stablecoin.flows.test_late import charge
from tests.staff import As, portal, post, texts
from tests.worlds import FUNDS_CARD, Shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.answer import answer_dispute, note_evidence
from recoup.kernel.scope import Actor, Scope
from recoup.networks.magic import FAULT_CARDS
from recoup.orders.rules.attention import PAID_TOO, PAID_TWICE, sentence_of, stuck
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.review_queue import decide
from recoup.rescue.flows.on_demand import clear_fault, set_fault, settle_attempt
from recoup.stablecoin.flows.pay import simulate_by_operator


def top(page: str) -> str:
    return page.partition("Timeline")[0]


async def give_back(
    shop: Shop, order_id: UUID, amount: str | None = None, *, refused: bool = False
) -> UUID:
    if refused:
        await set_fault(shop.world, "refuse", timedelta(hours=1))
    made = await refund(
        shop.world,
        shop.orders,
        shop.scope,
        order_id,
        RefundRequest(amount=amount, all=amount is None),
    )
    await shop.settle()
    if refused:
        await clear_fault(shop.world, "refuse")
    return made.refund_id


async def paid_twice(shop: Shop, order_id: UUID) -> None:
    await shop.transmitted((await shop.order(order_id))["external_id"], declined=False)


async def paid_by_hand(shop: Shop, refund_id: UUID) -> None:
    for who, action in (("ann", "propose"), ("ben", "confirm")):
        scope = Scope(shop.merchant_id, Actor("user", who), "test")
        await decide(shop.world, shop.orders, scope, refund_id, action, "wire 7")


# one attention note beside another
# --------------------------------------------------------------------------------


def test_a_stuck_refund_of_what_was_paid_twice_is_said_and_stays(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [order_id] = await as_("ops"), await sold(shop)
        here = f"/orders/{order_id}"
        await paid_twice(shop, order_id)
        await give_back(shop, order_id, "35.90", refused=True)
        page = top(texts(await ops.get(here)))
        assert "A refund is stuck" in page
        assert "Paid twice" in page
        assert "Under Refunds, send it again" in page
        done = await post(ops, here, f"{here}/dealt-with")
        page = top(texts(await ops.get(done.headers["location"])))
        assert "Marked as resolved" not in page
        assert "A refund is stuck" in page
        assert str(order_id) in (await ops.get("/orders?attention=1")).text
        await give_back(shop, order_id)  # another one goes through
        assert await attention_of(shop, order_id) == stuck("refund")

    portal(server, story)


def test_a_stuck_refund_is_not_forgotten_when_a_dispute_is_answered(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        [order_id] = await sold(shop)
        await give_back(shop, order_id, "10.00", refused=True)
        await disputed(shop, order_id, units=1000)
        await shop.advance(timedelta(days=11, hours=1))
        assert await attention_of(shop, order_id) == "dispute_late:1"
        dispute_id = (await the_dispute(shop, order_id))["dispute_id"]
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "accept")
        await shop.run_due()
        assert await attention_of(shop, order_id) == stuck("refund")

    portal(server, story)


def test_what_its_page_did_not_say_is_not_dealt_with(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, [order_id] = await as_("ops"), await sold(shop)
        here = f"/orders/{order_id}"
        await paid_twice(shop, order_id)
        assert f'name="why" value="{PAID_TWICE[:10]}' in (await ops.get(here)).text
        said = texts(await post(ops, here, f"{here}/dealt-with", why=PAID_TOO), 409)
        assert "Something else needs somebody now." in said
        assert await attention_of(shop, order_id) == PAID_TWICE

    portal(server, story)


def test_that_the_customer_paid_elsewhere_outlasts_declines_and_holds_and_ends_with_a_cancellation(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        order_id, here = await worked_on(shop)
        await paid_under_another_id(shop, order_id)
        assert "cancel this order" in top(texts(await ops.get(here)))
        await shop.transmitted((await shop.order(order_id))["external_id"], declined=True)
        await post(ops, here, f"{here}/hold", reason="check")
        held = top(texts(await ops.get(here)))
        assert "Put on hold by a person" in held
        assert f"{sentence_of(PAID_TOO)} " in held
        assert "Check whether it is the same purchase" in held
        await post(ops, here, f"{here}/release")
        assert await attention_of(shop, order_id) == PAID_TOO
        done = await post(ops, here, f"{here}/cancel")
        assert "cancel this order" not in top(texts(await ops.get(done.headers["location"])))

    portal(server, story)


def test_a_hold_still_needs_somebody_when_the_rest_is_dealt_with(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        order_id, here = await worked_on(shop)
        await paid_under_another_id(shop, order_id)
        await post(ops, here, f"{here}/hold", reason="check")
        assert (await post(ops, here, f"{here}/dealt-with")).status_code == 303
        assert "What to do: Release it when this is resolved, or cancel it." in texts(
            await ops.get(here)
        )
        assert str(order_id) in (await ops.get("/orders?attention=1")).text
        await post(ops, here, f"{here}/release")
        assert str(order_id) not in (await ops.get("/orders?attention=1")).text

    portal(server, story)


def test_an_order_that_is_paid_is_not_to_be_cancelled(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        order_id, here = await worked_on(shop)
        await paid_under_another_id(shop, order_id)
        name = (await shop.order(order_id))["external_id"]
        assert await settle_attempt(shop.world, shop.orders, name, True) == "approved"
        page = top(texts(await (await as_("ops")).get(here)))
        assert sentence_of(PAID_TOO) in page
        assert "cancel this order" not in page

    portal(server, story)


# what is said
# --------------------------------------------------------------------------------------------------


def test_a_late_approval_that_goes_back_is_no_nothing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, order_id = await as_("ops"), await approved_late(shop)
        with processor_away(monkeypatch):
            await worried(shop)
            page = texts(await ops.get(f"/orders/{order_id}"))
        assert "A reversal is delayed" in top(page)
        for untrue in ("Nothing was paid", "Not settled yet", "pay it by hand"):
            assert untrue not in page

    portal(server, story)


def test_why_nothing_is_planned_is_not_the_plan_of_before(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        order_id, here = await worked_on(shop)
        await post(await as_("owner"), here, f"{here}/block", kind="card", reason="fraud")
        at = (await shop.order(order_id))["next_attempt_at"]
        await shop.advance(at - await shop.now() + timedelta(minutes=5))
        why = texts(await ops.get(here)).partition("Why nothing is planned")[2][:800]
        assert why
        assert "Next attempt" not in why

        out = await tried(shop, pan=FAULT_CARDS["visa"], units=SILENT_YES)
        page = texts(await ops.get(f"/orders/{out}"))
        assert "No attempt is planned" not in page
        assert "Why nothing is planned" not in page

    portal(server, story)


def test_a_refund_says_what_became_of_it(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        taken, by_hand = await sold(shop, 2)
        made = await give_back(shop, taken, refused=True)
        await disputed(shop, taken, units=4590)
        page = texts(await ops.get(f"/orders/{taken}?refunded={made}"))
        assert "It was not paid out, and no longer counts." in top(page)
        assert "it can be refunded again" not in page

        made = await give_back(shop, by_hand, "10.00", refused=True)
        await paid_by_hand(shop, made)
        assert "It was paid by hand." in top(
            texts(await ops.get(f"/orders/{by_hand}?refunded={made}"))
        )

        await agree(shop)
        order_id = await advanced(shop)
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="10.00"))
        line = texts(await ops.get(f"/orders/{order_id}")).partition("Refund 1 of 10.00")[2][:200]
        assert line
        assert "sent at once" not in line

    portal(server, story)


def test_a_stablecoin_refund_that_was_paid_by_hand_was_not_sent_by_the_channel(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        order = await charge(shop, channel="mock")
        await simulate_by_operator(shop.world, shop.orders, "order-1", True)
        await the_channel_refuses(shop, refuses=True)
        await paid_by_hand(shop, await give_back(shop, order.order_id))
        page = texts(await (await as_("ops")).get(f"/orders/{order.order_id}"))
        assert "Paid by hand:" in page
        assert "The channel has sent it back" not in page

    portal(server, story)


def test_an_answered_dispute_is_not_to_be_answered_and_an_inquiry_took_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        refunded, asked = await sold(shop, 2)
        await give_back(shop, refunded)
        await disputed(shop, refunded, units=4590)
        dispute_id = (await the_dispute(shop, refunded))["dispute_id"]
        await note_evidence(shop.world, shop.scope, dispute_id, "it went back, reference 7")
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await shop.run_due()
        assert "Answer the dispute with" not in top(texts(await ops.get(f"/orders/{refunded}")))

        await disputed(shop, asked, kind="service", stage="inquiry", units=4590)
        dispute_id = (await the_dispute(shop, asked))["dispute_id"]
        await note_evidence(shop.world, shop.scope, dispute_id, "delivered")
        page = texts(await ops.get(f"/disputes/{dispute_id}"))
        assert "Nothing has been taken yet." in page
        assert "come back to you. If you lose" not in page

    portal(server, story)


def test_what_is_paid_twice_is_not_to_be_refunded_before_it_is_captured(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        with processor_away(monkeypatch):
            await post(ops, here, f"{here}/capture", key=KEY)
            await paid_twice(shop, UUID(here.rpartition("/")[2]))
            assert "Refund one of the two payments" not in top(texts(await ops.get(here)))

    portal(server, story)


def test_a_hold_that_is_stuck_is_no_money_that_is_owed(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        here, ops = await authorised(shop), await as_("ops")
        await set_fault(shop.world, "refuse", timedelta(hours=1))
        await post(ops, here, f"{here}/cancel")
        await shop.settle()
        page = top(texts(await ops.get(here)))
        assert "A void is stuck" in page
        assert "still owed" not in page

    portal(server, story)


@pytest.mark.parametrize("killed", [False, True])
def test_a_declined_customer_hears_no_word_of_a_bank_that_did_not_say_it(
    server: ServerAddress, killed: bool
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        if killed:
            await set_merchant(shop, "killed = true")
        word = await shop.ask(is_mit=False, days=None, pan=FUNDS_CARD, code="05", cvv="123")
        await shop.settle()
        page = texts(await (await as_("ops")).get(f"/orders/{word.order_id}"))
        assert (
            "The customer was shown a decline without an attempt at the bank." in page
        ) is killed
        assert ("The bank declined while the customer waited." in page) is not killed
        assert "answer was final" not in page

    portal(server, story)


# what is offered
# --------------------------------------------------------------------------------------------------


def test_who_may_not_agree_to_a_refund_is_not_asked_to(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        boss, ops = await as_("owner"), await as_("ops")
        await limited(boss, second_from="5")
        await limited(boss, "owner", refund_max="10")
        [order_id] = await sold(shop)
        assert (await asks(ops, order_id, "20.00")).status_code == 303
        here = f"/orders/{order_id}"
        assert "Approve 20.00" not in texts(await boss.get(here))
        path = f"{here}/refunds/{await the_request(shop)}"
        assert (await post(boss, here, path, decision="approve", seen="0")).status_code == 403

    portal(server, story)


def test_a_refund_that_waits_for_its_charge_is_not_to_be_tried_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        await agree(shop)
        order_id = await advanced(shop)
        here = f"/orders/{order_id}"
        with processor_away(monkeypatch, "charge", "inquire"):
            at = (await shop.order(order_id))["next_attempt_at"]
            ahead = int((at - await shop.now()).total_seconds() * 1e6) + 60_000_000
            await set_merchant(shop, f"offset_us = offset_us + {ahead}")
            await shop.run_due()
            made = await post(ops, here, f"{here}/refund", how="amount", amount="10.00", key=KEY)
            assert "the outcome of their charge decides" in top(
                texts(await ops.get(made.headers["location"]))
            )
            async with owner(shop.world) as connection:
                await connection.execute(
                    "UPDATE modifications SET business_at = business_at - interval '2 hours'"
                )
            desk = texts(await ops.get("/refunds"))
            assert "Waits for the charge" in desk
            assert "Try again" not in desk

    portal(server, story)


def test_who_may_only_look_gets_no_link_to_nowhere(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        page = await offered(shop)
        told = (await (await as_("clerk")).get(f"/orders/{page.order_id}")).text
        assert re.search(r"<dt>Link for the customer</dt><dd>page, until", told)

    portal(server, story)


@pytest.mark.parametrize("killed", [False, True])
def test_no_attempt_is_offered_where_the_operator_has_stopped_them(
    server: ServerAddress, killed: bool
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        if killed:
            await set_merchant(shop, "killed = true")
        answer = await (await as_("ops")).get(here)
        assert ('href="#retry"' in answer.text) is not killed
        assert (
            "the operator has stopped all sending for this merchant." in texts(answer)
        ) is killed

    portal(server, story)
