"""People of a shop who sign in with a second factor, and clocks that can be set ahead."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from tests.shop import PASSWORD, Shop, make_world

from recoup.kernel.ids import new_id
from recoup.kernel.time import Clocks, WallTime
from recoup.kit.world import World
from recoup.people.flows import second_factor
from recoup.people.flows.make_user import Membership, make_user
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.second_step import CodeGiven, give_code
from recoup.people.flows.sessions import read_session, session_hash
from recoup.people.flows.sign_in import Entered, SignIn, sign_in
from recoup.people.flows.who import Oneself
from recoup.people.rules.totp import code_of, step_at

KEY = "0" * 32


@dataclass(frozen=True, slots=True)
class Ahead(Clocks):
    by: timedelta = timedelta(0)

    def wall(self) -> WallTime:
        return WallTime(Clocks().wall() + self.by)


@dataclass
class Person:
    """Somebody signed in: their session's token, their app's secret and recovery codes once they
    have them."""

    world: World
    email: str
    user_id: UUID
    token: str = ""
    secret: str = ""
    codes: tuple[str, ...] = ()

    @property
    def me(self) -> Oneself:
        return Oneself(self.user_id, session_hash(self.world, self.token), "203.0.113.7", "walk")

    def code(self, steps: int = 0) -> str:
        """What the app shows; some steps from now."""
        return code_of(self.secret, step_at(self.world.clocks.wall()) + steps)

    async def half(self) -> str:
        entered = await self.enter()
        assert entered.is_half
        return entered.token

    async def enter(self, password: str = PASSWORD, address: str = "203.0.113.7") -> Entered:
        return await sign_in(self.world, Passwords(), SignIn(self.email, password, address))

    async def give(self, half: str, code: str, address: str = "203.0.113.7") -> str:
        return await give_code(self.world, CodeGiven(half, code, address))

    async def open(self) -> bool:
        return await read_session(self.world, self.token) is not None

    async def offered(self) -> str:
        await second_factor.begin(
            self.world, Passwords(), self.me, PASSWORD, self.code() if self.secret else ""
        )
        offer = (await second_factor.read_standing(self.world, self.me)).offer
        assert offer
        return offer


def wait(world: World, seconds: float) -> None:
    """The world's clock goes on."""
    clocks = world.clocks
    assert isinstance(clocks, Ahead)
    object.__setattr__(clocks, "by", clocks.by + timedelta(seconds=seconds))


async def person(world: World, *memberships: Membership) -> Person:
    """Somebody new, signed in by the password alone."""
    email = f"{new_id().hex}@example.test"
    made = Person(
        world, email, await make_user(world, email, "Somebody New", PASSWORD, memberships)
    )
    made.token = (await made.enter()).token
    return made


async def secured(world: World, *memberships: Membership) -> Person:
    """The same with a second factor; the code that turned it on is used up, so the clock goes on by
    a step."""
    made = await person(world, *memberships)
    secret = await made.offered()
    made.secret = secret
    made.codes = tuple(await second_factor.confirm(world, made.me, made.code(), KEY))
    wait(world, 60)
    return made


def run(shop: Shop, work: Callable[[World], Awaitable[None]]) -> None:
    async def inside() -> None:
        world = await make_world(shop, clocks=Ahead())
        try:
            await work(world)
        finally:
            await world.db.close()
            await world.people.close()
            await asyncio.sleep(0)

    asyncio.run(inside())


async def actions(who: Person) -> list[str]:
    """Of their log, the oldest first, without sign-ins."""
    rows = await who.world.people.fetch(
        "SELECT action FROM account_log WHERE user_id = $1 AND action <> 'signed_in' ORDER BY "
        "log_id",
        who.user_id,
    )
    return [row["action"] for row in rows]
