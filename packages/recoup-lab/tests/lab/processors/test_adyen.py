"""The Adyen connector before its stand-in: what may be read as a decision, and what only its notice
decides."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.onboarding.rules.documents import media_type
from recoup.processors.gateways.connector import Connector, is_acknowledging, is_connector
from recoup.processors.gateways.credential import Card, Stored
from recoup.processors.gateways.outcome import as_requested
from recoup.processors.gateways.port import Charge, DisputeAnswer, Inquiry, ModificationMessage
from recoup_connectors.adyen.api import hosts_of
from recoup_connectors.adyen.connector import Adyen, DefenseReason, check_mode, documents
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY, SECRET, StandIn, batch

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Ground:
    def __init__(self, standin: StandIn, adyen: Adyen) -> None:
        self.standin, self.adyen = standin, adyen

    def charge(self, holder: str = "visa", **more: Any) -> Charge:
        stored = self.standin.account.store(holder, "shopper-1")
        brand = "mastercard" if stored["brand"] == "mc" else stored["brand"]
        usual: dict[str, Any] = {
            "id": new_id(),
            "order_id": new_id(),
            "merchant_id": new_id(),
            "acceptor_id": "acct",
            "credential": Stored("adyen", stored["id"], "shopper-1", brand),
            "units": 4590,
            "currency": "EUR",
            "initiator": "merchant",
            "capture": True,
            "descriptor": "RC*SHOP",
            "sent_at": AT,
            "send_before_monotonic": Clocks().monotonic() + 60,
            "timeout_seconds": 2.0,
            "mit_reason": "recurring",
        }
        return Charge(**(usual | more))

    def modification(
        self, charge: Charge, reference: str | None, kind: Any, units: int
    ) -> ModificationMessage:
        soon = Clocks().monotonic() + 60
        return ModificationMessage(
            new_id(), charge.id, units, charge.currency, kind, AT, soon, 2.0, reference
        )

    @property
    def payments(self) -> list[dict[str, Any]]:
        return list(self.standin.book.all("payment"))


def play(path: Path, story: Callable[[Ground], Awaitable[None]]) -> None:
    async def whole() -> None:
        standin = await StandIn(path / "adyen.sqlite").start()
        adyen = Adyen(key=KEY, account=MERCHANT, url=standin.url, notice_secrets=(SECRET,))
        try:
            await story(Ground(standin, adyen))
            assert standin.refused == [], "Adyen publishes all that was sent"
        finally:
            await adyen.close()
            await standin.stop()

    asyncio.run(whole())


def test_a_charge_is_one_call_and_its_own_question(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        port: Connector = on.adyen
        assert is_connector(port)
        assert is_acknowledging(on.adyen)
        charge = on.charge()
        answer = await port.charge(charge)
        assert (answer.state, answer.units, answer.currency, answer.other_id) == (
            "approved",
            4590,
            "EUR",
            False,
        )
        assert (answer.cvv, answer.auth_code, answer.reached_network) == ("M", "A1B2C3", True)
        now = datetime.now(UTC)
        again = await port.inquire(
            Inquiry(charge.id, message=charge, first_sent_at=now, may_send=True)
        )
        assert (again.state, again.reference, len(on.payments)) == ("approved", answer.reference, 1)
        for may_send, at in ((False, now), (True, now - timedelta(days=8))):
            barred = await port.inquire(
                Inquiry(charge.id, message=charge, first_sent_at=at, may_send=may_send)
            )
            assert barred.state == "unknown"
        assert len([one for one in on.standin.calls if one == "POST /v72/payments"]) == 2

    play(tmp_path, story)


def test_where_the_customer_consented_is_named(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        for initiator in ("merchant", "customer"):
            await on.adyen.charge(
                on.charge(initiator=initiator, first_network_id="900000000000001")
            )
        forms = [one["form"] for one in on.payments]
        said = {
            one["recurringProcessingModel"]: one["paymentMethod"].get("networkPaymentReference")
            for one in forms
        }
        assert said == {"Subscription": "900000000000001", "CardOnFile": None}

    play(tmp_path, story)


def test_what_the_merchant_has_authenticated_goes_out_with_a_payment_of_the_customer(
    tmp_path: Path,
) -> None:
    given = {
        "threeDsVersion": "2.1.0",
        "authenticationValue": "AAABBBCCCDDDEEEFFFGGGHH0Ig0=",
        "ecommerceIndicator": "05",
        "directoryServerTransactionId": "ds-1",
        "xid": "xid-1",
    }

    async def story(on: Ground) -> None:
        for initiator in ("merchant", "customer"):
            await on.adyen.charge(on.charge(initiator=initiator, three_d_secure=given))
        by_customer, by_merchant = (one["form"].get("mpiData") for one in on.payments)
        assert by_merchant is None
        names = {
            "threeDSVersion": "2.1.0",
            "eci": "05",
            "dsTransID": "ds-1",
        }  # its xid is no base64
        assert by_customer == names | {"cavv": "AAABBBCCCDDDEEEFFFGGGHH0Ig0="}

    play(tmp_path, story)


def test_what_is_claimed_and_which_charge_of_its_agreement_it_is(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        present: dict[str, Any] = {"initiator": "customer", "mit_reason": None}
        given: list[dict[str, Any]] = [
            {"exemption": one} for one in ("low_value", "transaction_risk_analysis", "moto")
        ]
        for more in [*given, {"sequence": 1, "agreement": "recurring"}, {}]:
            assert (await on.adyen.charge(on.charge(**present | more))).state == "approved"
        forms = [one["form"] for one in on.payments][::-1]
        claims = [one["additionalData"].get("scaExemption") for one in forms]
        assert claims == ["lowValue", "transactionRiskAnalysis", None, None, None]
        never = [one.get("authenticationData", {}).get("attemptAuthentication") for one in forms]
        assert never == ["never", "never", None, None, None]
        said = [(one["shopperInteraction"], one["recurringProcessingModel"]) for one in forms[3:]]
        assert said == [("Ecommerce", "Subscription"), ("ContAuth", "CardOnFile")]
        await on.adyen.charge(on.charge(exemption="mit", sequence=2))
        last = on.payments[0]["form"]
        assert (last["shopperInteraction"], last["recurringProcessingModel"]) == (
            "ContAuth",
            "Subscription",
        )
        assert "scaExemption" not in last["additionalData"], "it is out of scope, not exempt"

    play(tmp_path, story)


@pytest.mark.parametrize(("holder", "code"), [("not_exempt", "1A"), ("mc_not_exempt", "65")])
def test_a_bank_that_grants_no_exemption_says_so(tmp_path: Path, holder: str, code: str) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge(holder, initiator="customer", mit_reason=None, exemption="low_value")
        said = await on.adyen.charge(charge)
        assert (said.state, said.scheme_code, said.reached_network) == ("declined", code, True)
        plain = replace(charge, id=new_id(), key=new_id(), exemption=None)
        assert (await on.adyen.charge(plain)).state == "approved"

    play(tmp_path, story)


def test_the_same_message_is_the_same_bytes(tmp_path: Path) -> None:
    """What differs from send to send is not in it."""

    async def story(on: Ground) -> None:
        bodies = list[Any]()
        post = on.adyen._api.post

        async def noted(path: str, body: Any, *rest: Any, **more: Any) -> Any:
            bodies.append((path, dict(body), rest))
            return await post(path, body, *rest, **more)

        on.adyen._api.post = noted  # type: ignore[method-assign]
        charge = on.charge()
        await on.adyen.charge(charge)
        later = {
            "n": 2,
            "sent_at": AT + timedelta(days=1),
            "timeout_seconds": 9.0,
            "latest_network_id": "1",
        }
        changed = on.charge(
            **{name: getattr(charge, name) for name in ("id", "order_id", "credential")} | later
        )
        await on.adyen.charge(changed)
        assert bodies[0] == bodies[1]
        form = on.payments[0]["form"]
        assert (form["shopperInteraction"], form["recurringProcessingModel"]) == (
            "ContAuth",
            "Subscription",
        )
        assert (form["merchantAccount"], form["shopperReference"], form["captureDelayHours"]) == (
            MERCHANT,
            "shopper-1",
            0,
        )

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("holder", "fields"),
    [
        ("NOT_ENOUGH_BALANCE", {"scheme_code": "51", "own_code": "adyen:12", "advice_code": None}),
        ("own_acquiring", {"scheme_code": "51"}),
        ("no_codes", {"scheme_code": None, "advice_code": None, "reached_network": None}),
        ("mc_advice03", {"scheme_code": "05", "advice_code": "03", "own_code": "adyen:2"}),
        ("visa_advice03", {"scheme_code": "05", "advice_code": None}),
        ("FRAUD", {"reached_network": False, "own_code": "adyen:20", "scheme_code": None}),
        ("ERROR", {"state": "declined", "own_code": "adyen:4"}),
        ("CANCELLED", {"state": "declined"}),
        ("AUTHENTICATION_REQUIRED", {"sca_wanted": True, "scheme_code": "1A"}),
        ("REDIRECT", {"state": "declined", "sca_wanted": True}),
        ("IDENTIFY", {"state": "declined", "sca_wanted": True}),
        ("sent_again", {"network_attempts": 2}),
    ],
)
def test_each_answer_and_code_stands_in_its_own_field(
    tmp_path: Path, holder: str, fields: dict[str, Any]
) -> None:
    async def story(on: Ground) -> None:
        answer = await on.adyen.charge(on.charge(holder))
        assert {"state": "declined"} | {name: getattr(answer, name) for name in fields} == (
            {"state": "declined"} | fields
        )

    play(tmp_path, story)


def test_what_the_updater_found_is_kept_and_counts_twice(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        renewed = await on.adyen.charge(on.charge("updated"))
        assert (renewed.state, renewed.network_attempts) == ("approved", 2)
        assert renewed.credential_news is not None
        assert (renewed.credential_news.exp_month, renewed.credential_news.exp_year) == (3, 2035)
        closed = await on.adyen.charge(on.charge("closed"))
        assert closed.credential_news is not None
        assert closed.credential_news.is_closed
        assert await on.adyen.own_retries() == []
        rescued = await on.adyen.charge(on.charge("rescued"))
        assert rescued.retries_itself_at is not None
        assert [one.invoice for one in await on.adyen.own_retries()] == [rescued.reference]
        assert [one.name for one in await on.adyen.check() if not one.ok] == ["own_retries"]
        on.standin.refused.clear()

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("lost", "unknown"),
        ("html", "unknown"),
        ("cut", "unknown"),
        ("in_progress", "unknown"),
        ("error_500", "unknown"),
        ("redirect", "unknown"),
        ("too_many", "not_sent"),
        ("unauthorized", "not_sent"),
        ("forbidden", "not_sent"),
    ],
)
def test_a_refusal_now_proves_nothing_of_the_send_before(
    tmp_path: Path, kind: str, state: str
) -> None:
    async def story(on: Ground) -> None:
        on.standin.faults.add(kind, "/payments", times=2)
        charge = on.charge()
        assert (await on.adyen.charge(charge)).state == state
        inquiry = Inquiry(charge.id, message=charge, first_sent_at=datetime.now(UTC), may_send=True)
        assert (await on.adyen.inquire(inquiry)).state == "unknown"
        assert (await on.adyen.inquire(inquiry)).state == "approved"
        assert len(on.payments) == 1

    play(tmp_path, story)


@pytest.mark.parametrize("holder", ["PENDING", "RECEIVED"])
def test_what_is_not_decided_is_unknown(tmp_path: Path, holder: str) -> None:
    async def story(on: Ground) -> None:
        assert (await on.adyen.charge(on.charge(holder))).state == "unknown"

    play(tmp_path, story)


def test_a_part_is_given_back_and_no_approval(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        on.standin.faults.add("part", "/payments")
        charge = on.charge()
        answer = as_requested(await on.adyen.charge(charge), charge.units, charge.currency)
        assert (answer.state, answer.contradicts) == ("unknown", True)
        (back,) = on.standin.book.all("modification")
        assert (back["verb"], back["done"]) == ("reversals", True)

    play(tmp_path, story)


@pytest.mark.parametrize(("part_from", "taken"), [(1_000, True), (2_295, True), (2_296, False)])
def test_a_part_is_kept_from_what_is_wanted_up(tmp_path: Path, part_from: int, taken: bool) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge("half", part_from=part_from)
        answer = as_requested(
            await on.adyen.charge(charge), charge.units, charge.currency, charge.part_from
        )
        assert (answer.state, answer.units) == ("approved" if taken else "unknown", 2_295)
        assert len(list(on.standin.book.all("modification"))) == (0 if taken else 1)
        (payment,) = on.payments
        assert payment["form"]["additionalData"]["allowPartialAuth"] == "true"

    play(tmp_path, story)


def test_who_takes_no_part_asks_for_none(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        assert (await on.adyen.charge(on.charge("half"))).state == "declined"
        assert "allowPartialAuth" not in on.payments[0]["form"]["additionalData"]

    play(tmp_path, story)


def test_a_repeat_while_the_first_is_running_is_no_decision(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        on.standin.faults.add("late", "/payments", seconds=1.0)
        charge = on.charge()
        first = asyncio.ensure_future(on.adyen.charge(charge))
        while not on.payments:  # noqa: ASYNC110 - as soon as it is in the book
            await asyncio.sleep(0.01)
        second = await on.adyen.charge(charge)
        assert (second.state, second.own_code) == ("unknown", "adyen:704")
        assert ((await first).state, len(on.payments)) == ("approved", 1)

    play(tmp_path, story)


def test_received_is_no_result(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge()
        paid = await on.adyen.charge(charge)
        back = on.modification(charge, paid.reference, "refund", 1000)
        for _ in range(2):
            answer = await on.adyen.modify(back)
            assert (answer.state, answer.result_follows) == ("unknown", True)
        assert on.standin.book.count("modification") == 1
        nobody = on.modification(charge, "P999999999999999", "refund", 1)
        assert (await on.adyen.modify(nobody)).state == "declined"
        assert (
            await on.adyen.modify(on.modification(charge, None, "refund", 1))
        ).state == "not_sent"

    play(tmp_path, story)


@pytest.mark.parametrize("answer", ["contest", "accept"])
def test_a_dispute_is_answered(tmp_path: Path, answer: Any) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge()
        await on.adyen.charge(charge)
        case = on.standin.account.dispute(on.payments[0]["id"])
        soon = Clocks().monotonic() + 60
        message = DisputeAnswer(
            new_id(), case["id"], charge.id, answer, "It was delivered.", AT, soon, 2.0
        )
        for _ in range(2):
            assert (await on.adyen.answer_dispute(message)).state == "approved"
        late = replace(message, id=new_id(), key=new_id())
        assert (await on.adyen.answer_dispute(late)).state != "approved"
        (kept,) = on.standin.book.all("dispute")
        assert kept["state"] == {"contest": "defended", "accept": "accepted"}[answer]

    play(tmp_path, story)


def test_what_nobody_signed_may_be_anything(tmp_path: Path) -> None:
    """Of a case only an inquiry's own states are read of it, which keep money from being booked."""

    async def story(on: Ground) -> None:
        names = ("disputeStatus", "chargebackReasonCode", "defensePeriodEndsAt", "rfiReasonCode")
        signed = {
            "amount": {"value": 100, "currency": "EUR"},
            "merchantAccountCode": MERCHANT,
            "success": "true",
        }
        wrong = []
        for odd in (None, [], {}, ["Expired"], 7, "Expired", "\0" * 99):
            event = {"eventCode": "DISPUTE_DEFENSE_PERIOD_ENDED", "pspReference": "D1"}
            made = batch([signed | event | {"additionalData": dict.fromkeys(names, odd)}], SECRET)
            (found,) = on.adyen.read_notices(made.headers, made.body, AT)
            assert found.case is not None
            wanted = ("inquiry", "won") if odd == "Expired" else ("present", "lost")
            if (found.case.stage, found.case.status, found.case.respond_by) != (*wanted, None):
                wrong.append((odd, found.case))
        assert wrong == []

    play(tmp_path, story)


