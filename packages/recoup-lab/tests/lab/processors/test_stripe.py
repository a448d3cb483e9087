"""The Stripe connector before its stand-in: what may be read as a decision, and what is proof."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lab.processors.stripe_ground import AT, Ground, play

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.networks.compelling_evidence import CardPayment, judge
from recoup.networks.magic import script_card
from recoup.processors.gateways.connector import Connector, is_connector
from recoup.processors.gateways.credential import Card
from recoup.processors.gateways.outcome import Outcome, as_requested
from recoup.processors.gateways.port import DisputeAnswer, Inquiry
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.stripe.server import KEY, SECRET, signature


def test_a_charge_in_two_calls_its_refund_and_questions_about_them(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        port: Connector = on.stripe
        assert is_connector(port)
        charge = on.charge()
        said = await port.charge(charge)
        assert (said.state, said.units, said.currency, said.other_id) == (
            "approved",
            4590,
            "USD",
            False,
        )
        assert (said.network_transaction_id or "").isdigit()
        assert (said.cvv, said.auth_code, said.reached_network) == ("pass", "A1B2C3", True)
        assert [one for one in on.standin.calls if one.startswith("POST")] == [
            "POST /v1/payment_intents",
            f"POST /v1/payment_intents/{said.reference}/confirm",
        ]
        again = await port.charge(charge)
        assert (again.state, again.reference, on.succeeded()) == ("approved", said.reference, 1)
        assert (await port.inquire(on.inquiry(charge))).state == "approved"
        back = on.modification(charge, said.reference, "refund", 4000)
        assert (await port.modify(back)).state == "approved"
        assert (await port.modify(back)).state == "approved"
        assert on.standin.book.count("refund") == 1
        assert (await port.inquire(on.inquiry(back))).state == "approved"
        over = await port.modify(on.modification(charge, said.reference, "refund", 600))
        assert (over.state, over.own_code) == ("declined", "stripe:amount_too_large")
        found = await port.inquire(on.inquiry(on.modification(charge, said.reference, "refund", 1)))
        assert found.state == "not_found"

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("visa_chargeDeclined", ("05", None, "stripe:generic_decline", "try_again_later", True)),
        ("visa_chargeDeclinedLostCard", ("41", None, "stripe:lost_card", "do_not_try_again", True)),
        ("mastercard_advice03", ("05", "03", "stripe:generic_decline", "do_not_try_again", True)),
        ("visa_advice03", ("05", None, "stripe:generic_decline", None, True)),
        ("noCodes", (None, None, "stripe:generic_decline", None, True)),
        ("radarBlock", (None, None, "stripe:fraudulent", None, False)),
    ],
)
def test_each_code_stands_in_its_own_field(
    tmp_path: Path, name: str, codes: tuple[Any, ...]
) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge(name)
        for said in (await on.stripe.charge(charge), await on.stripe.inquire(on.inquiry(charge))):
            assert said.state == "declined"
            advice = said.processor_advice and said.processor_advice.code.partition(":")[2]
            found = (said.scheme_code, said.advice_code, said.own_code, advice)
            assert (*found, said.reached_network) == codes

    play(tmp_path, story)


@pytest.mark.parametrize("initiator", ["merchant", "customer"])
def test_what_wants_its_payer_is_declined_and_nothing_stays_open(
    tmp_path: Path, initiator: Any
) -> None:
    async def story(on: Ground) -> None:
        said = await on.stripe.charge(on.charge("authenticationRequired", initiator=initiator))
        assert (said.state, said.sca_wanted, on.succeeded()) == ("declined", True, 0)
        assert not [
            one
            for one in on.standin.book.all("payment_intent")
            if one["status"] == "requires_action"
        ]

    play(tmp_path, story)


@pytest.mark.parametrize(
    ("kind", "on_call", "state", "found"),
    [
        ("lost", "POST /v1/payment_intents", "not_sent", None),
        ("html", "confirm", "unknown", "approved"),
        ("lost", "confirm", "unknown", "approved"),
        ("cut", "confirm", "unknown", "approved"),
        ("error_200", "confirm", "unknown", "approved"),
        ("saved_500", "confirm", "unknown", "approved"),
        ("endless", "confirm", "unknown", "approved"),
        ("redirect", "confirm", "unknown", "not_sent"),
        ("never", "confirm", "unknown", "not_sent"),
        ("in_progress", "confirm", "unknown", "not_sent"),
        ("too_many", "confirm", "not_sent", None),
        ("unauthorized", "confirm", "not_sent", None),
    ],
)
def test_what_proves_nothing_is_read_from_the_intent(
    tmp_path: Path, kind: str, on_call: str, state: str, found: str | None
) -> None:
    async def story(on: Ground) -> None:
        on.standin.faults.add(kind, on_call)
        charge = on.charge()
        said = await on.stripe.charge(charge)
        assert said.state == state
        if found is None:
            assert on.succeeded() == 0
            return
        soon = await on.stripe.inquire(on.inquiry(charge, said.reference))
        assert soon.state == ("approved" if found == "approved" else "unknown"), (
            "a late confirmation may come"
        )
        later = await on.stripe.inquire(
            on.inquiry(charge, said.reference, ago=timedelta(minutes=1))
        )
        assert later.state == found
        if found == "not_sent":  # proof: a confirmation that was still on its way charges nothing
            late = await on.stripe.charge(charge)
            assert (late.state, on.succeeded()) == ("unknown", 0)

    play(tmp_path, story)


@pytest.mark.parametrize("kind", ["other_id", "other_amount", "other_currency", "part"])
def test_an_answer_that_lies_is_no_approval(tmp_path: Path, kind: str) -> None:
    async def story(on: Ground) -> None:
        on.standin.faults.add(kind, "confirm")
        said = await on.stripe.charge(on.charge())
        read = as_requested(said, 4590, "USD")
        assert (read.state, read.contradicts) == ("unknown", True)

    play(tmp_path, story)


def test_after_a_day_the_intent_is_looked_for_and_no_key_is_used_again(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        on.standin.faults.add("lost", "confirm")
        charge = on.charge()
        await on.stripe.charge(charge)
        at = on.clocks.wall()
        on.clocks.move(timedelta(hours=30))
        inquiry = Inquiry(charge.id, message=charge, first_sent_at=at, last_sent_at=at)
        calls = len(on.standin.calls)
        assert (await on.stripe.inquire(inquiry)).state == "approved"
        assert not [one for one in on.standin.calls[calls:] if one.startswith("POST")]
        other = on.charge()
        unknown = Inquiry(other.id, message=other, first_sent_at=at, last_sent_at=at)
        assert (await on.stripe.inquire(unknown)).state == "not_found"
        assert not [one for one in on.standin.calls if "search" in one]

    play(tmp_path, story)


def test_what_it_cannot_take_is_not_sent(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        card = on.charge(credential=Card(script_card("visa", "51", 0), 12, 2030, "visa"))
        assert ((await on.stripe.charge(card)).state, on.standin.calls) == ("not_sent", [])
        odd = on.charge(units=1, currency="BHD")
        assert (await on.stripe.charge(odd)).state == "not_sent"
        late = on.charge(send_before_monotonic=0.0)
        assert (await on.stripe.charge(late)).state == "not_sent"
        gone = on.charge()
        on.standin.account.detach(gone.credential.id)  # type: ignore[union-attr]
        said = await on.stripe.charge(gone)
        assert (said.state, said.fault) == ("not_sent", "credential")
        assert on.succeeded() == 0

    play(tmp_path, story)


def test_a_refused_confirmation_leaves_no_intent_behind(tmp_path: Path) -> None:
    """403 hourly sends for one payment of 0.30 USD left 403 unconfirmed intents."""

    async def story(on: Ground) -> None:
        for kind, fault in (
            ("forbidden", "account"),
            ("unauthorized", "account"),
            ("too_many", "rate"),
        ):
            on.standin.faults.add(kind, "/confirm")
            said = await on.stripe.charge(on.charge())
            assert (said.state, said.fault) == ("not_sent", fault)
        assert (await on.stripe.charge(on.charge(send_before_monotonic=0.0))).state == "not_sent"
        intents = [one["status"] for one in on.standin.book.all("payment_intent")]
        assert intents == ["canceled"] * 4
        assert (await on.stripe.charge(on.charge())).state == "approved"

    play(tmp_path, story)


def test_an_invoice_is_paid_as_that_invoice(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        def invoice() -> str:
            form = {"customer": on.customer, "amount_due": "4590", "currency": "usd"}
            return str(on.standin.account.make_invoice(form)["id"])

        first = on.charge(invoice=invoice())
        on.standin.faults.add("lost", "pay")
        assert (await on.stripe.charge(first)).state == "unknown"
        said = await on.stripe.inquire(on.inquiry(first))
        assert (said.state, said.units, on.succeeded()) == ("approved", 4590, 1)
        assert (await on.stripe.charge(first)).own_code == "invoice_paid_elsewhere"
        other = on.charge(invoice=first.invoice)
        elsewhere = await on.stripe.inquire(on.inquiry(other))
        assert (elsewhere.state, elsewhere.own_code) == ("not_sent", "invoice_paid_elsewhere")
        declined = on.charge("visa_chargeDeclinedInsufficientFunds", invoice=invoice())
        assert len(await on.stripe.own_retries()) == 1
        said = await on.stripe.charge(declined)
        assert (said.state, said.scheme_code) == ("declined", "51")
        asked = await on.stripe.inquire(on.inquiry(declined))
        assert (asked.state, asked.scheme_code) == ("declined", "51")
        less = on.charge(invoice=declined.invoice, units=4589)
        assert (await on.stripe.charge(less)).own_code == "invoice_differs"

    play(tmp_path, story)


def test_a_hold_is_captured_or_let_go_once(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge(capture=False)
        held = await on.stripe.charge(charge)
        assert (held.state, held.units) == ("approved", 4590)
        capture = on.modification(charge, held.reference, "capture", 4590)
        assert (await on.stripe.inquire(on.inquiry(capture))).state == "not_found"
        on.standin.faults.add("lost", "capture")
        assert (await on.stripe.modify(capture)).state == "unknown"
        assert (await on.stripe.inquire(on.inquiry(capture))).state == "approved"
        assert (await on.stripe.modify(capture)).state == "approved"
        void = on.modification(charge, held.reference, "void", 4590)
        assert (await on.stripe.modify(void)).state == "declined"
        assert (await on.stripe.inquire(on.inquiry(void))).state == "declined"

    play(tmp_path, story)


def test_the_books_lines_sum_up_with_the_fee_apart(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge()
        said = await on.stripe.charge(charge)
        back = on.modification(charge, said.reference, "refund", 4590)
        await on.stripe.modify(back)
        begin, end = on.clocks.wall() - timedelta(days=1), on.clocks.wall() + timedelta(days=1)
        lines = [one async for page in on.stripe.lines(begin, end) for one in page]
        assert [(one.type, one.units, one.id) for one in reversed(lines)] == [
            ("fee", -163, None),
            ("charge", 4590, charge.id),
            ("refund", -4590, back.id),
        ]

    play(tmp_path, story)


def test_a_long_list_is_read_to_its_end_and_a_round_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(on: Ground) -> None:
        for _ in range(230):
            on.standin.account.make_invoice(
                {"customer": on.customer, "amount_due": "1", "currency": "usd"}
            )
        assert len(await on.stripe.own_retries()) == 230
        for answer in (
            {"data": [{"id": "a"}], "has_more": True},
            {"data": [{"id": "a"}]},
            {"data": [], "has_more": True},
            [],
        ):
            monkeypatch.setattr(on.standin, "_list", lambda *_, answer=answer: answer)
            with pytest.raises(Problem) as refused:
                await asyncio.wait_for(on.stripe.own_retries(), 10)
            assert refused.value.code == "unavailable"

    play(tmp_path, story)


def test_a_dispute_is_answered_once(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge("createDispute")
        await on.stripe.charge(charge)
        (case,) = on.standin.book.all("dispute")
        found = await on.stripe.dispute_case(case["id"])
        assert found is not None
        assert (found.units, found.currency, found.stage, found.status) == (
            4590,
            "USD",
            "first",
            "open",
        )
        assert found.reason_code == "10.4"
        for taken, status in ((-4590, "lost"), (0, "won")):
            moved = {"balance_transactions": [{"amount": taken, "currency": "usd", "fee": 0}]}
            on.standin.book.put(case | {"status": "prevented"} | moved)
            prevented = await on.stripe.dispute_case(case["id"])
            assert (prevented.stage, prevented.status) == ("present", status) if prevented else None
        on.standin.book.put(case)
        soon = on.charge().send_before_monotonic
        answer = DisputeAnswer(
            new_id(), case["id"], charge.id, "contest", "It was delivered.", AT, soon, 2.0
        )
        assert (await on.stripe.inquire(on.inquiry(answer))).state == "not_found"
        assert (await on.stripe.answer_dispute(answer)).state == "approved"
        assert (await on.stripe.answer_dispute(answer)).state == "approved"
        assert (await on.stripe.inquire(on.inquiry(answer))).state == "approved"

    play(tmp_path, story)


def test_two_earlier_charges_go_along_with_the_answer_and_their_text_where_stripe_refuses_them(
    tmp_path: Path,
) -> None:
    async def story(on: Ground) -> None:
        said = [await on.stripe.charge(on.charge()) for _ in range(3)]
        answered = []
        for disputed, names in (
            (0, (1, 2)),
            (1, (0, 2)),
        ):  # the second names a charge that was disputed
            case = on.standin.account.dispute(said[disputed].ids[0])
            found = judge(
                _payment(said[disputed], 0),
                [_payment(said[one], 150 + one) for one in names],
                AT + timedelta(days=2),
            )
            assert len(found.priors) == 2
            soon = on.charge().send_before_monotonic
            answer = DisputeAnswer(
                new_id(), case["id"], new_id(), "contest", "Two of them.", AT, soon, 2.0
            )
            assert (
                await on.stripe.answer_dispute(replace(answer, compelling=found))
            ).state == "approved"
            answered.append(on.standin.book.get("dispute", case["id"])["evidence"])
        sent = answered[0]["enhanced_evidence"]["visa_compelling_evidence_3"]
        same = {
            "customer_purchase_ip": "203.0.113.7",
            "customer_device_fingerprint": "f" * 20,
            "customer_account_id": "c-1",
            "product_description": "Tea",
        }
        assert sent["disputed_transaction"] == same | {"merchandise_or_services": "services"}
        assert sent["prior_undisputed_transactions"] == [
            same | {"charge": said[one].ids[0]} for one in (1, 2)
        ]
        assert (answered[1]["enhanced_evidence"], answered[1]["uncategorized_text"]) == (
            {},
            "Two of them.",
        )

    play(tmp_path, story)


def _payment(said: Outcome, days: int) -> CardPayment:
    return CardPayment(
        attempt_id=new_id(),
        order_id=new_id(),
        external_id="A-1",
        route="own",
        reference=said.reference,
        ids=said.ids,
        network_id=said.network_transaction_id,
        units=4590,
        asset="USD",
        paid_at=AT - timedelta(days=days),
        ip="203.0.113.7",
        device={"fingerprint": "f" * 20, "deviceId": "d" * 15},
        account="c-1",
        address=None,
        product="Tea",
        is_disputed=False,
        is_reported=False,
        is_refunded=False,
    )


def test_a_key_without_a_right_is_named_by_it(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        assert [one.name for one in await on.stripe.check() if not one.ok] == ["webhook"]
        place = f"https://recoup.example/inbound/{on.stripe.name}/notices"
        on.standin.account.make_endpoint({"url": place, "enabled_events": ["*"]})
        assert [one.name for one in await on.stripe.check() if not one.ok] == []
        on.standin.keys[KEY] = ("POST /v1/refunds", "GET /v1/events")
        assert [one.name for one in await on.stripe.check() if not one.ok] == [
            "read Events",
            "write Refunds",
        ]
        on.standin.keys = {}
        assert len([one for one in await on.stripe.check() if not one.ok]) > 10

    play(tmp_path, story)


def test_a_stored_method_is_described_unless_it_is_another_customers(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        stored = on.method()
        found = await on.stripe.describe(stored)
        assert found is not None
        assert (found.last4, found.exp_year, found.fingerprint, found.customer) == (
            "4242",
            2034,
            "fp_visa",
            on.customer,
        )
        on.standin.account.detach(stored.id)
        assert await on.stripe.describe(stored) is None
        await on.standin.stop()
        with pytest.raises(Problem):
            await on.stripe.describe(stored)

    play(tmp_path, story)


def _event(**more: Any) -> bytes:
    about = {"id": "pi_1", "object": "payment_intent", "metadata": {"recoup_id": str(new_id())}}
    usual = {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "created": int(AT.timestamp()),
        "livemode": False,
    }
    return json.dumps(usual | {"data": {"object": about}, "request": {"id": None}} | more).encode()


def test_a_notice_is_read_only_when_it_is_signed_now(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        body, now = _event(), int(AT.timestamp())

        def read(header: str, body: bytes = body, at: datetime = AT) -> Any:
            return on.stripe.read_notices({"stripe-signature": header}, body, at)

        (notice,) = read(signature(body, SECRET, now))
        assert (notice.id, notice.object_kind, notice.about, notice.mine) == (
            "evt_1",
            "payment_intent",
            "pi_1",
            True,
        )
        assert (notice.message_id is not None, notice.by_itself) == (True, True)
        assert (notice.subject, notice.charge) == ("charge", "pi_1")
        unknown = _event(type="issuing_card.created")
        assert read(signature(unknown, SECRET, now), unknown)[0].subject is None
        rolled = (
            signature(body, "whsec_other", now) + "," + signature(body, SECRET, now).split(",")[1]
        )
        assert read(rolled)
        for header, at in (
            (signature(body, "whsec_other", now), AT),
            (signature(body, SECRET, now), AT + timedelta(minutes=6)),
            ("", AT),
            ("t=x,v1=y", AT),
            (f"t={now}", AT),
            (f"t={now},v1=é", AT),
        ):
            with pytest.raises(Problem) as refused:
                read(header, at=at)
            assert refused.value.code == "unauthenticated"
        for other in (_event(livemode=True), _event(account="acct_other")):
            assert not read(signature(other, SECRET, now), other)[0].mine
        with pytest.raises(Problem) as unread:
            read(signature(b"[]", SECRET, now), b"[]")
        assert unread.value.code == "invalid"

    play(tmp_path, story)


def test_nothing_secret_shows(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        charge = on.charge("visa_chargeDeclined")
        said = await on.stripe.charge(charge)
        shown = repr(on.stripe) + repr(said) + repr(charge)
        for secret in (KEY, SECRET, on.customer, charge.credential.id):  # type: ignore[union-attr]
            assert secret not in shown

    play(tmp_path, story)


def test_a_wall_clock_is_utc() -> None:
    assert AT.tzinfo is UTC
    assert Stripe.idempotency_window == timedelta(hours=24)


def test_the_payment_that_starts_an_agreement_says_so(tmp_path: Path) -> None:
    async def story(on: Ground) -> None:
        starts = on.charge(initiator="customer", mit_reason=None, sequence=1)
        for charge in (
            starts,
            on.charge(initiator="customer", mit_reason=None),
            on.charge(sequence=2),
        ):
            assert (await on.stripe.charge(charge)).state == "approved"
        kept = [one["setup_future_usage"] for one in on.standin.book.all("payment_intent")][::-1]
        assert kept == ["off_session", None, None]

    play(tmp_path, story)
