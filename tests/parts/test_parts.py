"""A declined payment collected in parts, where its merchant allows it: charged, refunded, disputed
and reconciled to the unit; and given back, or kept, where the rest never comes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from tests.comparing import compare, statement, verdicts
from tests.rescue.flows.test_challenges import ANOTHER, answered
from tests.rings import each
from tests.worlds import POLICY, Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.kernel.time import WallTime
from recoup.mandates.flows import note_revocation
from recoup.merchants.store.sites import lock_merchant
from recoup.networks.codes import code_of, read_decline
from recoup.networks.magic import script_card
from recoup.networks.whys import ON_HOLD
from recoup.orders.moves.change import Change
from recoup.orders.rules.holds import BY_OPERATOR
from recoup.orders.store.wire_orders import whole_orders
from recoup.parts.flows import part_from, part_terms, set_part_terms
from recoup.people.flows.notices import switch
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.send import send_modification
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.challenge import refuse, show
from recoup.rescue.flows.locked import Job
from recoup.rescue.flows.outcome import outcome_of
from recoup.rescue.flows.send import call, close, intent_of, opening
from recoup.rescue.flows.taken import Person
from recoup.rescue.moves.by_hand import retry_now
from recoup.rescue.moves.challenge import offer
from recoup.rescue.moves.ending import go_on
from recoup.rescue.moves.plan import plan_attempt
from recoup.rescue.rules.order_evidence import last_reading
from recoup.terms.rules.fees import Tariff
from recoup.uplift.store import cohort_counts

Story = Callable[[Shop], Awaitable[None]]
UNITS = 9000
SUMS = """SELECT jsonb_object_agg(account, units)
    FROM (SELECT account, sum(units) AS units FROM entries
    GROUP BY account HAVING sum(units) <> 0) s"""
HEAD = "SELECT status, units, refunded_units FROM order_heads WHERE order_id = $1"
SENT = """SELECT array_agg(units ORDER BY attempt_no) FROM attempts
    WHERE order_id = $1 AND state <> 'planned'
    AND state <> 'not_sent'"""
STAGE = "SELECT stage FROM current_orders WHERE order_id = $1"


@pytest.fixture(scope="module")
def play(server: ServerAddress) -> Callable[[Story], None]:
    def run(story: Story) -> None:
        async def whole() -> None:
            async with sandbox_world(server, policy=POLICY) as made:
                shop = await make_shop(*made)
                await story(shop)
                await shop.settle()
                await shop.close_pages()
                assert (done := await verify(shop.world)).difference is None, done.difference

        asyncio.run(whole())

    return run


async def allow(shop: Shop, **values: Any) -> None:
    await set_part_terms(shop.world, shop.scope, {"enabled": True} | values)


async def order(shop: Shop, declines: int, code: str = "51", **more: Any) -> UUID:
    """`declines`: how many of its sends are declined before one is approved."""
    card = script_card("visa", code, declines)
    order_id = await shop.admit(**({"pan": card, "code": code, "units": UNITS} | more))
    await shop.run_due()
    return order_id


async def until(shop: Shop, order_id: UUID, happening: str, days: int = 40) -> None:
    """Day by day, as the worker would."""
    for _ in range(days):
        if happening in await shop.happenings(order_id):
            return
        await shop.advance(timedelta(days=1))
        await shop.settle()
    raise AssertionError((happening, await shop.happenings(order_id)))


async def until_planned(shop: Shop, order_id: UUID) -> None:
    part = (
        "SELECT count(*) FROM attempts WHERE order_id = $1 AND state = 'planned' AND units < 9000"
    )
    for _ in range(40):
        if await shop.value(part, order_id):
            return
        await shop.advance(timedelta(days=1))
        await shop.settle()
    raise AssertionError("no part is planned")


async def stop_retries(shop: Shop, order_id: UUID) -> None:
    await amend(shop.world, shop.orders, shop.scope, order_id, Amended(do_not_retry=True))


async def paid_otherwise(shop: Shop, order_id: UUID) -> None:
    external = await shop.value("SELECT external_id FROM orders WHERE order_id = $1", order_id)
    await shop.transmitted(external, declined=False, units=UNITS)


def test_a_part_then_the_rest(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        assert await shop.value(STAGE, order_id) == "processing"
        assert await shop.value(SENT, order_id) == [9000, 3000]
        assert await shop.value(SUMS) == {"clearing": 3000, "merchant_payable": -3000}
        told = await shop.value("SELECT body FROM outbox WHERE event = 'order.partially_collected'")
        assert (told["PartAmount"], told["CollectedAmount"], told["OutstandingAmount"]) == (
            3000,
            3000,
            6000,
        )
        await until(shop, order_id, "collected")
        assert await shop.value(SENT, order_id) == [9000, 3000, 6000]
        assert tuple(await shop.world.db.fetchrow(HEAD, order_id)) == (7, UNITS, 0)
        assert (await shop.value(SUMS))["clearing"] == UNITS
        by = "SELECT body ->> 'By' FROM outbox WHERE event = 'order.completed'"
        assert await shop.value(by) == "part"
        done = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="50.00")
        )
        assert (done.units, done.remaining_units) == (5000, 4000)
        again = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="50.00")
        )
        assert (again.refund_id, again.units, again.repeated) == (done.refund_id, 5000, True)
        await send_modification(shop.world, shop.orders, shop.merchant_id, done.refund_id)
        again = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="50.00")
        )
        assert (again.refund_id, again.units, again.repeated) == (done.refund_id, 5000, True), (
            "one piece is made"
        )
        with pytest.raises(Problem) as over:
            await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="40.01")
            )
        assert over.value.code == "over_remainder"
        await shop.run_due()
        backs = (
            "SELECT array_agg(units ORDER BY modification_no) FROM modifications WHERE kind = "
            "'refund'"
        )
        assert await shop.value(backs) == [3000, 2000]
        pieces = (
            "SELECT array_agg(piece_of ORDER BY modification_no) FROM modifications WHERE "
            "kind = 'refund'"
        )
        assert await shop.value(pieces) == [None, done.refund_id]
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE modifications SET piece_of = NULL")
            found = (await verify(shop.world)).difference
            assert found is not None
            assert found.field == "first piece of refund 2"
            await connection.execute(
                "UPDATE modifications SET piece_of = $1 WHERE units = 2000", done.refund_id
            )

    play(story)


def test_two_refunds_of_one_amount_at_one_moment_are_two(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until(shop, order_id, "collected")
        asked = [RefundRequest(amount="40.00", key=key) for key in ("a", "b")]
        first, second = [
            await refund(shop.world, shop.orders, shop.scope, order_id, one) for one in asked
        ]
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE modifications SET business_at = (SELECT min(business_at) FROM "
                "modifications)"
            )
        again = await refund(
            shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="40.00")
        )
        assert (again.refund_id, again.units, again.repeated) == (first.refund_id, 4000, True)
        assert second.refund_id != first.refund_id
        await shop.run_due()

    play(story)


def test_both_charges_are_disputed_refunded_and_reconciled_to_nothing(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        await shop.fees(Tariff(290, refund="pro_rata"))
        order_id = await order(shop, 1)
        await until(shop, order_id, "collected")
        fee = "SELECT (body ->> 'fee')::int FROM order_log WHERE happening = 'collected'"
        assert await shop.value(fee) == 261, "once, of the whole"
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), units=1000)
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="40.00"))
        await shop.run_due()
        backs = """SELECT array_agg(m.units ORDER BY m.modification_no) FROM modifications m
            JOIN attempts a USING (merchant_id, attempt_id) WHERE m.kind = 'refund'"""
        assert await shop.value(backs) == [3000, 1000], (
            "the older charge first, each no more than it has left"
        )
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), decided="won")
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        await shop.settle()
        assert tuple(await shop.world.db.fetchrow(HEAD, order_id)) == (6, UNITS, UNITS)
        assert (await shop.value(SUMS))["clearing"] == -1500, "the acquirer's fee for the dispute"
        ran = await compare(shop, await statement(shop))
        assert {row.outcome for row in await verdicts(shop, ran)} == {"matched"}

    play(story)


@pytest.mark.parametrize(
    ("at_expiry", "stage", "left"), [("refund", "expired", 0), ("keep", "completed", 3000)]
)
def test_a_part_whose_rest_never_comes(
    play: Callable[[Story], None], at_expiry: str, stage: str, left: int
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1, at_expiry=at_expiry)
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        await stop_retries(shop, order_id)
        await shop.advance(timedelta(days=40))
        await shop.settle()
        assert await shop.value(STAGE, order_id) == stage
        assert (await shop.value(SUMS) or {}).get("clearing", 0) == left
        head = tuple(await shop.world.db.fetchrow(HEAD, order_id))
        happened = await shop.happenings(order_id)
        if left:
            assert head == (7, 3000, 0), "worth what was collected"
            done = await refund(
                shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True)
            )
            assert done.units == 3000
            await shop.run_due()
            assert not (await shop.value(SUMS)).get("clearing")
        else:
            assert head == (2, UNITS, 3000)
            assert happened[-3:] == ["expired", "part_owed_back", "reversed"]
            with pytest.raises(Problem):
                await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        ran = await compare(shop, await statement(shop))
        assert {row.outcome for row in await verdicts(shop, ran)} == {"matched"}

    play(story)


def test_a_cancelled_order_gives_its_part_back_whatever_the_terms_say(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1, at_expiry="keep")
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        with pytest.raises(Problem) as early:
            await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        assert early.value.code == "wrong_state"
        for _ in range(2):
            await cancel(shop.world, shop.orders, shop.scope, order_id)
        await shop.settle()
        assert await shop.value(STAGE, order_id) == "cancelled"
        assert not await shop.value(SUMS)
        kinds = "SELECT array_agg(kind || ' ' || state) FROM modifications WHERE order_id = $1"
        assert await shop.value(kinds, order_id) == ["reversal done"]
        # What the API, its list, the outcome and the event say of it.
        assert tuple(await shop.world.db.fetchrow(HEAD, order_id)) == (2, UNITS, 3000)
        async with shop.world.db.read() as connection:
            (row,) = await whole_orders(connection, [shop.merchant_id], [order_id])
        assert row is not None
        assert row.refunded_units == 3000
        assert [(one.kind, one.state, one.units) for one in row.refunds or ()] == [
            ("reversal", "done", 3000)
        ]
        assert (await outcome_of(shop.world, str(order_id), shop.merchant_id))[
            "refundedAmount"
        ] == 3000
        body = (
            "SELECT body -> 'Order' ->> 'RefundedAmount' FROM outbox WHERE subject_id = $1 AND "
            "event = $2"
        )
        assert await shop.value(body, order_id, "order.cancelled") == "3000"

    play(story)


def test_an_order_that_is_paid_elsewhere_gives_its_part_back(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        await paid_otherwise(shop, order_id)
        await shop.settle()
        assert await shop.value(STAGE, order_id) == "cancelled"
        assert not await shop.value(SUMS)

    play(story)


@pytest.mark.parametrize(
    ("units", "kept"), [(6000, True), (5900, True), (6001, False), (9000, False)]
)
def test_a_merchant_that_is_paid_the_rest_elsewhere_keeps_the_part(
    play: Callable[[Story], None], units: int, kept: bool
) -> None:
    """Together the customer has paid the order once; what went back would be missing."""

    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        external = await shop.value("SELECT external_id FROM orders WHERE order_id = $1", order_id)
        for _ in range(2):
            await shop.transmitted(external, declined=False, units=units, transaction_id="tx-rest")
        await shop.settle()
        assert await shop.value(STAGE, order_id) == ("completed" if kept else "cancelled")
        assert await shop.value(SUMS) == (
            {"clearing": 3000, "merchant_payable": -3000} if kept else None
        )
        assert await shop.value("SELECT attention FROM order_heads") is None
        rescued = "SELECT happening FROM order_log WHERE body ->> 'transmit_id' IS NOT NULL"
        assert await shop.value(rescued) == ("parts_kept" if kept else "paid_elsewhere")
        async with shop.world.db.connection() as connection:
            found = await cohort_counts(
                connection,
                shop.merchant_id,
                await shop.now() - timedelta(days=60),
                9,
                await shop.now(),
            )
        assert [row.day is not None for row in found] == [True]
        await shop.advance(timedelta(days=40))
        assert await shop.value(SENT, order_id) == [9000, 3000]

    play(story)


def test_a_merchant_that_is_paid_the_rest_while_it_is_tried_here_gets_its_part_back(
    play: Callable[[Story], None],
) -> None:
    """Whether the customer paid the rest twice is not known then: nothing is kept, and no money is
    lost on the way."""

    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1, at_expiry="keep")
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        opened = await sent_out(shop, order_id)
        outcome = await call(shop.world, *opened)
        external = await shop.value("SELECT external_id FROM orders WHERE order_id = $1", order_id)
        await shop.transmitted(external, declined=False, units=6000)
        await shop.settle()
        assert await shop.value(STAGE, order_id) == "cancelled"
        assert (
            await close(shop.world, shop.orders, shop.key(order_id), opened[1].attempt_id, outcome)
            == "approved"
        )
        await shop.settle()
        assert not await shop.value(SUMS)

    play(story)


def test_a_dispute_of_a_part_ends_the_order_with_it(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await change_terms(shop.world, shop.scope, DisputeTermsRequest(service_borne_by="merchant"))
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), kind="service")
        assert await shop.value("SELECT liable FROM disputes") == "merchant", (
            "by the terms of the merchant"
        )
        assert await shop.value(STAGE, order_id) == "completed", (
            "whoever disputes a part is not charged the rest"
        )
        await shop.advance(timedelta(days=40))
        await shop.settle()
        assert await shop.value(SENT, order_id) == [9000, 3000]
        assert tuple(await shop.world.db.fetchrow(HEAD, order_id)) == (8, 3000, 0)

    play(story)


def test_a_link_asks_for_the_rest_only(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        await switch(shop.world, shop.scope, {"payment_link": True})
        person = Person(
            first_name="Ana",
            last_name="Roe",
            email="ana@payer.example",
            billing={"countryCode": "DE"},
        )
        order_id = await order(shop, 1, payer=person)
        await until(shop, order_id, "part_collected")
        await shop.orders.run(lambda change: offer(change, "card"), shop.key(order_id))
        mailed = "SELECT array_agg(units) FROM mails WHERE notice = 'payment_link'"
        assert await shop.value(mailed) == [6000]
        page = await show(shop.world, *shop.key(order_id))
        assert (page.state, page.units) == ("asked", 6000)
        assert (await answered(shop, page, **ANOTHER)).state == "passed"
        assert await shop.value(STAGE, order_id) == "completed"
        assert await shop.value(SENT, order_id) == [9000, 3000, 6000]

    play(story)


def test_who_does_not_want_to_pay_the_rest_gets_the_part_back(
    play: Callable[[Story], None],
) -> None:
    """However the merchant keeps parts of what expires."""

    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1, at_expiry="keep")
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        await shop.orders.run(lambda change: offer(change, "card"), shop.key(order_id))
        page = await show(shop.world, *shop.key(order_id))
        assert (page.collected, page.units, page.planned) == (3000, 6000, True)
        declined = await answered(
            shop, page, pan=script_card("visa", "05", 99, 8), exp_month=8, exp_year=2033
        )
        assert (declined.planned, declined.asks_again is not None, declined.units) == (
            True,
            True,
            6000,
        )
        ended = await refuse(shop.world, shop.orders, page, "test")
        assert (ended.reason, ended.collected, ended.money) == ("payer_refused", 3000, "returning")
        await shop.settle()
        assert (await show(shop.world, *shop.key(order_id))).money == "returned"
        await shop.advance(timedelta(days=21))
        assert await shop.value(SENT, order_id) == [9000, 3000, 6000]

    play(story)


BILLED = {"facts": {"invoice": "in_1"}}


@pytest.mark.parametrize(
    "more",
    [{"facts": {"transaction_type": "AUTHORIZATION"}}, {"days": None}, BILLED],
    ids=["hold", "sync", "billed"],
)
def test_never_of_a_hold_nor_without_an_expiry_nor_beside_a_processors_billing(
    play: Callable[[Story], None], more: dict[str, Any]
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop)
        order_id = await order(shop, 99, **more)
        for _ in range(15):
            await shop.advance(timedelta(days=1))
            await shop.settle()
        assert {UNITS} >= set(await shop.value(SENT, order_id) or [])

    play(story)


def due_now(change: Change) -> None:
    attempt = change.order.planned()
    assert attempt is not None
    plan_attempt(change, change.now, "funds", attempt.decision_id, units=attempt.units)


def test_a_part_that_is_approved_while_the_order_is_held_waits_with_it(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until_planned(shop, order_id)

        await shop.orders.change(Job(shop.key(order_id), due_now, WORKER, "test"))
        intent = intent_of(shop.world, pick_up=False)
        opened = await shop.orders.change(
            Job(shop.key(order_id), opening(shop.world, intent), WORKER, "test", cards=True)
        )
        assert opened is not None
        by_hand = Job(
            shop.key(order_id),
            lambda c: c.step("held", why=ON_HOLD, cause=BY_OPERATOR),
            WORKER,
            "test",
        )
        await shop.orders.change(by_hand)
        outcome = await call(shop.world, *opened)
        assert (
            await close(shop.world, shop.orders, shop.key(order_id), opened[1].attempt_id, outcome)
            == "approved"
        )
        assert await shop.value(STAGE, order_id) == "held"
        assert (await shop.happenings(order_id))[-2:] == ["part_collected", "planned"]
        await shop.orders.change(
            Job(shop.key(order_id), lambda c: go_on(c, ON_HOLD), WORKER, "test")
        )
        await until(shop, order_id, "collected")
        assert await shop.value(SENT, order_id) == [9000, 3000, 6000]

    play(story)


async def sent_out(shop: Shop, order_id: UUID) -> Any:
    """What is planned is sent now; its answer is not heard yet."""

    await shop.orders.change(Job(shop.key(order_id), due_now, WORKER, "test"))
    sending = opening(shop.world, intent_of(shop.world, pick_up=False))
    opened = await shop.orders.change(Job(shop.key(order_id), sending, WORKER, "test", cards=True))
    assert opened is not None
    return opened


def test_a_mandate_that_is_revoked_while_the_rest_is_out_gives_everything_back(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1, at_expiry="keep")
        order_id = await order(shop, 1)
        await until(shop, order_id, "part_collected")
        opened = await sent_out(shop, order_id)
        outcome = await call(shop.world, *opened)
        revoked = read_decline(
            scheme="visa",
            code=code_of(None, "R3"),
            text=None,
            advice=None,
            on=date(2026, 1, 5),
            region=None,
        )
        said = Job(
            shop.key(order_id),
            lambda change: note_revocation(change, revoked, new_id(), change.now),
            WORKER,
            "test",
            cards=True,
        )
        await shop.orders.change(said)
        await shop.settle()
        assert await shop.value(STAGE, order_id) == "declined"
        assert (
            await close(shop.world, shop.orders, shop.key(order_id), opened[1].attempt_id, outcome)
            == "approved"
        )
        await shop.settle()
        assert "approved_late" in await shop.happenings(order_id)
        assert not await shop.value(SUMS)

    play(story)


def test_a_part_that_is_brought_forward_stays_a_part(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=1)
        order_id = await order(shop, 1)
        await until_planned(shop, order_id)
        soon = partial(retry_now, policy=shop.world.policy)
        assert await shop.orders.change(Job(shop.key(order_id), soon, WORKER, "test", cards=True))
        await shop.run_due()
        assert await shop.value(SENT, order_id) == [9000, 3000]

    play(story)


def test_off_until_it_is_set_and_off_again_for_what_is_planned(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        assert await part_terms(shop.world, shop.merchant_id) is None
        order_id = await order(shop, 2)
        await until(shop, order_id, "collected")
        assert await shop.value(SENT, order_id) == [9000] * 3
        await allow(shop)
        planned = await order(shop, 2)
        await until_planned(shop, planned)
        await set_part_terms(shop.world, shop.scope, {"enabled": False})
        await until(shop, planned, "collected")
        assert await shop.value(SENT, planned) == [9000] * 3

    play(story)


def test_of_two_people_who_save_at_once_neither_change_is_lost(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop)
        async with shop.world.db.transaction() as tx:
            await lock_merchant(tx, shop.merchant_id)
            both = [
                asyncio.create_task(set_part_terms(shop.world, shop.scope, change))
                for change in ({"enabled": False}, {"least_share": 40})
            ]
            await asyncio.sleep(0.3)
        await asyncio.gather(*both)
        stored = await part_terms(shop.world, shop.merchant_id)
        assert stored is not None
        assert (stored.terms.enabled, stored.terms.least_share) == (False, 40)

    play(story)


def test_as_many_parts_as_the_terms_say_and_each_send_counts(play: Callable[[Story], None]) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, count_max=2)
        order_id = await order(shop, 99, days=30)
        await shop.advance(timedelta(days=45))
        for _ in range(45):
            await shop.settle()
        sent = await shop.value(SENT, order_id)
        # As many pay days as the calendar has ahead; the last of them is for the whole.
        parts = [3000] * min(2, (len(sent) - 1) // 2)
        assert [units for units in sent if units < UNITS] == parts, sent
        assert sent[:3] == [9000, 3000, 9000]
        counted = "SELECT count(*) FROM network_sends WHERE order_id = $1 AND NOT claimed"
        assert await shop.value(counted, order_id) == len(sent)
        assert not await shop.value(SUMS)

    play(story)


@pytest.mark.parametrize("code", ["05", "54", "65", "91"])
def test_no_other_decline_is_tried_in_parts(play: Callable[[Story], None], code: str) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop)
        order_id = await order(shop, 99, code=code)
        for _ in range(20):
            await shop.advance(timedelta(days=1))
            await shop.settle()
        assert {UNITS} >= set(await shop.value(SENT, order_id) or [])

    play(story)


BAD: tuple[tuple[str, Any], ...] = (
    ("least_share", 9),
    ("least_share", 51),
    ("count_max", 0),
    ("count_max", 5),
    ("count_max", True),
    ("at_expiry", "burn"),
)


@each(("field", "value"), BAD)
def test_bad_terms_are_refused_with_the_field(
    play: Callable[[Story], None], field: str, value: Any
) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(Problem) as bad:
            await allow(shop, **{field: value})
        assert (bad.value.code, bad.value.field) == ("invalid", field)
        assert await part_terms(shop.world, shop.merchant_id) is None

    play(story)


HALF = 25_005  # of the amount to which the card's issuer says "10": it has only a part
CODED: dict[str, Any] = {"pan": script_card("visa", "10", 1), "code": "51", "units": 2 * HALF}


async def played(shop: Shop, order_id: UUID, days: int = 40) -> None:
    for _ in range(days):
        await shop.advance(timedelta(days=1))
        await shop.settle()


def test_a_partial_approval_is_kept_and_the_rest_is_collected(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop)
        order_id = await order(shop, 0, **CODED)
        await until(shop, order_id, "part_collected")
        assert await shop.value(SUMS) == {"clearing": HALF, "merchant_payable": -HALF}
        told = await shop.value("SELECT body FROM outbox WHERE event = 'order.partially_collected'")
        assert (told["PartAmount"], told["OutstandingAmount"]) == (HALF, HALF)
        await until(shop, order_id, "collected")
        assert await shop.value(SENT, order_id) == [HALF, HALF, HALF], (
            "a quarter is below the smallest part"
        )
        assert tuple(await shop.world.db.fetchrow(HEAD, order_id)) == (7, 2 * HALF, 0)
        done = await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(all=True))
        assert done.remaining_units == 0
        await shop.settle()
        assert await shop.value(SUMS) is None

    play(story)


@each(
    ("terms", "more"),
    (
        ({"enabled": False}, {}),
        ({"enabled": True}, {"facts": {"transaction_type": "AUTHORIZATION"}}),
        ({"enabled": True}, {"pan": script_card("discover", "10", 99)}),
    ),
)
def test_a_partial_approval_is_none_where_no_part_is_taken(
    play: Callable[[Story], None], terms: dict[str, Any], more: dict[str, Any]
) -> None:
    """It is asked for in no other case: the issuer says no to the whole."""

    async def story(shop: Shop) -> None:
        await set_part_terms(shop.world, shop.scope, terms)
        order_id = await order(shop, 0, **CODED | {"pan": script_card("visa", "10", 99)} | more)
        await played(shop, order_id, 10)
        consents = await shop.world.db.fetch(
            "SELECT consent, state FROM attempts WHERE route IS NOT NULL"
        )
        assert {row["state"] for row in consents} == {"declined"}
        assert {(row["consent"] or {}).get("part_from") for row in consents} == {None}
        assert await shop.value(SUMS) is None

    play(story)


def test_a_partial_approval_whose_answer_was_lost_is_found_by_asking(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop, at_expiry="keep", count_max=1)
        order_id = await shop.admit(**CODED)
        issuer = shop.world.processors["sandbox"]
        assert isinstance(issuer, SandboxProcessor)
        await issuer.misbehave("silent", WallTime(shop.world.clocks.wall() + timedelta(hours=1)))
        while "attempt_unknown" not in await shop.happenings(order_id):
            await shop.advance(timedelta(days=1))
            await shop.run_due()
        await issuer.behave()
        await until(shop, order_id, "part_collected")
        await until(shop, order_id, "collected")
        assert await shop.value(SENT, order_id) == [HALF, HALF, HALF]

    play(story)


def test_a_partial_approval_after_the_end_goes_back_as_a_part(
    play: Callable[[Story], None],
) -> None:
    async def story(shop: Shop) -> None:
        await allow(shop)
        order_id = await order(shop, 0, **CODED)
        await shop.orders.change(Job(shop.key(order_id), due_now, WORKER, "test"))
        intent = opening(shop.world, intent_of(shop.world, pick_up=False))
        opened = await shop.orders.change(
            Job(shop.key(order_id), intent, WORKER, "test", cards=True)
        )
        assert opened is not None
        await cancel(shop.world, shop.orders, shop.scope, order_id)
        outcome = await call(shop.world, *opened)
        assert (outcome.state, outcome.units) == ("approved", HALF)
        await close(shop.world, shop.orders, shop.key(order_id), opened[1].attempt_id, outcome)
        await shop.settle()
        assert (await shop.value("SELECT units FROM modifications WHERE kind = 'reversal'")) == HALF
        assert await shop.value(SUMS) is None

    play(story)


def test_what_a_part_brought_is_the_last_word_of_its_card(play: Callable[[Story], None]) -> None:
    """An older decline of another card says nothing of the rest: it is tried again as after a lack
    of money."""

    async def story(shop: Shop) -> None:
        await allow(shop, at_expiry="keep")
        order_id = await order(shop, 0, **CODED)
        await until(shop, order_id, "part_collected")
        current = await shop.orders.run(lambda change: change.order, shop.key(order_id))
        current.facts["decline"] = current.facts["decline"] | {"code": "54"}
        assert last_reading(current).reason == "insufficient_funds"
        assert current.next_attempt_at is not None

    play(story)


def test_no_part_is_taken_that_nothing_could_complete(play: Callable[[Story], None]) -> None:
    """Without a further try it would only be charged and given back; who keeps parts takes it."""

    async def story(shop: Shop) -> None:
        for at_expiry, last in (("refund", None), ("keep", 12_503)):
            await allow(shop, at_expiry=at_expiry)
            order_id = await order(shop, 0, **CODED)

            def asked(change: Change) -> list[int | None]:
                current, attempt = change.order, change.order.planned()
                assert attempt is not None
                found = [part_from(current, attempt, change.now)]
                current.expires_at = change.now + timedelta(hours=6)
                return [*found, part_from(current, attempt, change.now)]

            assert await shop.orders.run(asked, shop.key(order_id)) == [12_503, last]

    play(story)
