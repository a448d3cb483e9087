"""The sandbox's issuer: one decision for each id, in a book of its own, whatever happens on the
way."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import asyncpg
import pytest

from recoup.kernel.ids import new_id
from recoup.kernel.time import Clocks, WallTime
from recoup.networks import magic
from recoup.networks.allow_list import APPROVE_CARDS, PHONE_CARD
from recoup.networks.card import scheme_of
from recoup.processors.gateways.port import (
    Card,
    Charge,
    Inquiry,
    ModificationMessage,
    Outcome,
    Processor,
)
from recoup.processors.gateways.sandbox import book
from recoup.processors.gateways.sandbox.connections import active_faults, clear_faults, set_fault
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

PATIENT_SECONDS, HASTY_SECONDS = 20.0, 1.0
SENT_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Sandbox:
    processor: SandboxProcessor
    connection: Any
    dsn: str

    async def charge(self, pan: str, units: int = 4590, **more: Any) -> Outcome:
        return await self.processor.charge(charge_of(pan, units, **more))

    async def count(self, table: str, id: UUID) -> int:
        return int(
            await self.connection.fetchval(f"SELECT count(*) FROM issuer.{table} WHERE id = $1", id)
        )


def charge_of(pan: str, units: int = 4590, **more: Any) -> Charge:
    usual: dict[str, Any] = {
        "id": new_id(),
        "order_id": new_id(),
        "merchant_id": new_id(),
        "acceptor_id": "sandbox",
        "credential": Card(pan, 9, 2029, scheme_of(pan)),
        "units": units,
        "currency": "USD",
        "initiator": "merchant",
        "capture": True,
        "descriptor": "EXAMPLESHOES",
        "sent_at": SENT_AT,
        "send_before_monotonic": time.monotonic() + 20,
        "timeout_seconds": PATIENT_SECONDS,
    }
    return Charge(**(usual | more))


def reversal_of(charge: Charge, kind: Any, units: int, **more: Any) -> ModificationMessage:
    usual: dict[str, Any] = {
        "id": new_id(),
        "charge_id": charge.id,
        "units": units,
        "currency": "USD",
        "kind": kind,
        "sent_at": SENT_AT,
        "send_before_monotonic": time.monotonic() + 20,
        "timeout_seconds": PATIENT_SECONDS,
    }
    return ModificationMessage(**(usual | more))


@asynccontextmanager
async def opened(server: Any) -> AsyncIterator[Sandbox]:
    """A database of its own for each test."""
    name = "issuer_" + new_id().hex
    admin = await asyncpg.connect(server.dsn("postgres"))
    await admin.execute(f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(server.dsn(name))
    await book.install(connection)
    processor = SandboxProcessor(server.dsn(name), mac_key=b"k" * 32)
    try:
        yield Sandbox(processor, connection, server.dsn(name))
    finally:
        await processor.close()
        await connection.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


class MovedByHand(Clocks):
    """Wall time stands still between the test's own moves; the monotonic clock runs."""

    wall_now: ClassVar = SENT_AT

    def wall(self) -> WallTime:
        return WallTime(self.wall_now)


Play = Callable[[Callable[[Sandbox], Awaitable[None]]], None]


