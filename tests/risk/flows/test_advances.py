"""Approved before it was collected: within the limits under any race, charged once, never more than
what is due."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.dispute_terms import OPERATOR, agree
from tests.left_processes import Killer, dying_process
from tests.rescue.flows.test_card_limits import started, try_now
from tests.rings import deep, draw, each
from tests.routes.flows.test_routes import OWN, SECOND, two_routes
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.networks.magic import CODE_CARDS, FAULT_CARDS, script_card
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.due import give_up, start
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.on_demand import clear_fault, set_fault, settle_attempt
from recoup.rescue.flows.taken import Person
from recoup.risk.flows.treasurer import Terms, agree_exposure, allot_due, exposure_of
from recoup.risk.rules.advance import AdvanceInputs
from recoup.risk.rules.advance_by_bounds import advance_by_bounds
from recoup.terms.rules.collection import CURRENT_COLLECTION

# Long enough that a try is out at the deadline on a busy machine too: then, and not before, it is
# advanced.
POLICY = Policy(
    call_timeout=timedelta(seconds=2),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=1.6),
)
SLOW = replace(
    POLICY, cit_deadline=timedelta(seconds=10)
)  # the answers are what is looked at, not the deadline
SHARED = replace(SLOW, magic_inputs=False)  # numbers count for real, so that orders share a card
FAULTY = FAULT_CARDS["visa"]
SILENT_YES, SILENT_NO, LOST, HIDDEN = 80_001, 80_002, 80_003, 80_011
OTHER_CARD = script_card("visa", "51", 3)
LATER, NEVER, HARD_LATER = (
    script_card("visa", "51", 1),
    script_card("visa", "51", 99),
    script_card("visa", "51", 2),
)
Story = Callable[[Shop], Awaitable[None]]


def run(server: ServerAddress, story: Story, policy: Policy = POLICY, **terms: Any) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=policy) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await agree(shop, **terms)
            await story(shop)
            await judge(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def waiting(shop: Shop, **more: Any) -> Any:
    """One CIT of a customer at the checkout, each another one unless said."""
    number = more.pop("customer", None) or f"{more.get('units', 0)}-{id(more)}"
    person = Person(first_name="Ana", last_name="Roe", email=f"ana-{number}@example.test")
    usual = {
        "is_mit": False,
        "days": None,
        "pan": LATER,
        "code": "05",
        "cvv": "123",
        "payer": person,
    }
    return await shop.ask(**(usual | more))


async def advanced(shop: Shop, **more: Any) -> UUID:
    word = await waiting(shop, **more)
    assert (word.evaluate, word.outcome, word.next_attempt_at) == ("APPROVED", "APPROVED", None)
    assert "advanced" in await shop.happenings(word.order_id)
    if more.get("pan") != FAULTY:
        await shop.settle()  # on a loaded machine its own try may still be out
    return UUID(str(word.order_id))


async def due(shop: Shop, order_id: UUID) -> tuple[str, int]:
    async with shop.world.db.connection() as connection:
        row = await connection.fetchrow(
            "SELECT state, due_units FROM advances WHERE order_id = $1", order_id
        )
    return row["state"], row["due_units"]


async def balances(shop: Shop, order_id: UUID) -> dict[str, int]:
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT account, sum(units)::bigint AS units FROM entries JOIN postings USING "
            "(merchant_id, posting_id)"
            " WHERE order_id = $1 GROUP BY account HAVING sum(units) <> 0",
            order_id,
        )
    return {r["account"]: r["units"] for r in rows}


async def kept(shop: Shop, order_id: UUID) -> tuple[int, int]:
    """By the issuer's own book: approved charges, and what the customer has paid in the end."""
    async with owner(shop.world) as connection:
        row = await connection.fetchrow(
            "SELECT count(*) AS n, coalesce(sum(s.units), 0)::bigint - coalesce(sum((SELECT "
            "sum(r.units) FROM"
            " issuer.reversals r WHERE r.charge_id = s.id AND r.decision = 'approved' AND r.kind "
            "<> 'capture')), 0)"
            "::bigint AS units FROM issuer.sends s WHERE s.order_id = $1 AND s.decision = "
            "'approved'",
            order_id,
        )
    return row["n"], row["units"]


