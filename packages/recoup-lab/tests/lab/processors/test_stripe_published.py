"""What goes to Stripe is what it publishes at the pinned version, and what it refuses is read as a
refusal."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from lab.conformance.test_checks import results
from lab.processors.stripe_ground import AT, Ground, play
from lab.processors.subject_ground import Said, check_odd

from recoup.kernel.ids import new_id
from recoup.networks.magic import script_card
from recoup.processors.gateways.credential import Card, Stored
from recoup.processors.gateways.port import DisputeAnswer
from recoup_connectors.stripe import api, charges
from recoup_lab.processors.serving import Answered
from recoup_lab.processors.stripe import published
from recoup_lab.processors.stripe.refusal import Refused, bad
from recoup_lab.processors.stripe.server import KEY

MADE = {
    f"{method} /v1/{path}"
    for method, paths in {
        "GET": "account balance_transactions customers customers/{id} disputes disputes/{id} "
        "events invoices "
        "invoices/{id} payment_intents payment_intents/{id} payment_methods/{id} refunds "
        "subscriptions subscriptions/{id} webhook_endpoints",
        "POST": "disputes/{id} disputes/{id}/close invoices/{id} invoices/{id}/pay payment_intents "
        "payment_intents/{id}/cancel payment_intents/{id}/capture payment_intents/{id}/confirm "
        "refunds refunds/{id}",
    }.items()
    for path in paths.split()
}


def test_the_facts_are_those_of_the_pinned_version() -> None:
    assert api.VERSION == published.VERSION == "2025-03-31.basil", (
        "another pin: run scripts/make_stripe_facts.py"
    )
    assert published.SOURCE == "stripe 12.0.1 (PyPI)", "the last library of that version"
    card = published._TYPES["PaymentIntent.ConfirmParamsPaymentMethodOptionsCard"]
    assert ("three_d_secure" in card, "stored_credential_usage" in card) == (True, False)
    assert "limit" not in published._TYPES[published.CALLS["GET /v1/payment_methods/{}"]]


def test_a_parameter_that_stripe_does_not_know_fails_the_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    consent = charges._consent

    def newer(charge: Any) -> dict[str, Any]:
        form = consent(charge)
        form["payment_method_options"]["card"]["stored_credential_usage"] = charge.mit_reason
        return form

    monkeypatch.setattr(charges, "_consent", newer)
    found = results("stripe", 2, 18, 30)
    assert {one.state for one in found} == {"failed"}
    assert (
        "payment_method_options[card][stored_credential_usage]" in found[0].why
        or found[0].number > 1
    )


def test_all_calls_of_the_connector_and_all_answers_are_as_published(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        port, account = on.stripe, on.standin.account
        await port.check()
        account.make_endpoint(
            {"url": "https://recoup.example/inbound/stripe/notices", "enabled_events": ["*"]}
        )
        await port.check()
        paid, declined = on.charge(three_d_secure=THREE_D_SECURE), on.charge("mastercard_advice03")
        asked = replace(on.charge("authenticationRequired", initiator="customer"), payer=None)
        said = [
            await port.charge(one) for one in (paid, declined, asked, on.charge("createDispute"))
        ]
        on.clocks.move(timedelta(days=2))
        await port.inquire(on.inquiry(paid, ago=timedelta(days=2)))
        for units in (1000, 3590):
            back = on.modification(paid, said[0].reference, "refund", units)
            assert (await port.modify(back)).state == "approved"
        await port.inquire(on.inquiry(on.modification(paid, said[0].reference, "refund", 1)))
        held = on.charge(capture=False)
        hold = await port.charge(held)
        part = on.modification(held, hold.reference, "capture", 1000, final_part=False)
        await port.modify(part)
        await port.modify(on.modification(held, hold.reference, "void", 3590, captured_before=1000))
        other = on.charge(capture=False)
        await port.modify(
            on.modification(other, (await port.charge(other)).reference, "void", 4590)
        )
        (case,) = on.standin.book.all("dispute")
        await port.dispute_case(case["id"])
        soon = paid.send_before_monotonic
        for word in ("contest", "accept"):
            await port.answer_dispute(
                DisputeAnswer(new_id(), case["id"], paid.id, word, "x" * 30_000, AT, soon, 2.0)
            )
        assert (await port.describe(on.method())) is not None
        subscription = account.make_subscription({"customer": on.customer})["id"]
        form = {"customer": on.customer, "subscription": subscription, "currency": "usd"}
        invoices = [account.make_invoice(form | {"amount_due": "4590"})["id"] for _ in range(3)]
        by_invoice = on.charge(invoice=invoices[0])
        assert (await port.charge(by_invoice)).state == "approved"
        refused = on.charge("visa_chargeDeclined", invoice=invoices[1])
        assert (await port.charge(refused)).state == "declined"
        await port.inquire(on.inquiry(refused))
        await port.billed_invoice(invoices[1])
        await port.set_own_retries(invoices[1], "k1", on=False)
        await port.mark_paid(invoices[1], "k2")
        await port.own_retries()
        begin, end = on.clocks.wall() - timedelta(days=3), on.clocks.wall() + timedelta(days=1)
        types = [line.type async for page in port.lines(begin, end) for line in page]
        assert {"charge", "refund", "dispute", "fee"} <= set(types)
        for event in on.standin.book.all("event"):
            assert published.differences(published.shown(event)) == []
            assert published.differences(event["data"]["object"]) == []
        assert port.calls == MADE, "another kind of call needs its line above"
        assert on.standin.refused == []

    play(tmp_path, story)


def test_an_answer_has_what_its_type_requires_and_nothing_of_ours(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        method, charge = on.method().id, on.charge()
        await on.stripe.charge(charge)
        headers = {"authorization": f"Bearer {KEY}"}
        async with aiohttp.ClientSession(headers=headers) as session:

            async def got(path: str) -> dict[str, Any]:
                async with session.get(f"{on.standin.url}/v1/{path}") as reply:
                    return dict(await reply.json())

            plain = await got(f"payment_methods/{method}")
            (charged,) = (await got("charges"))["data"]
        assert {"answer", "charges"} & set(plain) == set()
        assert (charged["refunded"], charged["disputed"], charged["billing_details"]["email"]) == (
            False,
            False,
            None,
        )
        required = [name for name in published._TYPES["Charge"] if not name.endswith("?")]
        assert set(required) <= set(charged)
        assert published.differences(charged | {"answer": 1}) == ["charge has answer of its own"]
        assert published.differences({n: v for n, v in charged.items() if n != "paid"}) == [
            "charge lacks paid"
        ]

    play(tmp_path, story)


INTENT = {"amount": "4590", "currency": "usd", "payment_method_types[]": "card"}
REFUSED: list[tuple[str, dict[str, str], str | None, str, str]] = [
    (
        "payment_intents",
        INTENT | {"amount": "30"},
        "amount_too_small",
        "amount",
        "Amount must be at least $0.50 usd",
    ),
    (
        "payment_intents",
        INTENT | {"amount": "100000000"},
        "amount_too_large",
        "amount",
        "Amount must be no more than",
    ),
    (
        "payment_intents",
        INTENT | {"amount": "1001", "currency": "kwd"},
        "parameter_invalid_integer",
        "amount",
        "Invalid",
    ),
    (
        "payment_intents",
        INTENT | {"amount": "1050", "currency": "isk"},
        "parameter_invalid_integer",
        "amount",
        "Invalid",
    ),
    (
        "payment_intents",
        INTENT | {"amount": "9.99"},
        "parameter_invalid_integer",
        "amount",
        "Invalid integer: 9.99",
    ),
    (
        "payment_intents",
        INTENT | {"amount": "-5"},
        "parameter_invalid_integer",
        "amount",
        "This value must be greater",
    ),
    (
        "payment_intents",
        {"currency": "usd"},
        "parameter_missing",
        "amount",
        "Missing required param: amount.",
    ),
    (
        "payment_intents",
        INTENT | {"currency": "xyz"},
        None,
        "currency",
        "Invalid currency: xyz. Stripe currently",
    ),
    (
        "payment_intents",
        INTENT | {"capture_method": "never"},
        None,
        "capture_method",
        "Invalid capture_method: must be",
    ),
    (
        "payment_intents",
        INTENT | {"statement_descriptor": "SHOP"},
        None,
        "statement_descriptor",
        "The statement_descriptor",
    ),
    (
        "payment_intents",
        INTENT | {"statement_descriptor_suffix": "x" * 23},
        None,
        "statement_descriptor_suffix",
        "The",
    ),
    (
        "payment_intents",
        INTENT | {"statement_descriptor_suffix": "12345"},
        None,
        "statement_descriptor_suffix",
        "The",
    ),
    (
        "payment_intents",
        INTENT | {"metadata[a]": "x" * 501},
        None,
        "metadata[a]",
        "Metadata values can have up to 500",
    ),
    (
        "payment_intents",
        INTENT | {"off_session": "true"},
        "parameter_missing",
        "off_session",
        "You cannot provide",
    ),
    (
        "payment_intents",
        INTENT | {"customer": "cus_no"},
        "resource_missing",
        "customer",
        "No such customer: 'cus_no'",
    ),
    (
        "payment_intents",
        INTENT | {"colour": "red"},
        "parameter_unknown",
        "colour",
        "Received unknown parameter: colour",
    ),
    (
        "payment_intents",
        INTENT | {"expand[]": "colour"},
        None,
        "expand",
        "This property cannot be expanded (colour).",
    ),
    (
        "payment_intents",
        INTENT | {"metadata": "a", "metadata[b]": "c"},
        "parameter_invalid_hash",
        "metadata[b]",
        "Invalid",
    ),
    (
        "payment_intents",
        INTENT | {"confirm": "perhaps"},
        None,
        "confirm",
        "Invalid boolean: perhaps",
    ),
    (
        "payment_intents",
        INTENT | {"payment_method_types[]": "cheque"},
        "payment_intent_invalid_parameter",
        "payment_method_types[0]",
        "The payment method type",
    ),
    ("refunds", {"amount": "1"}, "parameter_missing", "payment_intent", "Missing required param"),
    (
        "invoices",
        {"amount_due": "4590"},
        "parameter_unknown",
        "amount_due",
        "Received unknown parameter: amount_due",
    ),
]


def test_each_wrong_request_is_refused_in_stripes_words(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        complaints: list[Any] = []
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:
            for path, form, code, param, begin in REFUSED:
                async with session.post(f"{on.standin.url}/v1/{path}", data=form) as reply:
                    error = (await reply.json()).get("error", {})
                found = (reply.status, error.get("type"), error.get("code"), error.get("param"))
                wanted = (400, "invalid_request_error", code, param)
                if found != wanted or not error["message"].startswith(begin):
                    complaints.append((path, form, found, error.get("message")))
            for path, code in (
                ("payment_methods/pm_no?limit=1", "parameter_unknown"),
                ("events?limit=101", "parameter_invalid_integer"),
                ("colours", None),
            ):
                async with session.get(f"{on.standin.url}/v1/{path}") as reply:
                    error = (await reply.json())["error"]
                complaints += [] if error.get("code") == code else [(path, error)]
        assert complaints == []

    play(tmp_path, story)


THREE_D_SECURE = {
    "threeDsVersion": "2.2.0",
    "authenticationValue": "AAABBJkZUQAAAABjRWWZEEFgFz8=",
    "ecommerceIndicator": "05",
    "directoryServerTransactionId": "c4e59ceb-a382-4d6a-bc87-385d591fa09d",
}
ODD_RESULTS: list[dict[str, str]] = [
    {"threeDsVersion": "2.3.1"},
    {"threeDsVersion": "2"},
    {"authenticationValue": ""},
    {"ecommerceIndicator": "00"},
    {"ecommerceIndicator": "5"},
    {"directoryServerTransactionId": ""},
    {"xid": "x" * 40},
]
SMALL, LARGE = (
    ("not_sent", "request", "stripe:amount_too_small"),
    ("not_sent", "request", "stripe:amount_too_large"),
)
OURS, GONE = ("not_sent", "request", None), ("not_sent", "credential", "stripe:resource_missing")
FINE = ("approved", None, None)


def odd_charges(on: Ground) -> Iterator[tuple[Any, Said]]:
    """A day of odd requests, and what becomes of each."""
    for code, least in sorted(published.LEAST.items() - {("bgn", 100)}):  # Bulgaria pays in euro
        yield on.charge(currency=code.upper(), units=least - 1), SMALL
        yield on.charge(currency=code.upper(), units=least), FINE
    yield on.charge(units=published.MOST), FINE
    yield on.charge(units=published.MOST + 1), LARGE
    yield on.charge(currency="EUR", units=10**12), LARGE
    yield on.charge(currency="JPY", units=100_000_000), FINE
    for code, units in (
        ("KWD", 1001),
        ("BHD", 12_345),
        ("JOD", 9),
        ("OMR", 5_125),
        ("TND", 1),
        ("CLF", 100),
    ):
        yield on.charge(currency=code, units=units), OURS
    for code, units in (
        ("KWD", 1010),
        ("BHD", 12_340),
        ("ISK", 500),
        ("UGX", 500),
        ("MGA", 50_000),
        ("KRW", 1),
    ):
        yield on.charge(currency=code, units=units), FINE
    for code in ("XXX", "XAU", "CUP", "SYP", "IRR", "KPW", "usd", "", "EURO", "USDC", "BGN"):
        yield on.charge(currency=code), OURS
    for units in (0, -1, -4590):
        yield on.charge(units=units), OURS
    for text in (
        "",
        "*",
        "12345",
        "<script>",
        "A" * 40,
        "Ünïcödé Café",
        "李小龙",
        "TAB\tNEW\nLINE",
        'RC*SHOP\'S "BEST"',
        "\x00A",
    ):
        yield on.charge(descriptor=text), FINE
    for id in ("pm_nobody", "pm_../../charges", "pm_ä", "pm_" + "x" * 250, "%00", "card_1"):
        yield on.charge(credential=Stored("stripe", id, on.customer)), GONE
    empty = ("not_sent", "request", "stripe:parameter_invalid_empty")
    yield on.charge(credential=Stored("stripe", "", on.customer)), empty
    yield on.charge(credential=replace(on.method(), customer="cus_nobody")), GONE
    stranger = on.standin.account.make_customer({})["id"]
    inactive = ("not_sent", "credential", "stripe:payment_method_unactivated")
    yield on.charge(credential=replace(on.method(), customer=stranger)), inactive
    yield (
        on.charge(credential=replace(on.method(), customer=None)),
        ("not_sent", "credential", None),
    )
    card = Card(script_card("visa", "51", 0), 12, 2034, "visa")
    yield on.charge(credential=card), ("not_sent", "credential", None)
    for more in ODD_RESULTS:
        yield (
            on.charge(initiator="customer", mit_reason=None, three_d_secure=THREE_D_SECURE | more),
            FINE,
        )
    for reason in ("recurring", "installment", "unscheduled", None):
        yield (
            on.charge(mit_reason=reason, sequence=2, exemption="mit", first_network_id="x" * 60),
            FINE,
        )
    yield on.charge(invoice="in_nobody"), ("not_sent", "request", "stripe:resource_missing")
    paid = on.standin.account.make_invoice(
        {"customer": on.customer, "amount_due": "4590", "currency": "eur"}
    )["id"]
    yield on.charge(invoice=paid), ("not_sent", "request", "invoice_differs")
    for name, code in (
        ("radarBlock", "fraudulent"),
        ("noCodes", "generic_decline"),
        ("chargeDeclinedExpiredCard", "expired_card"),
    ):
        yield on.charge(name), ("declined", None, f"stripe:{code}")


def test_a_hundred_odd_requests_end_as_what_they_are(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        await check_odd(on.stripe, odd_charges(on))
        waiting = [
            one
            for one in on.standin.book.all("payment_intent")
            if one["status"] == "requires_confirmation"
        ]
        assert waiting == [], "nothing waits for a confirmation that never comes"

    play(tmp_path, story)


def test_an_odd_refund_moves_nothing_more_than_was_asked(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge(currency="KWD", units=12_340)
        said = await on.stripe.charge(charge)
        for kind in ("refund", "capture"):
            odd = await on.stripe.modify(on.modification(charge, said.reference, kind, 1001))
            assert (odd.state, odd.fault) == ("not_sent", "request"), (
                "1.001 is no part that Stripe gives back"
            )
        with pytest.raises(Refused) as refused:
            on.standin.account.refund({"payment_intent": said.reference, "amount": "1001"})
        assert (refused.value.status, refused.value.error["param"]) == (400, "amount")
        for reference in ("pi_nobody", "pi_../customers"):
            gone = await on.stripe.modify(on.modification(charge, reference, "refund", 1000))
            assert (gone.state, gone.own_code) == ("declined", "stripe:resource_missing")
        assert on.standin.book.count("refund") == 0

    play(tmp_path, story)


def test_an_intent_whose_confirmation_is_refused_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(on: Ground) -> None:
        def refuses(id: str, form: Any) -> Any:
            raise bad("amount_too_small", "Amount must be at least $0.50 usd", param="amount")

        monkeypatch.setattr(on.standin.account, "confirm", refuses)
        charge = on.charge()
        said = await on.stripe.charge(charge)
        assert (said.state, said.fault, said.own_code) == (
            "not_sent",
            "request",
            "stripe:amount_too_small",
        )
        assert [one["status"] for one in on.standin.book.all("payment_intent")] == ["canceled"]
        assert (await on.stripe.inquire(on.inquiry(charge, said.reference))).state == "not_sent"

    play(tmp_path, story)


def test_only_what_proves_a_right_says_that_the_key_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(on: Ground) -> None:
        def answers(status: int, error: dict[str, Any]) -> None:
            body = json.dumps({"error": {"type": "invalid_request_error"} | error})
            monkeypatch.setattr(on.standin, "answer", lambda *_: Answered(status, body))

        for status, code in ((400, "parameter_unknown"), (404, None), (400, None), (200, None)):
            answers(status, {"code": code} if code else {})
            found = [
                one for one in await on.stripe.check() if one.name.startswith(("read ", "write "))
            ]
            assert [one.name for one in found if one.ok] == [], (status, code)
            assert all(one.unclear for one in found)

    play(tmp_path, story)
