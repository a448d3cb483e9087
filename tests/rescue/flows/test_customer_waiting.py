"""The customer stands at the checkout: an answer in time, and nobody pays for an order that was
answered declined."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.rings import deep, draw, each
from tests.worlds import PATIENCE, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import CHALLENGE_PHONES, DECLINE_CARD, FAULT_CARDS, script_card
from recoup.refunds.flows.capture import Captured, CaptureRequest, capture
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.first_try import Tried
from recoup.rescue.flows.taken import Person

POLICY = Policy(
    call_timeout=timedelta(seconds=0.8),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=0.6),
)
# Where the answer is what is looked at, not how soon it comes: a busy machine makes no other word
# of it.
PATIENT = replace(POLICY, call_timeout=PATIENCE, cit_deadline=PATIENCE)
FAULTY = FAULT_CARDS["visa"]
SILENT_YES, SILENT_NO, LOST, SLOW, DUPLICATE, LATE, OUTAGE, HIDDEN, GARBAGE = (
    80_001, 80_002, 80_003, 80_004, 80_006, 80_007, 80_009, 80_011, 80_012,
)  # fmt: skip

Story = Callable[[Shop], Awaitable[None]]


def run(server: ServerAddress, story: Story, policy: Policy = PATIENT) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=policy) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await story(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def waiting(shop: Shop, **more: Any) -> Any:
    """One CIT of a customer at the checkout."""
    person = Person(
        first_name="Ana", last_name="Roe", email="ana@example.test", phone=more.pop("phone", "")
    )
    usual = {
        "is_mit": False,
        "days": None,
        "pan": APPROVE_CARDS[1],
        "code": "05",
        "cvv": "123",
        "payer": person,
    }
    return await shop.ask(**(usual | more))


async def kept(shop: Shop) -> dict[Any, int]:
    """Order -> units that its customer has paid or that are held, by the issuer's own book."""
    async with owner(shop.world) as connection:
        rows = await connection.fetch(
            "SELECT s.order_id, sum(s.units)::bigint AS units FROM issuer.sends s WHERE decision = "
            "'approved'"
            " AND NOT EXISTS (SELECT FROM issuer.reversals r WHERE r.charge_id = s.id AND "
            "r.decision = 'approved'"
            "   AND r.kind IN ('refund', 'void') AND r.units = s.units) GROUP BY s.order_id"
        )
    return {r["order_id"]: r["units"] for r in rows}


@each(
    ("more", "said"),
    [
        ({}, "APPROVED"),
        ({"pan": DECLINE_CARD}, "DECLINED"),
        ({"pan": script_card("visa", "04", 99), "code": "04"}, "DECLINED"),
        ({"pan": PHONE_CARD, "cvv": "", "phone": ""}, "DECLINED"),
        ({"pan": PHONE_CARD, "cvv": "999", "phone": ""}, "APPROVED"),
        ({"pan": PHONE_CARD, "cvv": "", "phone": CHALLENGE_PHONES[0]}, "CHALLENGE"),
        ({"pan": PHONE_CARD, "cvv": "123", "phone": CHALLENGE_PHONES[2]}, "CHALLENGE"),
        (
            {
                "pan": PHONE_CARD,
                "phone": CHALLENGE_PHONES[0],
                "facts": {"transaction_type": "AUTHORIZATION"},
            },
            "CAPTUREREQUIRED",
        ),
        ({"phone": "998888", "facts": {"transaction_type": "AUTHORIZATION"}}, "CAPTUREREQUIRED"),
    ],
)
def test_what_the_customer_hears(server: ServerAddress, more: dict[str, Any], said: str) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop, **more)
        assert word.evaluate == said
        again = await shop.evaluate.evaluate(shop.scope, await _same(shop, word))
        assert (again.order_id, again.evaluate) == (word.order_id, said)
        paid = await kept(shop)
        assert (word.order_id in paid) is (said in ("APPROVED", "CAPTUREREQUIRED"))

    run(server, story)


async def _same(shop: Shop, word: Any) -> Any:
    """What a client sends again: the same order id under a new key, other timestamps."""
    row = await shop.order(word.order_id)
    return await shop.declined(
        is_mit=False,
        days=None,
        external_id=row["external_id"],
        token_id=row["token_id"],
        pan=None,
        transaction_id=row["transaction_id"],
    )


FAULTS = (SILENT_YES, SILENT_NO, LOST, SLOW, DUPLICATE, LATE, OUTAGE, HIDDEN, GARBAGE)


