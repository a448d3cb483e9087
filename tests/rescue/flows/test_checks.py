"""What a processor says beside its codes: kept with the attempt,
and by card for what comes next."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from inspect import signature
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, started, try_now
from tests.worlds import KEYRING, Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.counterpart_text import CODE_MAX
from recoup.networks.decline_code import our_code
from recoup.networks.magic import script_card
from recoup.orders.rules.attention import sentence_of
from recoup.orders.rules.consent import Consent
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.snapshot import Order
from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Charge
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.charge import NOTHING, charge_of
from recoup.rescue.flows.due import start

SAID: dict[str, Any] = {
    "avs": "Y",
    "cvv": "M",
    "cavv": "2",
    "risk": "elevated",
    "risk_score": 61,
    "category": "issuer_declined",
    "auth_code": "A1B2C3",
    "processor_advice": our_code("try_again_later"),
}


class Saying(SandboxProcessor):
    said: dict[str, Any] = SAID

    async def charge(self, charge: Charge) -> Outcome:
        return replace(await super().charge(charge), **self.said)


class Noting(Saying):
    """Keeps every message that it gets."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.got: list[Charge] = []

    async def charge(self, charge: Charge) -> Outcome:
        self.got.append(charge)
        return await super().charge(charge)


async def read(shop: Shop, order_id: UUID) -> Order:
    found: Order = await shop.orders.run(lambda change: change.order, shop.key(order_id))
    return found


def saying(
    server: ServerAddress, said: dict[str, Any], tell: Callable[..., Awaitable[None]]
) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=PATIENT) as (world, orders, deliveries):
            own = dict(world.processors)
            processor = Noting(
                world.dsn, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox"
            )
            processor.said = said
            change_world(world, processors={"sandbox": processor})
            shop = await make_shop(world, orders, deliveries)
            await (
                tell(shop, processor) if "processor" in signature(tell).parameters else tell(shop)
            )
            assert (found := await verify(world)).difference is None, found.difference
            change_world(world, processors=own)
            await processor.close()

    asyncio.run(story())


def test_what_a_processor_says_beside_its_codes_is_kept(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await started(shop, script_card("visa", "51", 1))
        await try_now(shop, order_id)
        order = await read(shop, order_id)
        checks = order.attempts[0].checks
        assert checks is not None
        wanted = {
            ("advice" if name == "processor_advice" else name): value
            for name, value in SAID.items()
        } | {"advice": "try_again_later"}
        assert {name: getattr(checks, name) for name in wanted} == wanted
        assert checks.risk_level == "elevated"
        assert order.pan_id is not None
        async with shop.world.db.connection() as db:
            kept = (
                "SELECT risk_score, risk_level, risk_at FROM card_results WHERE merchant_id = "
                "$1 AND pan_id = $2"
            )
            found = await db.fetchrow(kept, order.merchant_id, order.pan_id)
            assert tuple(found) == (61, "elevated", order.attempts[0].sent_at)

    saying(server, SAID, story)


@pytest.mark.parametrize(("hours", "held"), [(6, True), (-6, True), (13, False)])
def test_nothing_is_sent_close_to_what_the_processor_repeats_by_itself(
    server: ServerAddress, hours: int, held: bool
) -> None:
    at = datetime.now(UTC) + timedelta(hours=hours)

    async def story(shop: Shop) -> None:
        order_id = await started(shop, script_card("visa", "51", 1))
        assert await try_now(shop, order_id) == "declined"
        assert await try_now(shop, order_id) == (None if held else "approved")
        order = await read(shop, order_id)
        assert order.attempts[0].retries_itself_at == at
        assert (order.stage is Stage.HELD) == held
        if held:
            assert order.attempts[-1].due_at == at + timedelta(hours=12)
            assert order.attention is not None
            assert "by itself" in sentence_of(order.attention)

    saying(server, {"retries_itself_at": at}, story)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        # as some send it
        (datetime(2026, 11, 24, 8, 0), datetime(2026, 11, 24, 8, 0, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(9999, 12, 31, tzinfo=UTC), None),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), None),
    ],
)
def test_a_time_that_a_processor_makes_up_breaks_nothing(
    said: datetime, kept: datetime | None
) -> None:
    outcome = Outcome("declined", retries_itself_at=said, risk_score=10**30, avs="Y" * 10_000)
    assert (outcome.retries_itself_at, outcome.risk_score) == (kept, None)
    assert outcome.checks is not None
    assert len(outcome.checks.avs or "") == CODE_MAX


def test_later_charges_of_a_card_name_the_transaction_in_which_its_customer_consented(
    server: ServerAddress,
) -> None:
    """Of whichever order: the first that the customer started, and the newest approval."""

    async def story(shop: Shop, processor: Noting) -> None:
        async def pay(**more: Any) -> tuple[Charge, Order]:
            word = await shop.ask(
                **{"pan": script_card("visa", "51", 0), "facts": {"agreement": "recurring"}} | more
            )
            if more.get("is_mit", True):
                await start(shop.orders, shop.key(word.order_id))
                await try_now(shop, word.order_id)
            return processor.got[-1], await read(shop, word.order_id)

        charge, order = await pay(is_mit=False, days=None, cvv="123")
        assert (charge.initiator, charge.sequence, charge.first_network_id) == ("customer", 1, None)
        first = order.attempts[0].network_transaction_id
        assert first
        charge, order = await pay()
        assert (charge.first_network_id, charge.latest_network_id) == (first, first)
        assert (charge.sequence, charge.exemption) == (2, "mit")
        latest = order.attempts[0].network_transaction_id
        charge, order = await pay()
        assert (charge.first_network_id, charge.latest_network_id, charge.sequence) == (
            first,
            latest,
            3,
        )
        charge, order = await pay(
            facts={
                "network_transaction_id": "011111111111111",
                "subscription": {"paymentNumber": "12"},
            }
        )
        assert (charge.first_network_id, charge.sequence) == ("011111111111111", 12)
        assert order.attempts[0].consent is not None
        assert order.attempts[0].consent.first_network_id == "011111111111111"

    saying(server, {}, story)


def test_the_same_id_is_sent_again_with_the_same_words(server: ServerAddress) -> None:
    """Another order's approval in between would be other parameters under one key, which processors
    refuse."""

    async def story(shop: Shop, processor: Noting) -> None:
        pan = script_card("visa", "51", 0)
        waiting = await started(shop, pan)
        await try_now(shop, waiting)
        order = await read(shop, waiting)
        before = charge_of(shop.world, order, order.attempts[0], 0.0, NOTHING)
        await try_now(shop, await started(shop, pan))
        order = await read(shop, waiting)
        assert order.attempts[0].consent == Consent(None, None, 2, None)
        assert charge_of(shop.world, order, order.attempts[0], 0.0, NOTHING) == before

    saying(server, {}, story)
