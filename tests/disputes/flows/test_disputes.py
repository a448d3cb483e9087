"""Disputes as a merchant and its operator see them: opened, answered, won, lost; and what the money
does."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.absence import first_not_processed, hurried, processor_away
from tests.left_processes import second_process
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.disputes.flows.answer import answer_dispute, note_evidence
from recoup.disputes.flows.receive import Received, notice_key, receive
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import WORKER
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.dispute_reasons import reason_of
from recoup.networks.magic import COUNTING_CARDS, DISPUTE_CARDS, FAULT_CARDS
from recoup.networks.whys import blocked
from recoup.orders.moves.pace import ATTENTION_AFTER_TRIES
from recoup.outside.inbound import signed
from recoup.processors.gateways.sandbox.disputes import DisputeRequest
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.due import start
from recoup.rescue.flows.inquire import inquire
from recoup.rescue.flows.locked import Job, Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.plan import plan_attempt

YES = APPROVE_CARDS[2]
SILENT_YES = 80_001
Told = Callable[[Shop], Awaitable[None]]


def story(server: ServerAddress, tell: Told) -> None:
    """In a world of its own, which proves itself at the end."""

    async def inside() -> None:
        async with a_shop(server) as shop:
            await tell(shop)

    asyncio.run(inside())


@asynccontextmanager
async def a_shop(server: ServerAddress) -> AsyncIterator[Shop]:
    async with sandbox_world(server) as made:
        shop = await make_shop(*made, fee_basis_points=290)
        yield shop
        await shop.settle()
        await shop.close_pages()
        proved = await verify(shop.world)
        assert proved.difference is None, proved.difference


async def tried(shop: Shop, **more: Any) -> UUID:
    """An order whose attempt was sent just now."""
    order_id = await shop.admit(**({"pan": YES} | more))
    await start(shop.orders, shop.key(order_id))
    await shop.orders.change(
        Job(shop.key(order_id), lambda c: plan_attempt(c, c.now, "soft", None), WORKER, "test")
    )
    await send_attempt(shop.world, shop.orders, shop.key(order_id))
    return order_id


async def paid(shop: Shop, **more: Any) -> UUID:
    order_id = await tried(shop, **more)
    assert (await shop.order(order_id))["stage"] == "completed"
    return order_id


async def approved_late(shop: Shop) -> UUID:
    """Cancelled while its call was out; then the approval is found, and is to go back."""
    order_id = await tried(shop, pan=FAULT_CARDS["visa"], units=SILENT_YES)
    await cancel(shop.world, shop.orders, shop.scope, order_id)
    for _ in range(60):
        await inquire(shop.world, shop.orders, shop.key(order_id))
        if await shop.value("SELECT count(*) FROM modifications WHERE order_id = $1", order_id):
            return order_id
        await asyncio.sleep(0.1)
    raise AssertionError("the approval is not found")


async def balances(shop: Shop) -> dict[str, int]:
    sql = (
        "SELECT account, sum(units)::bigint AS units FROM entries WHERE merchant_id = $1 GROUP "
        "BY account"
    )
    async with shop.world.db.connection() as connection:
        return {
            r["account"]: r["units"]
            for r in await connection.fetch(sql, shop.merchant_id)
            if r["units"]
        }


async def the_dispute(shop: Shop, order_id: UUID) -> dict[str, Any]:
    async with shop.world.db.connection() as connection:
        row = await connection.fetchrow(
            "SELECT * FROM disputes WHERE order_id = $1 ORDER BY dispute_no DESC", order_id
        )
    assert row is not None
    return dict(row)


async def by_the_issuer(shop: Shop, order_id: UUID) -> int:
    """What the issuer's book gave back to the cardholder, in both ways."""
    async with owner(shop.world) as connection:
        return int(
            await connection.fetchval(
                "SELECT (SELECT coalesce(sum(r.units), 0) FROM issuer.reversals r"
                " JOIN issuer.sends s ON s.id = r.charge_id"
                " WHERE s.order_id = $1 AND r.kind = 'refund' AND r.decision = 'approved')"
                " + (SELECT coalesce(sum(units), 0) FROM issuer.disputes WHERE order_id = $1 AND "
                "stage <> 'inquiry'"
                " AND status <> 'won')",
                order_id,
            )
        )