@deep("properties")
@each("units", draw("properties", FAULTS, 4, label="waiting"))
def test_whatever_the_processor_does_the_answer_holds(server: ServerAddress, units: int) -> None:
    async def story(shop: Shop) -> None:
        words = await asyncio.gather(*(waiting(shop, pan=FAULTY, units=units) for _ in range(4)))
        await shop.settle()
        paid = await kept(shop)
        for word in words:
            assert word.evaluate in ("APPROVED", "DECLINED")
            assert (word.order_id in paid) is (word.evaluate == "APPROVED")
            row = await shop.order(word.order_id)
            assert row["stage"] == ("completed" if word.evaluate == "APPROVED" else "declined")

    run(server, story, POLICY)


def test_a_customer_who_left_is_not_charged(server: ServerAddress) -> None:
    """The process that was to answer died: whoever finds the order sends nothing."""

    async def story(shop: Shop) -> None:
        shop.evaluate._tries._try_with_customer = (  # type: ignore[method-assign]
            lambda *_: asyncio.sleep(0, Tried())
        )
        word = await waiting(shop)
        assert word.evaluate == "DECLINED"
        await asyncio.sleep(0.7)
        await shop.run_due()
        assert not await kept(shop)

    run(server, story, POLICY)


async def held(shop: Shop) -> Any:
    word = await waiting(shop.patient(), facts={"transaction_type": "AUTHORIZATION"})
    assert word.evaluate == "CAPTUREREQUIRED"
    return word


def asked(word: Any, key: str = "capture-1", units: int = 4590) -> CaptureRequest:
    return CaptureRequest(word.order_id, units, "USD", key)


def test_a_capture_takes_the_whole_amount_once(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await held(shop)
        with pytest.raises(Problem) as part:
            await capture(shop.world, shop.orders, shop.scope, asked(word, units=1000))
        assert part.value.code == "capture_amount"
        several = await asyncio.gather(
            *(capture(shop.world, shop.orders, shop.scope, asked(word)) for _ in range(8))
        )
        assert {c.done for c in several} == {True}
        assert len({c.capture_id for c in several}) == 1
        with pytest.raises(Problem) as again:
            await capture(shop.world, shop.orders, shop.scope, asked(word, "another"))
        assert again.value.code == "wrong_state"
        assert (await shop.order(word.order_id))["stage"] == "completed"
        captures = await shop.value("SELECT count(*) FROM modifications WHERE kind = 'capture'")
        assert captures == 1

    run(server, story)


def test_a_hold_ends_with_its_window(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await held(shop)
        await shop.advance(timedelta(days=6))
        assert (await shop.order(word.order_id))["stage"] == "authorised"
        await shop.advance(timedelta(days=2))
        row = await shop.order(word.order_id)
        assert (row["stage"], row["reason"]) == ("cancelled", "capture_window")
        assert not await kept(shop)

    run(server, story)


def test_capture_against_cancel_against_the_window(server: ServerAddress) -> None:
    """One of them wins, and the books agree."""

    async def story(shop: Shop) -> None:
        for number in range(12):
            word = await held(shop)
            if number % 3 == 2:
                sql = (
                    "UPDATE due_work SET due_at = now() WHERE kind = 'capture_window' AND "
                    "subject_id = $1"
                )
                await shop.world.db.execute(sql, word.order_id)
            calls = [
                capture(shop.world, shop.orders, shop.scope, asked(word, f"c{number}{n}"))
                for n in range(3)
            ]
            calls += [
                cancel(shop.world, shop.orders, shop.scope, word.order_id)
                for _ in range(number % 2 + 1)
            ]
            told = await asyncio.gather(*calls, shop.run_due(), return_exceptions=True)
            won = [t for t in told if isinstance(t, Captured) and t.done]
            row = await shop.order(word.order_id)
            assert row["stage"] == ("completed" if won else "cancelled")
            assert len({c.capture_id for c in won}) <= 1
            for other in told:
                assert not isinstance(other, Exception) or isinstance(other, Problem), other
        await shop.settle()
        paid = await kept(shop)
        async with shop.world.db.connection() as connection:
            rows = await connection.fetch("SELECT order_id, stage FROM current_orders")
        assert {r["order_id"] for r in rows if r["stage"] == "completed"} == set(paid)

    run(server, story)


def test_a_challenge_that_nobody_answers_ends(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop, pan=PHONE_CARD, phone=CHALLENGE_PHONES[1])
        assert word.evaluate == "CHALLENGE"
        await shop.advance(timedelta(hours=1))
        row = await shop.order(word.order_id)
        assert (row["stage"], row["reason"]) == ("cancelled", "challenge_timeout")
        assert not await kept(shop)

    run(server, story)
