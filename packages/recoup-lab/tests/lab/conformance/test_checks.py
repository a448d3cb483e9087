"""The connectors pass, and for each check a connector that is broken on purpose fails that line."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.rings import drawn, each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.processors.gateways.connector import Notice
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Charge, Inquiry, ModificationMessage, Processor
from recoup_connectors.stripe import connector
from recoup_lab.conformance.adyen import AdyenSubject
from recoup_lab.conformance.check import CHECKS
from recoup_lab.conformance.run import Result, run_checks, subject_of
from recoup_lab.conformance.subject import Breaker, Subject
from recoup_lab.processors.adyen import published
from recoup_lab.processors.stripe.server import KEY

NOT_OFFERED = {
    "adyen": {48, 61, 62, 63, 64},
    "braintree": {35, 48, 54},
    "bridge": {27, 44, 45, 54, 59},
    "nmi": {23, 27, 29, 30, 35, 40, 48, 54},
    "stripe": set[int](),
}


def results(name: str, *only: int, breaks: Breaker | None = None) -> list[Result]:
    async def whole() -> list[Result]:
        return [one async for one in run_checks(subject_of(name), only=only or None, breaks=breaks)]

    return asyncio.run(whole())


@pytest.mark.parametrize("name", sorted(NOT_OFFERED))
def test_the_connector_passes_all(name: str) -> None:
    found = results(name)
    assert [one.number for one in found] == list(range(1, 65))
    assert [one for one in found if one.state == "failed"] == []
    assert {one.number for one in found if one.state == "not_offered"} == NOT_OFFERED[name]


class Broken:
    """A connector with one fault; what it does not have, the whole one has."""

    def __init__(self, on: Subject, inner: Any) -> None:
        self.on, self.inner = on, inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def charge(self, charge: Charge) -> Outcome:
        return await self.inner.charge(charge)  # type: ignore[no-any-return]

    async def modify(self, message: ModificationMessage) -> Outcome:
        return await self.inner.modify(message)  # type: ignore[no-any-return]

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        return await self.inner.inquire(inquiry)  # type: ignore[no-any-return]

    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        return self.inner.read_notices(headers, body, now)  # type: ignore[no-any-return]


def said(change: Callable[[Outcome], Outcome], *calls: str) -> type[Broken]:
    """It changes what these calls answer."""

    def changed(call: str) -> Any:
        async def answer(self: Broken, message: Any) -> Outcome:
            return change(await getattr(self.inner, call)(message))

        return answer

    return type(
        "Changed",
        (Broken,),
        {call: changed(call) for call in calls or ("charge", "modify", "inquire")},
    )


def turned(before: str, after: Any, *calls: str) -> type[Broken]:
    return said(lambda one: replace(one, state=after) if one.state == before else one, *calls)


def always(state: Any, *calls: str) -> type[Broken]:
    return said(lambda one: replace(one, state=state, other_id=False), *calls)


class NewIds(Broken):
    async def charge(self, charge: Charge) -> Outcome:
        again = replace(charge, id=new_id(), key=new_id())
        return await self.inner.charge(again)  # type: ignore[no-any-return]


class InquiriesSend(Broken):
    async def inquire(self, inquiry: Inquiry) -> Outcome:
        assert isinstance(inquiry.message, Charge)
        soon = inquiry.message.send_before_monotonic + 60
        message = replace(inquiry.message, id=new_id(), key=new_id(), send_before_monotonic=soon)
        return await self.inner.charge(message)  # type: ignore[no-any-return]


class Searches(Broken):
    async def inquire(self, inquiry: Inquiry) -> Outcome:
        self.on.calls().append("GET /v1/payment_intents/search")
        return await super().inquire(inquiry)


class TwoDecimals(Broken):
    def exponent(self, currency: str) -> int | None:
        return 2


class NoFees(Broken):
    async def lines(self, begin: datetime, end: datetime) -> Any:
        async for page in self.inner.lines(begin, end):
            yield [one for one in page if one.type != "fee"]


class ShowsItsKey(Broken):
    def __repr__(self) -> str:
        return f"Stripe({KEY!r})"


class BelievesAll(Broken):
    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        signed = self.on.signed(body)
        return self.inner.read_notices(signed, body, now)  # type: ignore[no-any-return]


class OneKeyOnly(Broken):
    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        if headers["stripe-signature"].count("v1=") > 1:
            raise Problem("unauthenticated", "two signatures", cure="one")
        return super().read_notices(headers, body, now)


class LooksNot(Broken):
    """It does not read the book before or after."""

    async def charge(self, charge: Charge) -> Outcome:
        async def nothing(*_: Any) -> Outcome:
            return Outcome("not_found")

        self.inner._look_at_charge = nothing
        return await super().charge(charge)


class Swallows(Broken):
    def read_notices(self, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Notice]:
        try:
            return super().read_notices(headers, body, now)
        except Problem:
            return []


def noticed(change: Callable[[Notice, datetime], Notice | None]) -> type[Broken]:
    class Changed(Broken):
        def read_notices(
            self, headers: Mapping[str, str], body: bytes, now: datetime
        ) -> list[Notice]:
            found = super().read_notices(headers, body, now)
            return [one for notice in found if (one := change(notice, now)) is not None]

    return Changed


NO_FAULT = said(lambda one: replace(one, fault=None))
SURE = turned("unknown", "approved", "charge")
TRUSTING = said(lambda one: replace(one, units=None, currency=None, other_id=False), "charge")
FINDS_NOTHING = always("not_found", "inquire")
UNSURE_OF_NOTHING = turned("not_sent", "unknown", "charge")
BROKEN: dict[int, type[Broken]] = {
    1: turned("approved", "declined", "charge"),
    2: turned("declined", "unknown", "charge"),
    **dict.fromkeys((3, 4, 5), NewIds),
    **dict.fromkeys((6, 7, 8), UNSURE_OF_NOTHING),
    **dict.fromkeys((9, 10, 11, 12, 13, 16, 17), SURE),
    **dict.fromkeys((14, 15, 24), NO_FAULT),
    **dict.fromkeys((18, 31, 32, 37), FINDS_NOTHING),
    **dict.fromkeys((19, 20, 21, 22), TRUSTING),
    23: said(lambda one: replace(one, sca_wanted=False)),
    25: said(lambda one: replace(one, scheme_code=one.own_code), "charge"),
    26: said(lambda one: replace(one, advice_code=str(one.processor_advice)), "charge"),
    27: said(lambda one: replace(one, advice_code="03"), "charge"),
    28: said(lambda one: replace(one, scheme_code=one.scheme_code or "05"), "charge"),
    29: said(lambda one: replace(one, reached_network=None), "charge"),
    30: said(lambda one: replace(one, network_transaction_id=None), "charge"),
    33: always("unknown", "inquire"),
    **dict.fromkeys((34, 36, 60), InquiriesSend),
    35: Searches,
    38: TwoDecimals,
    39: always("unknown", "modify"),
    **dict.fromkeys((40, 41, 42, 43), always("approved", "modify")),
    44: always("approved", "inquire"),
    45: NoFees,
    **dict.fromkeys((46, 47, 48, 55), BelievesAll),
    49: OneKeyOnly,
    50: noticed(lambda one, _: replace(one, id=str(new_id()))),
    51: noticed(lambda one, now: one if now - one.at < timedelta(hours=1) else None),
    52: noticed(lambda one, _: replace(one, message_id=None)),
    53: noticed(lambda one, _: one if one.message_id else None),
    54: noticed(lambda one, _: replace(one, mine=True)),
    **dict.fromkeys((56, 57), Swallows),
    58: ShowsItsKey,
    **dict.fromkeys((61, 62, 64), always("not_found", "look_up")),
    63: always("approved", "look_up"),
}


@drawn("connectors", "number", sorted(BROKEN), 6)
def test_a_connector_that_is_broken_so_fails_that_line(number: int) -> None:
    def breaks(on: Subject, inner: Processor) -> Any:
        return BROKEN[number](on, inner)

    (found,) = results("stripe", number, breaks=breaks)
    assert found.state == "failed", found
    assert found.why


class EachPart(Broken):
    """It says of each part of a hold what the message does not: that it is the last, or that it is
    not."""

    last = True

    async def modify(self, message: ModificationMessage) -> Outcome:
        is_part = message.kind == "capture" and (
            message.captured_before > 0 or not message.final_part
        )
        given = replace(message, final_part=self.last) if is_part else message
        return await self.inner.modify(given)  # type: ignore[no-any-return]


class NeverLast(EachPart):
    """What is left stays held."""

    last = False


class ForgetsBefore(Broken):
    """It looks for each part as if none was captured before it."""

    async def modify(self, message: ModificationMessage) -> Outcome:
        said = await self.inner.modify(message)
        return replace(said, state="declined") if message.captured_before else said


@each(
    ("name", "broken"),
    [
        ("stripe", EachPart),
        ("stripe", NeverLast),
        ("stripe", ForgetsBefore),
        ("bridge", EachPart),
        ("bridge", NeverLast),
        ("adyen", ForgetsBefore),
    ],
)
def test_a_connector_that_cannot_capture_in_parts_fails_the_line_of_captures(
    name: str, broken: type[Broken]
) -> None:
    def breaks(on: Subject, inner: Processor) -> Any:
        return broken(on, inner)

    (found,) = results(name, 39, breaks=breaks)
    assert found.state == "failed", found


def test_a_live_key_that_the_sandbox_takes_fails_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connector, "check_mode", lambda key, world: None)
    (found,) = results("stripe", 59)
    assert found.state == "failed"


def test_a_request_that_its_vendor_does_not_publish_fails_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = [
        one.message
        for one in published.faults("POST", "/v72/payments/P1/refunds", {"everything": True})
    ]
    monkeypatch.setattr(AdyenSubject, "unpublished", lambda _: said)
    (found,) = results("adyen", 52)
    assert (found.state, "unknown fields: [everything]" in found.why) == ("failed", True)


def test_each_check_has_a_connector_that_fails_it() -> None:
    assert set(BROKEN) | {59} == set(CHECKS) == set(range(1, 65))


OTHERS = {
    "adyen": [
        1,
        2,
        3,
        5,
        8,
        9,
        14,
        18,
        19,
        20,
        22,
        23,
        24,
        25,
        28,
        29,
        30,
        32,
        34,
        36,
        40,
        41,
        44,
        45,
        50,
        54,
        56,
    ],
    "bridge": [1, 3, 8, 9, 18, 19, 33, 36, 41],
    "braintree": [
        1,
        2,
        3,
        8,
        9,
        12,
        14,
        18,
        19,
        20,
        21,
        22,
        23,
        24,
        25,
        26,
        27,
        29,
        30,
        33,
        36,
        38,
        39,
        41,
        43,
        44,
        45,
    ]
    + [50, 52, 53, 56, 57, 60],
    "nmi": [
        1,
        2,
        3,
        8,
        9,
        12,
        14,
        15,
        18,
        19,
        20,
        21,
        22,
        24,
        25,
        26,
        28,
        31,
        32,
        33,
        36,
        37,
        39,
        41,
        42,
        43,
        44,
    ]
    + [46, 47, 50, 51, 52, 53, 55, 56, 57, 60],
}


@drawn(
    "connectors",
    ("name", "number"),
    [(name, number) for name, listed in OTHERS.items() for number in listed],
    6,
)
def test_the_other_connectors_lines_can_fail_too(name: str, number: int) -> None:
    def breaks(on: Subject, inner: Processor) -> Any:
        return BROKEN[number](on, inner)

    (found,) = results(name, number, breaks=breaks)
    assert found.state == "failed", found


@pytest.mark.parametrize("number", [3, 5, 20, 21])
def test_without_its_looks_at_the_book_nmis_lines_fail(number: int) -> None:
    def breaks(on: Subject, inner: Processor) -> Any:
        return LooksNot(on, inner)

    (found,) = results("nmi", number, breaks=breaks)
    assert found.state == "failed", found


@pytest.mark.parametrize("name", ["adyen", "braintree", "nmi", "stripe"])
def test_a_refund_that_the_vendor_cannot_carry_is_no_refund_of_everything(name: str) -> None:
    async def story() -> tuple[str, str | None, list[str]]:
        on = subject_of(name)(None)
        await on.start()
        try:
            charge = on.charge()
            said = await on.send(charge)
            before = len(on.calls())
            refused = await on.connector.modify(on.modification(charge, said, "refund", 0))
            return refused.state, refused.fault, on.calls()[before:]
        finally:
            await on.stop()

    assert asyncio.run(story()) == ("not_sent", "request", [])
