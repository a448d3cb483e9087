"""A customer revokes a mandate at the bank: the agreement's orders end, whoever says so, and a new
mandate opens it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, plan_now, started, try_now
from tests.worlds import KEYRING, Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.mandates import flows as mandate
from recoup.networks.magic import CODE_CARDS, COUNTING_CARDS, amount_for
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Charge
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.due import start
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.taken import Person

CARD = COUNTING_CARDS[0]  # one identity in all orders
MASTERCARD = COUNTING_CARDS[1]
YES = 4577  # what it approves
Story = Callable[[Shop, "Saying"], Awaitable[None]]


class Saying(SandboxProcessor):
    """Declines the orders in `says` with that code or advice, which has two digits; before such a
    code stands `code`. Holds back its answer while `waits`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.says: dict[UUID, str] = {}
        self.sent: list[UUID] = []
        self.held: dict[UUID, asyncio.Event] = {}
        self.out = asyncio.Event()

    async def charge(self, charge: Charge) -> Outcome:
        self.sent.append(charge.order_id)
        found = await super().charge(charge)
        if charge.order_id in self.held:
            self.out.set()
            await self.held[charge.order_id].wait()
        said = self.says.get(charge.order_id)
        if said is None:
            return found
        code, advice = ("05", said) if said.isdecimal() else (said.removeprefix("code "), None)
        return replace(
            found,
            state="declined",
            scheme_code=code,
            advice_code=advice,
            network_transaction_id=None,
        )


def run(server: ServerAddress, story: Story, policy: Policy = PATIENT) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=policy) as (world, orders, deliveries):
            own = dict(world.processors)
            processor = Saying(
                world.dsn, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox"
            )
            change_world(world, processors={"sandbox": processor})
            shop = await make_shop(world, orders, deliveries)
            await story(shop, processor)
            assert (found := await verify(world)).difference is None, found.difference
            change_world(world, processors=own)
            await processor.close()

    asyncio.run(inside())


def named(subscription: str | None, network_id: str | None = None) -> dict[str, Any]:
    facts: dict[str, Any] = {"agreement": "recurring"}
    facts |= {"subscription": {"subscriptionId": subscription}} if subscription else {}
    return facts | ({"network_transaction_id": network_id} if network_id else {})


async def begun(shop: Shop, subscription: str | None = None, pan: str = CARD, **more: Any) -> UUID:
    return await started(shop, pan, **{"facts": named(subscription)} | more)


async def revoke(shop: Shop, processor: Saying, order_id: UUID, said: str = "R1") -> None:
    processor.says[order_id] = said
    assert await try_now(shop, order_id) == "declined"
    await shop.run_due()


async def stage(shop: Shop, order_id: UUID) -> str:
    return str((await shop.order(order_id))["stage"])


async def told(shop: Shop, event: str = "mandate.revoked") -> list[dict[str, Any]]:
    found = await shop.value(
        "SELECT jsonb_agg(body ORDER BY recorded_at) FROM outbox WHERE event = $1", event
    )
    return found or []


@pytest.mark.parametrize(
    ("said", "pan", "same", "other", "unnamed"),
    [
        ("R0", CARD, "processing", "processing", "processing"),
        ("R1", CARD, "declined", "processing", "declined"),
        ("R3", CARD, "declined", "declined", "declined"),
        ("21", MASTERCARD, "declined", "processing", "declined"),
        ("51", CARD, "processing", "processing", "processing"),
    ],
)
def test_other_open_orders_of_what_was_revoked_end_at_once(
    server: ServerAddress, said: str, pan: str, same: str, other: str, unnamed: str
) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        first = await begun(shop, "sub-1", pan)
        orders = [
            await begun(shop, name, pan, units=4600 + n)
            for n, name in enumerate(("sub-1", "sub-2", None))
        ]
        await revoke(shop, processor, first, said)
        assert [await stage(shop, one) for one in orders] == [same, other, unnamed]
        assert [one for one in processor.sent if one != first] == []
        events = await told(shop)
        assert len(events) == (said != "51")
        if events:
            scope = {"R0": "payment", "R3": "all"}.get(said, "agreement")
            assert (events[0]["Scope"], events[0]["SubscriptionId"]) == (scope, "sub-1")
            assert await shop.value("SELECT count(*) FROM alerts WHERE kind = 'mandate'") == 1

    run(server, story)


