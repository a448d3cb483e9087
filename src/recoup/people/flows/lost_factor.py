"""Somebody lost app and recovery codes. An owner helps those who belong to their shop alone; the
operator everybody."""

from typing import Final
from uuid import UUID

from recoup.db.statement import Read, Tx
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.people.flows.account_log import note
from recoup.people.flows.invitations import Subject
from recoup.people.flows.oneself import prove_password
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sign_in import clean_email
from recoup.people.flows.who import Oneself
from recoup.people.store.account_log import end_sessions
from recoup.people.store.people import find_user, hold_user, names_of
from recoup.people.store.second_factors import (
    forget_factor,
    forget_halves,
    memberships_of,
    with_factor,
)

_AT_THE_SHELL: Final = "The operator does it at the shell: recoup people reset-second-factor."


async def whom_to_help(world: World, subject: Subject, by: UUID, user_id: UUID) -> str:
    """The name of a member whose second factor this owner may remove.

    Raises: Problem(not_found); Problem(forbidden).
    """
    await _may_help(world.people, subject, by, user_id)
    return (await names_of(world.people, [user_id]))[user_id]


async def help_member(
    world: World, passwords: Passwords, subject: Subject, me: Oneself, user_id: UUID, password: str
) -> None:
    """`password`: the owner's own. None there any more: nothing happens.

    Raises: Problem not_found, forbidden; bad_credentials naming the field `password`;
    too_many_requests.
    """
    await whom_to_help(world, subject, me.user_id, user_id)
    await prove_password(world, passwords, me, password)
    async with world.people.transaction() as tx:
        await hold_user(tx, user_id)
        await _may_help(tx, subject, me.user_id, user_id)
        await _remove(
            tx,
            world,
            user_id,
            f"user:{me.user_id}",
            me.request,
            subject=f"{subject.kind}:{subject.id}",
            name=subject.name,
        )


async def help_by_email(world: World, email: str, actor: str) -> None:
    """Removes a person's second factor, for the operator at the shell, who must know whom they
    speak to.

    Raises: Problem(not_found) for nobody, and for somebody who has none.
    """
    user_id = await find_to_help(world, email)
    async with world.people.transaction() as tx:
        await hold_user(tx, user_id)
        if not await _remove(tx, world, user_id, actor, ""):
            raise _no_factor()


async def find_to_help(world: World, email: str) -> UUID:
    """The person that `help_by_email` would help. Raises: as that."""
    user = await find_user(world.people, clean_email(email))
    if user is None:
        raise Problem("not_found", "No account has this e-mail.", "Check the spelling.")
    if not await with_factor(world.people, [user.user_id]):
        raise _no_factor()
    return user.user_id


def _no_factor() -> Problem:
    return Problem(
        "not_found", "This person has no second factor.", "Their password alone signs them in."
    )


async def _may_help(connection: Read, subject: Subject, by: UUID, user_id: UUID) -> None:
    theirs = await memberships_of(connection, user_id)
    if subject.key not in [(kind, id_) for kind, id_, _, _ in theirs]:
        raise Problem("not_found", "There is no such member.", "Reload the page.")
    if by == user_id:
        raise Problem(
            "forbidden", "This is your own account.", "Turn it off or move it on your account page."
        )
    mine = await memberships_of(connection, by)
    if not all(
        (kind, id_, "owner", world) in mine
        for kind, id_, _, world in theirs
        if (kind, id_) == subject.key
    ):
        raise Problem(
            "forbidden",
            "Only an owner who is a member here may do this; nothing was done.",
            _AT_THE_SHELL,
        )
    if len({(kind, id_) for kind, id_, _, _ in theirs}) > 1:
        raise Problem(
            "forbidden",
            "This person belongs to others, too: only the operator may do this.",
            _AT_THE_SHELL,
        )


async def _remove(
    tx: Tx, world: World, user_id: UUID, actor: str, request: str, **facts: str
) -> bool:
    """Removes the second factor under the person's lock, with everything that is open in their
    name. True when there was one."""
    if not await forget_factor(tx, user_id):
        return False
    await forget_halves(tx, user_id)
    await end_sessions(tx, user_id, world.clocks.wall())
    await note(tx, world, user_id, "second_factor_removed", actor=actor, request=request, **facts)
    return True
