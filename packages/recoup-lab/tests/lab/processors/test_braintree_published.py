"""What goes to Braintree is what its schema publishes, and what it refuses is read as a refusal."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lab.conformance.test_checks import results
from lab.processors.subject_ground import Said, check_odd, play

from recoup.kernel.ids import new_id
from recoup.kernel.time import Clocks
from recoup.networks.allow_list import PHONE_CARD
from recoup.networks.magic import script_card
from recoup.processors.gateways.credential import Card, Stored
from recoup.processors.gateways.port import DisputeAnswer, Inquiry
from recoup_connectors.braintree.api import DOCUMENTS
from recoup_connectors.braintree.connector import Braintree
from recoup_lab.conformance.braintree import BraintreeSubject
from recoup_lab.conformance.subject import AT
from recoup_lab.processors.braintree import published
from recoup_lab.processors.braintree.server import PRIVATE, PUBLIC

GUIDE = Path(__file__).resolve().parents[5] / "docs/processors.md"
AUTH = {"authorization": aiohttp.encode_basic_auth(PUBLIC, PRIVATE)}
THREE_D_SECURE = {
    "threeDsVersion": "2.2.0",
    "authenticationValue": "AAABBJkZUQAAAABjRWWZEEFgFz8=",
    "ecommerceIndicator": "05",
    "directoryServerTransactionId": "c4e59ceb-a382-4d6a-bc87-385d591fa09d",
}
ODD_RESULTS: list[dict[str, str]] = [
    {"threeDsVersion": "2.3.1"},
    {"threeDsVersion": "two"},
    {"authenticationValue": ""},
    {"ecommerceIndicator": ""},
    {"ecommerceIndicator": "5"},
    {"directoryServerTransactionId": ""},
    {"xid": "x" * 40},
]


def test_each_document_is_one_of_the_schema() -> None:
    null = "null for the non-null type"
    found = {
        name: [one for one in published.faults(text, {}) if null not in one.message]
        for name, text in DOCUMENTS.items()
    }
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert (published.DAY, "TransactionInput" in published.INPUTS) == ("2025-04-29", True)


def test_a_field_that_the_schema_does_not_have_fails_the_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    form = Braintree._transaction

    def newer(self: Braintree, charge: Any) -> dict[str, Any]:
        return form(self, charge) | {"storedCredentialUsage": "RECURRING"}

    monkeypatch.setattr(Braintree, "_transaction", newer)
    found = results("braintree", 2, 30)
    assert {one.state for one in found} == {"failed"}


def test_all_calls_of_the_connector_are_as_published() -> None:
    async def story(on: BraintreeSubject) -> None:
        port: Any = on.connector
        await port.check()
        payer: dict[str, Any] = {"initiator": "customer", "mit_reason": None}
        paid = on.charge(three_d_secure=THREE_D_SECURE, descriptor="RCP*SHOP")
        said = await on.send(paid)
        for capture in (True, False):
            await on.send(on.charge(capture=capture, exemption="low_value", **payer))
        held = on.charge(capture=False)
        await on.modify(on.modification(held, await on.send(held), "void"))
        held = on.charge(capture=False)
        await on.modify(on.modification(held, await on.send(held), "capture", 1000))
        await on.modify(on.modification(paid, said, "refund", 1000))
        await on.inquire(on.modification(paid, said, "refund", 1))
        case = on.standin.account.dispute(said.reference or "")["legacyId"]
        await port.dispute_case(case)
        before = Clocks().monotonic() + 60
        answer = DisputeAnswer(
            new_id(), case, paid.id, "contest", "It was delivered.", AT, before, 2.0
        )
        await port.answer_dispute(answer)
        await port.inquire(Inquiry(answer.id, "dispute_answer", answer))
        other = on.standin.account.dispute(said.reference or "")["legacyId"]
        await port.answer_dispute(
            replace(answer, id=new_id(), key=new_id(), case_ref=other, answer="accept")
        )
        assert await port.describe(on.credential("approved")) is not None
        begin, end = (on.clocks.wall() + timedelta(days=days) for days in (-1, 1))
        assert [line async for page in port.lines(begin, end) for line in page]
        assert set(DOCUMENTS) - set(port.calls) == {"partialCaptureTransaction"}, (
            "which no account of ours has"
        )
        assert on.standin.refused == []

    play(BraintreeSubject, story)


CHARGE = (
    "mutation($input: ChargePaymentMethodInput!) { chargePaymentMethod(input: "
    "$input) { transaction { id status } } }"
)
TOKENS = (
    "mutation($input: TokenizeCreditCardInput!) { tokenizeCreditCard(input: $input) "
    "{ paymentMethod { id usage } } }"
)
VAULT = (
    "mutation($input: VaultPaymentMethodInput!) { vaultPaymentMethod(input: $input) "
    "{ paymentMethod { id usage } } }"
)
FINE = {"amount": "45.90", "merchantAccountId": "acme_usd"}
NUMBER = {"number": PHONE_CARD, "expirationMonth": "12", "expirationYear": "2034"}
REFUSED: list[tuple[str, Any, str | None, str]] = [
    (CHARGE, FINE | {"amount": "0.00"}, "81531", "input transaction amount"),
    (CHARGE, FINE | {"amount": "-5.00"}, "81501", "input transaction amount"),
    (CHARGE, FINE | {"amount": "12345678901.00"}, "81528", "input transaction amount"),
    (CHARGE, FINE | {"amount": "5.005"}, "81503", "input transaction amount"),
    (
        CHARGE,
        FINE | {"amount": "500.00", "merchantAccountId": "acme_jpy"},
        "81503",
        "input transaction amount",
    ),
    (
        CHARGE,
        FINE | {"merchantAccountId": "acme_gbp"},
        "91513",
        "input transaction merchantAccountId",
    ),
    (CHARGE, FINE | {"orderId": "x" * 256}, "91501", "input transaction orderId"),
    (CHARGE, FINE | {"descriptor": {"name": "SHOP"}}, "92201", "input transaction descriptor name"),
    (CHARGE, FINE | {"amount": "5.5"}, None, "input transaction amount"),
    (CHARGE, FINE | {"colour": "red"}, None, "input transaction colour"),
    (CHARGE, FINE | {"paymentInitiator": "RETRY"}, None, "input transaction paymentInitiator"),
    (
        CHARGE,
        FINE | {"threeDSecurePassThrough": {}},
        None,
        "input transaction threeDSecurePassThrough eciFlag",
    ),
    (CHARGE, {}, None, "input transaction amount"),
    (CHARGE.replace("status", "colour"), FINE, None, "chargePaymentMethod transaction colour"),
    (TOKENS, NUMBER | {"number": ""}, "81714", "input creditCard number"),
    (TOKENS, NUMBER | {"number": "1" * 16}, "81717", "input creditCard number"),
    (TOKENS, NUMBER | {"expirationMonth": "13"}, "81712", "input creditCard expirationMonth"),
    (VAULT, "fake-nobody-nonce", "91565", "input paymentMethodId"),
    ('query { node(id: "x") { id } }', None, None, ""),
    ("query { colour }", None, None, "colour"),
    ("mutation {", None, None, ""),
]


async def _asked(
    session: aiohttp.ClientSession, url: str, document: str, given: Any
) -> dict[str, Any]:
    variables = {"input": given} if given is not None else {}
    async with session.post(
        url, json={"query": document, "variables": variables}, headers=AUTH
    ) as reply:
        assert reply.status == 200
        return dict(await reply.json())


def test_each_wrong_request_is_refused_in_braintrees_classes() -> None:
    async def story(on: BraintreeSubject) -> None:
        method = on.standin.account.make_method("visa", "customer-1")["id"]
        complaints = list[Any]()
        async with aiohttp.ClientSession() as session:
            for document, form, code, path in REFUSED:
                given = {"paymentMethodId": form} if document == VAULT else form
                if "chargePaymentMethod" in document:
                    given = {"paymentMethodId": method, "transaction": form}
                elif document == TOKENS:
                    given = {"creditCard": form}
                answer = await _asked(session, on.url, document, given)
                more = (answer.get("errors") or [{}])[0].get("extensions", {})
                wanted = "NOT_FOUND" if "node" in document else "VALIDATION"
                found = (
                    more.get("errorClass"),
                    more.get("legacyCode"),
                    " ".join(more.get("inputPath", ())),
                )
                complaints += [] if found == (wanted, code, path) else [(document, form, answer)]
            ids = []
            for _ in range(2):  # a single-use id is used once
                made = await _asked(session, on.url, TOKENS, {"creditCard": NUMBER})
                ids.append(made["data"]["tokenizeCreditCard"]["paymentMethod"])
            assert [one["usage"] for one in ids] == ["SINGLE_USE"] * 2
            twice = [
                await _asked(session, on.url, VAULT, {"paymentMethodId": ids[0]["id"]})
                for _ in range(2)
            ]
            assert twice[0]["data"]["vaultPaymentMethod"]["paymentMethod"]["usage"] == "MULTI_USE"
            assert twice[1]["errors"][0]["extensions"]["legacyCode"] == "91564"
        assert complaints == []
        kept = "".join(str(one) for one in on.standin.book.all("payment_method"))
        assert NUMBER["number"] not in kept
        on.standin.refused.clear()  # wrong on purpose, and not by the connector

    play(BraintreeSubject, story)


OURS, GONE = ("not_sent", "request", None), ("not_sent", "credential", "braintree:NOT_FOUND")
DONE = ("approved", None, None)


def odd_charges(on: BraintreeSubject) -> Iterator[tuple[Any, Said]]:
    """A day of odd requests, and what becomes of each."""
    for units in (1, 2, 9, 10, 49, 50, 99, 199_999, 300_000, 99_999_999, 999_999_999_999):
        yield on.charge(units=units), DONE
    for code in range(2000, 2024):
        yield on.charge(units=code * 100), ("declined", None, f"braintree:{code}")
    for units in (10**12, 10**13):
        yield on.charge(units=units), ("not_sent", "request", "braintree:81528")
    for currency, units in (
        ("JPY", 1),
        ("JPY", 500),
        ("BHD", 12_345),
        ("BHD", 1),
        ("ISK", 500),
        ("HUF", 1),
        ("EUR", 1),
    ):
        yield on.charge(units=units, currency=currency), DONE
    for currency in (
        "GBP",
        "KWD",
        "XXX",
        "XAU",
        "CUP",
        "usd",
        "",
        "EURO",
        "USDC",
        "BGN",
        "CLF",
        "UYW",
    ):
        yield on.charge(currency=currency), OURS
    for units in (0, -1, -4590):
        yield on.charge(units=units), OURS
    for text in (
        "",
        "*",
        "12345",
        "<b>",
        "A" * 40,
        "Ünï*Café",
        "李小龙",
        "A\tB*C\nD",
        "RCP*SHOP'S",
        "RCP*SHOP",
        "ABCDEFG*X",
        "AB*C",
    ):
        yield on.charge(descriptor=text), DONE
    for id in ("nobody", "", "../x", "ä", "x" * 255, '"}', "\u0000"):
        yield on.charge(credential=Stored("braintree", id, "customer-1")), GONE
    yield on.charge("gone"), GONE
    card = Card(script_card("visa", "51", 0), 12, 2034, "visa")
    yield on.charge(credential=card), ("not_sent", "credential", None)
    for more in ODD_RESULTS:
        yield (
            on.charge(initiator="customer", mit_reason=None, three_d_secure=THREE_D_SECURE | more),
            DONE,
        )
    for reason in ("recurring", "installment", "unscheduled", None):
        yield (
            on.charge(mit_reason=reason, sequence=2, exemption="mit", first_network_id="x" * 60),
            DONE,
        )
    for exemption in ("low_value", "transaction_risk_analysis", "moto", "nobody", None):
        yield on.charge(initiator="customer", mit_reason=None, exemption=exemption), DONE
    for scenario, code in (
        ("blocked", "RISK_THRESHOLD"),
        ("no_codes", "2038"),
        ("lost_card", "2053"),
        ("sca", "2099"),
    ):
        yield on.charge(scenario), ("declined", None, f"braintree:{code}")


def test_a_hundred_odd_requests_end_as_what_they_are() -> None:
    async def story(on: BraintreeSubject) -> None:
        await check_odd(on.connector, odd_charges(on))
        charge = on.charge(units=12_340, currency="BHD")
        paid = await on.send(charge)
        for kind in ("refund", "capture"):
            odd = replace(
                on.modification(charge, paid, kind, 100),
                currency="KWD",
            )  # type: ignore[arg-type]
            refused = await on.connector.modify(odd)
            assert (refused.state, refused.fault) == ("not_sent", "request"), (
                "without an amount it would be all of it"
            )

    play(BraintreeSubject, story)


def test_the_guide_s_methods_are_stored_and_charged() -> None:
    (commands,) = re.findall(r"```\n(ask\(\).*?)```", GUIDE.read_text(), re.DOTALL)

    async def story(on: BraintreeSubject) -> None:
        script = (
            commands.replace("http://127.0.0.1:8700/graphql", on.url)
            + '\necho; echo "$METHOD $LATER $CUSTOMER"\n'
        )
        shell = await asyncio.create_subprocess_exec(
            "bash", "-c", script, stdout=asyncio.subprocess.PIPE
        )
        written, _ = await shell.communicate()
        method, later, customer = written.decode().split()[-3:]
        port: Any = on.connector
        found = await port.describe(Stored("braintree", method, customer))
        assert (found.scheme, found.last4, found.exp_year, found.customer) == (
            "visa",
            "1111",
            2034,
            customer,
        )
        said = [await on.send(on.charge(credential=found)) for _ in range(1)]
        waits = Stored("braintree", later, customer, "visa")
        said += [await on.send(on.charge(credential=waits, order_id=new_id())) for _ in range(2)]
        assert [one.state for one in said] == ["approved", "declined", "approved"]
        assert on.standin.refused == []

    play(BraintreeSubject, story)
