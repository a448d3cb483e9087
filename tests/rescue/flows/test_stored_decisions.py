"""What is decided beside the plan is kept as what it was: the gate's refusals, routes, people's
requests, charges."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.dispute_terms import agree
from tests.worlds import FUNDS_CARD, KEYRING, Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.policy import Policy
from recoup.kernel.scope import Actor
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.magic import CHALLENGE_PHONES, FAULT_CARDS, script_card
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.amend import Amended, amend
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.challenge import ChallengeAnswer, answer, show
from recoup.rescue.flows.taken import Person
from recoup.rescue.flows.tokenize import CardGiven, Vault

MAYA = Actor("user", "0199aa00-0000-7000-8000-000000000001")
POLICY = Policy(
    call_timeout=timedelta(seconds=2),
    settled_after=timedelta(seconds=0.2),
    cit_deadline=timedelta(seconds=10),
)
OUTAGE_ONCE, OUTAGE_ALWAYS = 80_008, 80_009
Row = Mapping[str, Any]


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=POLICY) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await story(replace(shop, scope=replace(shop.scope, actor=MAYA)))
            assert (found := await verify(made[0])).difference is None, found.difference

    asyncio.run(inside())


async def decisions(shop: Shop, order_id: UUID, kind: str | None = None) -> list[Row]:
    """Of an order, oldest first, each with the lines and attempts that name it."""
    rows: list[Row] = await shop.world.db.fetch(
        "SELECT d.*, d.versions ->> 'decider' AS decider,"
        " (SELECT array_agg(l.happening ORDER BY l.seq) FROM order_log l WHERE l.decision_id = "
        "d.decision_id) AS lines,"
        " (SELECT array_agg(a.attempt_no ORDER BY a.attempt_no) FROM attempts a"
        "   WHERE a.decision_id = d.decision_id) AS attempts"
        " FROM decisions d WHERE d.order_id = $1 ORDER BY d.decision_id",
        order_id,
    )
    return [row for row in rows if kind in (None, row["decider"])]


async def one(shop: Shop, order_id: UUID, kind: str) -> Row:
    (row,) = await decisions(shop, order_id, kind)
    return row


async def tried_today(shop: Shop, external_id: str) -> None:
    """With the payment that came in, as often as Mastercard lets a card be tried in a day."""
    for _ in range(9):
        await shop.transmitted(external_id, code_source="mastercard")


async def asked_to_wait(shop: Shop, pan: str = script_card("mastercard", "51", 0)) -> UUID:
    """Its merchant has tried the card nine times more today; somebody has it tried at once."""
    order_id = await shop.admit(pan=pan, external_id="ASKED")
    await tried_today(shop, "ASKED")
    await shop.run_due()
    await bring_forward(shop.orders, shop.scope, order_id)
    await shop.run_due()
    return order_id


def test_a_send_that_the_gate_puts_off_says_which_rule_and_until_when(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        before = await shop.now()
        order_id = await asked_to_wait(shop)
        row = await one(shop, order_id, "gate-1")
        (tally,) = [t for t in row["features"]["tallies"] if t["rule_id"] == "mc-attempts-24h"]
        assert (row["verdict"], row["rules"], row["lines"]) == (
            "postpone",
            ["mc-attempts-24h"],
            ["held"],
        )
        assert (tally["counted"], tally["maximum"]) == (10, 10)
        assert row["plan"] == [tally["free_at"]]
        held = await shop.order(order_id)
        assert held["next_attempt_at"].isoformat() == row["plan"][0]
        assert (
            timedelta(0)
            <= held["next_attempt_at"] - before - timedelta(hours=24)
            < timedelta(minutes=5)
        )
        await shop.advance(timedelta(hours=25))
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"
        assert len(await decisions(shop, order_id, "gate-1")) == 1, (
            "a yes is no decision of its own"
        )

    run(server, story)


def test_a_send_that_the_gate_refuses_for_good_is_withheld_with_its_reasons(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        pan = script_card("mastercard", "51", 99)
        order_id = await shop.admit(pan=pan, external_id="ENDS", days=1)
        await tried_today(shop, "ENDS")
        await shop.run_due()
        card = await Vault(shop.world).store(CardGiven(shop.merchant_id, new_id(), pan, 9, 2031))
        await amend(shop.world, shop.orders, shop.scope, order_id, Amended(token_id=card.token_id))
        await shop.run_due()
        row = await one(shop, order_id, "gate-1")
        assert (row["verdict"], row["plan"], row["lines"]) == ("refuse", [], ["attempt_withheld"])
        assert "The order ends before the card may be sent again." in row["reasons"]

    run(server, story)


def test_an_ordinary_order_has_no_decision_but_that_of_its_plan(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit()
        await shop.advance(timedelta(days=20))
        await shop.settle()
        assert (await shop.order(order_id))["stage"] == "completed"
        assert [(row["decider"], row["attempts"]) for row in await decisions(shop, order_id)] == [
            ("decide-1", [1])
        ]

    run(server, story)


def test_the_next_attempt_takes_another_route_by_the_proof_that_the_first_sent_nothing(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        second = SandboxProcessor(
            shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name="second"
        )
        shop.world.processors["second"] = second
        try:
            order_id = await shop.admit(pan=FAULT_CARDS["visa"], units=OUTAGE_ONCE)
            await shop.advance(timedelta(days=20))
            await shop.settle()
            first, then = await decisions(shop, order_id, "route-4")
            assert (first["taken"], first["rules"], first["lines"]) == (
                "sandbox",
                ["first_of_equals"],
                ["attempt_sent"],
            )
            assert (then["taken"], then["rules"], then["verdict"]) == (
                "second",
                ["proof_of_not_sent"],
                "send",
            )
            assert [o["name"] for o in then["alternatives"]] == ["sandbox", "second"]
            (proof,) = then["features"]["failures"]
            assert (proof["route"], proof["attempt_no"], proof["how"]) == ("sandbox", 1, "not_sent")
            routes = await shop.value("SELECT array_agg(route ORDER BY attempt_no) FROM attempts")
            assert routes == ["sandbox", "second"]
        finally:
            await second.close()

    run(server, story)


def test_after_a_technical_decline_the_next_attempt_takes_the_other_route(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        second = SandboxProcessor(
            shop.world.dsn, mac_key=KEYRING.mac("issuer", b"book"), name="second"
        )
        shop.world.processors["second"] = second
        try:
            order_id = await shop.admit(pan=script_card("visa", "91", 1), code="91")
            await shop.advance(timedelta(days=3))
            await shop.settle()
            assert (await shop.order(order_id))["stage"] == "completed"
            first, then = await decisions(shop, order_id, "route-4")
            assert (first["taken"], first["rules"]) == ("sandbox", ["first_of_equals"])
            assert (then["taken"], then["rules"], then["lines"]) == (
                "second",
                ["technical_decline"],
                ["attempt_sent"],
            )
            (failure,) = then["features"]["failures"]
            assert (failure["route"], failure["how"], failure["code"]) == (
                "sandbox",
                "technical",
                "91",
            )
            sent = "SELECT count(*) FROM network_sends WHERE state = 'sent' AND send_id <> order_id"
            assert await shop.value(sent) == 2, "each route's send counts within the card's limits"
        finally:
            await second.close()

    run(server, story)


def test_with_one_route_a_retry_after_an_outage_says_that_there_was_no_other(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(
            pan=FAULT_CARDS["visa"], units=OUTAGE_ALWAYS, days=None, code="05"
        )
        await shop.advance(timedelta(hours=1))
        rows = await decisions(shop, order_id, "route-4")
        assert {(row["taken"], *row["rules"]) for row in rows} == {
            ("sandbox", "every_route_failed")
        }

    run(server, story)


def test_who_brought_an_attempt_forward_stands_with_the_plan_before(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        planned_for = (await shop.order(order_id))["next_attempt_at"]
        (plan,) = await decisions(shop, order_id)
        await bring_forward(shop.orders, shop.scope, order_id)
        row = await one(shop, order_id, "by_hand-1")
        assert row["features"]["actor"] == MAYA.text()
        assert row["features"]["before"] == {
            "due_at": planned_for.isoformat(),
            "ladder": "funds",
            "decision_id": str(plan["decision_id"]),
        }
        assert row["features"]["gate"] == {"rule": "", "until": None}
        assert (row["rules"], row["lines"], row["attempts"]) == (
            ["attempt_now", "plan_before", "gate_allows"],
            ["planned"],
            [1],
        )

    run(server, story)


def test_the_gates_word_on_what_a_person_asks_for_is_kept(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        row = await one(shop, await asked_to_wait(shop), "by_hand-1")
        assert row["features"]["gate"]["rule"] == "mc-attempts-24h"
        assert row["rules"][-1] == "gate_refuses"

    run(server, story)


def test_a_new_card_and_a_customers_answer_are_requests_too(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await shop.admit(pan=FUNDS_CARD)
        await shop.run_due()
        card = await Vault(shop.world).store(
            CardGiven(shop.merchant_id, new_id(), APPROVE_CARDS[0], 9, 2031)
        )
        await amend(shop.world, shop.orders, shop.scope, order_id, Amended(token_id=card.token_id))
        row = await one(shop, order_id, "by_hand-1")
        assert (row["rules"][0], row["lines"], row["attempts"]) == ("new_card", ["planned"], [1])
        payer = Person(
            first_name="Ana", last_name="Roe", email="ana@example.test", phone=CHALLENGE_PHONES[0]
        )
        word = await shop.ask(
            is_mit=False, days=None, pan=PHONE_CARD, code="05", cvv="123", payer=payer
        )
        asked = await show(shop.world, shop.merchant_id, word.order_id)
        await answer(
            shop.world,
            shop.orders,
            Vault(shop.world),
            asked,
            ChallengeAnswer(confirmed=True),
            "test",
        )
        row = await one(shop, word.order_id, "by_hand-1")
        assert (row["rules"][0], row["lines"]) == ("customer_answer", ["challenge_answered"])
        assert row["features"]["actor"] == "payer:page"
        sent = (
            "SELECT count(*) FILTER (WHERE decision_id IS NULL) FROM attempts WHERE route IS "
            "NOT NULL"
        )
        await shop.settle()
        assert await shop.value(sent) == 0, "an attempt that comes from nothing"

    run(server, story)


def test_each_charge_of_an_advanced_order_is_decided_and_so_is_its_end(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        await agree(shop, allowed_loss_basis_points=10_000)
        word = await shop.ask(
            is_mit=False, days=None, pan=script_card("visa", "05", 99), code="05", cvv="123"
        )
        assert word.evaluate == "APPROVED"
        await shop.advance(timedelta(days=29))
        await shop.settle()
        rows = await decisions(shop, word.order_id, "charge-1")
        assert [(row["verdict"], row["lines"]) for row in rows] == [
            *[("plan", ["charge_planned"])] * 4,
            ("write_off", ["uncollected"]),
        ]
        assert {row["versions"]["policy"] for row in rows} == {"collect-1"}
        assert [row["features"]["made"] for row in rows] == [0, 1, 2, 3, 4]
        assert [row["attempts"] for row in rows[:-1]] == [[2], [3], [4], [5]]

    run(server, story)


def test_stored_inputs_say_nothing_of_people_and_cards(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await asked_to_wait(shop)
        await shop.advance(timedelta(days=2))
        stored = json.dumps(
            [
                [r["features"], r["reasons"], r["alternatives"]]
                for r in await decisions(shop, order_id)
            ]
        )
        row = await shop.order(order_id)
        payer = await shop.world.db.fetchrow(
            "SELECT * FROM order_payer WHERE order_id = $1", order_id
        )
        told = [
            str(value)
            for value in (
                *payer.values(),
                row["token_id"],
                row["card_id"],
                row["pan_id"],
                shop.merchant_id,
                row["external_id"],
            )
            if value
        ]
        assert [word for word in told if word in stored and word != str(order_id)] == []

    run(server, story)
