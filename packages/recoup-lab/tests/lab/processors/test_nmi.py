"""The NMI connector before its stand-in: what is peculiar to this vendor."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lab.processors.subject_ground import play
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.networks.codes import code_of, read_decline
from recoup.networks.magic import script_card
from recoup.processors.gateways.credential import Card
from recoup.processors.gateways.port import DisputeAnswer, Inquiry
from recoup.processors.gateways.transport import Reply
from recoup_connectors.nmi.api import form_of
from recoup_connectors.nmi.outcomes import is_duplicate, of_sale
from recoup_lab.conformance.nmi import NmiSubject
from recoup_lab.conformance.subject import AT
from recoup_lab.processors.nmi import server
from recoup_lab.processors.nmi.account import Account
from recoup_lab.processors.nmi.server import KEY

ID = str(new_id())
OWN = "10000000042"  # as its transactions are numbered


class Unsettled(NmiSubject):
    async def _serve(self) -> None:
        await super()._serve()
        self.standin.account.settles_after = 3600.0


def test_the_book_is_looked_at_before_and_after() -> None:
    async def story(on: NmiSubject) -> None:
        charge = on.charge()
        said = await on.send(charge)
        assert (said.state, said.units, said.currency, said.auth_code) == (
            "approved",
            4590,
            "USD",
            "A1B2C3",
        )
        look, sale = "POST /api/query.php", "POST /api/transact.php sale"
        assert on.calls() == [look, sale, look]
        again = await on.send(charge)
        assert (again.reference, on.taken(), on.calls()[3:]) == (said.reference, 1, [look])

    play(NmiSubject, story)


def test_a_duplicate_of_another_order_is_unknown_and_the_own_one_found() -> None:
    async def story(on: NmiSubject) -> None:
        charge = on.charge()
        await on.send(charge)
        other = replace(charge, id=new_id(), key=new_id())
        said = await on.send(other)
        assert (said.state, on.taken()) == ("unknown", 1)
        assert (await on.inquire(other)).state == "not_found"
        on.clocks.ahead += timedelta(minutes=6)
        assert (await on.send(other)).state == "approved"
        assert on.taken() == 2

    play(NmiSubject, story)


def test_a_sale_that_nobody_confirms_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(on: NmiSubject) -> None:
        sent: list[dict[str, str]] = []

        def sell(account: Account, form: dict[str, str]) -> Any:
            sent.append(form)
            on.faults.add("lost", "query.php")
            return account.sell(form)

        monkeypatch.setitem(server._TYPES, "sale", sell)  # type: ignore[arg-type]
        said = await on.send(on.charge(first_network_id=OWN, descriptor="RC*SHOP"))
        assert (said.state, said.units) == ("approved", None)
        (form,) = sent
        assert (form["initiated_by"], form["stored_credential_indicator"]) == ("merchant", "used")
        assert (form["billing_method"], form["initial_transaction_id"]) == ("recurring", OWN)
        assert (form["descriptor"], form["dup_seconds"]) == ("RC*SHOP", "300")
        on.faults.left.clear()
        await on.send(on.charge(initiator="customer", mit_reason=None))
        assert (sent[1]["initiated_by"], sent[1]["stored_credential_indicator"]) == (
            "customer",
            "stored",
        )
        assert "billing_method" not in sent[1]
        await on.send(
            on.charge(initiator="customer", mit_reason=None, sequence=1, agreement="recurring")
        )
        assert (sent[2]["billing_method"], sent[2]["stored_credential_indicator"]) == (
            "recurring",
            "stored",
        )

    play(NmiSubject, story)


def test_what_is_claimed_and_which_transaction_of_its_own_was_the_first() -> None:
    """A network's id is none of the gateway's transactions."""

    async def story(on: NmiSubject) -> None:
        present: dict[str, Any] = {
            "initiator": "customer",
            "mit_reason": None,
            "first_network_id": OWN,
        }
        claims = [
            present | {"exemption": one}
            for one in ("low_value", "transaction_risk_analysis", "moto")
        ]
        firsts = [
            {"exemption": "mit", "first_network_id": one}
            for one in (OWN, "900000000000001", "MCC1234561120")
        ]
        for more in [*claims, *firsts]:
            assert (await on.send(on.charge(**more))).state == "approved"
        kept = [one["consent"] for one in on.standin.book.all("transaction")][::-1]
        assert [one["sca_exemption"] for one in kept] == [
            "low_value",
            "tra_exemption",
            None,
            None,
            None,
            None,
        ]
        assert [one["initial_transaction_id"] for one in kept] == [
            None,
            None,
            None,
            OWN,
            None,
            None,
        ]
        assert [one["stored_credential_indicator"] for one in kept] == ["used"] * 6

    play(NmiSubject, story)


def test_what_has_not_settled_is_voided_whole_and_a_part_waits() -> None:
    async def story(on: NmiSubject) -> None:
        charge = on.charge()
        said = await on.send(charge)
        waits = await on.modify(on.modification(charge, said, "refund", 1000))
        assert (waits.state, waits.own_code) == ("not_sent", "not_settled")
        whole = on.modification(charge, said, "refund")
        on.faults.add("lost", "transact.php void")
        assert (await on.modify(whole)).state == "unknown"
        assert (await on.inquire(whole)).state == "approved"
        assert (await on.modify(whole)).state == "approved"
        assert [one["condition"] for one in on.standin.book.all("transaction")] == ["canceled"]

    play(Unsettled, story)


def test_a_refund_without_our_id_in_its_answer_is_looked_at() -> None:
    async def story(on: NmiSubject) -> None:
        charge = on.charge()
        said = await on.send(charge)
        refund = on.modification(charge, said, "refund", 1000)
        on.faults.add("other_id", "transact.php refund")
        answer = await on.modify(refund)
        assert (answer.state, answer.contradicts) == ("unknown", True)
        assert (await on.modify(refund)).state == "approved"
        back = [one for one in on.standin.book.all("transaction") if one["of"]]
        assert len(back) == 1

    play(NmiSubject, story)


@each(
    ("response", "code", "text", "state", "fault"),
    [
        ("1", "100", "SUCCESS", "approved", None),
        ("2", "202", "Insufficient funds", "declined", None),
        ("3", "300", "Duplicate transaction REFID:1", "unknown", None),
        ("3", "300", "Invalid Customer Vault ID", "not_sent", "credential"),
        ("3", "300", "Authentication Failed", "not_sent", "account"),
        ("3", "300", "Rejected by gateway", "not_sent", "request"),
        ("3", "301", "Rate limit exceeded", "not_sent", "rate"),
        ("3", "410", "Invalid merchant configuration", "not_sent", "account"),
        ("3", "411", "Merchant account is inactive", "not_sent", "account"),
        ("3", "440", "Processor format error", "not_sent", "request"),
        ("3", "461", "Unsupported card type", "not_sent", "request"),
        ("3", "400", "Transaction error", "unknown", None),
        ("3", "420", "Communication error", "unknown", None),
        ("3", "421", "Communication error with issuer", "unknown", None),
        ("3", "430", "Duplicate transaction at processor", "unknown", None),
        ("4", "300", "", "unknown", None),
        ("", "", "", "unknown", None),
    ],
)
def test_the_answers_of_the_table(
    response: str, code: str, text: str, state: str, fault: str | None
) -> None:
    form = {
        "response": response,
        "response_code": code,
        "responsetext": text,
        "orderid": ID,
        "transactionid": "1",
    }
    said = of_sale(form, ID)
    assert (said.state, said.fault, said.scheme_code, said.advice_code) == (
        state,
        fault,
        None,
        None,
    )
    assert is_duplicate(form) is ("uplicate" in text)
    assert of_sale(form | {"orderid": "another"}, ID).other_id is (response in ("1", "2"))


@each("body", [b"", b"<html>", b"a", b"response=1&response=2", b"\xff=1", None])
def test_what_is_no_form_is_none(body: bytes | None) -> None:
    assert form_of(Reply(200, {}, body)) == {}
    assert form_of(Reply(500, {}, b"response=1")) == {}


def test_its_codes_are_read_as_the_table_has_them() -> None:
    for code, klass in (
        ("nmi:202", "funds"),
        ("nmi:251", "hard"),
        ("nmi:264", "soft"),
        ("nmi:420", "technical"),
    ):
        reading = read_decline(
            scheme="mastercard", code=code_of(None, code), text=None, advice=None, on=AT.date()
        )
        assert (reading.klass, reading.unlisted_code) == (klass, None)


def test_what_it_does_not_take() -> None:
    async def story(on: NmiSubject) -> None:
        card = Card(script_card("visa", "51", 0), 12, 2034, "visa")
        assert (await on.send(on.charge(credential=card))).fault == "credential"
        assert (await on.send(on.charge(currency="CLF"))).fault == "request"
        answer = DisputeAnswer(
            new_id(), "case", new_id(), "contest", "It came.", AT, Clocks().monotonic() + 9, 2.0
        )
        assert (await on.connector.answer_dispute(answer)).own_code == "answered_by_hand"
        assert (await on.connector.inquire(Inquiry(new_id(), "probe"))).state == "not_found"
        assert on.taken() == 0

    play(NmiSubject, story)


def test_a_summary_of_the_card_updater_tells_of_each_of_its_cards() -> None:
    async def story(on: NmiSubject) -> None:
        cards = [
            {"customer_vault_id": one, "cc_exp": "01/50"}
            for one in ("308229500", "2061222895", "308229500")
        ]
        lists = {
            "vault_updated_cards": cards[:1],
            "vault_updated_expiration_dates": cards[1:],
            "vault_updates": ["x"],
        }
        kinds = ("acu.summary.automaticallyupdated", "settlement.batch.complete", "brand.new")
        said = []
        for kind in kinds:
            body = json.dumps(
                {"event_id": "evt-1", "event_type": kind, "event_body": lists}
            ).encode()
            said.append(
                [
                    (one.about, one.subject, bool(one.because))
                    for one in on.read(on.signed(body), body)
                ]
            )
        assert said[0] == [("2061222895", "method", False), ("308229500", "method", False)]
        assert said[1:] == [[("-", None, True)], [("-", None, False)]]

    play(NmiSubject, story)


@pytest.mark.parametrize("what", ["closedaccount", "contactcustomer"])
def test_a_summary_of_closed_accounts_and_of_customers_to_contact_ends_each_of_its_cards(
    what: str,
) -> None:
    async def story(on: NmiSubject) -> None:
        updates = [
            {"customer_vault_id": one, "cc_exp": "01/50"} for one in ("308229500", "2061222895")
        ]
        said = {
            "event_id": "evt-1",
            "event_type": f"acu.summary.{what}",
            "event_body": {"vault_updates": updates},
        }
        body = json.dumps(said).encode()
        read = [(one.about, one.subject) for one in on.read(on.signed(body), body)]
        assert read == [("2061222895", "ended"), ("308229500", "ended")]

    play(NmiSubject, story)


def test_the_vault_id_stands_for_the_card() -> None:
    async def story(on: NmiSubject) -> None:
        connector: Any = on.connector
        stored: Any = on.credential("approved")
        found = await connector.describe(stored)
        assert (found.scheme, found.last4, found.exp_month, found.exp_year) == (
            "visa",
            "1111",
            12,
            2034,
        )
        assert found.fingerprint == stored.id
        assert await connector.describe(on.credential("gone")) is None
        assert [one.ok for one in await connector.check()] == [True]
        connector._api._key = "another"
        assert [one.ok for one in await connector.check()] == [False]
        with pytest.raises(Problem):
            await connector.describe(stored)
        assert not any(KEY in one for one in on.calls())

    play(NmiSubject, story)
