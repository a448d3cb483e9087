"""The bridge to a live processor: what may be read as a decision, and what is never one."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from tests.bridge_twin import SECRET, Twin, bridge_twin
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.networks.magic import script_card
from recoup.processors.gateways.bridge import Bridge, NoProcessor, check_bridge
from recoup.processors.gateways.port import (
    Card,
    Charge,
    DisputeAnswer,
    EvidenceFile,
    Inquiry,
    ModificationMessage,
    Processor,
)

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAN = script_card("visa", "51", 0)
Story = Callable[[Bridge, Twin], Awaitable[None]]


def run(story: Story) -> None:
    async def whole() -> None:
        async with bridge_twin() as twin:
            bridge = Bridge(twin.url, secret=SECRET, acceptor_id="acq-1")
            try:
                await story(bridge, twin)
            finally:
                await bridge.close()

    asyncio.run(whole())


def charge_of(**more: Any) -> Charge:
    usual: dict[str, Any] = {
        "id": new_id(),
        "order_id": new_id(),
        "merchant_id": new_id(),
        "acceptor_id": "acq-1",
        "credential": Card(PAN, 9, 2031, "visa", "123"),
        "units": 4590,
        "currency": "USD",
        "initiator": "merchant",
        "capture": True,
        "descriptor": "RC*SHOP",
        "sent_at": AT,
        "send_before_monotonic": Clocks().monotonic() + 60,
        "timeout_seconds": 2.0,
    }
    return Charge(**(usual | more))


def reversal_of(charge_id: UUID, **more: Any) -> ModificationMessage:
    usual: dict[str, Any] = {
        "id": new_id(),
        "charge_id": charge_id,
        "units": 4590,
        "currency": "USD",
        "kind": "refund",
        "sent_at": AT,
        "send_before_monotonic": Clocks().monotonic() + 60,
        "timeout_seconds": 2.0,
    }
    return ModificationMessage(**(usual | more))


def test_a_charge_its_refund_and_questions_about_them() -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        port: Processor = bridge
        charge = charge_of(first_network_id="0123")
        said = await port.charge(charge)
        assert (said.state, said.scheme_code, said.reference) == (
            "approved",
            "00",
            f"ref-{str(charge.id)[-6:]}",
        )
        sent = twin.sent[str(charge.id)]
        assert sent["card"] == {
            "number": PAN,
            "expMonth": 9,
            "expYear": 2031,
            "scheme": "visa",
            "cvv": "123",
        }
        assert (sent["amount"], sent["currency"], sent["initiator"]) == (4590, "USD", "merchant")
        assert sent["networkTransactionId"] == "0123"
        assert (await port.inquire(Inquiry(charge.id))).state == "approved"
        assert (await port.inquire(Inquiry(new_id()))).state == "not_found"
        back = reversal_of(charge.id)
        assert (await port.modify(back)).state == "approved"
        assert twin.sent[str(back.id)]["chargeId"] == str(charge.id)
        answer = DisputeAnswer(
            new_id(), "case-1", charge.id, "accept", "", AT, Clocks().monotonic() + 60, 2.0
        )
        assert (await port.answer_dispute(answer)).state == "approved"
        assert "files" not in twin.sent[str(answer.id)], (
            "a bridge that was not asked for them knows none"
        )
        bridge.takes_files = True
        files = (EvidenceFile("a.txt", "text/plain", b"delivered"),)
        answer = replace(answer, id=new_id(), key=new_id(), answer="contest", files=files)
        assert (await port.answer_dispute(answer)).state == "approved"
        assert twin.sent[str(answer.key)]["files"] == [
            {"name": "a.txt", "mediaType": "text/plain", "content": "ZGVsaXZlcmVk"}
        ]

    run(story)


def test_a_decline_brings_its_codes() -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        twin.says = [
            {"state": "declined", "schemeCode": "51", "adviceCode": "24", "text": "no funds"}
        ]
        said = await bridge.charge(charge_of())
        assert (said.state, said.scheme_code, said.advice_code, said.text) == (
            "declined",
            "51",
            "24",
            "no funds",
        )
        twin.says = [{"state": "not_processed"}]
        assert (await bridge.charge(charge_of())).state == "not_sent"

    run(story)


@each(
    "raw",
    [
        {"status": 500, "text": "oops"},
        {"status": 404, "text": "<html>"},
        {"text": "{}"},
        {"text": "x" * 20_000},
        {"text": '{"id": "01890000-0000-7000-8000-000000000000", "state": "declined"}'},
        {"text": '{"state": "not_found"}'},
        {"status": 302, "headers": {"location": "/pay/charges"}},
        {"text": '{"x": ' + "[" * 7_000 + "]" * 7_000 + "}"},
        {"text": "[" * 16_000},
        {
            "body": gzip.compress(b" " * 50_000_000 + b'{"state": "declined"}'),
            "headers": {"content-encoding": "gzip"},
        },
    ],
)
def test_what_is_not_understood_is_unknown(raw: dict[str, Any]) -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        twin.raw = lambda: web.Response(**raw)
        assert (await bridge.charge(charge_of())).state == "unknown"
        assert (await bridge.inquire(Inquiry(new_id()))).state == "unknown"

    run(story)


def test_a_card_number_that_the_processor_says_back_is_masked() -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        grouped = " ".join(PAN[at : at + 4] for at in range(0, 16, 4))
        twin.says = [
            {"state": "declined", "reference": f"r-{PAN}", "text": f"no card {grouped}, sorry"}
        ]
        said = await bridge.charge(charge_of())
        assert said.reference == f"r-{PAN[:6]}…{PAN[-4:]}"
        assert said.text == f"no card {PAN[:6]}…{PAN[-4:]}, sorry"
        twin.says = [{"state": "approved", "reference": script_card("visa", "51", 9)}]
        assert (await bridge.charge(charge_of())).reference == script_card("visa", "51", 9), (
            "ids are long numbers"
        )

    run(story)


def test_an_approval_with_texts_of_any_length_is_an_approval_with_texts_that_can_be_kept() -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        names = (
            "schemeCode",
            "adviceCode",
            "processorCode",
            "reference",
            "networkTransactionId",
            "text",
        )
        twin.says = [{"state": "approved"} | dict.fromkeys(names, "05\0\n" + "9" * 2_000)]
        said = await bridge.charge(charge_of())
        assert said.state == "approved"
        for text in (said.scheme_code, said.advice_code, said.own_code):
            assert text is not None
            assert (len(text), text[:4]) == (64, "05  ")
        assert said.reference is not None
        assert said.network_transaction_id is not None
        assert said.text is not None
        assert (len(said.reference), len(said.network_transaction_id), len(said.text)) == (
            128,
            128,
            200,
        )
        twin.says = [{"state": "declined"} | dict.fromkeys(names, "\0 \n")]
        assert (await bridge.charge(charge_of())).scheme_code is None

    run(story)


def test_not_found_is_no_answer_to_a_charge() -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        twin.says = [{"state": "not_found"}]
        assert (await bridge.charge(charge_of())).state == "unknown"

    run(story)


def test_silence_is_unknown_and_a_closed_door_proof_that_nothing_left() -> None:
    async def story(bridge: Bridge, twin: Twin) -> None:
        twin.silent = True
        assert (await bridge.charge(charge_of(timeout_seconds=0.3))).state == "unknown"
        late = charge_of(send_before_monotonic=Clocks().monotonic() - 1)
        assert (await bridge.charge(late)).state == "not_sent"
        away = Bridge("http://127.0.0.1:1", secret=SECRET, acceptor_id="acq-1")
        assert (await away.charge(charge_of())).state == "not_sent"
        assert (await away.inquire(Inquiry(new_id()))).state == "unknown"
        await away.close()

    run(story)


def test_a_process_that_was_paused_before_the_first_byte_sends_nothing_late() -> None:
    """Its time was not over when the call began; a connection was made, and then the machine stood
    still."""

    class Paused(Clocks):
        asked = 0

        def monotonic(self) -> float:
            type(self).asked += 1
            return super().monotonic() + (120 if self.asked > 1 else 0)

    async def whole() -> None:
        async with bridge_twin() as twin:
            bridge = Bridge(twin.url, secret=SECRET, acceptor_id="acq-1", clocks=Paused())
            try:
                charge = charge_of()
                said = await bridge.charge(charge)
                assert (said.state, said.text) == ("not_sent", "too late to send")
                assert not twin.sent
                assert (
                    await bridge.inquire(Inquiry(charge.id))
                ).state == "not_found"  # questions may be late
            finally:
                await bridge.close()

    asyncio.run(whole())


def test_without_a_processor_nothing_leaves() -> None:
    async def whole() -> None:
        port: Processor = NoProcessor()
        assert (await port.charge(charge_of())).state == "not_sent"
        assert (await port.modify(reversal_of(new_id()))).state == "not_sent"
        assert (await port.inquire(Inquiry(new_id()))).state == "unknown"

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("url", "secret", "acceptor", "field"),
    [
        ("http://pay.example.com", SECRET, "a", "live_processor_url"),
        ("ftp://x", SECRET, "a", "live_processor_url"),
        ("https://pay.example.com", "short", "a", "live_processor_secret"),
        ("https://pay.example.com", SECRET, "", "live_acceptor_id"),
    ],
)
def test_settings_by_which_no_card_may_be_sent(
    url: str, secret: str, acceptor: str, field: str
) -> None:
    with pytest.raises(Problem) as wrong:
        check_bridge(url, secret, acceptor)
    assert wrong.value.field == field
