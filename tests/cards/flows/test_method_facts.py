"""What a processor says of the cards that it keeps: asked with bounds, believed for a month,
renewed by its answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, try_now
from tests.rings import each
from tests.worlds import KEYRING, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.main.open_world import UNKNOWN_METHODS_MAX
from recoup.networks.magic import script_card
from recoup.processors.gateways.port import Charge, CredentialNews, Outcome, Stored
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.rescue.flows.due import start

Story = Callable[[Shop, "Talking"], Awaitable[None]]
ID, NEW_ID = "pm_card_visa_51_99", "pm_card_visa_51_99__new"


class Talking(SandboxProcessor):
    """Notes the ids that it is asked about and sent; says the news that it is given."""

    news: CredentialNews | None = None
    facts: Stored | None = None
    silent = False

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.described_ids: list[str] = []
        self.charged_ids: list[str] = []

    async def describe(self, stored: Stored) -> Stored | None:
        self.described_ids.append(stored.id)
        if self.silent:
            await asyncio.Event().wait()
        return self.facts or await super().describe(stored)

    async def charge(self, charge: Charge) -> Outcome:
        assert isinstance(charge.credential, Stored)
        self.charged_ids.append(charge.credential.id)
        outcome = await super().charge(charge)
        return replace(outcome, credential_news=self.news) if self.news else outcome


def run(server: ServerAddress, story: Story) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=PATIENT) as (world, orders, deliveries):
            own = dict(world.processors)
            processor = Talking(
                world.dsn, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox"
            )
            change_world(world, processors={"sandbox": processor})
            await story(await make_shop(world, orders, deliveries), processor)
            assert (found := await verify(world)).difference is None, found.difference
            change_world(world, processors=own)
            await processor.close()

    asyncio.run(inside())


async def begun(shop: Shop, id: str = ID) -> UUID:
    order_id = await shop.admit(pan=None, method=Stored("sandbox", id))
    await start(shop.orders, shop.key(order_id))
    return order_id


async def kept(shop: Shop) -> dict[str, Any]:
    sql = (
        "SELECT * FROM stored_methods s JOIN vault v ON v.merchant_id = s.merchant_id AND "
        "v.token_id = s.method_id"
    )
    return dict(await shop.world.db.fetchrow(sql))


def test_a_processor_that_does_not_say_what_a_new_method_is_keeps_nobody_waiting(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        change_world(shop.world, policy=replace(PATIENT, cit_deadline=timedelta(seconds=0.2)))
        processor.silent = True
        with pytest.raises(Problem) as caught:
            await shop.admit(pan=None, method=Stored("sandbox", ID))
        assert (caught.value.code, caught.value.retry_after_seconds) == ("unavailable", 1)
        assert await shop.value("SELECT count(*) FROM orders") == 0
        processor.silent = False
        await begun(shop)

    run(server, story)


def test_whoever_guesses_ids_is_answered_so_many_times_a_day(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        await begun(shop)
        for number in range(UNKNOWN_METHODS_MAX):
            with pytest.raises(Problem, match="does not know"):
                await shop.admit(pan=None, method=Stored("sandbox", f"pm_guess_{number}"))
        asked = len(processor.described_ids)
        with pytest.raises(Problem) as caught:
            await shop.admit(pan=None, method=Stored("sandbox", NEW_ID))
        assert (caught.value.code, caught.value.field) == ("too_many_requests", "PaymentMethod.Id")
        assert len(processor.described_ids) == asked, "the processor hears no more of it"
        await begun(shop)
        other = await make_shop(shop.world, shop.orders, shop.deliveries, name="Another")
        await begun(other, NEW_ID)
        assert await shop.value("SELECT count(*) FROM stored_methods") == 2

    run(server, story)


def test_a_newer_expiry_and_id_are_used_by_the_next_send_and_reset_no_limit(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        order_id = await begun(shop)
        processor.news = CredentialNews(exp_month=4, exp_year=2033, id=NEW_ID)
        assert await try_now(shop, order_id) == "declined"
        found = await kept(shop)
        assert (found["exp_month"], found["exp_year"], found["reference"]) == (4, 2033, NEW_ID)
        assert [await try_now(shop, order_id) for _ in range(20)] == ["declined"] * 18 + [None] * 2
        assert processor.charged_ids == [ID] + [NEW_ID] * 18
        second = await begun(shop, NEW_ID)
        assert await try_now(shop, second) is None, "the new id has the counts of the one before"

    run(server, story)


@each(
    "news",
    [
        CredentialNews(exp_month=13, exp_year=2033),
        CredentialNews(exp_month=4, exp_year=1033),
        CredentialNews(exp_month=4),
        CredentialNews(id=script_card("visa", "51", 99)),
        CredentialNews(id="a b"),
        CredentialNews(id="x" * 256),
    ],
)
def test_news_that_no_card_can_have_change_nothing(
    server: ServerAddress, news: CredentialNews
) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        order_id = await begun(shop)
        before = await kept(shop)
        processor.news = news
        assert await try_now(shop, order_id) == "declined"
        assert await kept(shop) == before

    run(server, story)


def test_a_method_that_an_answer_calls_closed_is_not_sent_again(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        order_id = await begun(shop)
        processor.news = CredentialNews(is_closed=True)
        assert await try_now(shop, order_id) == "declined"
        assert (await kept(shop))["closed_at"] is not None
        await try_now(shop, order_id)
        assert processor.charged_ids == [ID]

    run(server, story)


def test_what_is_known_of_a_method_is_read_anew_once_it_is_a_month_old(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        order_id = await begun(shop)
        assert await try_now(shop, order_id) == "declined"
        assert processor.described_ids == [ID], "it is fresh"
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE stored_methods SET described_at = now() - interval '31 days'"
            )
        processor.facts = Stored(
            "sandbox", ID, last4="9999", exp_month=1, exp_year=2035, fingerprint="another"
        )
        assert await try_now(shop, order_id) == "declined"
        found = await kept(shop)
        assert (found["last4"], found["exp_year"], found["fingerprint"]) == (
            "9999",
            2035,
            "another",
        )
        assert await shop.value("SELECT count(*) FROM cards WHERE joined_to IS NOT NULL") == 1, (
            "of both fingerprints"
        )
        assert await try_now(shop, order_id) == "declined"
        assert processor.described_ids == [ID] * 2

    run(server, story)


def test_what_was_erased_is_not_kept_again(server: ServerAddress) -> None:
    async def story(shop: Shop, processor: Talking) -> None:
        order_id = await begun(shop)
        processor.news = CredentialNews(exp_month=4, exp_year=2033, id=NEW_ID)
        sending = processor.charge

        async def erased(charge: Charge) -> Outcome:
            outcome = await sending(charge)
            async with shop.world.db.transaction() as tx:
                await tx.execute("SELECT erase_orders($1, $2)", shop.merchant_id, [order_id])
            return outcome

        processor.charge = erased  # type: ignore[method-assign]
        await try_now(shop, order_id)
        found = await kept(shop)
        assert (found["reference"], found["fingerprint"], found["exp_year"]) == ("", None, 0)

    run(server, story)