def test_what_comes_later_ends_without_a_send_and_says_why(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        await revoke(shop, processor, await begun(shop, "sub-1"))
        sent = len(processor.sent)
        managed = await begun(shop, "sub-1", units=YES)
        assert await stage(shop, managed) == "declined"
        word = await shop.ask(pan=CARD, days=None, units=YES, facts=named("sub-1"))
        assert (word.evaluate, word.reason) == ("DECLINED", "declined")
        assert word.cause is not None
        assert "stopped this agreement" in word.cause.sentence()
        assert "only a new one by the customer" in word.cause.sentence()
        assert len(processor.sent) == sent
        found = await shop.value(
            "SELECT jsonb_agg(versions ->> 'decider') FROM decisions WHERE order_id = $1", managed
        )
        assert found == ["mandate-1"]

    run(server, story)


@pytest.mark.parametrize("said", ["R0", "R1", "R3"])
def test_only_a_stop_of_the_whole_card_binds_another_merchant(
    server: ServerAddress, said: str
) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        other = await make_shop(shop.world, shop.orders, shop.deliveries)
        theirs = await begun(other, "sub-1", units=YES)
        await revoke(shop, processor, await begun(shop, "sub-1"), said)
        later = await begun(other, "sub-1", units=YES)
        sent = len(processor.sent)
        for order_id in (theirs, later):
            done = await try_now(other, order_id)
            assert (done == "approved") is (said != "R3"), done
        assert (len(processor.sent) > sent) is (said != "R3")
        word = await other.ask(
            pan=CARD, is_mit=False, days=None, cvv="123", units=YES, facts=named("sub-1"), code="05"
        )
        assert word.evaluate == "APPROVED", "what the customer starts is theirs"

    run(server, story)


def test_a_stopped_payment_ends_alone_and_the_next_renewal_is_charged(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        first = await begun(shop, "sub-1")
        await revoke(shop, processor, first, "R0")
        assert await stage(shop, first) == "declined"
        assert await try_now(shop, await begun(shop, "sub-1", units=YES)) == "approved"

    run(server, story)


def test_a_new_consent_opens_the_agreement_again(server: ServerAddress) -> None:
    """By a payment that the customer makes; what was ended before stays so."""

    async def story(shop: Shop, processor: Saying) -> None:
        ended = await begun(shop, "sub-1")
        await revoke(shop, processor, ended)
        assert await stage(shop, await begun(shop, "sub-1")) == "declined"
        word = await shop.ask(
            pan=CARD, is_mit=False, days=None, cvv="123", units=YES, facts=named("sub-1"), code="05"
        )
        assert word.evaluate == "APPROVED"
        assert "mandate_renewed" in await shop.happenings(word.order_id)
        again = await begun(shop, "sub-1", units=YES)
        assert await try_now(shop, again) == "approved"
        assert await stage(shop, ended) == "declined"
        old = await begun(shop, "sub-1", units=YES, facts=named("sub-1", "of-another-consent"))
        assert await stage(shop, old) == "declined", "it names another consent than the new one"

    run(server, story)


def test_a_consent_from_before_opens_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        assert (
            await shop.ask(pan=CARD, is_mit=False, days=None, cvv="123", units=YES, code="05")
        ).evaluate == "APPROVED"
        await revoke(shop, processor, await begun(shop, "sub-1"))
        assert await stage(shop, await begun(shop, "sub-1", units=YES)) == "declined"

    run(server, story)


ANA = Person(external_id="ana", first_name="Ana", last_name="Roe", email="ana@example.test")
COPY = {
    "payer": {"external_id": "ana", "email": "ana@example.test", "phone": "", "name": ""},
    "last4": CARD[-4:],
}


def test_what_the_merchant_copies_revokes_and_renews(server: ServerAddress) -> None:
    """Of a payment under an id that we have never seen, by customer and card; doubled, late and
    corrected."""

    async def story(shop: Shop, processor: Saying) -> None:
        open_order = await begun(shop, "sub-1", payer=ANA)
        before = await shop.now()
        stop = {"code": "R1", "facts": {"subscription": "sub-1"}} | COPY
        for _ in range(2):
            await shop.transmitted("ELSEWHERE-1", **stop)
            await shop.run_due()
        assert await stage(shop, open_order) == "declined"
        assert await stage(shop, await begun(shop, "sub-1", payer=ANA)) == "declined"
        # A copy of a consent from before the revocation opens nothing, however late it comes.
        yes = {"declined": False, "is_mit": False} | COPY
        await shop.transmitted("CHECKOUT-0", transacted_at=before - timedelta(days=1), **yes)
        await shop.run_due()
        assert await stage(shop, await begun(shop, "sub-1", payer=ANA)) == "declined"
        # A payment that the merchant started is no consent, one that the customer made is.
        await shop.transmitted("CHECKOUT-1", **yes | {"is_mit": True})
        await shop.run_due()
        assert await stage(shop, await begun(shop, "sub-1", payer=ANA)) == "declined"
        consent = await shop.transmitted("CHECKOUT-2", **yes)
        await shop.run_due()
        again = await begun(shop, "sub-1", payer=ANA, units=YES)
        assert await try_now(shop, again) == "approved"
        await shop.transmit.update(shop.scope, consent, {"is_declined": True})
        await shop.run_due()
        assert await stage(shop, await begun(shop, "sub-1", payer=ANA)) == "declined", (
            "it was no payment after all"
        )

    run(server, story)


def test_a_send_that_is_out_is_given_back_if_it_was_approved(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        late = await begun(shop, "sub-1", units=YES)
        first = await begun(shop, "sub-1")
        processor.held[late] = asyncio.Event()
        trying = asyncio.create_task(send_attempt(shop.world, shop.orders, await plan(shop, late)))
        await processor.out.wait()
        await revoke(shop, processor, first)
        assert await stage(shop, late) == "declined"
        processor.held[late].set()
        assert await trying == "approved"
        await shop.run_due()
        found = await shop.happenings(late)
        assert found[-2:] == ["approved_late", "reversed"] or "reversed" in found
        word = await shop.value(
            "SELECT body ->> 'decline' FROM order_log WHERE order_id = $1 AND dst = 'declined' AND "
            "src <> 'declined'",
            late,
        )
        assert word == "revoked"

    run(server, story)


async def plan(shop: Shop, order_id: UUID) -> tuple[UUID, UUID]:
    await plan_now(shop, order_id)
    return shop.key(order_id)


def test_a_stop_that_nobody_has_carried_out_yet_holds_back_the_next_send(
    server: ServerAddress,
) -> None:
    """The worker that ends the other orders has not come: their next attempt sees it."""

    async def story(shop: Shop, processor: Saying) -> None:
        other = await begun(shop, "sub-1", units=YES)
        first = await begun(shop, "sub-1")
        processor.says[first] = "R1"
        assert await try_now(shop, first) == "declined"
        assert await try_now(shop, other) is None
        assert await stage(shop, other) == "declined"

    run(server, story)


def test_a_test_card_of_the_sandbox_shows_it_too(server: ServerAddress) -> None:
    """It has an identity of its own in each order: the customer's orders are looked through as
    well."""

    async def story(shop: Shop, processor: Saying) -> None:
        pan = CODE_CARDS["visa"]
        other = await begun(shop, "sub-1", pan, payer=ANA)
        first = await begun(shop, "sub-1", pan, payer=ANA, units=amount_for("R1"))
        assert await try_now(shop, first) == "declined"
        await shop.run_due()
        assert await stage(shop, other) == "declined"

    run(server, story, replace(PATIENT, magic_inputs=True))


def test_a_decline_that_came_in_with_the_word_revokes_once(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Saying) -> None:
        other = await begun(shop, "sub-1")
        order_id = await begun(shop, "sub-1", code="R1")
        await start(shop.orders, shop.key(order_id))
        await shop.run_due()
        assert [await stage(shop, one) for one in (order_id, other)] == ["declined", "declined"]
        assert (await shop.happenings(order_id)).count("mandate_revoked") == 1
        external_id = (await shop.order(order_id))["external_id"]
        transaction_id = (await shop.order(order_id))["transaction_id"]
        await shop.transmitted(external_id, code="R1", transaction_id=transaction_id, **COPY)
        await shop.run_due()
        assert len(await told(shop)) == 1

    run(server, story)


def test_what_is_said_again_and_again_of_one_card_does_not_grow_without_end(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mandate, "SAME_MAX", 2)

    async def story(shop: Shop, processor: Saying) -> None:
        await begun(shop, "sub-1", payer=ANA)
        kept = "SELECT count(*) FROM mandate_changes WHERE kind = $1"

        async def copies(prefix: str, **said: Any) -> None:
            for number in range(4):
                await shop.transmitted(f"{prefix}-{number}", **said | COPY)
                await shop.run_due()

        stop, yes = (
            {"code": "R1", "facts": {"subscription": "sub-1"}},
            {"declined": False, "is_mit": False},
        )
        await copies("STOP", **stop)
        assert await shop.value(kept, "revoked") == 2
        await copies("YES", **yes)
        assert await shop.value(kept, "renewed") == 2
        await copies("NO", **stop)
        assert await shop.value(kept, "revoked") == 4, "what was revoked anew is kept anew"
        assert await stage(shop, await begun(shop, "sub-1", payer=ANA)) == "declined"
        await copies("AGAIN", **yes)
        again = await begun(shop, "sub-1", payer=ANA, units=YES)
        assert await try_now(shop, again) == "approved"

    run(server, story)
