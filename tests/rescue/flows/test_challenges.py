"""What only the customer can mend: asked on a page, tried as theirs, and never charged after an
order has ended."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.rescue.flows.test_customer_waiting import PATIENT, POLICY, kept, run, waiting
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import CHALLENGE_PHONES, DECLINE_CARD, FAULT_CARDS, script_card
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.challenge import ChallengeAnswer, ChallengePage, answer, refuse, show
from recoup.rescue.flows.tokenize import Vault

ANOTHER = {"pan": APPROVE_CARDS[1], "exp_month": 8, "exp_year": 2033}


async def challenged(shop: Shop, **more: Any) -> ChallengePage:
    word = await waiting(
        shop.patient(), **({"pan": PHONE_CARD, "phone": CHALLENGE_PHONES[0]} | more)
    )
    assert word.evaluate == "CHALLENGE"
    return await show(shop.world, shop.merchant_id, word.order_id)


async def answered(shop: Shop, asked: ChallengePage, **given: Any) -> ChallengePage:
    return await answer(
        shop.world, shop.orders, Vault(shop.world), asked, ChallengeAnswer(**given), "test"
    )


async def events(shop: Shop, order_id: Any) -> list[str]:
    rows = await shop.world.db.fetch(
        "SELECT event FROM outbox WHERE subject_id = $1 ORDER BY seq", order_id
    )
    return [r["event"] for r in rows if r["event"].startswith("challenge.")]


def test_a_confirmation_pays(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        asked = await challenged(shop)
        assert (asked.state, asked.asks, asked.units, asked.last4) == (
            "asked",
            "confirm",
            4590,
            PHONE_CARD[-4:],
        )
        with pytest.raises(Problem) as empty:
            await answered(shop, asked)
        assert (empty.value.code, empty.value.facts.get("field") or empty.value.field) == (
            "invalid",
            "Confirmed",
        )
        done = await answered(shop, asked, confirmed=True)
        assert done.state == "passed"
        assert (await shop.order(asked.order_id))["stage"] == "completed"
        assert await events(shop, asked.order_id) == [
            "challenge.presented",
            "challenge.attempted",
            "challenge.passed",
        ]
        with pytest.raises(Problem) as again:
            await answered(shop, asked, confirmed=True)
        assert again.value.code == "wrong_state"
        assert list(await kept(shop)) == [asked.order_id]

    run(server, story)


def test_another_card_pays(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        asked = await challenged(shop)
        assert (await answered(shop, asked, **ANOTHER)).state == "passed"
        row = await shop.order(asked.order_id)
        assert row["stage"] == "completed"
        assert len(row["cards_before"]) == 1

    run(server, story)


def test_a_card_that_is_declined_may_be_followed_by_another_three_in_all(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        asked = await challenged(shop)
        stolen = script_card("visa", "43", 99)
        for pan in (DECLINE_CARD, stolen):
            asked = await answered(shop, asked, pan=pan, exp_month=8, exp_year=2033)
            assert (asked.state, asked.asks) == ("asked", "card")
        done = await answered(shop, asked, pan=DECLINE_CARD, exp_month=8, exp_year=2033)
        row = await shop.order(asked.order_id)
        assert (done.state, row["stage"], row["reason"]) == (
            "over",
            "cancelled",
            "challenge_failed",
        )
        assert (await events(shop, asked.order_id))[-1] == "challenge.failed"
        assert not await kept(shop)

    run(server, story)


def test_a_customer_may_try_three_times(server: ServerAddress) -> None:
    """Each time the bank names something else that they can mend."""

    async def story(shop: Shop) -> None:
        asked = await challenged(shop)
        wrong_code = script_card("visa", "82", 99)
        for number in (1, 2):
            asked = await answered(shop, asked, pan=wrong_code, exp_month=8, exp_year=2033)
            assert (asked.state, asked.asks, asked.tries) == ("asked", "code", number)
        asked = await answered(shop, asked, code="999")
        assert asked.state == "over"
        assert (await shop.order(asked.order_id))["reason"] == "challenge_failed"

    run(server, story)


def test_a_customer_may_say_no(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        asked = await challenged(shop)
        assert (await refuse(shop.world, shop.orders, asked, "test")).state == "over"
        assert (await shop.order(asked.order_id))["reason"] == "challenge_failed"
        assert (await refuse(shop.world, shop.orders, asked, "test")).state == "over"

    run(server, story)


def test_many_answers_and_a_cancel_at_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        for number in range(6):
            asked = await challenged(shop)
            calls = [answered(shop, asked, confirmed=True) for _ in range(4)]
            others = (
                [cancel(shop.world, shop.orders, shop.scope, asked.order_id)] if number % 2 else []
            )
            told = await asyncio.gather(*calls, *others, return_exceptions=True)
            assert all(isinstance(t, Problem) for t in told if isinstance(t, Exception)), told
        await shop.settle()
        rows = await shop.world.db.fetch(
            "SELECT order_id FROM current_orders WHERE stage = 'completed'"
        )
        assert {r["order_id"] for r in rows} == set(await kept(shop))

    run(server, story)


@pytest.mark.parametrize("units", [80_001, 80_007, 80_012])
def test_a_processor_that_does_not_answer_the_customer(server: ServerAddress, units: int) -> None:
    async def story(shop: Shop) -> None:
        asked = await challenged(shop, units=units)
        done = await answered(shop, asked, pan=FAULT_CARDS["visa"], exp_month=8, exp_year=2033)
        assert done.state in ("tried", "passed")
        await shop.settle()
        assert (await show(shop.world, shop.merchant_id, asked.order_id)).state == "passed"
        assert list(await kept(shop)) == [asked.order_id]

    run(server, story, replace(PATIENT, call_timeout=POLICY.call_timeout))


def test_a_link_for_a_managed_payment_that_waiting_cannot_cure(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=script_card("visa", "54", 99), code="54")
        await shop.run_due()
        asked = await show(shop.world, shop.merchant_id, order_id)
        row = await shop.order(order_id)
        assert (asked.state, asked.asks, row["stage"], row["status"]) == (
            "asked",
            "card",
            "processing",
            4,
        )
        assert asked.expires_at == row["expires_at"]
        again = await answered(
            shop, asked, pan=script_card("visa", "54", 99, 7), exp_month=8, exp_year=2033
        )
        assert (again.state, again.asks) == ("asked", "card")
        assert (await shop.order(order_id))["stage"] == "processing"
        assert (await answered(shop, again, **ANOTHER)).state == "passed"
        assert await events(shop, order_id) == [
            "challenge.presented",
            "challenge.attempted",
            "challenge.failed",
            "challenge.presented",
            "challenge.attempted",
            "challenge.passed",
        ]
        sends = await shop.world.db.fetch(
            "SELECT initiator FROM attempts WHERE order_id = $1", order_id
        )
        assert {r["initiator"] for r in sends} == {"customer"}

    run(server, story)


def test_a_link_ends_with_its_order(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=script_card("visa", "54", 99), code="54")
        await shop.run_due()
        asked = await show(shop.world, shop.merchant_id, order_id)
        await shop.advance(timedelta(days=22))
        assert (await show(shop.world, shop.merchant_id, order_id)).state == "over"
        with pytest.raises(Problem) as late:
            await answered(shop, asked, **ANOTHER)
        assert late.value.code == "wrong_state"
        assert not await kept(shop)

    run(server, story)
