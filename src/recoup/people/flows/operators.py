"""The operator's own people, as the shell makes and ends them."""

import secrets
from uuid import UUID

from recoup.kernel.problem import invalid
from recoup.kit.live_check import is_nobodys
from recoup.kit.world import World
from recoup.orders.rules.notices import is_address
from recoup.people.flows.make_user import Membership, make_user
from recoup.people.flows.password_links import link_by_operator
from recoup.people.flows.sign_in import clean_email
from recoup.people.store.account_log import end_sessions
from recoup.people.store.live_people import end_operator
from recoup.people.store.people import find_user, save_membership


async def make_operator(world: World, email: str, name: str, actor: str) -> str:
    """An owner at the operator, in both worlds; somebody who has an account keeps it. Answers a
    link to set a password. Raises: Problem(invalid) for what is nobody's address."""
    email = clean_email(email)
    if not is_address(email):
        raise invalid("This is not an e-mail address.", "email")
    if is_nobodys(email):
        raise invalid(
            "Nobody can have an address in this domain, so it never counts in live.",
            "email",
            "Use your own.",
        )
    operator: UUID = world.keys.derived_id("bootstrap", "operator")
    member = Membership("operator", operator, "owner")
    known = await find_user(world.people, email)
    if known is None:
        await make_user(
            world, email, name or email.partition("@")[0], secrets.token_urlsafe(24), [member]
        )
    else:
        now = world.clocks.wall()
        async with world.people.transaction() as tx:
            for own_world in member.worlds(world.name):
                await save_membership(
                    tx, known.user_id, "operator", operator, member.role, now, own_world
                )
    return await link_by_operator(world, email, actor)


async def unmake_operator(world: World, email: str) -> bool:
    """Ends their sessions, too. False for somebody who was none."""
    email = clean_email(email)
    async with world.people.transaction() as tx:
        user = await find_user(tx, email)
        ended = await end_operator(tx, email)
        if user and ended:
            await end_sessions(tx, user.user_id, world.clocks.wall())
    return bool(ended)
