"""What a reviewer broke: customers charged or stuck after something went wrong at a bad moment,
each as it was seen."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.absence import away, hurried, processor_away, refused, worried
from tests.rescue.flows.test_challenges import ANOTHER, answered, challenged
from tests.rescue.flows.test_customer_waiting import POLICY, asked, held, kept, run, waiting
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import FAULT_CARDS, script_card
from recoup.processors.gateways.port import Outcome
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.refunds.flows.capture import capture
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.challenge import PAYER, ChallengeAnswer, answer, show
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup.rescue.moves.challenge_answer import answer as answer_move

A_DAY_IS_OVER = replace(POLICY, review_after=timedelta(seconds=-6))
FAULTY = {"pan": FAULT_CARDS["visa"], "exp_month": 8, "exp_year": 2033}


async def until(shop: Shop, order_id: Any, stages: set[str], seconds: float = 20.0) -> str:
    """Runs due work until the order is in one of these stages."""
    give_up = asyncio.get_running_loop().time() + seconds
    while True:
        await shop.run_due()
        stage = str((await shop.order(order_id))["stage"])
        if stage in stages:
            return stage
        assert asyncio.get_running_loop().time() < give_up, f"the order stays {stage}"
        await asyncio.sleep(0.1)


async def set_merchant(shop: Shop, what: str) -> None:
    async with owner(shop.world) as connection:
        sql = f"UPDATE merchants SET {what}, version = version + 1 WHERE merchant_id = $1"
        await connection.execute(sql, shop.merchant_id)
    shop.merchants.forget(shop.merchant_id)


async def offered(shop: Shop) -> Any:
    """The page of a managed payment whose card has expired."""
    order_id = await shop.admit(pan=script_card("visa", "54", 99), code="54")
    await shop.run_due()
    return await show(shop.world, shop.merchant_id, order_id)


async def stored(shop: Shop) -> Any:
    token = new_id()
    await Vault(shop.world).store(CardGiven(shop.merchant_id, token, APPROVE_CARDS[1], 9, 2031))
    return token


def test_an_approval_found_after_a_day_completes_the_order(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        page = await challenged(shop, units=80_001)
        with processor_away(monkeypatch, "inquire"):
            await answered(shop, page, **FAULTY)
            await until(shop, page.order_id, {"problem"})
        await until(shop, page.order_id, {"completed"})
        assert list(await kept(shop)) == [page.order_id]

    run(server, story, A_DAY_IS_OVER)


def test_a_try_that_never_arrived_is_not_made_without_its_customer(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop) -> None:
        page = await challenged(shop, units=80_003)
        with processor_away(monkeypatch, "inquire"):
            await answered(shop, page, **FAULTY)
        await until(shop, page.order_id, {"challenged"}, 30)
        assert (await show(shop.world, shop.merchant_id, page.order_id)).state == "asked"
        await shop.advance(timedelta(hours=3))
        assert (await shop.order(page.order_id))["reason"] == "challenge_timeout"
        assert not await kept(shop)

    run(server, story, POLICY)


def test_an_answer_whose_process_died_is_not_sent_hours_later(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        page = await challenged(shop)
        await shop.orders.change(
            Job(shop.key(page.order_id), lambda c: answer_move(c, None), PAYER, "test")
        )
        await set_merchant(shop, "offset_us = offset_us + 36000000000")
        await shop.run_due()
        assert (await shop.order(page.order_id))["stage"] == "cancelled"
        assert not await kept(shop)

    run(server, story)


def test_a_page_that_said_no_is_not_charged_when_the_operator_lets_go(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        page = await offered(shop)
        await set_merchant(shop, "killed = true")
        again = await answered(shop, page, **ANOTHER)
        assert again.state == "asked"
        await set_merchant(shop, "killed = false")
        await shop.advance(timedelta(days=1))
        assert not await kept(shop)
        assert (await answered(shop, again, **ANOTHER)).state == "passed"

    run(server, story)


def test_paid_elsewhere_while_a_capture_is_out_is_flagged(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SandboxProcessor.modify

    async def silent(self: SandboxProcessor, message: Any) -> Outcome:
        await real(self, message)
        return Outcome("unknown", text="no answer")

    async def story(shop: Shop) -> None:
        word = await held(shop)
        with monkeypatch.context() as patched:
            patched.setattr(SandboxProcessor, "modify", silent)
            with pytest.raises(Problem) as unknown:
                await capture(shop.world, shop.orders, shop.scope, asked(word))
            assert unknown.value.code == "unavailable"
            await shop.transmitted(word.external_id, declined=False)
            await shop.run_due()
        await shop.settle()
        row = await shop.order(word.order_id)
        assert row["stage"] == "completed"
        assert row["attention"] == "paid_twice"

    run(server, story, POLICY)


@pytest.mark.parametrize("ends", ["approved", "refused"])
@pytest.mark.parametrize("then", ["nothing", "the processor stays away", "the merchant tries on"])
def test_paid_elsewhere_while_a_capture_is_out_is_not_forgotten(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, then: str, ends: str
) -> None:
    """A later note took its place: the refused hold stayed, and was captured beside the merchant's
    own payment."""

    async def story(shop: Shop) -> None:
        word = await held(shop)
        with processor_away(monkeypatch):
            with pytest.raises(Problem):
                await capture(shop.world, shop.orders, shop.scope, asked(word))
            await shop.transmitted(word.external_id, declined=False)
            if then == "the processor stays away":
                await worried(shop)
                assert "capture_delayed" in await shop.happenings(word.order_id)
            elif then == "the merchant tries on":
                await shop.transmitted(word.external_id, declined=True)
        if ends == "refused":
            await refused(shop)
        else:
            await hurried(shop)
            await shop.settle()
        row = await shop.order(word.order_id)
        if ends == "refused":
            assert (row["stage"], row["reason"]) == ("cancelled", "paid_elsewhere")
        else:
            assert row["stage"] == "completed"
            assert row["attention"] == "paid_twice"
            await refund(
                shop.world, shop.orders, shop.scope, word.order_id, RefundRequest(all=True)
            )
            await shop.settle()
            assert (await shop.order(word.order_id))["attention"] is None

    run(server, story, POLICY)


@pytest.mark.parametrize("kind", ["capture", "void"])
def test_the_books_hold_while_a_capture_or_void_is_out(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Neither moves money that was booked before: `verify` took them for money that is owed to the
    customer."""

    async def story(shop: Shop) -> None:
        word = await held(shop)
        for call in ("modify", "inquire"):
            monkeypatch.setattr(SandboxProcessor, call, away)
        if kind == "capture":
            with pytest.raises(Problem):
                await capture(shop.world, shop.orders, shop.scope, asked(word))
        else:
            await set_merchant(
                shop, "offset_us = offset_us + (capture_window_minutes + 1) * 60000000::bigint"
            )
            await until(shop, word.order_id, {"cancelled"})
            await shop.run_due()
        out = (
            "SELECT count(*) FROM modifications WHERE kind = $1 AND state IN ('owed', 'sent', "
            "'stuck')"
        )
        async with owner(shop.world) as connection:
            assert await connection.fetchval(out, kind) == 1

    run(server, story, POLICY)


