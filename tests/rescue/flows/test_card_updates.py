"""The account updater: a card that its issuer replaced is tried with its new data, and nothing else
changes."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT
from tests.rings import each
from tests.worlds import POLICY, OwnWorld, Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.policy import Policy
from recoup.merchants.flows.blocks import block_of_order
from recoup.networks.card import luhn_digit
from recoup.networks.magic import script_card
from recoup.networks.magic_serials import CLOSED, CONTACT, NEW_EXPIRY, NEW_NUMBER, SILENT
from recoup.people.flows.notices import switch
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.sandbox.methods import SandboxUpdater
from recoup.processors.gateways.updater import CardUpdate, RouteUpdaters, UpdateInquiry
from recoup.rescue.flows import card_update
from recoup.rescue.flows.due import start
from recoup.switches.flows.card_switches import card_switches, set_card_switches

UNDOCUMENTED = "453900000000000"  # no test card
STAGE = "SELECT stage FROM current_orders WHERE order_id = $1"
TRIES = "SELECT count(*) FROM attempts WHERE order_id = $1 AND sent_at IS NOT NULL"
RULES = "SELECT array_agg(rules ->> 0 ORDER BY decision_id) FROM decisions WHERE order_id = $1"
MAGIC = replace(POLICY, call_timeout=timedelta(seconds=20))


class Counting(SandboxUpdater):
    """Counts what it is queried about, by id; `answer`: in place of the sandbox's."""

    def __init__(self, answer: CardUpdate | None = None) -> None:
        self.ids: list[UUID] = []
        self.answer = answer

    async def update_of(self, inquiry: UpdateInquiry) -> CardUpdate:
        self.ids.append(inquiry.id)
        return self.answer or await super().update_of(inquiry)


def run(
    server: ServerAddress, story: Any, *, policy: Policy = MAGIC, answer: CardUpdate | None = None
) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=policy) as (world, orders, deliveries):
            updater = Counting(answer)
            change_world(world, updater=updater)
            await story(await make_shop(world, orders, deliveries), updater)
            found = await verify(world)
            assert found.difference is None, found.difference

    asyncio.run(inside())


async def begun(
    shop: Shop, code: str, serial: int, *, card_code: str | None = None, **more: Any
) -> UUID:
    pan = script_card("visa", card_code or code, 99 if serial != NEW_EXPIRY else 0, serial)
    order_id = await shop.admit(pan=pan, code=code, **more)
    await start(shop.orders, shop.key(order_id))
    return order_id


@pytest.mark.parametrize("code", ["54", "14", "46"])
def test_a_new_number_is_tried_at_once_and_pays(server: ServerAddress, code: str) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        order_id = await begun(
            shop, code, NEW_NUMBER, facts={"network_transaction_id": "011111111111111"}
        )
        assert await shop.value(STAGE, order_id) == "processing"
        await shop.run_due()
        named = (
            "SELECT consent ->> 'first_network_id' FROM attempts WHERE order_id = $1 AND "
            "sent_at IS NOT NULL"
        )
        assert await shop.value(named, order_id) == "011111111111111", (
            "the consent goes on with the new number"
        )
        assert await shop.value(STAGE, order_id) == "completed"
        assert await shop.value(TRIES, order_id) == 1
        assert len(updater.ids) == 1
        assert (await shop.value(RULES, order_id))[:2] == ["update_requested", "new_number"]

    run(server, story)


def test_a_new_expiry_is_tried_under_the_same_number(server: ServerAddress) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        order_id = await begun(shop, "54", NEW_EXPIRY)
        before = await shop.value("SELECT pan_id FROM orders WHERE order_id = $1", order_id)
        await shop.run_due()
        assert await shop.value(STAGE, order_id) == "completed"
        assert await shop.value("SELECT pan_id FROM orders WHERE order_id = $1", order_id) == before
        assert await shop.value("SELECT max(exp_year) - min(exp_year) FROM vault") == 4

    run(server, story)