def test_evidence_goes_out_as_a_pdf_to_each_kind_of_document_that_is_wanted() -> None:
    """`text/plain` is what no scheme takes."""
    levels = {
        "a": "Required",
        "b": "Optional",
        "c": "OneOrMore",
        "d": "OneOrMore",
        "e": "AlternativeRequired",
    }
    kinds: list[dict[str, Any]] = [
        {"defenseDocumentTypeCode": k, "requirementLevel": v} for k, v in levels.items()
    ]
    sent = documents(
        DefenseReason("x", False, kinds), "Delivered (signed) \\ Zoë\n" + "word " * 2_000
    )
    assert {one["defenseDocumentTypeCode"] for one in sent} == {"a", "c", "e"}
    given = [one | {"available": one["defenseDocumentTypeCode"] in "ad"} for one in kinds]
    assert [
        one["defenseDocumentTypeCode"] for one in documents(DefenseReason("x", False, given), "x")
    ] == ["e"]
    (content,) = {one["content"] for one in sent}
    pdf = base64.b64decode(content)
    assert media_type(pdf) == sent[0]["contentType"] == "application/pdf"
    assert b"(Delivered \\(signed\\) \\\\ Zo\xeb) '" in pdf
    assert b"/Count 2" in pdf
    places = [int(one) for one in re.findall(rb"(\d{10}) 00000 n", pdf)]
    assert all(pdf[at:].startswith(b"%d 0 obj" % number) for number, at in enumerate(places, 1))
    assert pdf[int(pdf.rpartition(b"startxref\n")[2].split()[0]) :].startswith(b"xref")


