"""What an answer says of a payment is what happened to it, by the issuer's own book: for every
class of decline, every way not to be answered, whoever started the payment."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from tests.risk.flows.test_advances import POLICY, SLOW
from tests.worlds import HARD_CARD, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.policy import Policy
from recoup.mandates.rules import STOP_CODES
from recoup.networks.codes import CODES, code_of, read_decline
from recoup.networks.magic import CODE_CARDS, FAULT_CARDS, FAULTS, amount_for
from recoup.networks.reasons import REASONS
from recoup.orders.rules.causes import NOT_OVER, SENTENCES
from recoup.rescue.api.evaluate import answer
from recoup.rescue.flows.on_demand import clear_fault, set_fault
from recoup.rescue.flows.taken import EvaluateResult, result_of
from recoup.rescue.store.evaluate import order_outcome

QUICK = replace(POLICY, call_timeout=timedelta(seconds=0.4))
CIT = {"is_mit": False, "days": None, "cvv": "123", "code": "05"}
SYNC = {"days": None, "code": "91"}  # tried at once
# One code of each class that Visa has, and of each reason within it.
BY_CLASS = {
    (row.klass, row.reason): row.code
    for code in sorted(
        {r.code for r in CODES if r.scheme in ("visa", "generic") and r.kind == "response"}
    )
    for row in [
        read_decline(
            scheme="visa", code=code_of("visa", code), text=None, advice=None, on=date(2026, 11, 1)
        )
    ]
    if row.code
}


async def now_said(shop: Shop, word: EvaluateResult) -> EvaluateResult:
    async with shop.world.db.connection() as connection:
        row = await order_outcome(connection, shop.merchant_id, word.order_id)
    assert row is not None
    return result_of(row)


async def held_to_the_book(shop: Shop, word: EvaluateResult) -> str:
    """The cause of an answer, after all that it says was held against the issuer's book."""
    told = answer(word, None, None)
    async with owner(shop.world) as connection:
        rows = await connection.fetch(
            "SELECT s.decision, coalesce((SELECT sum(r.units) FROM issuer.reversals r WHERE "
            "r.charge_id = s.id"
            " AND r.decision = 'approved' AND r.kind <> 'capture'), 0) AS back FROM issuer.sends s"
            " WHERE s.order_id = $1",
            word.order_id,
        )
    stage = (await shop.order(word.order_id))["stage"]
    tries = [dict(t) for t in await _attempts(shop, word)]
    if word.evaluate == "APPROVED":
        assert told.cause is None
        assert told.final
        return "approved"
    if word.evaluate == "CHALLENGE":
        assert (told.cause, told.final) == (None, False)
        return "challenge"
    assert told.cause is not None
    assert told.cause in SENTENCES
    assert (
        told.final
        == (stage in ("declined", "cancelled", "expired"))
        == (told.cause not in NOT_OVER)
    )
    if not told.final:
        assert "Do not charge" in (told.result or "") or told.result == "Success"
    approved = [r for r in rows if r["decision"] == "approved"]
    match told.cause:
        case "hard_decline":
            assert not approved
            assert not rows or tries[-1]["klass"] == "hard"
        case "soft_decline":
            assert not approved
            assert "does not allow this payment" not in (told.result or "")
            assert tries[-1]["klass"] not in ("hard", None)
            assert REASONS[tries[-1]["code_reason"]][0] in (told.result or "")
        case "no_answer":
            assert tries[-1]["state"] in ("open", "unknown")
        case "approved_late":
            assert approved
            assert "amount goes back" in (told.result or "")
        case "not_sent":
            assert not approved
        case "outcome_unknown":
            assert tries[-1]["state"] in ("open", "unknown")
            assert "may have been approved" in (told.result or "")
        case "retry_planned":
            assert word.next_attempt_at is not None
    for never in ("Recoup tries again", "Nothing to do"):
        assert told.cause in NOT_OVER or never not in (told.result or "")
    return told.cause


async def _attempts(shop: Shop, word: EvaluateResult) -> list[Any]:
    async with shop.world.db.connection() as connection:
        return list(
            await connection.fetch(
                "SELECT state, klass, code_reason FROM attempts WHERE order_id = $1 AND state <> "
                "'planned'"
                " ORDER BY attempt_no",
                word.order_id,
            )
        )


def lived(server: ServerAddress, story: Any, policy: Policy = SLOW) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=policy) as made:
            await story(await make_shop(*made))

    asyncio.run(whole())