async def judge(shop: Shop) -> None:
    """Nobody charged twice, nobody charged more than units less refunds;
    nothing above the limit."""
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT order_id, units, refunded_units, stage FROM current_orders JOIN order_heads "
            "USING (merchant_id, order_id, units)"
        )
        used = await connection.fetchval(
            "SELECT coalesce(sum(used), 0)::bigint FROM exposure_allotments"
        )
        out = await connection.fetchval("SELECT coalesce(sum(due_units), 0)::bigint FROM advances")
    assert used == out
    await shop.settle()
    for row in rows:
        count, units = await kept(shop, row["order_id"])
        assert count <= 1
        assert units <= (row["units"] - row["refunded_units"] if row["stage"] == "completed" else 0)


async def give_back(shop: Shop, order_id: UUID, amount: str | None = None) -> Any:
    asked = RefundRequest(amount=amount, all=amount is None)
    return await refund(shop.world, shop.orders, shop.scope, order_id, asked)


# what is advanced
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [SILENT_YES, SILENT_NO, LOST, HIDDEN])
def test_what_is_out_at_the_deadline_is_advanced_and_collected(
    server: ServerAddress, units: int
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=FAULTY, units=units)
        await shop.settle()
        await shop.advance(timedelta(days=31))
        state, left = await due(shop, order_id)
        assert (state, left) == ("charged" if units != SILENT_NO else "uncollected", 0)
        held = await balances(shop, order_id)
        assert ("bad_debt" in held) is (units == SILENT_NO)
        assert (await kept(shop, order_id))[1] == (0 if units == SILENT_NO else units)

    run(server, story)


def test_a_soft_decline_is_advanced_and_charged_by_the_plan(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        row = await shop.order(order_id)
        assert (row["stage"], row["status"]) == ("completed", 7)
        assert row["next_attempt_at"] is not None
        held = await balances(shop, order_id)
        assert held == {"customer_due": 4590, "merchant_payable": -(4590 - 133), "fees": -133}
        await shop.advance(timedelta(days=31))
        assert await due(shop, order_id) == ("charged", 0)
        assert await balances(shop, order_id) == {
            "clearing": 4590,
            "merchant_payable": -(4590 - 133),
            "fees": -133,
        }
        assert await kept(shop, order_id) == (1, 4590)

    run(server, story)


def test_what_stays_uncollected_is_bad_debt(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=NEVER)
        await shop.advance(timedelta(days=31))
        assert await due(shop, order_id) == ("uncollected", 0)
        held = await balances(shop, order_id)
        assert held == {"bad_debt": 4590, "merchant_payable": -(4590 - 133), "fees": -133}
        assert "uncollected" in await shop.happenings(order_id)
        assert (await shop.order(order_id))["status"] == 7
        # What the merchant gives back now does not go to a customer who never paid.
        await give_back(shop, order_id, "10.00")
        assert (await balances(shop, order_id))["bad_debt"] == 3590
        await give_back(shop, order_id)
        assert "bad_debt" not in await balances(shop, order_id)
        assert (await shop.order(order_id))["status"] == 6
        assert await kept(shop, order_id) == (0, 0)

    run(server, story)


def test_a_hard_decline_ends_the_collection_at_once(server: ServerAddress) -> None:
    """The card says 51 to 500.51 and 04 to 500.04, which is left of it after a refund."""

    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=CODE_CARDS["visa"], units=50_051)
        await give_back(shop, order_id, "0.47")
        await shop.advance(timedelta(days=9))
        assert await due(shop, order_id) == ("uncollected", 0)
        assert (await balances(shop, order_id))["bad_debt"] == 50_004

    run(server, story)


async def claims(shop: Shop, pan: str, *, times: int = 1, units: int = 4590, **word: Any) -> None:
    """Declines of that card which nobody but the merchant has seen."""
    for _ in range(times):
        given = await shop.declined(pan=pan, units=units)
        given.decline.update(word)
        order_id = (await shop.evaluate.evaluate(shop.scope, given)).order_id
        await start(shop.orders, shop.key(order_id))
        if times > 1:  # of one that is over anyhow nothing is left to cancel
            await cancel(shop.world, shop.orders, shop.scope, order_id)