def test_a_capture_after_its_window_is_refused(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await held(shop)
        await set_merchant(
            shop, "offset_us = offset_us + (capture_window_minutes + 1) * 60000000::bigint"
        )
        with pytest.raises(Problem) as late:
            await capture(shop.world, shop.orders, shop.scope, asked(word))
        assert late.value.code == "wrong_state"
        await until(shop, word.order_id, {"cancelled"})
        await shop.settle()
        assert not await kept(shop)

    run(server, story)


def test_a_link_that_has_done_its_work_writes_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        page = await challenged(shop)
        done = await answered(shop, page, confirmed=True)
        before = await shop.value("SELECT count(*) FROM vault")
        with pytest.raises(Problem) as over:
            await answered(shop, done, billing={"addressLine1": "A stranger's street"}, **ANOTHER)
        assert over.value.code == "wrong_state"
        assert await shop.value("SELECT count(*) FROM vault") == before
        billing = await shop.value(
            "SELECT billing::text FROM order_payer WHERE order_id = $1", page.order_id
        )
        assert "stranger" not in (billing or "")

    run(server, story)


def test_no_further_attempts_ends_the_customers_link_too(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        page = await offered(shop)
        await amend(shop.world, shop.orders, shop.scope, page.order_id, Amended(do_not_retry=True))
        assert (await show(shop.world, shop.merchant_id, page.order_id)).state == "over"
        with pytest.raises(Problem) as over:
            await answered(shop, page, **ANOTHER)
        assert over.value.code == "wrong_state"
        await amend(shop.world, shop.orders, shop.scope, page.order_id, Amended(do_not_retry=False))
        again = await show(shop.world, shop.merchant_id, page.order_id)
        assert again.state == "asked"
        assert (await answered(shop, again, **ANOTHER)).state == "passed"

    run(server, story)


def test_a_repeat_while_the_customers_try_is_out_is_answered(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SandboxProcessor.charge
    sent, told = asyncio.Event(), asyncio.Event()

    async def slow(self: SandboxProcessor, charge: Any) -> Outcome:
        sent.set()
        await told.wait()
        return await real(self, charge)

    async def story(shop: Shop) -> None:
        given = await shop.declined(
            is_mit=False, days=None, pan=script_card("visa", "54", 99), code="54", cvv="123"
        )
        word = await shop.evaluate.evaluate(shop.scope, given)
        assert word.evaluate == "CHALLENGE"
        page = await show(shop.world, shop.merchant_id, word.order_id)
        monkeypatch.setattr(SandboxProcessor, "charge", slow)
        trying = asyncio.create_task(
            answer(
                shop.world, shop.orders, Vault(shop.world), page, ChallengeAnswer(**ANOTHER), "test"
            )
        )
        await sent.wait()
        assert (await shop.evaluate.evaluate(shop.scope, given)).evaluate == "CHALLENGE"
        assert not trying.done()
        told.set()
        assert (await trying).state == "passed"

    run(server, story)


def test_the_merchants_card_does_not_go_out_as_the_customers(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        page = await offered(shop)
        await shop.orders.change(
            Job(shop.key(page.order_id), lambda c: answer_move(c, None), PAYER, "test")
        )
        with pytest.raises(Problem) as busy:
            await amend(
                shop.world,
                shop.orders,
                shop.scope,
                page.order_id,
                Amended(token_id=await stored(shop)),
            )
        assert busy.value.code == "conflict"

    run(server, story)


def test_attempts_are_wanted_again_while_the_operator_holds_the_order(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        page = await offered(shop)
        token = await stored(shop)
        await set_merchant(shop, "killed = true")
        await amend(shop.world, shop.orders, shop.scope, page.order_id, Amended(token_id=token))
        await until(shop, page.order_id, {"held"})
        await amend(shop.world, shop.orders, shop.scope, page.order_id, Amended(do_not_retry=True))
        await amend(shop.world, shop.orders, shop.scope, page.order_id, Amended(do_not_retry=False))
        assert not (await shop.order(page.order_id))["do_not_retry"]

    run(server, story)


def test_a_longer_rescue_keeps_its_link(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        page = await offered(shop)
        later = await shop.now() + timedelta(days=28)
        await amend(shop.world, shop.orders, shop.scope, page.order_id, Amended(expires_at=later))
        assert (await show(shop.world, shop.merchant_id, page.order_id)).expires_at == later

    run(server, story)


def test_a_hold_of_the_same_customer_is_flagged_too(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(
            shop, pan=APPROVE_CARDS[1], facts={"transaction_type": "AUTHORIZATION"}
        )
        payer = {"external_id": "", "email": "ana@example.test", "phone": "", "name": ""}
        await shop.transmitted("another", declined=False, payer=payer, last4=APPROVE_CARDS[1][-4:])
        await shop.run_due()
        assert (await shop.order(word.order_id))["attention"]

    run(server, story)
