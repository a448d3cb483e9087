"""A process dies between every two statements of making a merchant, its keys, or an account by
sign-up; whoever asked sends it again. There is one merchant then, and what was told last opens it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.left_processes import Killer, kills, run_until_killed, survived
from tests.rings import deep
from tests.worlds import Shop, make_shop, people_dsn, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, PartnerScope, Scope
from recoup.keys.flows.credentials import Credentials as SignedIn
from recoup.keys.flows.merchant_keys import list_keys, make_key
from recoup.keys.store.merchant_keys import find_signing_key
from recoup.kit.world import World
from recoup.onboarding.flows.handover import Credentials, look
from recoup.onboarding.flows.partners import make_partner, make_partner_key
from recoup.onboarding.flows.register import register
from recoup.onboarding.flows.sign_up import SignUp, sign_up
from recoup.partners.flows import partner_merchants
from recoup.partners.flows.partner_merchants import MerchantRequest
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sessions import read_session
from recoup.webhooks.flows.endpoints import create, list_all
from recoup.webhooks.flows.rotate import rotate_shared
from recoup_lab.simulate.dying import DyingDatabase

pytestmark = deep("kills")

STEPS_MAX = 120
NONE, DAY = timedelta(0), timedelta(days=1)
PARTNER = UUID(int=7)
Act = Callable[[World, str], Awaitable[Any]]
Check = Callable[[World, str, Any], Awaitable[None]]


@asynccontextmanager
async def dying_world(world: World, killer: Killer) -> AsyncIterator[World]:
    """The same installation, served by a process that `killer` ends: both of its databases."""
    db = await DyingDatabase(world.dsn, killer).open()
    people = await DyingDatabase(await people_dsn(world), killer).open()
    try:
        yield replace(world, db=db, people_database=people)
    finally:
        killer.dead.set()
        await db.close()
        await people.close()
        killer.die()


async def killed_everywhere(world: World, act: Act, check: Check, *, steps_min: int) -> None:
    """`act` is killed at each of its statements and sent again; `check` sees the last answer."""
    for killer in kills(act.__qualname__, least=steps_min, most=STEPS_MAX):
        name = f"k{killer.at}{'after' if killer.after else 'before'}"
        async with dying_world(world, killer) as dying:
            told = await run_until_killed(killer, act(dying, name))
        if isinstance(told, BaseException):
            raise told
        await check(world, name, told if survived(killer) else await act(world, name))


def run(server: ServerAddress, story: Callable[[Shop], Awaitable[None]]) -> None:
    async def tell() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            await make_partner(shop.world, PARTNER, "Subscriptions Inc")
            await story(shop)
            assert (await verify(shop.world)).difference is None

    asyncio.run(tell())


async def opens(world: World, merchant_id: UUID, given: Credentials) -> None:
    """Each of the credentials works, and is the merchant's."""
    credentials, wall = SignedIn(world), world.clocks.wall()
    tokens = await credentials.sign_in(given.app_key, given.app_secret)
    assert (await credentials.from_token(tokens.access)).mid == merchant_id
    assert await credentials.merchant_of_environment(given.tokenization_key) == merchant_id
    async with world.db.connection() as connection:
        found = await find_signing_key(connection, given.stablecoin_key_id, wall)
    assert found is not None
    assert found[0] == merchant_id


async def rows(world: World, sql: str, *args: Any) -> list[Any]:
    async with world.db.connection() as connection:
        return list(await connection.fetch(sql, *args))


async def live(world: World, merchant_id: UUID, kind: str) -> list[str]:
    wall, scope = world.clocks.wall(), Scope(merchant_id, Actor("user", "test"), "test")
    found = [row for row in await list_keys(world, scope) if row.kind == kind]
    return [row.key for row in found if row.ends_at is None or row.ends_at > wall]


@pytest.mark.timeout(900)
def test_a_partner_that_dies_while_it_makes_a_merchant_has_one(server: ServerAddress) -> None:
    scope = PartnerScope(PARTNER, Actor("partner", "test"), "test")

    async def act(world: World, name: str) -> Any:
        asked = MerchantRequest(
            name, "https://tea.example", "Tea", "BRIGHTLEAFTEA", f"crm-{name}", f"key-{name}"
        )
        return await partner_merchants.create(world, scope, asked)

    async def check(world: World, name: str, told: Any) -> None:
        made = await rows(
            world, "SELECT merchant_id FROM partner_merchants WHERE external_id = $1", f"crm-{name}"
        )
        assert [row["merchant_id"] for row in made] == [told.merchant_id]
        assert len(await rows(world, "SELECT FROM merchants WHERE name = $1", name)) == 1
        assert told.handover is not None, "the link shows what was lost with the answer"
        shown = await look(world, told.handover.url.rpartition("/")[2], "test")
        assert told.credentials in (None, shown)
        await opens(world, told.merchant_id, shown)
        assert len(await live(world, told.merchant_id, "api")) == 1
        waits = await rows(
            world,
            "SELECT FROM due_work WHERE merchant_id = $1 AND kind = 'register_merchant'",
            told.merchant_id,
        )
        assert len(waits) == 1
        await register(world, told.merchant_id)

    run(server, lambda shop: killed_everywhere(shop.world, act, check, steps_min=12))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("overlap", [NONE, DAY])