async def disputed(shop: Shop, order_id: UUID, **more: Any) -> str:
    return await dispute_on_demand(shop.world, shop.orders, shop.key(order_id), **more)


async def refunded(shop: Shop, order_id: UUID, amount: str | None = None) -> None:
    await refund(
        shop.world,
        shop.orders,
        shop.scope,
        order_id,
        RefundRequest(amount=amount, all=amount is None),
    )


# notices as a processor sends them
# --------------------------------------------------------------------------------


async def notice_of(shop: Shop, order_id: UUID, **more: Any) -> dict[str, Any]:
    charge = await shop.value(
        "SELECT attempt_id FROM attempts WHERE order_id = $1 AND state = 'approved'", order_id
    )
    number = uuid.uuid4().hex[:12]
    return {
        "noticeId": f"n-{number}",
        "caseId": f"c-{number}",
        "merchantId": str(shop.merchant_id),
        "chargeId": str(charge),
        "stage": "first",
        "status": "open",
        "amount": 4590,
        "currency": "USD",
        "reasonCode": "4837",
        "fee": 0,
    } | more


async def sent(shop: Shop, notice: dict[str, Any], *, orders: Orders | None = None) -> Received:
    """Straight from the processor, past the sandbox issuer's book."""
    body = json.dumps(notice).encode()
    signature = signed(notice_key(shop.world, "sandbox"), body, shop.world.clocks.wall())
    return await receive(shop.world, orders or shop.orders, "sandbox", body, signature, "test")


