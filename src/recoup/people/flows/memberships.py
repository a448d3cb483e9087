"""Somebody's membership at a partner or merchant ends: with their next request they see and do
nothing there."""

from uuid import UUID

import structlog

from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.people.flows.invitations import Subject
from recoup.people.store import memberships as store

log = structlog.get_logger()


async def end_membership(
    world: World, subject: Subject, user_id: UUID, *, by: UUID, request_id: str
) -> None:
    """Ends a membership here, and in the other world where `by` owns it too; with the invitations
    there that they sent, and those by which they could come back.

    Raises: Problem(not_found); Problem(conflict) for the only owner who can sign in.
    """
    async with world.people.transaction() as tx:
        rows = await store.lock_owners_and(tx, *subject.key, user_id)
        theirs = {row.world: row.role for row in rows if row.user_id == user_id}
        if world.name not in theirs:
            raise Problem("not_found", "There is no such member.", "Reload the page.")
        mine = {row.world for row in rows if row.user_id == by and row.role == "owner"}
        mine |= {world.name, *await store.owned_from_above(tx, by, *subject.key)}
        ended = [name for name in theirs if name in mine]
        others = [
            row for row in rows if row.user_id != user_id and row.role == "owner" and row.active
        ]
        kept = {row.world for row in others}
        if any(theirs[name] == "owner" and name not in kept for name in ended):
            raise Problem(
                "conflict",
                "This is the only owner; a merchant needs at least one.",
                "Invite another owner first.",
            )
        await store.end_membership(
            tx,
            subject.key,
            user_id,
            theirs[world.name],
            by=by,
            request_id=request_id,
            at=world.clocks.wall(),
            worlds=ended,
        )
    log.info(
        "membership ended",
        subject=f"{subject.kind}:{subject.id}",
        member=str(user_id),
        actor=f"user:{by}",
        request=request_id,
    )