@pytest.fixture
def play(server: Any) -> Play:
    def run(story: Callable[[Sandbox], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with opened(server) as sandbox:
                await story(sandbox)

        asyncio.run(whole())

    return run


VISA_FAULT = magic.FAULT_CARDS["visa"]


def test_it_is_a_processor() -> None:
    port: Processor = SandboxProcessor("postgresql://nowhere", mac_key=b"k")
    assert (port.name, port.asks, port.settled_after) == (
        "sandbox",
        "by_our_key",
        timedelta(seconds=1),
    )
    assert port.idempotency_window >= timedelta(hours=24)


def test_cards_answer_as_documented(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        for pan in APPROVE_CARDS:
            said = await sandbox.charge(pan)
            assert (said.state, said.scheme_code) == ("approved", "00")
            assert said.reference
            assert said.network_transaction_id
        assert (await sandbox.charge(magic.DECLINE_CARD)).scheme_code == "05"
        said = await sandbox.charge(magic.CODE_CARDS["mastercard"], 70_026)
        assert (said.state, said.scheme_code, said.advice_code) == ("declined", "51", "26")
        phone = PHONE_CARD
        assert (await sandbox.charge(phone, initiator="customer")).state == "declined"
        assert (
            await sandbox.charge(phone, initiator="customer", phone="+1 555 010 2030")
        ).state == "approved"
        with_cvv = Card(phone, 9, 2029, "visa", cvv="123")
        assert (
            await sandbox.charge(phone, initiator="customer", credential=with_cvv)
        ).state == "approved"

    play(story)


def test_one_id_is_one_decision_however_often_it_arrives(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(magic.script_card("visa", "51", 1))
        first = await sandbox.processor.charge(charge)
        again = await asyncio.gather(*(sandbox.processor.charge(charge) for _ in range(8)))
        assert first.state == "declined"
        assert {(one.state, one.reference) for one in again} == {("declined", first.reference)}
        asked = await sandbox.processor.inquire(Inquiry(charge.id))
        assert replace(asked, latency_ms=0) == replace(first, latency_ms=0)
        assert (
            await sandbox.count("sends", charge.id),
            await sandbox.count("calls", charge.id),
        ) == (1, 10)

    play(story)


def test_two_messages_with_one_id_at_the_same_time_are_one_charge(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(PHONE_CARD)
        answers = await asyncio.gather(*(sandbox.processor.charge(charge) for _ in range(8)))
        assert len({one.reference for one in answers}) == 1
        assert await sandbox.count("sends", charge.id) == 1

    play(story)


def test_a_script_card_counts_the_declines_of_its_order(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        card, order = magic.script_card("visa", "51", 2), new_id()
        states = [(await sandbox.charge(card, order_id=order)).state for _ in range(4)]
        assert states == ["declined", "declined", "approved", "approved"]
        assert (await sandbox.charge(card)).state == "declined"

    play(story)


def test_the_book_holds_no_card_number(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(PHONE_CARD)
        await sandbox.processor.charge(charge)
        rows = [*await sandbox.connection.fetch("SELECT * FROM issuer.sends")]
        rows += [*await sandbox.connection.fetch("SELECT * FROM issuer.calls")]
        text = repr([dict(row) for row in rows]) + repr(charge)
        assert PHONE_CARD not in text
        assert PHONE_CARD.encode().hex() not in text
        assert rows[0]["card_mac"] == rows[1]["card_mac"]
        assert (rows[1]["kind"], rows[1]["units"], rows[1]["sent_at"]) == ("charge", 4590, SENT_AT)

    play(story)


def test_nothing_is_sent_after_its_last_moment(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(PHONE_CARD, send_before_monotonic=time.monotonic() - 0.001)
        assert (await sandbox.processor.charge(charge)).state == "not_sent"
        refund = reversal_of(charge, "refund", 1, send_before_monotonic=time.monotonic() - 0.001)
        assert (await sandbox.processor.modify(refund)).state == "not_sent"
        assert await sandbox.connection.fetchval("SELECT count(*) FROM issuer.calls") == 0
        assert (await sandbox.processor.inquire(Inquiry(charge.id))).state == "not_found"

    play(story)


def test_a_real_card_number_never_leaves(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        assert (await sandbox.charge(PHONE_CARD[:-1] + "2")).state == "not_sent"
        assert await sandbox.connection.fetchval("SELECT count(*) FROM issuer.calls") == 0

    play(story)


@pytest.mark.parametrize(("amount", "found"), [(80_001, "approved"), (80_002, "declined")])
def test_a_time_out_is_unknown_and_an_inquiry_finds_what_became_of_it(
    play: Play, amount: int, found: str
) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(VISA_FAULT, amount, timeout_seconds=HASTY_SECONDS)
        started = time.monotonic()
        assert (await sandbox.processor.charge(charge)).state == "unknown"
        assert HASTY_SECONDS <= time.monotonic() - started < HASTY_SECONDS + 5
        assert (await sandbox.processor.inquire(Inquiry(charge.id))).state == found
        assert (await sandbox.processor.charge(charge)).state == found
        assert await sandbox.count("sends", charge.id) == 1

    play(story)


def test_a_message_that_never_arrived_is_not_found_and_approved_when_sent_again(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(VISA_FAULT, 80_003, timeout_seconds=HASTY_SECONDS)
        assert (await sandbox.processor.charge(charge)).state == "unknown"
        assert [(await sandbox.processor.inquire(Inquiry(charge.id))).state for _ in range(2)] == [
            "not_found"
        ] * 2
        assert (await sandbox.processor.charge(charge)).state == "approved"
        assert await sandbox.count("sends", charge.id) == 1

    play(story)


@pytest.mark.parametrize(("amount", "state"), [(80_004, "approved"), (80_005, "declined")])
def test_a_slow_answer_comes_when_one_waits(play: Play, amount: int, state: str) -> None:
    async def story(sandbox: Sandbox) -> None:
        patient = await sandbox.charge(VISA_FAULT, amount)
        assert (patient.state, patient.latency_ms >= 1500) == (state, True)
        hasty = charge_of(VISA_FAULT, amount, timeout_seconds=HASTY_SECONDS)
        assert (await sandbox.processor.charge(hasty)).state == "unknown"
        assert (await sandbox.processor.inquire(Inquiry(hasty.id))).state == state

    play(story)


def test_a_message_that_arrives_twice_is_charged_once(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(VISA_FAULT, 80_006)
        assert (await sandbox.processor.charge(charge)).state == "approved"
        assert (
            await sandbox.count("calls", charge.id),
            await sandbox.count("sends", charge.id),
        ) == (2, 1)

    play(story)


def test_a_late_message_is_found_within_the_settling_time(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        processor = SandboxProcessor(sandbox.dsn, mac_key=b"k" * 32, clocks=MovedByHand())
        charge = charge_of(VISA_FAULT, 80_007, timeout_seconds=HASTY_SECONDS)
        assert (await processor.charge(charge)).state == "unknown"
        MovedByHand.wall_now += timedelta(seconds=HASTY_SECONDS)
        assert (await processor.inquire(Inquiry(charge.id))).state == "not_found"
        assert (await processor.charge(charge)).state == "unknown"
        MovedByHand.wall_now += processor.settled_after
        assert (await processor.inquire(Inquiry(charge.id))).state == "approved"
        assert (await processor.charge(charge)).state == "approved"
        assert await sandbox.count("sends", charge.id) == 1
        await processor.close()

    play(story)


def test_an_outage_and_an_unprocessed_code_are_proof_of_not_sent(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        for amount in (80_008, 80_010):
            order = new_id()
            first = await sandbox.charge(VISA_FAULT, amount, order_id=order)
            assert first.state == "not_sent"
            assert amount == 80_008 or first.own_code in sandbox.processor.unprocessed_codes
            assert (await sandbox.charge(VISA_FAULT, amount, order_id=order)).state == "approved"
        order = new_id()
        states = {
            (await sandbox.charge(VISA_FAULT, 80_009, order_id=order)).state for _ in range(3)
        }
        assert states == {"not_sent"}

    play(story)


def test_an_inquiry_may_find_nothing_at_first_and_an_answer_may_be_garbage(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        hidden = charge_of(VISA_FAULT, 80_011, timeout_seconds=HASTY_SECONDS)
        garbage = charge_of(VISA_FAULT, 80_012)
        assert (await sandbox.processor.charge(hidden)).state == "unknown"
        asked = [(await sandbox.processor.inquire(Inquiry(hidden.id))).state for _ in range(3)]
        assert asked == ["not_found", "approved", "approved"]
        assert (await sandbox.processor.charge(garbage)).state == "unknown"
        assert (await sandbox.processor.inquire(Inquiry(garbage.id))).state == "approved"

    play(story)


def test_an_issuer_that_is_mute_says_neither_yes_nor_that_it_knows_nothing(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        mute = charge_of(VISA_FAULT, 80_013, timeout_seconds=HASTY_SECONDS)
        for _ in range(2):
            assert (await sandbox.processor.charge(mute)).state == "unknown"
            assert (await sandbox.processor.inquire(Inquiry(mute.id))).state == "unknown"
        await sandbox.connection.execute(
            "UPDATE issuer.sends SET known_from = now() WHERE id = $1", mute.id
        )
        assert (await sandbox.processor.inquire(Inquiry(mute.id))).state == "approved"

    play(story)


def test_the_operator_can_switch_faults_on_and_off(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        now = Clocks().wall()
        soon = WallTime(now + timedelta(minutes=5))
        await set_fault(sandbox.connection, "outage", soon)
        assert (await sandbox.charge(PHONE_CARD)).state == "not_sent"
        assert (await sandbox.processor.inquire(Inquiry(new_id()))).state == "unknown"
        await set_fault(sandbox.connection, "outage", now)
        assert (await sandbox.charge(PHONE_CARD)).state == "approved"
        await set_fault(sandbox.connection, "silent", soon)
        charge = charge_of(PHONE_CARD, timeout_seconds=HASTY_SECONDS)
        assert (await sandbox.processor.charge(charge)).state == "unknown"
        assert (await sandbox.processor.inquire(Inquiry(charge.id))).state == "approved"
        await clear_faults(sandbox.connection)
        await set_fault(sandbox.connection, "duplicate", soon)
        twice = charge_of(PHONE_CARD)
        assert (await sandbox.processor.charge(twice)).state == "approved"
        assert await sandbox.count("calls", twice.id) == 2
        await set_fault(sandbox.connection, "slow", soon)
        assert await active_faults(sandbox.connection, now) == {"duplicate", "slow"}
        assert (await sandbox.charge(PHONE_CARD, timeout_seconds=HASTY_SECONDS)).state == "unknown"
        await clear_faults(sandbox.connection, "slow")
        assert (await sandbox.charge(PHONE_CARD)).state == "approved"

    play(story)


def test_refunds_never_exceed_the_charge(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(PHONE_CARD)
        await sandbox.processor.charge(charge)
        refund = reversal_of(charge, "refund", 4000)
        said = [await sandbox.processor.modify(refund) for _ in range(3)]
        assert {(one.state, one.reference) for one in said} == {("approved", said[0].reference)}
        assert (await sandbox.processor.inquire(Inquiry(refund.id))).state == "approved"
        over = await sandbox.processor.modify(reversal_of(charge, "refund", 591))
        assert (over.state, over.own_code) == ("declined", "over_charge")
        rest = [reversal_of(charge, "refund", 100) for _ in range(8)]
        states = [one.state for one in await asyncio.gather(*map(sandbox.processor.modify, rest))]
        assert (states.count("approved"), states.count("declined")) == (5, 3)
        foreign = await sandbox.processor.modify(reversal_of(charge, "refund", 1, currency="EUR"))
        assert foreign.own_code == "wrong_currency"

    play(story)


def test_an_authorisation_is_captured_once_or_voided(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        async def reverse(charge: Charge, kind: str, units: int = 4590) -> str | None:
            return (await sandbox.processor.modify(reversal_of(charge, kind, units))).own_code

        held = charge_of(PHONE_CARD, capture=False)
        await sandbox.processor.charge(held)
        assert await reverse(held, "refund") == "not_captured"
        assert await reverse(held, "capture", 4591) == "more_than_is_held"
        assert await reverse(held, "capture") is None
        assert await reverse(held, "capture") == "already_captured"
        assert await reverse(held, "refund", 1) is None
        assert await reverse(held, "void") == "not_the_full_amount"
        other = charge_of(PHONE_CARD, capture=False)
        await sandbox.processor.charge(other)
        assert await reverse(other, "void") is None
        assert await reverse(other, "capture") == "already_voided"
        declined = charge_of(magic.DECLINE_CARD)
        await sandbox.processor.charge(declined)
        assert await reverse(declined, "refund", 1) == "no_such_charge"
        assert await reverse(charge_of(PHONE_CARD), "void") == "no_such_charge"

    play(story)


def test_a_caller_that_gives_up_does_not_stop_the_issuer(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(VISA_FAULT, 80_004)
        task = asyncio.create_task(sandbox.processor.charge(charge))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for _ in range(100):
            if await sandbox.count("sends", charge.id):
                break
            await asyncio.sleep(0.05)
        assert (await sandbox.processor.inquire(Inquiry(charge.id))).state == "approved"

    play(story)


def test_more_callers_than_connections_all_get_their_answer(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charges = [sandbox.charge(PHONE_CARD) for _ in range(60)]
        assert {one.state for one in await asyncio.gather(*charges)} == {"approved"}

    play(story)


def test_without_its_database_the_processor_is_an_outage() -> None:
    async def story() -> None:
        async def connect() -> Any:
            raise ConnectionRefusedError

        processor = SandboxProcessor(connect, mac_key=b"k" * 32)
        charge = charge_of(PHONE_CARD)
        assert (await processor.charge(charge)).state == "not_sent"
        assert (await processor.inquire(Inquiry(charge.id))).state == "unknown"
        await processor.close()

    asyncio.run(story())


def test_a_book_of_before_keeps_what_the_issuer_shall_answer(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        charge = charge_of(magic.script_card("visa", "51", 0))
        await book.tell(sandbox.connection, charge.order_id, False)
        await sandbox.connection.execute("ALTER TABLE issuer.next_answers RENAME TO told")
        others = [await asyncpg.connect(sandbox.dsn) for _ in range(2)]
        await asyncio.gather(*map(book.install, others))
        assert (await sandbox.processor.charge(charge)).state == "declined"
        for other in others:
            await other.close()

    play(story)


def test_the_book_can_be_installed_again_and_by_two_at_once(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        await book.install(sandbox.connection)
        await sandbox.connection.execute("DROP SCHEMA issuer CASCADE")
        others = [await asyncpg.connect(sandbox.dsn) for _ in range(3)]
        await asyncio.gather(*map(book.install, others))
        await sandbox.connection.execute("DROP ROLE IF EXISTS issuer_writer")
        await sandbox.connection.execute("CREATE ROLE issuer_writer")
        await book.install(others[0], role="issuer_writer")
        await others[1].execute("SET ROLE issuer_writer")
        await set_fault(others[1], "slow", Clocks().wall())
        for one in others:
            await one.close()
        assert (await sandbox.charge(PHONE_CARD)).state == "approved"
        await sandbox.connection.execute("DROP OWNED BY issuer_writer")
        await sandbox.connection.execute("DROP ROLE issuer_writer")

    play(story)


def test_a_hold_is_captured_in_parts_and_the_rest_let_go(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        async def reverse(charge: Charge, kind: str, units: int, **more: Any) -> str | None:
            return (
                await sandbox.processor.modify(reversal_of(charge, kind, units, **more))
            ).own_code

        held = charge_of(PHONE_CARD, capture=False)
        await sandbox.processor.charge(held)
        assert await reverse(held, "capture", 1000, final_part=False) is None
        assert await reverse(held, "capture", 4000) == "more_than_is_held"
        assert await reverse(held, "capture", 500, final_part=False) is None
        assert await reverse(held, "refund", 1600) == "over_charge"
        assert await reverse(held, "void", 4590) == "not_the_full_amount"
        assert await reverse(held, "void", 3090) is None
        assert await reverse(held, "capture", 1) == "already_voided"
        assert await reverse(held, "refund", 1500) is None
        last = charge_of(PHONE_CARD, capture=False)
        await sandbox.processor.charge(last)
        assert await reverse(last, "capture", 1000, final_part=False) is None
        assert await reverse(last, "capture", 1000) is None
        assert await reverse(last, "capture", 1) == "already_captured"
        assert await reverse(last, "refund", 2001) == "over_charge"

    play(story)


def test_a_payers_card_is_answered_by_the_time_of_the_charge(play: Play) -> None:
    async def story(sandbox: Sandbox) -> None:
        pan, day = magic.payer_card("mastercard", 7, 12), timedelta(days=1)
        table = book.Timetable(
            pan, 4590, [SENT_AT, SENT_AT + day, SENT_AT + 2 * day], ["51/24", "00", "04"]
        )
        assert (await sandbox.charge(pan, sent_at=SENT_AT)).scheme_code == "14", (
            "a card without a timetable is nobody's"
        )
        await sandbox.processor.keep_timetables([table])
        await sandbox.processor.keep_timetables([table])
        said = [
            await sandbox.charge(pan, sent_at=SENT_AT + hours * day / 24)
            for hours in (-1, 0, 23, 24, 47, 48, 900)
        ]
        assert [(one.state, one.scheme_code, one.advice_code) for one in said] == [
            ("declined", "51", "24"),
            ("declined", "51", "24"),
            ("declined", "51", "24"),
            ("approved", "00", None),
            ("approved", "00", None),
            ("declined", "04", None),
            ("declined", "04", None),
        ]
        assert (await sandbox.charge(pan, 4591, sent_at=SENT_AT + day)).scheme_code == "14", (
            "of that amount only"
        )

    play(story)