@each(
    ("code", "serial", "stage"),
    [
        ("14", 1, "declined"),
        ("46", CONTACT, "declined"),
        ("46", SILENT, "declined"),
        ("54", CLOSED, "declined"),
        ("54", 1, "processing"),
        ("54", CONTACT, "processing"),
    ],
)
def test_without_a_new_card_the_decline_decides(
    server: ServerAddress, code: str, serial: int, stage: str
) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        order_id = await begun(shop, code, serial)
        for _ in range(60):
            if await shop.run_due() == 0 and not await shop.value(
                "SELECT count(*) FROM due_work WHERE kind = 'card_update'"
            ):
                break
            await asyncio.sleep(0.25)
        assert await shop.value(STAGE, order_id) == stage
        assert await shop.value(TRIES, order_id) == 0

    run(server, story)


@pytest.mark.parametrize("code", ["51", "04", "R1"])
def test_what_no_new_card_cures_queries_nothing(server: ServerAddress, code: str) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        await begun(shop, code, NEW_NUMBER, card_code="51")
        await shop.run_due()
        assert updater.ids == []

    run(server, story)


def test_a_card_is_queried_once_however_many_orders_it_has(server: ServerAddress) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        orders = [await begun(shop, "54", NEW_NUMBER) for _ in range(3)]
        await shop.run_due()
        assert {await shop.value(STAGE, one) for one in orders} == {"completed"}
        assert len(set(updater.ids)) == 1

    run(server, story)


def test_a_new_number_resets_no_limit(server: ServerAddress) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        first = await begun(shop, "54", NEW_NUMBER)
        await shop.run_due()
        async with owner(shop.world) as connection:
            heads = await connection.fetchval(
                "SELECT count(DISTINCT coalesce(joined_to, card_id)) FROM cards"
            )
            sends = await connection.fetchval("SELECT count(*) FROM network_sends")
        assert (heads, sends) == (1, 2)
        assert await shop.value(STAGE, first) == "completed"

    run(server, story, policy=PATIENT)


def test_an_expired_card_is_queried_before_it_is_sent(server: ServerAddress) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        await shop.to_day(20, 26)  # the card's last month has begun, and most of it is over
        now = await shop.now()
        ends = {"exp_month": now.month, "exp_year": now.year}
        order_id = await begun(shop, "51", NEW_NUMBER, card_code="51", days=40, **ends)
        await shop.advance(timedelta(days=35))
        assert len(set(updater.ids)) == 1
        assert await shop.value(STAGE, order_id) == "completed"

    run(server, story, policy=replace(MAGIC, expiry_max=timedelta(days=60)))