@pytest.mark.parametrize(("times", "word"), [(1, {"code": "43", "source": "visa"}), (20, {})])
def test_declines_that_the_merchant_invents_do_not_end_the_collection(
    server: ServerAddress, times: int, word: dict[str, Any]
) -> None:
    """One /evaluate with "stolen card" after the advance: written off, the issuer was asked for
    nothing, and the room was free for the next card."""

    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        await claims(shop, LATER, times=times, **word)
        await shop.advance(timedelta(days=9))
        assert await due(shop, order_id) == ("charged", 0)
        assert await kept(shop, order_id) == (1, 4590)

    run(server, story, policy=SHARED)


def test_declines_invented_before_the_advance_are_told_to_the_desk(server: ServerAddress) -> None:
    """They count, as the merchant's word of before always did; that they alone keep a charge back,
    people see."""

    async def story(shop: Shop) -> None:
        await claims(shop, LATER, times=20, units=3590)
        order_id = await advanced(shop)
        await give_back(shop, order_id, "10.00")
        await shop.advance(timedelta(days=9))
        assert await due(shop, order_id) == ("due", 3590)
        assert (await shop.order(order_id))["attention"] == "charge_claimed"
        assert (await shop.happenings(order_id))[-2:] == ["warned", "charge_planned"]

    run(server, story, policy=SHARED)


def test_a_stolen_card_that_only_the_merchant_knows_of_makes_no_bad_debt_at_once(
    server: ServerAddress,
) -> None:
    """Reported before the advance, and started after it."""

    async def story(shop: Shop) -> None:
        given = await shop.declined(pan=LATER, units=1)
        given.decline.update(code="43")
        await shop.evaluate.evaluate(shop.scope, given)
        order_id = await advanced(shop)
        await shop.advance(timedelta(days=29))
        assert await due(shop, order_id) == ("due", 4590)
        assert (await shop.order(order_id))["attention"] == "charge_claimed"
        await shop.advance(timedelta(days=2))
        assert await due(shop, order_id) == ("uncollected", 0)
        assert (await shop.order(order_id))["attention"] is None

    run(server, story, policy=SHARED)


def test_what_the_bank_told_us_of_the_card_still_ends_the_collection(server: ServerAddress) -> None:
    """Another order of ours hears "stolen card" of it: that is no claim."""

    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=CODE_CARDS["visa"], units=50_051)
        other = await started(shop, CODE_CARDS["visa"], units=50_043)
        assert await try_now(shop, other) == "declined"
        await shop.advance(timedelta(days=9))
        assert await due(shop, order_id) == ("uncollected", 0)

    run(server, story, policy=SHARED)


# refunds
# --------------------------------------------------------------------------------------------------