async def tell_issuer(shop: Shop, notice: dict[str, Any]) -> None:
    """So that its book agrees at the end with what it is said to have told."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "INSERT INTO issuer.disputes SELECT $1, s.id, s.merchant_id, s.order_id, 90 + "
            "(random() * 10000)::int, $2,"
            " $3, '', $4, $5, 0, now(), now() FROM issuer.sends s WHERE s.id = $6 ON CONFLICT "
            "(case_id) DO UPDATE SET"
            " stage = excluded.stage, status = excluded.status",
            notice["caseId"],
            notice["stage"],
            notice["status"],
            notice["amount"],
            notice["currency"],
            uuid.UUID(notice["chargeId"]),
        )


# the money
# --------------------------------------------------------------------------------------------------


def test_a_fraud_dispute_is_the_operators_loss_and_comes_back_when_won(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        before = await balances(shop)
        await disputed(shop, order_id)
        row, after = await shop.order(order_id), await balances(shop)
        assert (row["status"], row["disputed"]) == (8, True)
        assert (after["dispute_loss"], after["dispute_cost"]) == (4590, 1500)
        assert after["merchant_payable"] == before["merchant_payable"]
        assert after["clearing"] == -1500
        await disputed(shop, order_id, decided="won")
        row, after = await shop.order(order_id), await balances(shop)
        assert (row["status"], row["disputed"]) == (7, False)
        assert "dispute_loss" not in after
        assert after["clearing"] == 4590 - 1500
        assert (await shop.happenings(order_id))[-3:] == [
            "dispute_opened",
            "dispute_won",
            "dispute_reversed",
        ]
        told = (
            "SELECT string_agg(event, ' ' ORDER BY seq DESC) FROM outbox WHERE event LIKE "
            "'payment.%'"
        )
        assert str(await shop.value(told)).startswith(
            "payment.chargeback.reversed payment.chargeback.closed "
        )

    story(server, tell)


def test_a_dispute_that_is_lost_posts_nothing_more(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        await disputed(shop, order_id, kind="service")
        before = await balances(shop)
        await disputed(shop, order_id, decided="lost")
        assert await balances(shop) == before
        assert (await shop.order(order_id))["status"] == 8
        assert (await the_dispute(shop, order_id))["state"] == "lost"

    story(server, tell)


def test_a_service_dispute_is_the_merchants_by_contract_alone_with_its_fee(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        before_terms = await paid(shop)
        asked = DisputeTermsRequest(
            "USD", service_borne_by="merchant", fee_units=2000, fee_borne_by="merchant"
        )
        await change_terms(shop.world, shop.scope, asked)
        order_id = await paid(shop)
        payable = (await balances(shop))["merchant_payable"]
        await disputed(shop, order_id, kind="service", units=1000)
        assert (await balances(shop))["merchant_payable"] == payable + 1000 + 2000
        assert "dispute_loss" not in await balances(shop)
        await disputed(shop, order_id, decided="won")
        assert (await balances(shop))["merchant_payable"] == payable
        # Fraud stays the operator's; so does what was approved under the old contract.
        for earlier, kind, fee in ((order_id, "fraud", 2000), (before_terms, "service", 0)):
            await disputed(shop, earlier, kind=kind, units=1000)
            assert (await the_dispute(shop, earlier))["liable"] == "operator"
            assert (await the_dispute(shop, earlier))["fee_units"] == fee

    story(server, tell)


def test_terms_that_reach_into_the_past_or_make_no_sense_are_refused(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        now = await shop.now()
        for asked, field in (
            (
                DisputeTermsRequest(
                    service_borne_by="merchant", valid_from=now - timedelta(hours=1)
                ),
                "from",
            ),
            (
                DisputeTermsRequest(
                    service_borne_by="merchant", valid_from=now + timedelta(days=900)
                ),
                "from",
            ),
            (DisputeTermsRequest(fee_units=100, fee_borne_by="merchant"), "currency"),
            (DisputeTermsRequest("XYZ", fee_units=100), "currency"),
            (DisputeTermsRequest("USD", fee_units=-1), "fee"),
        ):
            with pytest.raises(Problem) as refused:
                await change_terms(shop.world, shop.scope, asked)
            assert (refused.value.code, refused.value.field) == ("invalid", field)
        assert not await shop.value("SELECT count(*) FROM dispute_terms")

    story(server, tell)


def test_two_cases_on_one_charge_never_exceed_it(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        first = await notice_of(shop, order_id, amount=3000)
        second = await notice_of(shop, order_id, amount=1590)
        third = await notice_of(shop, order_id, amount=1)
        for notice, state in ((first, "applied"), (second, "applied"), (third, "unmatched")):
            if state == "applied":
                await tell_issuer(shop, notice)
            assert (await sent(shop, notice)).state == state
        assert (await balances(shop))["dispute_loss"] == 4590
        assert (await sent(shop, third)).why == "amount_above_charge"

    story(server, tell)


# refunds beside it
# --------------------------------------------------------------------------------------------------


def test_what_is_disputed_is_not_refunded_too(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        await disputed(shop, order_id, units=4000)
        with pytest.raises(Problem) as refused:
            await refunded(shop, order_id, "6.00")
        assert refused.value.code == "wrong_state"
        assert refused.value.cure == "Refund at most 5.90, or wait until the dispute is won."
        await refunded(shop, order_id)  # all: what is left
        await shop.settle()
        assert (await shop.order(order_id))["refunded_units"] == 590
        assert await by_the_issuer(shop, order_id) == 4590
        await disputed(shop, order_id, decided="won")
        await refunded(shop, order_id)
        await shop.settle()
        assert (await shop.order(order_id))["status"] == 6

    story(server, tell)


def test_a_dispute_of_what_was_refunded_is_taken_and_says_so(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        await refunded(shop, order_id, "20.00")
        await shop.settle()
        await disputed(shop, order_id, units=4590)
        row = await shop.order(order_id)
        assert row["attention"] == "refunded_before_dispute"
        with pytest.raises(Problem):
            await refunded(shop, order_id, "0.01")
        await disputed(shop, order_id, decided="won")
        assert (await shop.order(order_id))["attention"] is None

    story(server, tell)


def test_a_refund_that_was_not_sent_yet_gives_way_to_the_dispute(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        await refunded(shop, order_id, "45.90")
        notice = await notice_of(shop, order_id)
        await tell_issuer(shop, notice)
        await sent(shop, notice)
        row = await shop.order(order_id)
        assert (row["refunded_units"], row["status"]) == (0, 8)
        assert row["attention"] == "refund_not_sent"
        await shop.settle()
        assert await by_the_issuer(shop, order_id) == 4590

    story(server, tell)


def test_a_refund_under_way_that_the_bank_does_not_take_gives_way_too(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        charge = await shop.value("SELECT attempt_id FROM attempts WHERE order_id = $1", order_id)
        # The bank has the dispute; its notice has not arrived when the refund is sent.
        issuer: Any = shop.world.processors["sandbox"]
        notice = await issuer.dispute(DisputeRequest(charge, "fraud", await shop.now()))
        await refunded(shop, order_id, "45.90")
        await shop.settle()
        assert (
            await shop.value("SELECT state FROM modifications WHERE order_id = $1", order_id)
            == "stuck"
        )
        await sent(shop, notice)
        assert (
            await shop.value("SELECT state FROM modifications WHERE order_id = $1", order_id)
            == "refused"
        )
        assert (await shop.order(order_id))["refunded_units"] == 0

    story(server, tell)


@pytest.mark.parametrize("round_", range(3))
def test_a_dispute_and_a_refund_at_once_never_give_back_more_than_the_charge(
    server: ServerAddress, round_: int
) -> None:
    async def tell(shop: Shop) -> None:
        order_ids = [await paid(shop) for _ in range(6)]

        async def pay_back(order_id: UUID) -> None:
            with suppress(Problem):  # the dispute was faster
                await refunded(shop, order_id, "30.00")

        async with second_process(shop.world) as world:
            other = replace(shop, world=world, orders=Orders(world))
            await asyncio.gather(
                *(w for o in order_ids for w in (pay_back(o), disputed(other, o), shop.run_due()))
            )
            await shop.settle()
        for order_id in order_ids:
            row = await shop.order(order_id)
            taken = await shop.value(
                "SELECT sum(units)::bigint FROM disputes WHERE order_id = $1", order_id
            )
            assert row["refunded_units"] + taken <= 4590
            assert await by_the_issuer(shop, order_id) == 4590

    story(server, tell)


# late approvals
# --------------------------------------------------------------------------------------------------


def test_a_late_approval_that_is_disputed_does_not_go_back_twice(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await approved_late(shop)
        await disputed(shop, order_id)
        assert (
            await shop.value("SELECT state FROM modifications WHERE order_id = $1", order_id)
            == "netted"
        )
        await shop.settle()
        assert await by_the_issuer(shop, order_id) == SILENT_YES
        left = await balances(shop)
        assert "dispute_loss" not in left
        assert "reversal_due" not in left
        # Won, the money is here again and still not ours.
        await disputed(shop, order_id, decided="won")
        await shop.settle()
        assert await by_the_issuer(shop, order_id) == SILENT_YES
        left = await balances(shop)
        assert "dispute_loss" not in left
        assert "reversal_due" not in left
        assert (await shop.happenings(order_id))[-1] == "reversed"

    story(server, tell)


def test_a_late_approval_that_is_disputed_in_part_goes_back_in_part(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await approved_late(shop)
        await disputed(shop, order_id, units=50_000)
        await shop.settle()
        assert await by_the_issuer(shop, order_id) == SILENT_YES
        left = await balances(shop)
        assert "dispute_loss" not in left
        assert "reversal_due" not in left

    story(server, tell)


def test_a_reversal_that_the_bank_refuses_for_a_dispute_is_settled_by_it(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await approved_late(shop)
        charge = await shop.value("SELECT attempt_id FROM attempts WHERE order_id = $1", order_id)
        issuer: Any = shop.world.processors["sandbox"]
        notice = await issuer.dispute(DisputeRequest(charge, "fraud", await shop.now()))
        await shop.settle()
        assert (
            await shop.value("SELECT state FROM modifications WHERE order_id = $1", order_id)
            == "stuck"
        )
        await sent(shop, notice)
        assert (
            await shop.value("SELECT state FROM modifications WHERE order_id = $1", order_id)
            == "netted"
        )
        assert "reversal_due" not in await balances(shop)

    story(server, tell)


def test_a_second_dispute_of_a_late_approval_that_is_won_gives_nothing_back_twice(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await approved_late(shop)
        await disputed(shop, order_id, units=50_000)
        await shop.settle()
        notice = await notice_of(
            shop, order_id, amount=SILENT_YES - 50_000
        )  # of what went back already
        await tell_issuer(shop, notice)
        await sent(shop, notice)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE issuer.disputes SET status = 'won' WHERE case_id = $1", notice["caseId"]
            )
        await sent(shop, notice | {"noticeId": notice["noticeId"] + "-won", "status": "won"})
        sql = "SELECT state, units FROM modifications WHERE order_id = $1 ORDER BY modification_no"
        states = [tuple(row) for row in await shop.world.db.fetch(sql, order_id)]
        assert states == [("netted", SILENT_YES), ("done", SILENT_YES - 50_000)]
        assert await by_the_issuer(shop, order_id) == SILENT_YES
        await disputed(shop, order_id, decided="won")  # the first: now that part goes back too
        await shop.settle()
        assert await by_the_issuer(shop, order_id) == SILENT_YES

    story(server, tell)


# notices: doubled, late, out of order, lying
# --------------------------------------------------------------------------


def test_eight_copies_of_one_notice_at_once_are_one_dispute(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        notice = await notice_of(shop, order_id)
        await tell_issuer(shop, notice)
        async with second_process(shop.world) as world:
            others = Orders(world)
            told = await asyncio.gather(
                *(sent(shop, notice, orders=(shop.orders, others)[n % 2]) for n in range(8))
            )
        assert {one.state for one in told} <= {"applied", "stale", "repeated"}
        assert [one.state for one in told].count("applied") == 1
        assert (await sent(shop, notice)).state == "repeated"
        assert await shop.value("SELECT count(*) FROM disputes") == 1
        assert (await balances(shop))["dispute_loss"] == 4590

    story(server, tell)


def test_won_that_comes_before_opened_ends_the_same(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        opened = await notice_of(shop, order_id)
        won = opened | {"noticeId": opened["noticeId"] + "-won", "status": "won"}
        await tell_issuer(shop, won)
        assert (await sent(shop, won)).state == "applied"
        assert (await sent(shop, opened)).state == "stale"
        assert (await the_dispute(shop, order_id))["state"] == "won"
        assert (await shop.order(order_id))["status"] == 7
        assert "dispute_loss" not in await balances(shop)

    story(server, tell)


def test_won_and_lost_at_once_one_stands_and_the_other_waits_for_somebody(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        opened = await notice_of(shop, order_id)
        await tell_issuer(shop, opened)
        await sent(shop, opened)
        won, lost = (
            opened | {"noticeId": f"{opened['noticeId']}-{s}", "status": s} for s in ("won", "lost")
        )
        async with second_process(shop.world) as world:
            told = await asyncio.gather(sent(shop, won), sent(shop, lost, orders=Orders(world)))
        assert sorted(one.state for one in told) == ["applied", "unmatched"]
        state = (await the_dispute(shop, order_id))["state"]
        await tell_issuer(shop, opened | {"status": state})
        assert (await shop.order(order_id))["disputed"] is (state == "lost")

    story(server, tell)


def test_a_case_that_goes_on_is_the_same_case(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        await disputed(shop, order_id, kind="service", stage="inquiry")
        assert (await shop.order(order_id))["status"] == 7, "an inquiry takes nothing"
        assert "dispute_loss" not in await balances(shop)
        await disputed(shop, order_id, kind="service")
        assert (await shop.order(order_id))["status"] == 8
        await disputed(shop, order_id, decided="won")
        await disputed(shop, order_id, stage="pre_arbitration")
        row = await the_dispute(shop, order_id)
        assert (row["dispute_no"], row["stage"], row["state"]) == (1, "pre_arbitration", "open")
        assert (await balances(shop))["dispute_loss"] == 4590
        await disputed(shop, order_id, decided="lost")
        assert await shop.value("SELECT count(*) FROM disputes") == 1
        assert (await balances(shop))["dispute_loss"] == 4590
        told = [h for h in await shop.happenings(order_id) if "dispute" in h]
        assert told == [
            "dispute_inquiry",
            "dispute_opened",
            "dispute_won",
            "dispute_reversed",
            "dispute_opened",
            "dispute_lost",
        ]

    story(server, tell)


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "another currency": ({"currency": "EUR"}, "other_currency"),
    "more than the charge": ({"amount": 4591}, "amount_above_charge"),
    "nobody's charge": ({"chargeId": str(uuid.uuid4())}, "unknown_charge"),
    "another merchant's charge": ({"merchantId": str(uuid.uuid4())}, "unknown_charge"),
    "an inquiry that was lost": ({"stage": "inquiry", "status": "lost"}, "inquiry_lost"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_notice_books_nothing_and_waits_on_the_desk(
    server: ServerAddress, lie: str
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        before = await balances(shop)
        notice = await notice_of(shop, order_id, **LIES[lie][0])
        for _ in range(2):
            told = await sent(shop, notice)
            assert told.state in ("unmatched", "repeated")
            assert told.why == LIES[lie][1]
        assert (
            await shop.value("SELECT count(*) FROM dispute_notices WHERE state = 'unmatched'") == 1
        )
        assert await balances(shop) == before
        assert not await shop.value("SELECT count(*) FROM disputes")

    story(server, tell)


def test_a_notice_that_says_something_else_of_a_known_case_is_kept_aside(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id, other = await paid(shop), await paid(shop)
        opened = await notice_of(shop, order_id)
        await tell_issuer(shop, opened)
        await sent(shop, opened)
        with pytest.raises(Problem) as refused:
            await sent(shop, opened | {"amount": 1000})
        assert refused.value.code == "conflict"
        assert (
            await sent(shop, opened | {"noticeId": "n2", "amount": 1000})
        ).why == "amount_changed"
        foreign = await notice_of(shop, other, caseId=opened["caseId"])
        assert (await sent(shop, foreign)).why == "other_charge"
        assert (await balances(shop))["dispute_loss"] == 4590

    story(server, tell)


def test_a_notice_that_comes_before_its_approval_is_tried_again(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await tried(shop, pan=FAULT_CARDS["visa"], units=SILENT_YES)
        charge = await shop.value("SELECT attempt_id FROM attempts WHERE order_id = $1", order_id)
        notice = (await notice_of(shop, order_id)) | {"chargeId": str(charge), "amount": SILENT_YES}
        await tell_issuer(shop, notice)
        assert (await sent(shop, notice)).why == "not_charged"
        await shop.settle()
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE dispute_notices SET received_at = received_at - interval '61 seconds'"
            )
            await connection.execute(
                "UPDATE due_work SET due_at = now() WHERE kind = 'dispute_notices'"
            )
        await shop.run_due()
        assert (await the_dispute(shop, order_id))["state"] == "open"
        assert await shop.value("SELECT state FROM dispute_notices") == "applied"

    story(server, tell)


def test_an_old_notice_does_not_make_a_fresh_one_wait(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        notices = []
        for _ in range(2):
            order_id = await tried(shop, pan=FAULT_CARDS["visa"], units=SILENT_YES)
            charge = await shop.value(
                "SELECT attempt_id FROM attempts WHERE order_id = $1", order_id
            )
            notices.append(
                (await notice_of(shop, order_id)) | {"chargeId": str(charge), "amount": SILENT_YES}
            )
        old, fresh = notices
        assert (await sent(shop, old)).why == "not_charged"
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE dispute_notices SET tries = 6")
        due = (
            "SELECT due_at - now() < interval '61 seconds' FROM due_work WHERE kind = "
            "'dispute_notices'"
        )
        assert (await sent(shop, fresh)).why == "not_charged"
        assert (await sent(shop, old)).state == "unmatched"
        assert await shop.value(due) is True

    story(server, tell)


# the answer, and the deadline
# ----------------------------------------------------------------------------------------


async def open_case(shop: Shop, **more: Any) -> tuple[UUID, UUID]:
    order_id = await paid(shop)
    await disputed(shop, order_id, **more)
    return order_id, (await the_dispute(shop, order_id))["dispute_id"]


def test_evidence_is_sent_and_the_bank_decides(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        with pytest.raises(Problem, match="no evidence"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        spaced = " ".join(COUNTING_CARDS[0][n : n + 4] for n in range(0, 16, 4))
        for secret in (COUNTING_CARDS[0], f"They paid with {spaced}, I saw it."):
            with pytest.raises(Problem, match="card number"):
                await note_evidence(shop.world, shop.scope, dispute_id, secret)
        await note_evidence(
            shop.world, shop.scope, dispute_id, "Delivered on Monday: https://post.example/1"
        )
        for _ in range(2):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await shop.run_due()
        assert (await the_dispute(shop, order_id))["state"] == "answered"
        async with owner(shop.world) as connection:
            heard = await connection.fetch("SELECT answer, evidence FROM issuer.answers")
        assert [tuple(r) for r in heard] == [
            ("contest", "Delivered on Monday: https://post.example/1")
        ]
        await shop.advance(timedelta(days=30))  # no deadline any more
        assert (await the_dispute(shop, order_id))["state"] == "answered"
        with pytest.raises(Problem, match="cannot be answered"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "accept")
        await disputed(shop, order_id, decided="won")
        assert (await shop.order(order_id))["status"] == 7
        with pytest.raises(Problem, match="no longer accepts evidence"):
            await note_evidence(shop.world, shop.scope, dispute_id, "too late")

    story(server, tell)


def test_a_dispute_that_is_accepted_is_lost(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "accept")
        await shop.run_due()
        assert (await the_dispute(shop, order_id))["state"] == "accepted"
        assert (await shop.happenings(order_id))[-1] == "dispute_lost"

    story(server, tell)


def test_the_deadline_warns_three_days_before_and_then_the_case_is_lost(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        await shop.advance(timedelta(days=10))
        assert (await shop.order(order_id))["attention"] is None
        await shop.advance(timedelta(days=1, hours=1))
        assert (await shop.order(order_id))["attention"] == "dispute_late:1"
        await shop.advance(timedelta(days=3))
        assert (await the_dispute(shop, order_id))["state"] == "expired"
        assert (await shop.order(order_id))["attention"] is None
        with pytest.raises(Problem, match="cannot be answered"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "accept")
        # The bank's word counts more than the calendar.
        await disputed(shop, order_id, decided="won")
        assert (await shop.order(order_id))["status"] == 7

    story(server, tell)


def test_an_order_needs_somebody_while_one_of_its_disputes_is_late(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        for amount in (3000, 1000):
            until = (await shop.now() + timedelta(days=14)).strftime("%Y-%m-%dT%H:%M:%SZ")
            notice = await notice_of(shop, order_id, amount=amount, respondBy=until)
            await tell_issuer(shop, notice)
            await sent(shop, notice)
        await shop.advance(timedelta(days=11, hours=1))
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE issuer.disputes SET respond_by = now() + interval '1 year'"
            )
        sql = "SELECT array_agg(dispute_id ORDER BY dispute_no) FROM disputes WHERE order_id = $1"
        first, second = await shop.value(sql, order_id)
        for dispute_id, left in ((second, "dispute_late:1"), (first, None)):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "accept")
            await shop.run_due()
            assert (await shop.order(order_id))["attention"] == left

    story(server, tell)


def test_an_answer_that_the_processor_does_not_take_leaves_the_case_open(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        await note_evidence(shop.world, shop.scope, dispute_id, "words")
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE issuer.disputes SET respond_by = now() - interval '1 hour'"
            )
        await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
        await shop.run_due()
        row = await the_dispute(shop, order_id)
        assert (row["state"], row["answer_state"], row["answer_code"]) == (
            "open",
            "refused",
            "too_late",
        )
        assert (await shop.order(order_id))["attention"] == "dispute_answer_refused:1"
        await disputed(shop, order_id, decided="lost")
        assert (await shop.order(order_id))["attention"] is None

    story(server, tell)


def test_an_answer_that_was_heard_late_needs_nobody_any_more(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its order stood among those that need attention for good."""

    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        await note_evidence(shop.world, shop.scope, dispute_id, "words")

        with processor_away(monkeypatch, "answer_dispute"):
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
            for _ in range(ATTENTION_AFTER_TRIES):
                await hurried(shop, "dispute_answer")
            assert (await shop.order(order_id))["attention"] == "dispute_answer_delayed:1"
        await hurried(shop, "dispute_answer")
        assert (await the_dispute(shop, order_id))["state"] == "answered"
        assert (await shop.order(order_id))["attention"] is None

    story(server, tell)


