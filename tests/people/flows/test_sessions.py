"""Sessions end by themselves, roles are read anew at each call, and what is kept of them opens
nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from tests.shop import PASSWORD, Shop, drop_shop, make_shop, make_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks, WallTime
from recoup.kit.upkeep import purge_expired
from recoup.kit.world import World
from recoup.people.flows.make_user import Membership, make_user
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sessions import (
    IDLE,
    LASTS,
    is_csrf,
    read_session,
    sign_out,
    switch_merchant,
)
from recoup.people.flows.sign_in import SignIn, sign_in


@dataclass(frozen=True, slots=True)
class Ahead(Clocks):
    by: timedelta = timedelta(0)

    def wall(self) -> WallTime:
        return WallTime(Clocks().wall() + self.by)


@pytest.fixture(scope="module")
def shop(server: ServerAddress) -> Iterator[Shop]:
    made = asyncio.run(make_shop(server, orders=1))
    yield made
    asyncio.run(drop_shop(server, made))


Work = Callable[[Callable[..., Awaitable[World]]], Awaitable[None]]


def run(shop: Shop, work: Work) -> None:
    async def inside() -> None:
        worlds: list[World] = []

        async def world(ahead: timedelta = timedelta(0)) -> World:
            worlds.append(await make_world(shop, clocks=Ahead(ahead)))
            return worlds[-1]

        try:
            await work(world)
        finally:
            for one in worlds:
                await one.db.close()
                await one.people.close()
            await asyncio.sleep(0)

    asyncio.run(inside())


async def token_of(world: World, email: str = "maya@example.test") -> str:
    entered = await sign_in(world, Passwords(), SignIn(email, PASSWORD, "127.0.0.1"))
    assert not entered.is_half
    return entered.token


def test_a_session_ends_when_idle_and_in_any_case_after_a_day(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        token = await token_of(await world())
        assert await read_session(await world(IDLE - timedelta(minutes=1)), token) is not None
        assert await read_session(await world(2 * IDLE - timedelta(minutes=2)), token) is not None
        assert await read_session(await world(3 * IDLE), token) is None
        token = await token_of(await world())
        step = timedelta(0)
        while (step := step + IDLE - timedelta(minutes=1)) < LASTS:
            assert await read_session(await world(step), token) is not None
        assert await read_session(await world(LASTS + timedelta(seconds=1)), token) is None

    run(shop, work)


def test_signing_in_again_ends_the_old_session_of_the_browser(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        here = await world()
        old = await token_of(here)
        new = (
            await sign_in(
                here, Passwords(), SignIn("maya@example.test", PASSWORD, "127.0.0.1", old)
            )
        ).token
        assert await read_session(here, old) is None
        assert await read_session(here, new) is not None
        await sign_out(here, new)
        assert await read_session(here, new) is None

    run(shop, work)


def test_the_database_keeps_neither_token_nor_password(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        here = await world()
        token = await token_of(here)
        tables = (
            "SELECT u::text AS s FROM users u UNION SELECT f::text FROM signin_failures f"
            " UNION SELECT l::text FROM account_log l"
        )
        rows = await here.people.fetch(tables)
        sessions = await here.people.fetch("SELECT s::text AS s FROM sessions s")
        kept = " ".join(r["s"] for r in rows)
        assert token not in kept + str(sessions)
        assert PASSWORD not in kept + str(sessions)
        assert "127.0.0.1" not in kept, "it stands with the session, and goes with it"
        assert "$argon2id$" in kept

    run(shop, work)


def test_a_blocked_user_and_a_lost_membership_count_at_once(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        here = await world()
        people = here.people
        owner = Membership("merchant", shop.merchant_id, "owner")
        ann = await make_user(here, "Gone@Example.test", "Gone", PASSWORD, [owner])
        again = await make_user(here, "gone@example.test", "Gone", PASSWORD, [])
        assert ann == again
        token = await token_of(here, "gone@example.test")
        session = await read_session(here, token)
        assert session is not None
        assert session.may("refund")
        assert is_csrf(session, session.csrf)
        assert not is_csrf(session, "é" + session.csrf)
        assert not is_csrf(session, session.csrf + "é", parts=3)
        with pytest.raises(Problem, match="not a member"):
            await switch_merchant(here, token, session, shop.other_id)
        await people.execute("DELETE FROM memberships WHERE user_id = $1", ann)
        later = await read_session(here, token)
        assert later is not None
        assert later.merchant is None
        assert not later.may("refund")
        await people.execute("UPDATE users SET state = 'blocked' WHERE user_id = $1", ann)
        assert await read_session(here, token) is None
        with pytest.raises(Problem, match="do not match"):
            await token_of(here, "gone@example.test")

    run(shop, work)


def test_only_the_operators_people_decide_for_the_operator(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        here = await world()
        await make_user(
            here,
            "looks@example.test",
            "Looks",
            PASSWORD,
            [Membership("operator", UUID(int=0), "analyst")],
        )
        for email, decides in (("op", True), ("maya", False), ("pat", False), ("looks", False)):
            session = await read_session(here, await token_of(here, f"{email}@example.test"))
            assert session is not None
            assert session.is_operator is decides, email

    run(shop, work)


@pytest.mark.parametrize("token", ["", "x", "é", "x" * 5000, "\x00"])
def test_what_is_no_token_is_no_session(shop: Shop, token: str) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        assert await read_session(await world(), token) is None

    run(shop, work)


def test_a_short_password_is_refused(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        with pytest.raises(Problem, match="12 to 256"):
            await make_user(await world(), "a@b.example", "A", "short", [])

    run(shop, work)


def test_what_is_over_is_forgotten_with_its_address(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        here = await world()
        await token_of(here)
        counts = "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM signin_failures)"
        await purge_expired(await world(timedelta(minutes=10)))
        assert all((await here.people.fetch(counts))[0]), "what is open stays"
        await purge_expired(await world(LASTS * 3))
        assert list((await here.people.fetch(counts))[0]) == [0, 0]

    run(shop, work)


def test_another_password_from_the_set_up_ends_sessions(shop: Shop) -> None:
    async def work(world: Callable[..., Awaitable[World]]) -> None:
        here = await world()
        token = await token_of(here, "empty@example.test")
        await make_user(here, "empty@example.test", "Emma Empty", PASSWORD + "!", [])
        assert await read_session(here, token) is None

    run(shop, work)
