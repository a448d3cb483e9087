"""A key that was ended at once opens nothing from the answer on, in no process, and no token made
with it does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.pool import Database
from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope, Scope
from recoup.keys.flows.credentials import Credentials
from recoup.keys.flows.key_endings import LEASE
from recoup.keys.flows.merchant_keys import end_key, make_key
from recoup.keys.rules.signing import canonical, sign
from recoup.keys.store.key_endings import ENDINGS_MAX
from recoup.kit.upkeep import purge_expired
from recoup.kit.world import World
from recoup.onboarding.flows.make_merchant import make_keys
from recoup.onboarding.flows.partners import make_partner, make_partner_key
from recoup.partners.flows import partner_merchants
from recoup.partners.flows.partner_merchants import MerchantRequest
from recoup.stablecoin.flows.callers import Callers, Signed
from recoup.webhooks.flows.endpoints import new_signing_key

NONE, DAY = timedelta(0), timedelta(days=1)
PARTNER = UUID(int=7)
PARTNERS = PartnerScope(PARTNER, Actor("partner", "test"), "test")


class Process:
    """A door with its own connections and memory."""

    def __init__(self, world: World) -> None:
        self.world, self.credentials, self.callers = world, Credentials(world), Callers(world)

    async def opens(self, token: str) -> bool:
        try:
            await self.credentials.from_token(token)
        except Problem as problem:
            if problem.code != "unauthenticated":
                raise
            return False
        return True


@asynccontextmanager
async def processes(shop: Shop, count: int = 3) -> AsyncIterator[list[Process]]:
    """Each goes by its memory."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            db = await Database(shop.world.dsn, size=1, name="door").open()
            stack.push_async_callback(db.close)
            world = replace(shop.world, db=db)
            await stack.enter_async_context(world.key_endings.heard())
            made.append(Process(world))
        for process in made:
            await by_memory(process)
        yield made


async def by_memory(process: Process) -> None:
    for _ in range(3_000):
        if process.world.key_endings.by_memory:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never went by its memory")