def test_an_answer_that_was_never_processed_is_given_again_under_another_id(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A processor repeats its first response to an id: the evidence never arrived, and the case was
    lost."""

    async def tell(shop: Shop) -> None:
        order_id, dispute_id = await open_case(shop)
        await note_evidence(shop.world, shop.scope, dispute_id, "words")
        with first_not_processed(monkeypatch, "answer_dispute") as dropped:
            await answer_dispute(shop.world, shop.orders, shop.scope, dispute_id, "contest")
            for _ in range(3):
                await hurried(shop, "dispute_answer")
        row = await the_dispute(shop, order_id)
        assert (row["state"], row["answer_state"]) == ("answered", "done")
        assert row["answer_id"] not in dropped

    story(server, tell)


# the card, the event, the sandbox's magic
# ----------------------------------------------------------------------------


def test_a_card_that_was_disputed_as_fraud_is_not_charged_again_here(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop, pan=COUNTING_CARDS[0], units=4577)
        await disputed(shop, order_id)
        word = await shop.ask(pan=COUNTING_CARDS[0], units=4677, is_mit=False, days=None, code="05")
        assert word.evaluate == "DECLINED"
        async with shop.world.db.connection() as connection:
            why = await connection.fetchval(
                "SELECT body ->> 'why' FROM order_log WHERE order_id = $1 AND happening = "
                "'declined'",
                word.order_id,
            )
        assert why == blocked("fraud_dispute")
        await disputed(shop, order_id, decided="won")
        word = await shop.ask(pan=COUNTING_CARDS[0], units=4777, is_mit=False, days=None, code="05")
        assert word.evaluate == "APPROVED"

    story(server, tell)


def test_a_reason_on_no_list_is_for_people_and_blocks_no_card(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop, pan=COUNTING_CARDS[0], units=4577)
        notice = await notice_of(
            shop, order_id, amount=4577, reasonCode="99.9", respondBy="2031-01-01T00:00:00Z"
        )
        await tell_issuer(shop, notice)
        await sent(shop, notice)
        row = await the_dispute(shop, order_id)
        assert (row["kind"], row["liable"], row["state"]) == ("other", "operator", "open")
        assert (await shop.order(order_id))["attention"] == "dispute_reason_unknown"
        word = await shop.ask(pan=COUNTING_CARDS[0], units=4677, is_mit=False, days=None, code="05")
        assert word.evaluate == "APPROVED"

    story(server, tell)


@pytest.mark.parametrize("code", ["4837", "UA02"])
def test_a_code_in_another_networks_form_is_for_people_and_says_so(
    server: ServerAddress, code: str
) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop, pan=APPROVE_CARDS[1])
        notice = await notice_of(shop, order_id, reasonCode=code, respondBy="2031-01-01T00:00:00Z")
        await tell_issuer(shop, notice)
        await sent(shop, notice)
        row = await the_dispute(shop, order_id)
        assert (row["kind"], row["state"]) == ("other", "open")
        assert (await shop.order(order_id))["attention"] == "dispute_reason_unknown"
        assert reason_of("visa", code).meaning == "a code that only other networks use"
        assert await shop.value("SELECT count(*) FROM card_blocks") == 0

    story(server, tell)


def test_the_merchant_hears_of_it_once(server: ServerAddress) -> None:
    async def tell(shop: Shop) -> None:
        order_id = await paid(shop)
        notice = await notice_of(shop, order_id, respondBy="2031-01-01T00:00:00Z")
        await tell_issuer(shop, notice)
        await sent(shop, notice)
        await sent(shop, notice)
        async with shop.world.db.connection() as connection:
            rows = await connection.fetch(
                "SELECT body FROM outbox WHERE event = 'payment.chargeback.received'"
            )
        assert [r["body"]["ChargebackAmount"] for r in rows] == [4590]
        assert rows[0]["body"]["ReasonCode"] == "4837"
        assert rows[0]["body"]["Status"] == "CHARGEBACK"

    story(server, tell)


MAGIC = {
    90_001: ("fraud", "open", 90_001),
    90_002: ("service", "open", 90_002),
    90_003: ("service", "open", 36_001),
    90_004: ("fraud", "open", 90_004),
    90_005: ("service", "open", 90_005),
    90_006: ("service", "won", 90_006),
    90_007: ("fraud", "lost", 90_007),
    90_008: ("processing", "open", 90_008),
}


@pytest.mark.parametrize("scheme", ["visa", "mastercard"])
def test_the_holders_of_dispute_cards_come_back_on_their_day(
    server: ServerAddress, scheme: str
) -> None:
    async def tell(shop: Shop) -> None:
        orders = {
            units: await paid(shop, pan=DISPUTE_CARDS[scheme], units=units)
            for units in (*MAGIC, 4590)
        }
        await shop.advance(timedelta(days=4))
        assert not await shop.value("SELECT count(*) FROM disputes")
        await shop.advance(timedelta(days=4))
        for units, (kind, state, taken) in MAGIC.items():
            row = await the_dispute(shop, orders[units])
            assert (row["kind"], row["state"], row["units"], row["stage"]) == (
                kind,
                state,
                taken,
                "first",
            ), units
        assert await shop.value("SELECT count(*) FROM disputes") == len(MAGIC)

    story(server, tell)
