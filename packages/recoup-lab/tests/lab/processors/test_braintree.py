"""The Braintree connector before its stand-in: what is peculiar to this vendor."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lab.processors.subject_ground import play

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.networks.codes import code_of, read_decline
from recoup.networks.magic import script_card
from recoup.processors.gateways.connector import is_challenged, is_disputing
from recoup.processors.gateways.credential import Card, Stored
from recoup.processors.gateways.port import DisputeAnswer, Inquiry
from recoup_connectors.braintree import account
from recoup_connectors.braintree.account import accounts_of, check_mode
from recoup_connectors.braintree.api import DOCUMENTS, KeyPair, key_pair
from recoup_lab.conformance.braintree import BraintreeSubject
from recoup_lab.conformance.run import run_checks
from recoup_lab.conformance.subject import AT
from recoup_lab.processors.braintree.graphql import operation_of, projected
from recoup_lab.processors.braintree.server import PRIVATE, PUBLIC


class Unsettled(BraintreeSubject):
    async def _serve(self) -> None:
        await super()._serve()
        self.standin.account.settles_after = 3600.0


class WithoutKeys(BraintreeSubject):
    async def _serve(self) -> None:
        await super()._serve()
        self.standin.knows_keys = False


def test_a_repeat_gives_the_present_state(tmp_path: object) -> None:
    async def story(on: BraintreeSubject) -> None:
        charge = on.charge()
        first = await on.send(charge)
        again = await on.send(charge)
        assert (first.state, again.state, first.reference == again.reference) == (
            "approved",
            "approved",
            True,
        )
        (transaction,) = on.standin.book.all("transaction")
        assert (transaction["status"], transaction["orderId"]) == (
            "SETTLED",
            f"{charge.order_key}.{charge.key}",
        )

    play(BraintreeSubject, story)


def test_without_keys_a_double_is_stopped_as_a_duplicate_and_its_original_found() -> None:
    async def story(on: BraintreeSubject) -> None:
        charge = on.charge()
        said = [await on.send(charge) for _ in range(2)]
        assert [one.state for one in said] == ["approved", "approved"]
        states = sorted(one["status"] for one in on.standin.book.all("transaction"))
        assert (states, on.taken()) == (["GATEWAY_REJECTED", "SETTLED"], 1)

    play(WithoutKeys, story)


def test_two_charges_of_one_id_are_nobodys_answer() -> None:
    async def story(on: BraintreeSubject) -> None:
        charge = on.charge()
        await on.send(charge)
        on.clocks.ahead += timedelta(minutes=5)
        await on.connector.charge(charge)  # beyond the check of duplicates
        found = await on.inquire(charge)
        assert (found.state, found.contradicts, on.taken()) == ("unknown", True, 2)

    play(WithoutKeys, story)


def test_a_key_in_flight_proves_nothing_and_one_of_another_message_names_it() -> None:
    async def story(on: BraintreeSubject) -> None:
        on.break_down("in_progress")
        charge = on.charge()
        assert (await on.send(charge)).state == "unknown"
        assert (await on.send(charge)).state == "approved"
        other = await on.send(replace(charge, units=charge.units + 1))
        assert (other.state, other.contradicts, on.taken()) == ("unknown", True, 1)

    play(BraintreeSubject, story)


def test_what_has_not_settled_is_voided_whole_and_a_part_waits() -> None:
    async def story(on: BraintreeSubject) -> None:
        charge = on.charge()
        said = await on.send(charge)
        part = on.modification(charge, said, "refund", 1000)
        waits = await on.modify(part)
        assert (waits.state, waits.own_code) == ("not_sent", "braintree:91506")
        assert (await on.inquire(part)).state == "not_found"
        whole = on.modification(charge, said, "refund")
        on.faults.add("lost", "reverseTransaction")
        assert (await on.modify(whole)).state == "unknown"
        assert (await on.inquire(whole)).state == "approved"
        assert (await on.modify(whole)).state == "approved"
        assert [one["status"] for one in on.standin.book.all("transaction")] == ["VOIDED"]
        assert on.standin.book.count("refund") == 0

    play(Unsettled, story)


def test_a_refund_whose_key_is_used_and_whose_book_is_not_read_is_unknown() -> None:
    async def story(on: BraintreeSubject) -> None:
        charge = on.charge()
        said = await on.send(charge)
        refund = replace(
            on.modification(charge, said, "refund"), key=charge.key
        )  # the key of another message
        on.faults.add("error_500", "refunds", times=2)
        assert (await on.modify(refund)).state == "unknown"
        assert on.calls()[-1] == "POST /graphql refunds"

    play(BraintreeSubject, story)


def test_a_void_never_becomes_a_refund() -> None:
    async def story(on: BraintreeSubject) -> None:
        charge = on.charge()
        said = await on.send(charge)
        refused = await on.modify(on.modification(charge, said, "void"))
        assert (refused.state, refused.own_code) == ("declined", "already_settled")
        assert (on.standin.book.count("refund"), "reverseTransaction" in str(on.calls())) == (
            0,
            False,
        )
        hold = on.charge(capture=False)
        void = on.modification(hold, await on.send(hold), "void")
        assert [(await on.modify(void)).state for _ in range(2)] == ["approved", "approved"]
        assert (await on.inquire(void)).state == "approved"

    play(BraintreeSubject, story)


@pytest.mark.parametrize(("initiator", "days"), [("merchant", 1), ("customer", 7)])
def test_a_hold_lives_as_long_as_braintree_says(initiator: str, days: int) -> None:
    async def story(on: BraintreeSubject) -> None:
        mit = "unscheduled" if initiator == "merchant" else None
        said = await on.send(on.charge(capture=False, initiator=initiator, mit_reason=mit))
        assert said.hold_until is not None
        assert abs(said.hold_until - datetime.now(UTC) - timedelta(days=days)) < timedelta(
            minutes=5
        )

    play(BraintreeSubject, story)


def test_who_speaks_and_what_is_read_of_it() -> None:
    async def story(on: BraintreeSubject) -> None:
        sent: list[dict[str, Any]] = []
        make = on.standin.account.charge
        on.standin.account.charge = lambda form, **more: (  # type: ignore[method-assign]
            sent.append(form) or make(form, **more)  # type: ignore[func-returns-value]
        )
        await on.send(on.charge(descriptor="RCP*SHOP", mit_reason="unscheduled"))
        await on.send(on.charge(descriptor="TWOLONG*", initiator="customer", sequence=1))
        assert [one["transaction"].get("descriptor") for one in sent] == [
            {"name": "RCP*SHOP"},
            None,
        ]
        assert [one["transaction"]["paymentInitiator"] for one in sent] == [
            "UNSCHEDULED",
            "RECURRING_FIRST",
        ]
        for more in ({"sequence": 1, "agreement": "recurring"}, {"exemption": "moto"}, {}):
            await on.send(on.charge(initiator="customer", mit_reason=None, **more))
        said = [one["transaction"].get("paymentInitiator") for one in sent[2:]]
        assert said == ["RECURRING_FIRST", "MOTO", None]
        assert {one["transaction"]["merchantAccountId"] for one in sent} == {"acme_usd"}
        card = Card(script_card("visa", "51", 0), 12, 2034, "visa")
        assert (await on.send(on.charge(credential=card))).fault == "credential"
        assert (await on.send(on.charge(currency="NOK"))).fault == "request"
        assert len(sent) == 5
        unknown = Inquiry(new_id(), "probe")
        assert (await on.connector.inquire(unknown)).state == "not_found"

    play(BraintreeSubject, story)


def test_a_method_is_described_and_one_of_another_customer_is_not_there() -> None:
    async def story(on: BraintreeSubject) -> None:
        connector: Any = on.connector
        stored: Any = on.credential("approved")
        found = await connector.describe(stored)
        assert (found.scheme, found.last4, found.exp_year, found.funding, found.fingerprint) == (
            "visa",
            "1111",
            2034,
            "credit",
            "un_visa",
        )
        assert await connector.describe(replace(stored, customer="somebody")) is None
        assert await connector.describe(on.credential("gone")) is None
        on.faults.add("error_500", "paymentMethod")
        with pytest.raises(Problem):
            await connector.describe(stored)

    play(BraintreeSubject, story)


def test_a_dispute_is_answered_once_with_its_text() -> None:
    async def story(on: BraintreeSubject) -> None:
        connector: Any = on.connector
        assert is_disputing(connector)
        charge = on.charge()
        said = await on.send(charge)
        await on.inquire(charge)
        case = on.standin.account.dispute(said.reference or "")
        found = await connector.dispute_case(case["legacyId"])
        assert found is not None
        assert (found.charge, found.units, found.currency, found.status) == (
            said.reference,
            4590,
            "USD",
            "open",
        )
        before = Clocks().monotonic() + 60
        answer = DisputeAnswer(
            new_id(), case["legacyId"], charge.id, "contest", "It was delivered.", AT, before, 2.0
        )
        on.faults.add("lost", "createDisputeTextEvidence")
        assert (await connector.answer_dispute(answer)).state == "unknown"
        assert (
            await connector.inquire(Inquiry(answer.id, "dispute_answer", answer))
        ).state == "not_found"
        on.faults.add("lost", "finalizeDispute")
        assert (await connector.answer_dispute(answer)).state == "unknown"
        assert (
            await connector.inquire(Inquiry(answer.id, "dispute_answer", answer))
        ).state == "approved"
        assert (await connector.answer_dispute(answer)).state == "approved"
        assert len(on.standin.account.need("dispute", case["id"])["evidence"]) == 1
        on.standin.account.win_dispute(case["id"])
        begin, end = (on.clocks.wall() + timedelta(days=days) for days in (-1, 1))
        lines = [one async for page in connector.lines(begin, end) for one in page]
        assert sorted((one.type, one.units) for one in lines) == [
            ("charge", 4590),
            ("dispute", -4590),
            ("dispute_won", 4590),
            ("fee", -168),
        ]
        assert [one.id for one in lines if one.type == "charge"] == [charge.key]
        named = {one.reference for one in lines if one.type.startswith("dispute")}
        assert named == {case["legacyId"]}, "by which the dispute is known here"
        assert (await connector.dispute_case("unknown")) is None
        for kind in ("lost", "error_500", "html", "error_200"):
            on.standin.faults.add(kind)
            with pytest.raises(Problem) as caught:
                await connector.dispute_case(case["legacyId"])
            assert caught.value.code == "unavailable", "it is asked about again"

    play(BraintreeSubject, story)


def test_the_account_is_examined() -> None:
    async def story(on: BraintreeSubject) -> None:
        connector: Any = on.connector
        assert all(one.ok for one in await connector.check())
        connector._accounts = {"USD": "acme_eur", "EUR": "nobody"}
        assert [one.name for one in await connector.check() if not one.ok] == [
            "account USD",
            "account EUR",
        ]
        on.faults.add("unauthorized", "viewer")
        assert [(one.name, one.ok) for one in await connector.check()] == [("key", False)]

    play(BraintreeSubject, story)


def test_a_challenge_is_answered() -> None:
    async def story(on: BraintreeSubject) -> None:
        assert is_challenged(on.connector)
        said = on.connector.answer_challenge({"bt_challenge": "20f9f8ed05f77439fe955c977e4c8a53"})
        assert said is not None
        assert said.body.startswith(f"{PUBLIC}|".encode())
        assert PRIVATE.encode() not in said.body
        for text in (
            "",
            "20f9",
            "20f9f8ed05f77439fe955c977e4c8a5g",
            "20f9f8ed05f77439fe955c977e4c8a53\n",
        ):
            assert on.connector.answer_challenge({"bt_challenge": text}) is None

    play(BraintreeSubject, story)


@pytest.mark.parametrize("number", [46, 47, 55])
def test_a_connector_that_believes_any_signature_fails_the_check(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "_is_signed", lambda *_: True)

    async def story(on: BraintreeSubject) -> None:
        async for found in run_checks(BraintreeSubject, only=[number]):
            assert found.state == "failed"

    play(BraintreeSubject, story)


def test_settings_that_cannot_work() -> None:
    assert key_pair("a:b") == KeyPair("a", "b")
    assert "b" not in repr(key_pair("a:bbb")).replace("KeyPair", "")
    assert accounts_of("EUR=a USD=b") == {"EUR": "a", "USD": "b"}
    for text in ("a", "a:", ":b", "a:b:c"):
        with pytest.raises(Problem):
            key_pair(text)
    for text in ("", "acme", "EUR=a b", "XXX=a"):
        with pytest.raises(Problem):
            accounts_of(text)
    check_mode("https://proxy.example", "live")
    with pytest.raises(Problem):
        check_mode("https://payments.sandbox.braintree-api.com/graphql", "live")


def test_its_codes_are_read_as_the_table_has_them() -> None:
    for code, klass in (
        ("braintree:2001", "funds"),
        ("braintree:2053", "hard"),
        ("braintree:2099", "sca"),
    ):
        reading = read_decline(
            scheme="visa", code=code_of(None, code), text=None, advice=None, on=AT.date()
        )
        assert (reading.klass, reading.unlisted_code) == (klass, None)
    strange = read_decline(
        scheme="visa", code=code_of(None, "nobody:2001"), text=None, advice=None, on=AT.date()
    )
    assert (strange.klass, strange.unlisted_code) == ("soft", "NOBODY:2001")


def test_only_what_a_document_selects_is_answered() -> None:
    for document in DOCUMENTS.values():
        assert len(operation_of(document).fields) == 1
    fields = (
        operation_of("query a($b: ID!) { node(id: $b) { id ... on T { c { d } } ... on U { e } } }")
        .fields[0]
        .fields
    )
    plain = {"__typename": "T", "id": 1, "c": [{"d": 2, "x": 3}], "e": 4}
    assert projected(plain, fields) == {"id": 1, "c": [{"d": 2}]}
    for bad in ("", "mutation", "query a { b", "query a { b } query c { d }"):
        with pytest.raises(ValueError, match=".*"):
            operation_of(bad)


def test_an_exemption_is_claimed_by_the_mutation_that_takes_it() -> None:
    async def story(on: BraintreeSubject) -> None:
        present: dict[str, Any] = {"initiator": "customer", "mit_reason": None}
        for more in (
            {"exemption": "low_value"},
            {"exemption": "transaction_risk_analysis", "capture": False},
            {},
        ):
            assert (await on.send(on.charge(**present | more))).state == "approved"
        kept = [one["scaExemptionRequested"] for one in on.standin.book.all("transaction")][::-1]
        assert kept == ["LOW_VALUE", "TRANSACTION_RISK_ANALYSIS", None]
        sent = [one.rpartition(" ")[2] for one in on.calls()]
        assert sent == ["chargeCreditCard", "authorizeCreditCard", "chargePaymentMethod"]
        method = on.standin.account.make_method("not_exempt", "customer-1")
        stored = Stored("braintree", method["id"], "customer-1", "visa")
        charge = on.charge(credential=stored, exemption="low_value", **present)
        said = await on.send(charge)
        assert (said.state, said.scheme_code, said.sca_wanted) == ("declined", "1A", True)
        assert (await on.inquire(charge)).state == "declined"
        assert (
            await on.send(replace(charge, id=new_id(), key=new_id(), exemption=None))
        ).state == "approved"

    play(BraintreeSubject, story)