def test_a_refund_before_the_charge_reduces_it(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        await give_back(shop, order_id, "10.00")
        await give_back(shop, order_id, "0.90")
        assert await due(shop, order_id) == ("due", 3500)
        await shop.advance(timedelta(days=31))
        assert await due(shop, order_id) == ("charged", 0)
        assert await kept(shop, order_id) == (1, 3500)
        await give_back(shop, order_id, "5.00")
        await shop.settle()
        assert await kept(shop, order_id) == (1, 3000)
        states = await shop.value(
            "SELECT array_agg(state ORDER BY modification_no) FROM modifications"
        )
        assert states == ["netted", "netted", "done"]

    run(server, story)


def test_a_full_refund_before_the_charge_cancels_it(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        await give_back(shop, order_id)
        assert await due(shop, order_id) == ("netted", 0)
        assert (await shop.order(order_id))["status"] == 6
        await shop.advance(timedelta(days=31))
        assert await kept(shop, order_id) == (0, 0)
        held = await balances(shop, order_id)
        assert not {"customer_due", "refund_due", "bad_debt"} & set(held)
        with pytest.raises(Problem) as again:
            await give_back(shop, order_id)
        assert again.value.code == "wrong_state"

    run(server, story)


@deep("properties")
@each("units", draw("properties", [SILENT_YES, SILENT_NO, LOST, HIDDEN], 2, label="charge is out"))
@each(
    "parts",
    draw(
        "properties", [("10.00",), ("10.00", "0.01"), (None,), ("10.00", None)], 1, label="refunds"
    ),
)
def test_a_refund_while_the_charge_is_out_is_decided_by_its_answer(
    server: ServerAddress, units: int, parts: tuple[str | None, ...]
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=FAULTY, units=units)
        for part in parts:
            await give_back(shop, order_id, part)
        refunded = (await shop.order(order_id))["refunded_units"]
        assert (await balances(shop, order_id))["refund_due"] == -refunded
        await shop.settle()
        await shop.advance(timedelta(days=31))
        states = set(await shop.value("SELECT array_agg(state) FROM modifications"))
        assert states == ({"done"} if units in (SILENT_YES, HIDDEN) else {"netted"})
        held = await balances(shop, order_id)
        assert not {"customer_due", "refund_due", "bad_debt"} & set(held)
        assert (await kept(shop, order_id))[1] == units - refunded

    run(server, story)


def test_refunds_against_the_answer_of_the_charge(server: ServerAddress) -> None:
    """Whichever comes first: the customer has paid what is not refunded, and no more."""

    async def story(shop: Shop) -> None:
        ids = [await advanced(shop, customer=f"c{n}", units=4000 + n) for n in range(16)]
        await shop.world.db.execute(
            "UPDATE attempts SET due_at = now() - interval '1 second' WHERE ladder = 'collect' AND "
            "state = 'planned'"
        )
        await shop.world.db.execute(
            "UPDATE due_work SET due_at = now() - interval '1 second' WHERE kind = 'collect'"
        )

        async def both(number: int, order_id: UUID) -> None:
            await asyncio.sleep(0.004 * number)
            await asyncio.gather(*(give_back(shop, order_id, part) for part in ("7.00", "3.00")))

        await asyncio.gather(
            *(both(n, o) for n, o in enumerate(ids)), *(shop.run_due() for _ in range(3))
        )
        await shop.settle()
        for number, order_id in enumerate(ids):
            assert await due(shop, order_id) == ("charged", 0)
            assert await kept(shop, order_id) == (1, 4000 + number - 1000)
            assert "refund_due" not in await balances(shop, order_id)

    run(server, story)


# limits
# --------------------------------------------------------------------------------------------------


@each(
    ("terms", "rule"),
    [
        ({"order_max_units": 4589}, "over_order_limit"),
        ({"customer_max_units": 4589}, "customer_limit"),
        ({"allowed_loss_basis_points": 0}, "expected_loss"),
        (
            {"allowed_loss_basis_points": 3710},
            "expected_loss",
        ),  # 40 % of 45.90 less the fee of 1.33
        ({"limit_units": 4589}, "no_exposure"),
        ({"operator_limit_units": 4589}, "no_exposure"),
        ({"advance_on": "unresolved"}, None),
        ({"limit_units": 0}, None),
    ],
)
def test_what_stands_against_an_advance(
    server: ServerAddress, terms: dict[str, Any], rule: str | None
) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop)
        assert (word.evaluate, word.reason) == ("DECLINED", "declined")
        rules = await shop.value(
            "SELECT rules FROM decisions WHERE order_id = $1 AND versions ->> 'decider' = "
            "'advance-3'",
            word.order_id,
        )
        assert rules == (["declined", rule] if rule else None)
        assert await shop.value("SELECT count(*) FROM advances") == 0

    run(server, story, policy=SLOW, **terms)


def test_the_least_loss_that_must_be_allowed(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        async with shop.world.db.connection() as connection:
            row = await connection.fetchrow(
                "SELECT verdict, features, reasons FROM decisions WHERE order_id = $1"
                " AND versions ->> 'decider' = 'advance-3'",
                order_id,
            )
        again = advance_by_bounds(
            AdvanceInputs.from_dict(row["features"]), CURRENT_COLLECTION, None
        )
        assert (again.verdict, list(again.reasons)) == (row["verdict"], row["reasons"])

    run(server, story, policy=SLOW, allowed_loss_basis_points=3711)


def test_nobody_is_charged_later_for_what_nobody_was_told(server: ServerAddress) -> None:
    """The process that should answer is gone: the worker ends the order, whatever could be
    advanced."""

    async def story(shop: Shop) -> None:
        asking = asyncio.create_task(waiting(shop, pan=FAULTY, units=SILENT_YES))
        order_id = None
        while order_id is None:
            await asyncio.sleep(0.02)
            order_id = await shop.value("SELECT order_id FROM attempts WHERE state = 'open'")
        await give_up(shop.orders, shop.key(order_id))
        assert (await asking).evaluate == "DECLINED"
        await shop.settle()
        assert await shop.value("SELECT count(*) FROM advances") == 0
        assert (await kept(shop, order_id))[1] == 0

    run(server, story, policy=SLOW)


def test_an_amount_that_is_only_held_is_not_advanced(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        word = await waiting(shop, facts={"transaction_type": "AUTHORIZATION"})
        assert word.evaluate == "DECLINED"

    run(server, story)


@pytest.mark.parametrize(
    ("limit", "chunk", "fits"),
    [(5 * 4590, 5 * 4590, 5), (10 * 4590 + 4589, 1000, 10), (7 * 4590, 4590, 7)],
)
def test_many_advances_at_once_for_the_last_of_the_exposure(
    server: ServerAddress, limit: int, chunk: int, fits: int
) -> None:
    async def story(shop: Shop) -> None:
        for _ in range(30):  # the treasurer fills the slots chunk by chunk
            await allot_due(shop.world, shop.merchant_id)
        held = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert held.allotted_units == min(limit, 8 * chunk)
        words = await asyncio.gather(*(waiting(shop, customer=f"c{n}") for n in range(32)))
        told = [w.evaluate for w in words]
        assert set(told) <= {"APPROVED", "DECLINED"}
        assert told.count("APPROVED") == min(fits, held.allotted_units // 4590)
        used = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert used.used_units == told.count("APPROVED") * 4590 <= limit

    run(server, story, policy=SLOW, limit_units=limit, chunk_units=chunk)


def test_one_customer_is_advanced_within_their_own_limit(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        words = await asyncio.gather(*(waiting(shop, customer="one") for _ in range(6)))
        told = [w.evaluate for w in words]
        assert told.count("APPROVED") == 2
        other = await waiting(shop, customer="two", pan=OTHER_CARD)
        assert other.evaluate == "APPROVED"
        first = next(w for w in words if w.evaluate == "APPROVED")
        await give_back(shop, first.order_id)  # their room is free again
        assert (await waiting(shop, customer="one")).evaluate == "APPROVED"

    run(server, story, policy=SLOW, customer_max_units=2 * 4590 + 4589)


@pytest.mark.parametrize("together", [True, False])
def test_the_same_card_with_another_e_mail_has_no_limit_of_its_own(
    server: ServerAddress, together: bool
) -> None:
    async def story(shop: Shop) -> None:
        asked = [lambda n=n: waiting(shop, customer=f"mail-{n}") for n in range(4)]
        words = (
            await asyncio.gather(*(ask() for ask in asked))
            if together
            else [await ask() for ask in asked]
        )
        approved = [w for w in words if w.evaluate == "APPROVED"]
        assert len(approved) == 1
        assert (
            await shop.value("SELECT count(*) FROM customer_exposure WHERE used > 0") == 3
        )  # e-mail twice, card
        assert (await waiting(shop, customer="mail-0", pan=OTHER_CARD)).evaluate == (
            "DECLINED" if words[0] is approved[0] else "APPROVED"
        )  # nor has the payer one for each card
        await shop.advance(timedelta(days=31))
        assert (
            await shop.value("SELECT sum(used)::bigint FROM customer_exposure")
        ) == 0  # both came free

    run(server, story, policy=SLOW, customer_max_units=4590)


def test_a_limit_that_falls_takes_back_what_comes_free(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        ids = [await advanced(shop, customer=f"c{n}") for n in range(4)]
        await agree(shop, limit_units=2 * 4590, chunk_units=1000)
        held = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert (held.used_units, held.allotted_units) == (4 * 4590, 4 * 4590)
        for order_id in ids[:2]:  # what they free is not used again
            await give_back(shop, order_id)
            assert (await waiting(shop, customer="next")).evaluate == "DECLINED"
        await give_back(shop, ids[2])
        await shop.run_due()
        assert (await waiting(shop, customer="next")).evaluate == "APPROVED"
        held = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert (held.used_units, held.allotted_units, held.operator_drawn_units) == (
            9180,
            9180,
            9180,
        )

    run(server, story, policy=SLOW)


def test_room_that_was_written_off_is_not_used_again_before_somebody_agrees(
    server: ServerAddress,
) -> None:
    """A limit of 100 made 100 of bad debt each month: with every write-off its room was there for
    the next card."""

    async def story(shop: Shop) -> None:
        ids = [await advanced(shop, pan=NEVER, customer=f"c{n}") for n in range(2)]
        await shop.advance(timedelta(days=31))
        assert [await due(shop, one) for one in ids] == [("uncollected", 0)] * 2
        for _ in range(2):
            await shop.run_due()
            await allot_due(shop.world, shop.merchant_id)
            assert (await waiting(shop, customer="next")).evaluate == "DECLINED"
        held = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert (held.allotted_units, held.lost_units, held.operator_drawn_units) == (
            1000,
            9180,
            1000,
        )
        await agree(shop, limit_units=10180, chunk_units=1000)
        assert (await waiting(shop, customer="next")).evaluate == "APPROVED"
        held = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert (held.used_units, held.lost_units) == (4590, 0)

    run(server, story, policy=SLOW, limit_units=10180, chunk_units=1000)


def test_two_merchants_share_the_operators_limit(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Other")
        terms: dict[str, Any] = {"operator_limit_units": 5 * 4590, "chunk_units": 4590}
        await asyncio.gather(agree(shop, **terms), agree(other, **terms))
        calls = [waiting(one, customer=f"c{n}") for n in range(5) for one in (shop, other)]
        told = [w.evaluate for w in await asyncio.gather(*calls)]
        assert told.count("APPROVED") == 5
        held = await exposure_of(shop.world, shop.merchant_id, "USD")
        assert held.operator_drawn_units == 5 * 4590 == held.operator_limit_units
        await judge(other)

    run(server, story, policy=SLOW, operator_limit_units=5 * 4590, chunk_units=4590)


def test_terms_that_make_no_sense_are_refused(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        for terms in (
            Terms(limit_units=-1),
            Terms(chunk_units=0),
            Terms(allowed_loss_basis_points=10_001),
        ):
            with pytest.raises(Problem) as refused:
                await agree_exposure(
                    shop.world, Scope(shop.merchant_id, OPERATOR, "test"), "USD", terms
                )
            assert refused.value.code == "invalid"
        with pytest.raises(Problem) as unknown:
            await agree_exposure(
                shop.world, Scope(shop.site_id, OPERATOR, "test"), "USD", Terms(limit_units=1)
            )
        assert unknown.value.code == "not_found"

    run(server, story)


# what others do meanwhile
# --------------------------------------------------------------------------------------------


def test_an_advanced_order_is_neither_cancelled_nor_changed(server: ServerAddress) -> None:
    """For the merchant it is paid: it can be refunded."""

    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        before = await shop.order(order_id)
        with pytest.raises(Problem) as refused:
            await cancel(shop.world, shop.orders, shop.scope, order_id)
        assert (refused.value.code, refused.value.cure) == (
            "wrong_state",
            "It is paid: refund it instead.",
        )
        for asked in (Amended(do_not_retry=True), Amended(token_id=before["token_id"])):
            with pytest.raises(Problem) as barred:
                await amend(shop.world, shop.orders, shop.scope, order_id, asked)
            assert barred.value.code == "wrong_state"
        assert (await shop.order(order_id))["version"] == before["version"]

    run(server, story)


def test_the_kill_switch_stops_advances_and_charges_and_not_the_book(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        await shop.world.db.execute("UPDATE merchants SET killed = true, version = version + 1")
        shop.merchants.forget(shop.merchant_id)
        assert (await waiting(shop, customer="later")).evaluate == "DECLINED"
        await shop.advance(timedelta(days=10))
        assert await due(shop, order_id) == ("due", 4590)
        assert await kept(shop, order_id) == (0, 0)
        await shop.advance(timedelta(days=21))
        assert await due(shop, order_id) == ("uncollected", 0)

    run(server, story)


@pytest.mark.parametrize("units", [4590, SILENT_YES, SILENT_NO])
def test_what_the_merchant_was_paid_directly_is_not_charged_again(
    server: ServerAddress, units: int
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, units=units, pan=LATER if units == 4590 else FAULTY)
        row = await shop.order(order_id)
        for _ in range(2):
            await shop.transmitted(row["external_id"], declined=False)
        await shop.settle()
        await shop.advance(timedelta(days=31))
        row = await shop.order(order_id)
        assert (row["status"], row["refunded_units"], row["attention"]) == (6, units, None)
        assert (await kept(shop, order_id))[1] == 0
        assert (await due(shop, order_id))[0] == ("charged" if units == SILENT_YES else "netted")

    run(server, story)


def test_nothing_is_asked_for_terms_where_nothing_may_be_advanced(server: ServerAddress) -> None:
    """The hot path: no statement about exposure while the limit is 0."""

    async def story(shop: Shop) -> None:
        word = await waiting(shop)
        assert word.evaluate == "DECLINED"
        sql = "SELECT cit_unresolved FROM merchants WHERE merchant_id = $1"
        assert await shop.value(sql, shop.merchant_id) == "decline_and_reverse"
        assert await shop.value("SELECT count(*) FROM customer_exposure") == 0
        decided = await shop.value(
            "SELECT count(*) FROM decisions WHERE versions ->> 'decider' = 'advance-3'"
        )
        assert decided == 0

    run(server, story, limit_units=0)


def test_no_terms_and_a_limit_of_nothing_cost_no_statement(server: ServerAddress) -> None:
    async def statements(shop: Shop) -> list[str]:
        counting = Killer(10**6, after=False)
        async with dying_process(shop, counting) as counted:
            await waiting(counted)  # its statements are prepared
            counting.armed = True
            word = await waiting(counted)
            counting.armed = False
        assert word.evaluate == "DECLINED"
        return [
            told
            for told in counting.step_names
            if not told.startswith("SELECT o.order_id, o.generation")
        ]  # the polls

    async def whole() -> None:
        async with sandbox_world(server, policy=SLOW) as made:
            never, ended = await make_shop(*made), await make_shop(*made)
            await agree(ended)
            await agree(ended, limit_units=0)
            without, with_nothing = await statements(never), await statements(ended)
            assert sorted(without) == sorted(with_nothing)
            assert not any("exposure" in told for told in without)

    asyncio.run(whole())


# the desk, and the operator's own hand
# --------------------------------------------------------------------------


def test_a_charge_that_is_out_for_too_long_is_told_to_the_desk(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=FAULTY, units=SILENT_YES)
        await set_fault(shop.world, "outage", timedelta(seconds=60))
        await asyncio.sleep(SEND_WITHIN.total_seconds())
        for _ in range(3):
            await inquire(shop.world, shop.orders, shop.key(order_id))
        assert (await shop.order(order_id))["attention"] == "charge_unknown"
        assert (await shop.happenings(order_id)).count("warned") == 1
        await clear_fault(shop.world, "outage")
        await shop.settle()
        assert await due(shop, order_id) == ("charged", 0)
        assert (await shop.order(order_id))["attention"] is None

    run(server, story, policy=replace(POLICY, review_after=timedelta(0)))


@pytest.mark.parametrize("approve", [True, False])
def test_the_sandbox_can_bring_a_charge_forward(server: ServerAddress, approve: bool) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=NEVER)
        state = await settle_attempt(shop.world, shop.orders, str(order_id), approve)
        assert state == ("approved" if approve else "declined")
        assert await due(shop, order_id) == (("charged", 0) if approve else ("due", 4590))

    run(server, story)


def test_a_charge_that_cannot_be_sent_is_tried_until_it_can(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        await set_fault(shop.world, "outage", timedelta(seconds=600))
        await shop.advance(timedelta(days=9))
        assert await due(shop, order_id) == ("due", 4590)
        assert (await shop.order(order_id))["attempts"] == 1
        await clear_fault(shop.world, "outage")
        await shop.advance(timedelta(days=3))
        assert await due(shop, order_id) == ("charged", 0)

    run(server, story)


def test_a_charge_that_provably_left_nowhere_goes_by_another_route_at_once(
    server: ServerAddress,
) -> None:
    """It waited for two minutes, as if there were no other."""

    async def story(shop: Shop) -> None:
        order_id = await advanced(shop)
        async with two_routes(shop, SECOND, OWN) as second:
            second.dead = True
            planned = "SELECT due_at FROM attempts WHERE order_id = $1 AND state = 'planned'"
            due_at = await shop.value(planned, order_id)
            await shop.advance(due_at - await shop.now())
            for _ in range(2):
                await shop.run_due()
            tried = await shop.world.db.fetch(
                "SELECT route, state, due_at FROM attempts WHERE order_id = $1 AND attempt_no > 1 "
                "ORDER BY attempt_no",
                order_id,
            )
            assert [(row["route"], row["state"]) for row in tried] == [
                ("second", "not_sent"),
                ("sandbox", "approved"),
            ]
            assert tried[1]["due_at"] - tried[0]["due_at"] < timedelta(minutes=1)
            assert await due(shop, order_id) == ("charged", 0)

    run(server, story)