def test_a_partner_that_dies_while_it_makes_keys_has_some_that_work(
    server: ServerAddress, overlap: timedelta
) -> None:
    scope = PartnerScope(PARTNER, Actor("partner", "test"), "test")

    async def story(shop: Shop) -> None:
        async def merchant(name: str) -> UUID:
            asked = MerchantRequest(
                name, "https://tea.example", "Tea", "BRIGHTLEAFTEA", f"crm-{name}"
            )
            found: UUID = (await partner_merchants.create(shop.world, scope, asked)).merchant_id
            return found

        async def act(world: World, name: str) -> Any:
            return await partner_merchants.new_keys(world, scope, await merchant(name), overlap)

        async def check(world: World, name: str, told: Any) -> None:
            given, link = told.credentials, told.handover
            merchant_id = await merchant(name)
            await opens(world, merchant_id, given)
            assert await look(world, link.url.rpartition("/")[2], "test") == given
            alive = await live(world, merchant_id, "api")
            assert given.app_key in alive
            assert 2 <= len(alive) <= 3 if overlap else len(alive) == 1

        await killed_everywhere(shop.world, act, check, steps_min=10)

    run(server, story)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["api", "tokenization", "stablecoin"])
def test_a_merchant_that_dies_while_it_makes_a_key_has_one_that_works(
    server: ServerAddress, kind: str
) -> None:
    async def story(shop: Shop) -> None:
        scope = Scope(shop.merchant_id, Actor("user", "test"), "test")

        async def act(world: World, name: str) -> Any:
            return await make_key(world, scope, kind, NONE)

        async def check(world: World, name: str, told: Any) -> None:
            assert await live(world, shop.merchant_id, kind) == [told.key]
            if kind == "api":
                await SignedIn(world).sign_in(told.key, told.secret)

        await killed_everywhere(shop.world, act, check, steps_min=4)

    run(server, story)


@pytest.mark.timeout(900)
def test_a_partner_that_dies_while_it_makes_its_own_key_has_one_that_works(
    server: ServerAddress,
) -> None:
    async def act(world: World, name: str) -> Any:
        return await make_partner_key(world, PARTNER)

    async def check(world: World, name: str, told: Any) -> None:
        await SignedIn(world).sign_in(told.app_key, told.app_secret)
        left = await rows(world, "SELECT app_key FROM partner_keys WHERE revoked_at IS NULL")
        assert [row["app_key"] for row in left] == [told.app_key]

    run(server, lambda shop: killed_everywhere(shop.world, act, check, steps_min=4))


@pytest.mark.timeout(900)
def test_a_merchant_that_dies_while_it_replaces_its_webhook_key_knows_the_one_that_signs(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop) -> None:
        scope = Scope(shop.merchant_id, Actor("user", "test"), "test")
        await create(shop.world, scope, "https://hooks.example.com/tea", None, "rescue")

        async def act(world: World, name: str) -> Any:
            try:
                return await rotate_shared(world, scope, DAY)
            except (
                Problem
            ) as problem:  # it was replaced, and the answer lost: the old one may end now
                if problem.code != "conflict":
                    raise
                return await rotate_shared(world, scope, NONE)

        async def check(world: World, name: str, told: Any) -> None:
            assert [hook.signing_key for hook in await list_all(world, scope)] == [told[0]]
            await rotate_shared(world, scope, NONE)  # the next case begins without an overlap

        await killed_everywhere(shop.world, act, check, steps_min=4)

    run(server, story)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["merchant", "both"])
def test_who_signs_up_and_hears_nothing_signs_up_again_and_has_one_shop(
    server: ServerAddress, kind: str
) -> None:
    """When the account was there already, they are signed in, and make their keys on the page for
    them."""
    passwords = Passwords()

    async def act(world: World, name: str) -> Any:
        asked = SignUp(
            f"{name}@shop.example",
            "correct horse battery",
            f"Shop {name}",
            kind,
            "https://shop.example",
            f"address {new_id()}",
        )
        return await sign_up(world, passwords, asked)

    async def check(world: World, name: str, told: Any) -> None:
        made = await rows(
            world, "SELECT merchant_id FROM merchants WHERE name = $1", f"Shop {name}"
        )
        assert len(made) == 1
        merchant_id = made[0]["merchant_id"]
        session = await read_session(world, told.session)
        assert session is not None
        assert session.merchant is not None
        assert (session.merchant.merchant_id, session.merchant.role) == (merchant_id, "owner")
        assert session.may("keys")
        assert (session.seat is not None) == (kind == "both")
        if told.credentials is not None:
            await opens(world, merchant_id, told.credentials)
        else:
            new = await make_key(
                world, Scope(merchant_id, Actor("user", "test"), "test"), "api", NONE
            )
            await SignedIn(world).sign_in(new.key, new.secret)
        if told.partner_key is not None:
            await SignedIn(world).sign_in(told.partner_key.app_key, told.partner_key.app_secret)
        assert len(await live(world, merchant_id, "api")) == 1

    run(server, lambda shop: killed_everywhere(shop.world, act, check, steps_min=25))
