"""An owner requires a second factor of everybody who may see their shop, or belongs to their partner."""

from uuid import UUID

from recoup.flows.people.account_log import note
from recoup.flows.people.invitations import Subject
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.store.people.memberships import lock_ownership, worlds_with_members
from recoup.store.people.second_factors import end_rule, make_rule


async def require(world: World, subject: Subject, by: UUID, *, required: bool, request_id: str) -> None:
    """With their next request everybody there who has none is led to set one up. What stands already stays.

    Raises: Problem(forbidden) for somebody who is no owner any more, here and in each world where it has members.
    """
    people = world.people
    async with people.transaction() as tx:
        for name in sorted({world.name, *await worlds_with_members(tx, *subject.key)}):
            if not await lock_ownership(tx, by, *subject.key, name):
                raise Problem("forbidden", "You are not an owner there; nothing was done.", cure="Ask its owner.")
        if required:
            changed = await make_rule(tx, *subject.key, subject.name, by, world.clocks.wall())
        else:
            changed = await end_rule(tx, *subject.key)
        if changed:
            await note(
                tx,
                world,
                by,
                "rule_made" if required else "rule_ended",
                request=request_id,
                subject=f"{subject.kind}:{subject.id}",
                name=subject.name,
            )