@pytest.mark.parametrize("kind", ["cit", "sync", "managed"])
def test_every_decline_is_told_as_what_it_was(server: ServerAddress, kind: str) -> None:
    more = {"cit": CIT, "sync": SYNC, "managed": {}}[kind]
    assert {klass for klass, _ in BY_CLASS} >= {
        "funds",
        "soft",
        "technical",
        "data",
        "fraud",
        "hard",
    }

    async def story(shop: Shop) -> None:
        causes = {}
        revoking = {about: code for about, code in BY_CLASS.items() if code in STOP_CODES}
        for codes in (
            BY_CLASS.keys() - revoking.keys(),
            revoking,
        ):  # a revoked mandate would end the other orders
            words = {}
            for about in sorted(codes):
                words[about] = await shop.ask(
                    pan=CODE_CARDS["visa"], units=amount_for(BY_CLASS[about]), **more
                )
                await held_to_the_book(shop, words[about])
            await shop.settle()
            await shop.advance(timedelta(days=8))
            for about, word in words.items():
                causes[about] = await held_to_the_book(shop, await now_said(shop, word))
        for (klass, reason), cause in causes.items():
            if klass == "hard":
                assert cause == "hard_decline", (klass, reason)
            elif kind != "cit":
                assert cause in NOT_OVER, (klass, reason)
            else:
                assert cause != "hard_decline", (klass, reason)

    lived(server, story)


@pytest.mark.parametrize("kind", ["cit", "sync", "managed"])
def test_whatever_becomes_of_a_try_is_told_as_what_it_was(server: ServerAddress, kind: str) -> None:
    """At once, a moment later, and when everything is known: a time-out that the bank had approved,
    one that it had declined, one that never arrived."""
    more = {"cit": CIT, "sync": SYNC, "managed": {}}[kind]

    async def story(shop: Shop) -> None:
        words = await asyncio.gather(
            *(
                shop.ask(pan=FAULT_CARDS["visa"], units=amount, **more)
                for amount in FAULTS
                if amount != 80_013
            )
        )
        first = {await held_to_the_book(shop, await now_said(shop, word)) for word in words}
        await shop.settle()
        last = {
            amount: await held_to_the_book(shop, await now_said(shop, word))
            for amount, word in zip([a for a in FAULTS if a != 80_013], words, strict=True)
        }
        if kind == "cit":
            assert first & {"no_answer", "approved_late"}
            assert last[80_001] in ("approved_late", "approved")
            assert last[80_002] == "soft_decline"

    lived(server, story, QUICK)


def test_an_answer_given_while_the_try_is_out_says_that_it_is_not_over(
    server: ServerAddress,
) -> None:
    """A client that reads DECLINED alone charges elsewhere, and the bank may have approved."""

    async def story(shop: Shop) -> None:
        word = await shop.ask(pan=FAULT_CARDS["visa"], units=80_013, **SYNC)
        told = answer(word, None, None)
        assert (told.status, told.final, told.cause, told.reason) == (
            "DECLINED",
            False,
            "outcome_unknown",
            None,
        )
        assert "Do not charge this payment elsewhere" in (told.result or "")

    lived(server, story, QUICK)


def test_a_customer_whose_try_is_out_hears_that_it_was_not_answered(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await shop.ask(pan=FAULT_CARDS["visa"], units=80_013, **CIT)
        told = answer(word, None, None)
        assert (told.status, told.final, told.cause) == ("DECLINED", True, "no_answer")
        assert "does not allow this payment" not in (told.result or "")

    lived(server, story, QUICK)


def test_a_processor_that_is_away_is_not_told_as_the_banks_decline(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await set_fault(shop.world, "outage", timedelta(seconds=60))
        word = await shop.ask(**CIT)
        assert await held_to_the_book(shop, word) == "not_sent"
        assert "nothing was charged" in (answer(word, None, None).result or "")
        await clear_fault(shop.world, "outage")

    lived(server, story)


def test_a_hard_decline_that_came_in_is_told_with_its_own_words(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(code="43")
        await shop.settle()
        async with shop.world.db.connection() as connection:
            row = await order_outcome(connection, shop.merchant_id, order_id)
        assert row is not None
        word = result_of(row)
        assert answer(word, None, None).result == (
            "The rescue ended: the card is reported lost or stolen. Ask the customer for another "
            "card."
        )
        word = await shop.ask(pan=HARD_CARD, **CIT)
        assert await held_to_the_book(shop, word) == "hard_decline"

    lived(server, story)