def test_the_reports_are_found_and_read_to_the_first_that_is_too_old(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        for _ in range(5):
            await on.adyen.charge(on.charge())
            on.standin.account.close_batch()
        begin, end = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
        lines = [one async for page in on.adyen.lines(begin, end) for one in page]
        assert sum(one.units for one in lines) == sum(
            one["net"] for one in on.standin.book.all("line")
        )
        assert len([one for one in lines if one.type == "charge" and one.id is not None]) == 5
        assert [one async for page in on.adyen.lines(end, end) for one in page] == []

    play(tmp_path, story)


def test_a_stored_card_is_described_unless_it_is_another_shoppers(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        made = on.standin.account.store("mc", "shopper-2")
        found = await on.adyen.describe(Stored("adyen", made["id"], "shopper-2"))
        assert found is not None
        assert (found.scheme, found.last4, found.exp_month, found.exp_year) == (
            "mastercard",
            "1111",
            3,
            2030,
        )
        assert await on.adyen.describe(Stored("adyen", made["id"], "shopper-3")) is None
        on.standin.account.disable(made["id"])
        assert await on.adyen.describe(Stored("adyen", made["id"], "shopper-2")) is None

    play(tmp_path, story)


def test_a_key_without_a_role_is_named_by_it(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        assert [one.name for one in await on.adyen.check() if not one.ok] == []
        on.standin.keys[KEY] = ("/captures", "/reports/")
        assert [one.name for one in await on.adyen.check() if not one.ok] == [
            "capture, cancel and refund",
            "read reports",
        ]
        on.standin.keys = {}
        assert len([one for one in await on.adyen.check() if not one.ok]) == 6
        on.standin.keys = {KEY: ()}
        on.standin.faults.add("html", times=None)  # whoever answers before Adyen
        assert [one.name for one in await on.adyen.check() if one.ok] == ["own_retries"]
        on.standin.refused.clear()  # a call without what is needed changes nothing

    play(tmp_path, story)


def test_a_token_notice_is_signed_as_a_whole(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        made = on.standin.account.store()
        on.standin.account.update(made["id"], "2036")
        on.standin.send_notices()
        posted = on.standin.posted[-1]
        (found,) = on.adyen.read_notices(posted.headers, posted.body, AT)
        assert (found.kind, found.subject, found.about, found.mine) == (
            "recurring.token.updated",
            "method",
            made["id"],
            True,
        )
        with pytest.raises(Problem):
            on.adyen.read_notices(posted.headers, posted.body + b" ", AT)

    play(tmp_path, story)


def test_each_mode_has_its_hosts() -> None:
    live = "https://1a2b-shop-checkout-live.adyenpayments.com"
    assert (
        hosts_of("https://checkout-test.adyen.com").checkout
        == "https://checkout-test.adyen.com/v72"
    )
    assert hosts_of(live).checkout == f"{live}/checkout/v72"
    assert hosts_of(live).account == "https://ca-live.adyen.com"
    for url, world in ((live, "sandbox"), ("https://checkout-test.adyen.com", "live")):
        with pytest.raises(Problem):
            check_mode(url, world)
    check_mode(live, "live")


def test_a_card_number_is_not_taken(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        card = Card("4" + "0" * 15, 12, 2034, "visa")
        assert (await on.adyen.charge(on.charge(credential=card))).state == "not_sent"
        assert on.standin.calls == []
        with pytest.raises(Problem):
            Adyen(key=KEY, account=MERCHANT, notice_secrets=("no hex",))

    play(tmp_path, story)