async def as_shop(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async with sandbox_world(server) as made:
        shop = await make_shop(*made)
        await make_partner(shop.world, PARTNER, "Subscriptions Inc")
        await story(shop)


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    asyncio.run(as_shop(server, story))


def scope_of(shop: Shop) -> Scope:
    return Scope(shop.merchant_id, Actor("user", "test"), "test")


async def by_the_shop(shop: Shop) -> tuple[Any, Any]:
    made = await make_key(shop.world, scope_of(shop), "api", None)
    return (made.key, made.secret), lambda: make_key(shop.world, scope_of(shop), "api", NONE)


async def one_by_the_shop(shop: Shop) -> tuple[Any, Any]:
    made = await make_key(shop.world, scope_of(shop), "api", None)
    named = sha256(made.key.encode()).hexdigest()
    return (made.key, made.secret), lambda: end_key(shop.world, scope_of(shop), "api", named)


async def by_set_up(shop: Shop) -> tuple[Any, Any]:
    made = await make_keys(shop.world, shop.merchant_id, new_signing_key())
    return (made.app_key, made.app_secret), lambda: make_keys(
        shop.world, shop.merchant_id, new_signing_key()
    )


async def by_the_partner(shop: Shop) -> tuple[Any, Any]:
    asked = MerchantRequest("Tea", "https://tea.example", "Tea", "BRIGHTLEAFTEA", "crm-1")
    made = await partner_merchants.create(shop.world, PARTNERS, asked)
    assert made.credentials
    return (
        (made.credentials.app_key, made.credentials.app_secret),
        lambda: partner_merchants.new_keys(shop.world, PARTNERS, made.merchant_id, NONE),
    )


async def the_partners_own(shop: Shop) -> tuple[Any, Any]:
    made = await make_partner_key(shop.world, PARTNER)
    return (made.app_key, made.app_secret), lambda: make_partner_key(shop.world, PARTNER)


@pytest.mark.parametrize(
    "way", [by_the_shop, one_by_the_shop, by_set_up, by_the_partner, the_partners_own]
)
def test_an_access_token_ends_with_its_key_in_every_process(
    server: ServerAddress, way: Any
) -> None:
    """It was good for up to ten minutes more."""

    async def story(shop: Shop) -> None:
        key, end = await way(shop)
        async with processes(shop) as doors:
            tokens = await doors[0].credentials.sign_in(*key)
            assert [await door.opens(tokens.access) for door in doors] == [True] * 3
            await end()
            assert [await door.opens(tokens.access) for door in doors] == [False] * 3
            assert not await Process(shop.world).opens(tokens.access), "nor where nobody listens"
            with pytest.raises(Problem):
                await doors[1].credentials.refresh(tokens.refresh)

    run(server, story)


def test_what_a_door_remembers_of_a_key_ends_with_it(server: ServerAddress) -> None:
    """`ApiKey id:secret`, tokenization keys and signing keys were good for five seconds more."""

    async def story(shop: Shop) -> None:
        world, scope = shop.world, scope_of(shop)
        api, tokenization, stable = [
            await make_key(world, scope, kind, None)
            for kind in ("api", "tokenization", "stablecoin")
        ]

        def call(door: Process) -> Awaitable[object]:
            now = str(int(world.clocks.wall().timestamp()))
            signature = sign(
                stable.secret.encode(), canonical("GET", b"/api/v1/orders", b"", now, b"")
            )
            return Callers.verify(
                door.callers, Signed(stable.key, now, signature, "GET", b"/api/v1/orders", b"", b"")
            )

        async with processes(shop, 2) as doors:
            for door in doors:
                await door.credentials.from_api_key(api.key, api.secret)
                assert (
                    await door.credentials.merchant_of_environment(tokenization.key)
                    == shop.merchant_id
                )
            await call(doors[0])
            for kind in ("api", "tokenization", "stablecoin"):
                await make_key(world, scope, kind, NONE)
            for door in doors:
                with pytest.raises(Problem):
                    await door.credentials.from_api_key(api.key, api.secret)
                assert await door.credentials.merchant_of_environment(tokenization.key) is None
                with pytest.raises(Problem) as refused:
                    await call(door)
                assert refused.value.facts["detail"] == "invalid_api_key"

    run(server, story)


def test_a_key_with_an_overlap_opens_until_it_is_over(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        made = await make_key(shop.world, scope_of(shop), "api", None)
        async with processes(shop, 1) as (door,):
            tokens = await door.credentials.sign_in(made.key, made.secret)
            await make_key(shop.world, scope_of(shop), "api", DAY)
            await asyncio.sleep(2.2)  # it is read by then
            assert await door.opens(tokens.access)
            await make_key(shop.world, scope_of(shop), "api", timedelta(seconds=1))
            await asyncio.sleep(2.2)
            assert not await door.opens(tokens.access), "a token goes no further than its key"

    run(server, story)


def test_a_call_with_a_token_asks_the_database_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        made = await make_key(shop.world, scope_of(shop), "api", None)
        async with processes(shop, 1) as (door,):
            tokens = await door.credentials.sign_in(made.key, made.secret)
            async with door.world.db.connection():  # the only one that it has
                await by_memory(door)
                async with asyncio.timeout(2):
                    assert await door.opens(tokens.access)

    run(server, story)


def test_a_process_that_hears_nothing_asks_for_each_call(server: ServerAddress) -> None:
    """Its channel is stuck: the answer to whoever ends the key waits until it may not go by its
    memory any more."""

    async def story(shop: Shop) -> None:
        made = await make_key(shop.world, scope_of(shop), "api", None)
        async with processes(shop, 2) as doors, owner(shop.world) as connection:
            tokens = await doors[0].credentials.sign_in(made.key, made.secret)
            async with connection.transaction():
                await connection.execute("SELECT FROM key_listeners FOR UPDATE")
                await make_key(shop.world, scope_of(shop), "api", NONE)
                assert [await door.opens(tokens.access) for door in doors] == [False] * 2
            for door in doors:
                await by_memory(door)  # and comes back to it
                assert not await door.opens(tokens.access)

    run(server, story)


def test_a_listener_that_is_cut_off_comes_back(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        made = await make_key(shop.world, scope_of(shop), "api", None)
        async with processes(shop, 2) as doors, owner(shop.world) as connection:
            tokens = await doors[0].credentials.sign_in(made.key, made.secret)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'door' AND datname = current_database()"
            )
            await make_key(shop.world, scope_of(shop), "api", NONE)
            assert [await door.opens(tokens.access) for door in doors] == [False] * 2
            await asyncio.sleep(LEASE.total_seconds())
            for door in doors:
                await by_memory(door)
                assert not await door.opens(tokens.access)

    run(server, story)


def test_more_endings_than_a_process_keeps_are_asked_for(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        made = await make_key(shop.world, scope_of(shop), "api", None)
        async with processes(shop, 1) as (door,), owner(shop.world) as connection:
            tokens = await door.credentials.sign_in(made.key, made.secret)
            await connection.execute(
                "INSERT INTO key_endings (key) SELECT 'k' || n FROM generate_series(0, $1) n",
                ENDINGS_MAX,
            )
            await make_key(shop.world, scope_of(shop), "api", NONE)
            assert not await door.opens(tokens.access)
            await connection.execute(
                "UPDATE key_endings SET noted_at = now() - interval '1 hour' WHERE key LIKE 'k%'"
            )
            await purge_expired(shop.world)
            assert (
                await connection.fetchval("SELECT count(*) FROM key_endings WHERE key LIKE 'k%'")
                == 0
            )

    run(server, story)


def test_keys_that_end_while_processes_come_and_go_open_nothing(server: ServerAddress) -> None:
    """A listener that is just beginning, or just renewing its lease,
    is waited for like the others."""

    async def story(shop: Shop) -> None:
        for _ in range(8):
            made = await make_key(shop.world, scope_of(shop), "api", None)
            tokens = await Credentials(shop.world).sign_in(made.key, made.secret)
            starting = processes(shop, 3)
            begun = asyncio.create_task(starting.__aenter__())
            await asyncio.sleep(0.01)
            await make_key(shop.world, scope_of(shop), "api", NONE)
            doors = await begun
            try:
                assert [await door.opens(tokens.access) for door in doors] == [False] * 3
            finally:
                await starting.__aexit__(None, None, None)

    run(server, story)
