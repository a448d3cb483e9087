"""People and what they belong to, as set-up and invitations make them. Everything here may be
repeated."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sign_in import clean_email
from recoup.people.store.account_log import end_sessions
from recoup.people.store.password_links import forget_links
from recoup.people.store.people import save_membership, save_merchant, save_partner, save_user
from recoup.people.store.second_factors import forget_halves

BOTH: Final = ("sandbox", "live")


@frozen
class Membership:
    """`subject_kind` operator, partner or merchant; `role` owner, operations, analyst or
    developer."""

    subject_kind: str
    subject_id: UUID
    role: str

    def worlds(self, world: str) -> tuple[str, ...]:
        """The worlds in which it holds: the operator's people in both, others here."""
        return BOTH if self.subject_kind == "operator" else (world,)


async def make_user(
    world: World,
    email: str,
    name: str,
    password: str,
    memberships: Sequence[Membership],
    passwords: Passwords | None = None,
) -> UUID:
    """Makes the user, or gives the one with this e-mail the name, password and memberships; answers
    the id. Sessions that were opened with another password end.

    Raises: Problem(invalid) for a password that is too short.
    """
    hashed = await (passwords or Passwords()).hashed(password)
    now = world.clocks.wall()
    async with world.people.transaction() as connection:
        user_id = await save_user(connection, new_id(), clean_email(email), name, hashed, now)
        await forget_halves(connection, user_id)
        await forget_links(connection, user_id)
        await end_sessions(connection, user_id, now)
        for membership in memberships:
            for name in membership.worlds(world.name):
                await save_membership(
                    connection,
                    user_id,
                    membership.subject_kind,
                    membership.subject_id,
                    membership.role,
                    now,
                    name,
                )
    return user_id


async def register_partner(world: World, partner_id: UUID, name: str) -> None:
    async with world.people.transaction() as connection:
        await save_partner(connection, partner_id, name, world.clocks.wall())


async def register_merchant(
    world: World, merchant_id: UUID, name: str, partner_id: UUID | None
) -> None:
    """Says to the people database that this merchant exists in this world."""
    async with world.people.transaction() as connection:
        await save_merchant(connection, merchant_id, world.name, partner_id, name)