def test_a_try_that_was_due_is_sent_though_its_account_is_closed_and_the_link_goes_on(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        await switch(shop.world, shop.scope, {"payment_link": True})
        await shop.to_day(20, 26)  # the card's last month has begun, and most of it is over
        now = await shop.now()
        ends = {"exp_month": now.month, "exp_year": now.year}
        order_id = await begun(shop, "51", CLOSED, card_code="51", days=40, **ends)
        await shop.advance(timedelta(days=35))
        assert len(set(updater.ids)) == 1
        sent = await shop.value(TRIES, order_id)
        assert sent > 0
        stuck = (
            "SELECT count(*) FROM attempts a WHERE a.order_id = $1 AND a.state = 'planned' "
            "AND a.due_at < $2"
        )
        assert await shop.value(stuck, order_id, await shop.now()) == 0

    run(server, story, policy=replace(MAGIC, expiry_max=timedelta(days=60)))


@pytest.mark.parametrize("dies", ["join", "mark_replaced", "keep_answer", "take_update"])
def test_a_process_that_dies_queries_again_under_the_same_id(
    server: ServerAddress, dies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        order_id = await begun(shop, "14", NEW_NUMBER)

        def broken(*_: object) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(card_update, dies, broken)
            await shop.run_due()
        assert await shop.value(STAGE, order_id) == "processing"
        for _ in range(40):
            await asyncio.sleep(0.1)
            await shop.run_due()
            if await shop.value(STAGE, order_id) == "completed":
                break
        assert await shop.value(STAGE, order_id) == "completed"
        assert len(set(updater.ids)) == 1
        assert await shop.value("SELECT count(*) FROM vault") == 2
        assert await shop.value(TRIES, order_id) == 1

    run(server, story)


@pytest.mark.parametrize(
    "answer",
    [
        CardUpdate("updated", "4000100000000001", 1, 2040),
        CardUpdate("updated", UNDOCUMENTED + luhn_digit(UNDOCUMENTED), 1, 2040),
        CardUpdate("updated", None, 13, 2040),
        CardUpdate("updated", None, 1, 2001),
        CardUpdate("updated"),
    ],
)
def test_an_updater_that_lies_changes_no_card(server: ServerAddress, answer: CardUpdate) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        order_id = await begun(shop, "14", 1)
        for _ in range(60):
            await shop.run_due()
            if await shop.value(STAGE, order_id) == "declined":
                break
            await asyncio.sleep(0.1)
        assert await shop.value(STAGE, order_id) == "declined"
        assert await shop.value("SELECT count(*) FROM vault") == 1

    run(server, story, answer=answer)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_of_a_blocked_card_no_new_number_is_tried(server: ServerAddress, when: str) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        pan = script_card("visa", "54", 99, NEW_NUMBER)
        order_id = await shop.admit(pan=pan, code="54")
        if when == "meanwhile":
            await start(shop.orders, shop.key(order_id))
        assert await block_of_order(shop.world, shop.scope, order_id, "card", "fraud")
        await start(shop.orders, shop.key(order_id))
        await shop.run_due()
        assert len(updater.ids) == (when == "meanwhile")
        assert await shop.value(TRIES, order_id) == 0
        assert "card_replaced" not in await shop.happenings(order_id)

    run(server, story)


def test_a_merchants_other_card_goes_before_the_updaters(server: ServerAddress) -> None:
    """The order is told of another card while the updater is queried: that stays."""

    async def story(shop: Shop, updater: Counting) -> None:
        order_id = await begun(shop, "54", NEW_NUMBER)
        other = await begun(shop, "51", 1)
        token = await shop.value("SELECT token_id FROM orders WHERE order_id = $1", other)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE orders SET token_id = $2 WHERE order_id = $1", order_id, token
            )
        await shop.run_due()
        assert (
            await shop.value("SELECT token_id FROM orders WHERE order_id = $1", order_id) == token
        )

    async def unverified(server: ServerAddress) -> None:
        async with sandbox_world(server, policy=MAGIC) as (world, orders, deliveries):
            change_world(world, updater=Counting())
            await story(await make_shop(world, orders, deliveries), Counting())

    asyncio.run(unverified(server))


def test_nobody_is_queried_where_there_is_no_updater(server: ServerAddress) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=MAGIC) as made:
            world: OwnWorld = made[0]
            shop = await make_shop(*made)
            order_id = await begun(shop, "14", NEW_NUMBER)
            assert world.updater is None
            assert await shop.value(STAGE, order_id) == "declined"

    asyncio.run(inside())


def test_a_merchant_that_wants_no_queries_has_none(server: ServerAddress) -> None:
    async def story(shop: Shop, updater: Counting) -> None:
        assert (await card_switches(shop.world, shop.merchant_id))["card_updates"], (
            "on until it is switched off"
        )
        await set_card_switches(shop.world, shop.scope, {"card_updates": False})
        order_id = await begun(shop, "14", NEW_NUMBER)
        await shop.run_due()
        assert updater.ids == []
        assert await shop.value(STAGE, order_id) == "declined"
        await set_card_switches(shop.world, shop.scope, {"card_updates": True})
        again = await begun(shop, "14", NEW_NUMBER)
        await shop.run_due()
        assert await shop.value(STAGE, again) == "completed"

    run(server, story)


def test_of_a_stored_method_its_routes_updater_is_queried(server: ServerAddress) -> None:
    """Where its bridge answers so: a new expiry is stored, and a number in the answer is none of
    ours."""

    async def story(shop: Shop, updater: Counting) -> None:
        number = script_card("visa", "51", 0)
        told = Counting(CardUpdate("updated", number, 9, 2044))
        change_world(shop.world, updater=RouteUpdaters({"sandbox": told}, frozenset()))
        method = Stored("sandbox", "pm_card_visa_51_00")
        order_id = await shop.admit(pan=None, method=method, code="54")
        await start(shop.orders, shop.key(order_id))
        await shop.run_due()
        assert len(told.ids) == 1
        assert await shop.value("SELECT answer FROM card_updates") == "new_expiry"
        expiry = "SELECT exp_year FROM vault JOIN orders USING (token_id) WHERE order_id = $1"
        assert await shop.value(expiry, order_id) == 2044
        assert await shop.value(STAGE, order_id) == "completed"

    run(server, story)
