"""A customer confirms a payment on their bank's page, which the processor of the route names: by
Stripe, Adyen and a bridge. What the processor says counts, never what a browser brings back; it is
charged once, and nothing stays open."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.banks import BANKS, Bank, OfAdyen, OfBridge, OfStripe, at_bank, back
from tests.rescue.flows.test_challenges import answered, events
from tests.rescue.flows.test_customer_waiting import PATIENT, waiting
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.time import WallTime
from recoup.networks.magic import script_card
from recoup.notices.flows.receive import take
from recoup.orders.store.unknown_outcomes import unknown_outcomes
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.rules.authentication import AT_BANK, AT_BANK_MIN, authentication
from recoup.rescue.flows.cancel import cancel
from recoup.rescue.flows.challenge import ChallengePage, refuse, show
from recoup.rescue.flows.inquire import inquire, settle_by_proof
from recoup_lab.processors.adyen.account import MERCHANT

Story = Callable[[Shop, Bank], Awaitable[None]]


def run(server: ServerAddress, folder: Path, kind: type[Bank], story: Story) -> None:
    async def whole() -> None:
        bank = kind()
        connector = await bank.start(folder)
        try:
            async with sandbox_world(server, policy=PATIENT) as made:
                shop = await make_shop(*made, fee_basis_points=290)
                change_world(made[0], processors={bank.name: connector})
                await story(shop, bank)
                assert bank.left_open() == 0, "nothing is left for anybody to confirm"
                proved = await verify(made[0])
                assert proved.difference is None, proved.difference
        finally:
            await connector.close()
            await bank.stop()

    asyncio.run(whole())


async def challenged(shop: Shop, bank: Bank, **more: Any) -> ChallengePage:
    word = await waiting(shop.patient(), **(bank.wants() | more))
    assert word.evaluate == "CHALLENGE", word
    page = await show(shop.world, shop.merchant_id, word.order_id)
    assert (page.state, page.asks, page.confirms) == ("asked", "confirm", "by_redirect")
    return page


async def away(shop: Shop, bank: Bank, **more: Any) -> ChallengePage:
    """A customer who has been sent to their bank."""
    before = bank.taken()
    page = await answered(shop, await challenged(shop, bank, **more), confirmed=True)
    assert (page.state, page.bank_url is not None, bank.taken()) == ("tried", True, before)
    return page


async def too_late(shop: Shop, page: ChallengePage) -> None:
    """The time at the bank is over, and so is the challenge's."""
    past = "SELECT now() - interval '1 second'"
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE attempts SET authentication = jsonb_set(authentication, '{until}', to_jsonb(("
            + past
            + ")))"
            " WHERE order_id = $1 AND authentication ->> 'url' IS NOT NULL",
            page.order_id,
        )
        await connection.execute(
            f"UPDATE challenges SET expires_at = ({past}) WHERE order_id = $1", page.order_id
        )


async def waiting_for_people(shop: Shop) -> int:
    """Unknown outcomes, an hour after the call."""
    async with owner(shop.world) as connection:
        await connection.execute(
            "UPDATE attempts SET send_before = now() - interval '1 hour' WHERE state = 'open'"
        )
    async with shop.world.db.connection() as connection:
        return len(await unknown_outcomes(connection, shop.merchant_id, shop.world.clocks.wall()))


async def stage(shop: Shop, page: ChallengePage) -> tuple[str, str | None]:
    row = await shop.order(page.order_id)
    return row["stage"], row["reason"]


@pytest.mark.parametrize("kind", BANKS)
def test_confirmed_and_paid_once(server: ServerAddress, tmp_path: Path, kind: type[Bank]) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        page = await away(shop, bank)
        url = await at_bank(page, "passed")
        done = await back(shop, url)
        assert done.state == "passed"
        for _ in range(2):  # twice, and by another browser
            assert (await back(shop, url)).state == "passed"
        await shop.settle()
        assert await stage(shop, page) == ("completed", None)
        assert bank.taken() == [4590]
        assert await events(shop, page.order_id) == [
            "challenge.presented",
            "challenge.attempted",
            "challenge.passed",
        ]
        happened = await shop.happenings(page.order_id)
        assert happened.count("payer_redirected") == 1
        kept = await shop.value(
            "SELECT string_agg(authentication::text, '') FROM attempts WHERE order_id = $1",
            page.order_id,
        )
        assert "http" not in kept, "the bank's page is not kept once it is over"

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("kind", BANKS)
def test_who_does_not_pass_may_try_again_three_times_in_all(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        page = await challenged(shop, bank)
        sends = "SELECT count(*) FROM network_sends WHERE order_id = $1 AND state = 'sent'"
        before = await shop.value(sends, page.order_id)
        for number in (1, 2, 3):
            page = await answered(shop, page, confirmed=True)
            page = await back(shop, await at_bank(page, "failed"))
            assert page.state == ("asked" if number < 3 else "over"), number
        assert await stage(shop, page) == ("cancelled", "challenge_failed")
        assert await shop.value(sends, page.order_id) == before, (
            "what the network never saw is not counted"
        )
        assert bank.taken() == []

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("kind", BANKS)
def test_who_never_comes_back_ends_the_order_and_nothing_stays_open(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        page = await away(shop, bank)
        assert bank.left_open() == 1
        await inquire(shop.world, shop.orders, shop.key(page.order_id))
        assert bank.left_open() == 1, "as long as they may come it waits"
        assert await waiting_for_people(shop) == 0
        await too_late(shop, page)
        assert await waiting_for_people(shop) == 1
        await inquire(shop.world, shop.orders, shop.key(page.order_id))
        assert await stage(shop, page) == ("cancelled", "challenge_timeout")
        assert bank.left_open() == 0
        late = page.bank_url
        assert late is not None
        assert bank.taken() == []

    run(server, tmp_path, kind, story)


def test_a_signed_approval_counts_while_the_payer_is_still_away(
    server: ServerAddress, tmp_path: Path
) -> None:
    """Adyen goes on without the payer, who never comes back."""

    async def story(shop: Shop, bank: Bank) -> None:
        assert isinstance(bank, OfAdyen)
        page = await away(shop, bank)
        brought = dict(parse_qsl(urlsplit(await at_bank(page, "passed")).query))
        bank.standin.account.details({"details": brought})
        (told,) = bank.standin.notices()
        for _ in range(2):
            await take(shop.world, shop.orders, "adyen", told.headers, told.body)
        assert await stage(shop, page) == ("completed", None)
        await too_late(shop, page)
        await shop.run_due()
        assert await stage(shop, page) == ("completed", None)
        assert bank.taken() == [4590]

    run(server, tmp_path, OfAdyen, story)


@pytest.mark.parametrize("status", ["refused", ""])
def test_no_order_ends_without_the_processors_word_on_that_payment(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        assert isinstance(bank, OfAdyen)
        page, cancel_reference = await away(shop, bank), bank.standin.account.cancel_reference
        with monkeypatch.context() as patched:
            patched.setattr(bank.standin.account, "cancel_reference", lambda _: {"status": status})
            await too_late(shop, page)
            await inquire(shop.world, shop.orders, shop.key(page.order_id))
            assert (await stage(shop, page))[0] == "processing"
        (waiting_there,) = bank.standin.book.all("redirect")
        cancel_reference(
            {"merchantAccount": MERCHANT, "paymentReference": waiting_there["form"]["reference"]}
        )

    run(server, tmp_path, OfAdyen, story)


@pytest.mark.parametrize("kind", [OfBridge, OfStripe])
def test_who_confirms_and_closes_the_browser_has_paid(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    """Stripe goes on by itself; a bridge waits for the return, and is asked by none."""

    async def story(shop: Shop, bank: Bank) -> None:
        page = await away(shop, bank)
        await at_bank(page, "passed")
        await inquire(shop.world, shop.orders, shop.key(page.order_id))
        paid = bank.name == "stripe"
        assert (await stage(shop, page))[0] == ("completed" if paid else "processing")
        await too_late(shop, page)
        await inquire(shop.world, shop.orders, shop.key(page.order_id))
        assert bank.taken() == ([4590] if paid else [])

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("kind", BANKS)
def test_what_is_forged_in_the_address_pays_nothing(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        other = await away(shop, bank)
        proof = await at_bank(other, "passed")
        page = await answered(shop, await challenged(shop, bank), confirmed=True)
        url = await at_bank(page, "failed")
        forged = {
            "redirect_status": "succeeded",
            "payment_intent": "pi_other",
            "result": "passed",
            "status": "paid",
        }
        brought = dict(part.split("=", 1) for part in proof.partition("?")[2].split("&"))
        got = await back(
            shop,
            url,
            **forged,
            **{name: brought[name] for name in brought if name == "redirectResult"},
        )
        assert got.state != "passed"
        assert bank.taken() == (
            [4590] if bank.name == "stripe" else []
        )  # the other one's, which its bank confirmed
        assert (await shop.order(page.order_id))["stage"] != "completed"
        await cancel(shop.world, shop.orders, shop.scope, page.order_id)
        await back(shop, proof)
        await shop.settle()
        assert bank.taken() in ([4590], [])

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("kind", BANKS)
def test_a_cancelled_order_is_not_confirmed_any_more(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        page = await away(shop, bank)
        await cancel(shop.world, shop.orders, shop.scope, page.order_id)
        await inquire(shop.world, shop.orders, shop.key(page.order_id))
        assert (bank.left_open(), bank.taken()) == (0, [])
        async with owner(shop.world) as connection:
            left = await connection.fetchval(
                "SELECT count(*) FROM attempts WHERE state IN ('open', 'unknown')"
            )
        assert left == 0

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (OfStripe, "confirm"),
        (OfBridge, "POST /pay/authentications"),
        (OfAdyen, "POST /v72/payments"),
    ],
)
def test_an_answer_that_is_lost_on_the_way_is_asked_for_and_the_customer_goes_on(
    server: ServerAddress, tmp_path: Path, kind: type[Bank], call: str
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        asked = await challenged(shop, bank)
        bank.faults.add("lost", call, times=1)
        page = await answered(shop, asked, confirmed=True)
        for _ in range(50):
            await shop.run_due()
            page = await show(shop.world, *shop.key(page.order_id))
            if page.bank_url is not None:
                break
            await asyncio.sleep(0.2)
        assert (await back(shop, await at_bank(page, "passed"))).state == "passed"
        assert bank.taken() == [4590]

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize(
    ("kind", "call"),
    [
        (OfStripe, "GET /v1/payment_intents/"),
        (OfBridge, "POST /pay/authentications/finish"),
        (OfAdyen, "POST /v72/payments/details"),
    ],
)
def test_an_answer_that_is_lost_on_the_return_charges_once(
    server: ServerAddress, tmp_path: Path, kind: type[Bank], call: str
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        page = await away(shop, bank)
        url = await at_bank(page, "passed")
        bank.faults.add(
            "html" if bank.name == "stripe" else "lost", call, times=1
        )  # a lost GET is repeated
        assert (await back(shop, url)).state == "tried"
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE due_work SET due_at = now() WHERE kind = 'inquire'")
        await shop.settle()
        assert (await show(shop.world, *shop.key(page.order_id))).state == "passed"
        assert bank.taken() == [4590]

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("kind", BANKS)
def test_a_payer_of_a_managed_payment_confirms_by_their_link(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        order_id = await shop.admit(**bank.wants(), code="1A")
        await shop.run_due()
        page = await show(shop.world, *shop.key(order_id))
        assert (page.state, page.asks) == ("asked", "confirm")
        page = await answered(shop, page, confirmed=True)
        assert (await back(shop, await at_bank(page, "passed"))).state == "passed"
        by = "SELECT body ->> 'by' FROM order_log WHERE order_id = $1 AND happening = 'collected'"
        assert await shop.value(by, order_id) == "link"
        assert bank.taken() == [4590]

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("kind", BANKS)
def test_a_payer_who_leaves_a_link_at_the_bank_may_come_again(
    server: ServerAddress, tmp_path: Path, kind: type[Bank]
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        order_id = await shop.admit(**bank.wants(), code="1A")
        await shop.run_due()
        page = await answered(shop, await show(shop.world, *shop.key(order_id)), confirmed=True)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE attempts SET authentication = jsonb_set(authentication, '{until}', "
                "to_jsonb(now()))"
            )
        await inquire(shop.world, shop.orders, shop.key(order_id))
        page = await show(shop.world, *shop.key(order_id))
        assert (page.state, page.asks) == ("asked", "confirm")
        page = await answered(shop, page, confirmed=True)
        assert (await back(shop, await at_bank(page, "passed"))).state == "passed"
        assert bank.taken() == [4590]

    run(server, tmp_path, kind, story)


@pytest.mark.parametrize("end", ["failed", "left", "refused"])
def test_a_typed_card_that_is_not_confirmed_is_neither_charged_nor_asked_about(
    server: ServerAddress, tmp_path: Path, end: str
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        own = script_card("visa", "54", 99)
        order_id = await shop.admit(pan=own, code="54")
        await shop.run_due()
        page = await show(shop.world, *shop.key(order_id))
        page = await answered(shop, page, pan=bank.wants()["pan"], exp_month=8, exp_year=2033)
        assert (page.state, page.bank_url is not None) == ("tried", True)
        if end == "failed":
            page = await back(shop, await at_bank(page, "failed"))
        elif end == "left":
            await too_late(shop, page)
            await inquire(shop.world, shop.orders, shop.key(order_id))
        else:
            await refuse(shop.world, shop.orders, page, "test")
            await back(shop, await at_bank(page, "passed"))
            await shop.settle()
        page = await show(shop.world, *shop.key(order_id))
        assert page.asks_again is None
        if end == "refused":
            assert (page.reason, page.money) == ("payer_refused", "returned")
            return
        assert (page.last4, page.planned) == (own[-4:], False)
        await shop.advance(timedelta(days=21))
        assert bank.taken() == []

    run(server, tmp_path, OfBridge, story)


def test_how_long_the_bank_is_waited_for() -> None:
    now = WallTime(datetime(2026, 11, 24, tzinfo=UTC))
    ends = WallTime(now + timedelta(minutes=14))
    early = authentication(
        now, is_wanted=True, challenge_ends=ends, at_checkout=True, order_ends=None
    )
    assert early.until == ends
    late = authentication(
        now,
        is_wanted=True,
        challenge_ends=WallTime(now + timedelta(minutes=1)),
        at_checkout=True,
        order_ends=None,
    )
    assert late.until == now + AT_BANK_MIN
    link = authentication(
        now,
        is_wanted=True,
        challenge_ends=WallTime(now + timedelta(days=9)),
        at_checkout=False,
        order_ends=WallTime(now + timedelta(days=9)),
    )
    assert link.until == now + AT_BANK
    last = authentication(
        now, is_wanted=True, challenge_ends=ends, at_checkout=False, order_ends=WallTime(now)
    )
    assert not last.may_wait(now)


def test_a_signed_notice_of_the_approval_counts_where_its_answer_was_lost(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        page = await away(shop, bank)
        url = await at_bank(page, "passed")
        bank.faults.add("lost", "POST /v72/payments/details", times=1)
        assert (await back(shop, url)).state == "tried"
        attempt_id = await shop.value("SELECT attempt_id FROM attempts WHERE state = 'open'")
        async with owner(shop.world) as connection:  # our own call is over
            await connection.execute(
                "UPDATE attempts SET send_before = now() - interval '1 hour' WHERE state = 'open'"
            )
        for _ in range(2):
            said = Outcome("approved", "P000000000000009", units=4590, currency="USD")
            await settle_by_proof(
                shop.world, shop.orders, shop.key(page.order_id), attempt_id, said
            )
        await shop.settle()
        assert await stage(shop, page) == ("completed", None)
        assert bank.taken() == [4590]

    run(server, tmp_path, OfAdyen, story)


def test_an_invoice_is_charged_beside_itself_where_its_payer_confirms(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        order_id = await shop.admit(**bank.wants(), code="1A", facts={"invoice": "in_1"})
        await shop.run_due()
        page = await answered(shop, await show(shop.world, *shop.key(order_id)), confirmed=True)
        assert (await back(shop, await at_bank(page, "passed"))).state == "passed"
        assert bank.taken() == [4590]
        calls = bank.standin.calls  # type: ignore[attr-defined]
        assert not [one for one in calls if "invoices" in one]

    run(server, tmp_path, OfStripe, story)


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "http://bank.example/", "https://u:p@bank.example/"]
)
def test_a_page_to_which_nobody_is_sent_is_no_page_and_the_charge_is_withdrawn(
    server: ServerAddress, tmp_path: Path, page: str
) -> None:
    async def story(shop: Shop, bank: Bank) -> None:
        asked = await challenged(shop, bank)
        bank.standin.page = page  # type: ignore[attr-defined]
        got = await answered(shop, asked, confirmed=True)
        assert (got.state, got.bank_url) == ("tried", None)
        await inquire(shop.world, shop.orders, shop.key(got.order_id))
        assert (await show(shop.world, *shop.key(got.order_id))).state == "asked"
        assert (bank.left_open(), bank.taken()) == (0, [])

    run(server, tmp_path, OfBridge, story)
