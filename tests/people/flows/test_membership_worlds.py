"""A membership holds in the world that it was made in: what somebody is in the sandbox opens
nothing that is live."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import pytest
from tests.worlds import Shop, make_shop, people_dsn, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.problem import Problem
from recoup.kit.whence import network_of
from recoup.kit.world import World
from recoup.onboarding.flows.sign_up import SignUp, sign_up
from recoup.people.flows.invitations import Subject, invite, join_as
from recoup.people.flows.lost_factor import help_member
from recoup.people.flows.make_user import Membership, make_user, register_merchant, register_partner
from recoup.people.flows.memberships import end_membership
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.second_factor import require
from recoup.people.flows.sessions import open_session, read_session, switch_world
from recoup.people.flows.who import Oneself
from recoup.people.store.people import belongs_in, is_operator, partner_roles, reachable, take_along

PARTNER = UUID(int=7)


@dataclass
class Two:
    """One shop in two worlds; only what the people database says of them differs."""

    shop: Shop
    sandbox: World
    live: World

    @property
    def subject(self) -> Subject:
        return Subject("merchant", self.shop.merchant_id, "Tea")

    async def reaches(self, user_id: UUID) -> tuple[bool, bool]:
        """In the sandbox, in the live world."""
        async with self.sandbox.people.connection() as connection:
            found = [
                bool(await reachable(connection, user_id, world.name))
                for world in (self.sandbox, self.live)
            ]
            assert found == [
                await belongs_in(connection, user_id, world.name)
                for world in (self.sandbox, self.live)
            ]
        return found[0], found[1]

    async def person(self, name: str, role: str, *worlds: World, kind: str = "merchant") -> UUID:
        subject = PARTNER if kind == "partner" else self.shop.merchant_id
        for world in worlds:
            belongs = [Membership(kind, subject, role)]
            found = await make_user(world, f"{name}@x.example", name, "a good password", belongs)
        return found

    async def roles(self, user_id: UUID) -> dict[str, str]:
        connection = await asyncpg.connect(await people_dsn(self.sandbox))
        try:
            rows = await connection.fetch(
                "SELECT world, role FROM memberships WHERE user_id = $1", user_id
            )
        finally:
            await connection.close()
        return {row["world"]: row["role"] for row in rows}


def run(server: ServerAddress, story: Callable[[Two], Awaitable[None]]) -> None:
    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            live = replace(shop.world, name="live", others={})
            sandbox = replace(shop.world, others={"live": live})
            live.others["sandbox"] = sandbox
            for world in (sandbox, live):
                await register_partner(world, PARTNER, "Subscriptions Inc")
                await register_merchant(world, shop.merchant_id, "Tea", PARTNER)
            await story(Two(shop, sandbox, live))

    asyncio.run(inside())


def test_who_belongs_to_a_merchant_in_the_sandbox_sees_nothing_of_it_live(
    server: ServerAddress,
) -> None:
    """The same id in both worlds was all that it took."""

    async def story(two: Two) -> None:
        ann = await two.person("ann", "owner", two.sandbox)
        pat = await two.person("pat", "owner", two.sandbox, kind="partner")
        assert await two.reaches(ann) == await two.reaches(pat) == (True, False)
        async with two.sandbox.people.transaction() as tx:
            token = await open_session(tx, two.sandbox, pat, None)
            assert await partner_roles(tx, pat, "live") == []
        session = await read_session(two.sandbox, token)
        assert session is not None
        with pytest.raises(Problem, match="None of your merchants"):
            await switch_world(two.sandbox, token, session)
        olga = await two.person("olga", "owner", two.sandbox, kind="operator")
        assert await two.reaches(olga) == (True, True), "the operator's people are in both"
        async with two.sandbox.people.connection() as connection:
            assert await is_operator(connection, olga, "live")

    run(server, story)


def test_who_signs_up_is_a_member_in_the_sandbox_alone(server: ServerAddress) -> None:
    async def story(two: Two) -> None:
        asked = SignUp(
            "eve@x.example", "a good password", "Eve", "both", "https://shop.example", "192.0.2.1"
        )
        made = await sign_up(two.sandbox, Passwords(), asked)
        session = await read_session(two.sandbox, made.session)
        assert session is not None
        assert session.merchant is not None
        await register_merchant(two.live, session.merchant.merchant_id, "Eve", None)
        assert await two.reaches(session.user_id) == (True, False)

    run(server, story)


def test_going_live_takes_along_who_is_there_then(server: ServerAddress) -> None:
    async def story(two: Two) -> None:
        ann = await two.person("ann", "owner", two.sandbox)
        pat = await two.person("pat", "analyst", two.sandbox, kind="partner")

        async def goes_live() -> None:
            async with two.sandbox.people.connection() as connection:
                now = two.sandbox.clocks.wall()
                await take_along(connection, two.shop.merchant_id, PARTNER, now, "sandbox", "live")

        await goes_live()
        assert await two.roles(ann) == {"sandbox": "owner", "live": "owner"}
        assert await two.roles(pat) == {"sandbox": "analyst", "live": "analyst"}
        late = [
            await two.person("bob", "owner", two.sandbox),
            await two.person("pia", "owner", two.sandbox, kind="partner"),
        ]
        await goes_live()  # another shop of the partner, or the same step once more
        assert [await two.reaches(one) for one in late] == [(True, False)] * 2

    run(server, story)


def test_an_invitation_holds_in_its_world_and_keeps_the_other_role(server: ServerAddress) -> None:
    async def story(two: Two) -> None:
        ann = await two.person("ann", "owner", two.sandbox, two.live)
        bob = await two.person("bob", "analyst", two.live)
        with pytest.raises(Problem, match="not an owner there"):
            await invite(two.sandbox, two.subject, bob, "c@x.example", "owner", request_id="t")
        eve = await two.person("eve", "owner", two.sandbox)
        with pytest.raises(Problem, match="not an owner there"):
            await invite(two.live, two.subject, eve, "c@x.example", "owner", request_id="t")
        invitation = await invite(
            two.sandbox, two.subject, ann, "bob@x.example", "owner", request_id="t"
        )
        connection = await asyncpg.connect(await people_dsn(two.sandbox))
        sealed = await connection.fetchval(
            "SELECT sealed_token FROM invitations WHERE invitation_id = $1", invitation
        )
        await connection.close()
        token = two.sandbox.keys.open_secret(f"invitation:{invitation}", sealed).decode()
        with pytest.raises(Problem):
            await join_as(two.live, token, bob, request_id="t")
        await join_as(two.sandbox, token, bob, request_id="t")
        assert await two.roles(bob) == {"sandbox": "owner", "live": "analyst"}

    run(server, story)


def test_an_owner_ends_a_membership_where_they_own_it(server: ServerAddress) -> None:
    async def story(two: Two) -> None:
        ann = await two.person("ann", "owner", two.sandbox, two.live)
        bob = await two.person("bob", "owner", two.sandbox, two.live)
        eve = await two.person("eve", "owner", two.sandbox)
        await end_membership(two.sandbox, two.subject, bob, by=eve, request_id="t")
        assert await two.roles(bob) == {"live": "owner"}, (
            "who owns the sandbox ends nothing that is live"
        )
        with pytest.raises(Problem, match="no such member"):
            await end_membership(two.live, two.subject, eve, by=ann, request_id="t")
        dev = await two.person("dev", "developer", two.sandbox, two.live)
        await end_membership(two.sandbox, two.subject, dev, by=ann, request_id="t")
        assert await two.roles(dev) == {}, "of who owns both it ends in both"
        await end_membership(two.live, two.subject, bob, by=ann, request_id="t")
        with pytest.raises(Problem, match="only owner"):
            await end_membership(two.live, two.subject, ann, by=ann, request_id="t")
        pat = await two.person("pat", "owner", two.sandbox, two.live, kind="partner")
        dev = await two.person("dev", "developer", two.sandbox, two.live)
        await end_membership(two.live, two.subject, dev, by=pat, request_id="t")
        assert await two.roles(dev) == {}, "its partner's owner owns the shop, too"

    run(server, story)


def test_who_owns_the_sandbox_weakens_no_sign_in_to_the_live_world(server: ServerAddress) -> None:
    async def story(two: Two) -> None:
        ann = await two.person("ann", "owner", two.sandbox, two.live)
        eve = await two.person("eve", "owner", two.sandbox)
        await require(two.sandbox, two.subject, ann, required=True, request_id="t")
        with pytest.raises(Problem, match="not an owner there"):
            await require(two.sandbox, two.subject, eve, required=False, request_id="t")
        me = Oneself(eve, b"", network_of("192.0.2.1"), "t")
        with pytest.raises(Problem, match="Only an owner"):
            await help_member(two.sandbox, Passwords(), two.subject, me, ann, "a good password")
        dev = await two.person("dev", "developer", two.sandbox)
        await help_member(two.sandbox, Passwords(), two.subject, me, dev, "a good password")

    run(server, story)
