"""One card under several prints: what is sent of any of them counts for all, whoever learns when
that they are one."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from tests.rescue.flows.test_card_limits import PATIENT, plan_now, sends, started, try_now
from tests.worlds import KEYRING, Shop, change_world, make_shop, owner, sandbox_world

from recoup.cards.flows.joined_cards import join, names_of
from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.merchants.flows.blocks import block_of_order, unblock
from recoup.networks.magic import COUNTING_CARDS, script_card
from recoup.orders.store.locks import lock_cards
from recoup.processors.gateways.port import Charge, CredentialNews, Outcome, Stored
from recoup.processors.gateways.sandbox.processor import SandboxProcessor
from recoup.processors.rules.route_terms import RouteTerms
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.send import send_attempt
from recoup.routes.flows.card_routes import CardRoutes

PAR = "V0010013021298351264915438761"
PAN = script_card("visa", "51", 99)
METHOD = "pm_card_visa_51_99"  # declines as the number does, and is another card by its fingerprint
ROUTES = ("one", "two")
Story = Callable[[Shop], Awaitable[None]]


class Knowing(SandboxProcessor):
    """A processor of its own account that knows the account behind each card: one for all."""

    account = ""
    account_reference: str | None = PAR
    says_at_send = True

    async def describe(self, stored: Stored) -> Stored | None:
        found = await super().describe(stored)
        return replace(found, account_reference=self.account_reference) if found else None

    async def charge(self, charge: Charge) -> Outcome:
        outcome = await super().charge(charge)
        if self.says_at_send and self.account_reference:
            outcome = replace(
                outcome, credential_news=CredentialNews(account_reference=self.account_reference)
            )
        return outcome


def run(server: ServerAddress, story: Story, **said: Any) -> None:
    async def inside() -> None:
        async with sandbox_world(server, policy=PATIENT) as (world, orders, deliveries):
            processors = {}
            for name in ROUTES:
                one = processors[name] = Knowing(
                    world.dsn, mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox"
                )
                one.name, one.account = name, f"acct_{name}"
                for key, value in said.items():
                    setattr(one, key, value)
            terms = [RouteTerms(name, cards=True, stored=True) for name in ROUTES]
            before = world.processors
            change_world(world, processors=processors, routes=CardRoutes(terms))
            await story(await make_shop(world, orders, deliveries))
            found = await verify(world)
            assert found.difference is None, found.difference
            for one in processors.values():
                await one.close()
            change_world(world, processors=before)

    asyncio.run(inside())


def stored(route: str, id: str = METHOD) -> dict[str, Any]:
    return {"pan": None, "method": Stored(route, id)}


async def begun(shop: Shop, more: dict[str, Any]) -> UUID:
    order_id = await shop.admit(**more)
    await start(shop.orders, shop.key(order_id))
    return order_id


def test_a_number_and_two_stored_methods_of_one_card_share_its_limit(server: ServerAddress) -> None:
    """Visa takes 20 sends of an amount in 30 days, with the declines that came in: each print had
    20 of its own."""

    async def story(shop: Shop) -> None:
        orders = [
            await started(shop, PAN),
            await begun(shop, stored("one")),
            await begun(shop, stored("two")),
        ]
        assert len({(await shop.order(one))["card_id"] for one in orders}) == 3, "three prints"
        answers = [await try_now(shop, orders[n % 3]) for n in range(24)]
        assert answers == ["declined"] * 17 + [None] * 7, "three came in"
        assert await sends(shop) == 17

    run(server, story)


def test_without_a_word_that_joins_them_each_has_its_own(server: ServerAddress) -> None:
    """Nobody guesses, however alike they look."""

    async def story(shop: Shop) -> None:
        orders = [await started(shop, PAN), await begun(shop, stored("one"))]
        answers = [await try_now(shop, orders[n % 2]) for n in range(40)]
        assert answers.count("declined") == 38

    run(server, story, account_reference=None)


@pytest.mark.parametrize(
    "garbage",
    ["", "0" * 28, "unknown", "V0010013021298351264915438761X", "V001-013021298351264915438761"],
)
def test_what_has_not_the_form_of_a_par_joins_nothing(server: ServerAddress, garbage: str) -> None:
    """A processor that fills the field with a constant would make one card of all."""

    async def story(shop: Shop) -> None:
        await begun(shop, stored("one"))
        assert await try_now(shop, await started(shop, PAN)) == "declined"
        assert await shop.value("SELECT count(*) FROM cards WHERE joined_to IS NOT NULL") == 0

    run(server, story, account_reference=garbage)


def test_a_reissued_card_with_the_same_account_has_the_counts_of_the_one_before(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        old = await begun(shop, stored("one"))
        for _ in range(19):
            assert await try_now(shop, old) == "declined"
        assert await try_now(shop, old) is None
        new = await begun(shop, stored("one", "pm_card_visa_51_99_00008"))
        assert await try_now(shop, new) is None

    run(server, story)


def test_a_fingerprint_that_comes_with_the_answer_joins_a_number_with_what_is_stored(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        method, number = await begun(shop, stored("one")), await started(shop, PAN)
        fingerprint = await shop.value("SELECT fingerprint FROM stored_methods")
        same = names_of(shop.world, shop.world.processors["one"], None, fingerprint)
        assert same == ((await shop.order(method))["card_id"],)
        elsewhere = names_of(shop.world, shop.world.processors["two"], None, fingerprint)
        assert elsewhere != same, "it is the account's"
        await join(shop.world, (await shop.order(number))["card_id"], same)
        answers = [await try_now(shop, one) for one in [method, number] * 10]
        assert answers == ["declined"] * 18 + [None] * 2

    run(server, story, account_reference=None)


def test_a_block_of_one_print_holds_for_the_others(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        method, number = await begun(shop, stored("one")), await started(shop, PAN)
        assert await try_now(shop, number) == "declined"
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO card_blocks VALUES ($1, gen_random_uuid(), NULL, NULL, 'stolen', "
                "NULL, 'test', now())",
                (await shop.order(number))["card_id"],
            )
        assert await try_now(shop, method) is None

    run(server, story)


def test_a_merchants_own_block_of_one_print_holds_for_the_others_until_it_is_lifted(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        method, number = await begun(shop, stored("one")), await started(shop, PAN)
        assert await try_now(shop, number) == "declined"
        assert await block_of_order(shop.world, shop.scope, number, "card", "fraud")
        assert await try_now(shop, method) is None
        block_id = await shop.value("SELECT block_id FROM blocks")
        assert await unblock(shop.world, shop.scope, block_id)
        assert await try_now(shop, method) == "declined"

    run(server, story)


@pytest.mark.parametrize("seed", range(4))
def test_no_interleaving_of_joins_and_sends_passes_the_limit(
    server: ServerAddress, seed: int
) -> None:
    """Prints become known as one in any order, twice, in chains, while sends of them are decided
    together."""

    async def story(shop: Shop) -> None:
        draw = random.Random(seed)
        methods = [f"pm_card_visa_51_99_{n:05}" for n in range(1, 6)]
        orders = [await begun(shop, stored(draw.choice(ROUTES), one)) for one in methods]
        cards = [(await shop.order(one))["card_id"] for one in orders]
        heads = {card: {card} for card in cards}  # what is known so far
        passed = 0
        for _ in range(14):
            for order_id in orders:
                await plan_now(shop, order_id)
            pair = draw.sample(cards, 2)
            work: list[Awaitable[Any]] = [
                send_attempt(shop.world, Orders(shop.world), shop.key(one)) for one in orders
            ]
            if draw.random() < 0.4:
                work.insert(draw.randrange(len(work)), join(shop.world, pair[0], [pair[1]]))
                one = heads[pair[0]] | heads[pair[1]]
                heads |= dict.fromkeys(one, one)
            await asyncio.gather(*work)
            before = passed
            passed = await _check(shop, heads)
            assert passed >= before
        await join(shop.world, cards[0], cards[1:])
        total = await sends(shop)
        for order_id in orders:
            assert await try_now(shop, order_id) is None
        assert await sends(shop) == total

    async def _check(shop: Shop, heads: dict[UUID, set[UUID]]) -> int:
        async with shop.world.db.connection() as connection:
            rows = await connection.fetch("SELECT card_id, joined_to FROM cards")
        joined = {row["card_id"]: row["joined_to"] or row["card_id"] for row in rows}
        assert all(joined[joined[one]] == joined[one] for one in joined), (
            "never joined to one that is joined"
        )
        for card, same in heads.items():
            assert {joined[one] for one in same} == {joined[card]}
        return await sends(shop)

    run(server, story, account_reference=None)


def test_prints_joined_before_are_never_sent_more_often_together(server: ServerAddress) -> None:
    """Two writers, one transaction each, forty tries at once of three prints."""

    async def story(shop: Shop) -> None:
        orders = [
            await started(shop, PAN),
            await begun(shop, stored("one")),
            await begun(shop, stored("two")),
        ]
        await join(
            shop.world,
            (await shop.order(orders[0]))["card_id"],
            [(await shop.order(orders[1]))["card_id"]],
        )
        more = [await begun(shop, stored(route)) for route in ROUTES * 6] + [
            await started(shop, PAN) for _ in range(2)
        ]
        for order_id in (every := orders + more):
            await plan_now(shop, order_id)
        await asyncio.gather(
            *(send_attempt(shop.world, Orders(shop.world), shop.key(one)) for one in every)
        )
        assert await sends(shop) == 20 - len(every)

    run(server, story)


def test_whoever_locks_a_card_that_is_being_joined_begins_anew(server: ServerAddress) -> None:
    """A send that waited for the lock would have counted by the card as it was before."""

    async def story(shop: Shop) -> None:
        orders = [await started(shop, PAN), await begun(shop, stored("one"))]
        first, second = [(await shop.order(one))["card_id"] for one in orders]
        async with shop.world.db.transaction() as tx:
            await lock_cards(tx, [first], shop.world.clocks.wall())
            joining = asyncio.create_task(join(shop.world, first, [second]))
            await asyncio.sleep(0.1)
            assert not joining.done(), "it waits for the send"
        await joining
        async with shop.world.db.transaction() as tx:
            heads = await lock_cards(tx, [second, first], shop.world.clocks.wall())
        assert heads == {first: min(first, second), second: min(first, second)}
        await asyncio.gather(
            *(join(shop.world, *pair) for pair in ((first, [second]), (second, [first])) * 4)
        )
        assert await try_now(shop, orders[0]) == "declined"

    run(server, story, account_reference=None)


def test_the_sandbox_says_which_of_its_counting_cards_are_one(server: ServerAddress) -> None:
    async def story() -> None:
        async with sandbox_world(server, policy=replace(PATIENT, magic_inputs=True)) as made:
            shop = await make_shop(*made)
            number = await started(shop, COUNTING_CARDS[0])
            await begun(shop, stored("sandbox", "pm_card_counting_visa"))
            assert await try_now(shop, number) == "declined"
            rows = await shop.world.db.fetch(
                "SELECT count(DISTINCT coalesce(joined_to, card_id)), count(*) FROM cards"
            )
            assert tuple(rows[0]) == (1, 3), "two prints and the account"

    asyncio.run(story())


def test_the_consent_that_was_given_under_one_print_is_named_under_the_others(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        number = COUNTING_CARDS[0]
        word = await shop.ask(pan=number, units=4_577, is_mit=False, days=None, cvv="123", facts={})
        assert word.evaluate == "APPROVED"
        ids = "SELECT first_network_id, latest_network_id FROM card_results"
        (kept,) = await shop.world.db.fetch(ids)
        assert kept["first_network_id"]
        method = await begun(shop, stored("one"))
        assert await try_now(shop, method) == "declined"
        named = "SELECT consent FROM attempts WHERE order_id = $1 AND sent_at IS NOT NULL"
        consent = await shop.value(named, method)
        assert (consent["first_network_id"], consent["sequence"]) == (kept["first_network_id"], 2)

    run(server, story)
