"""The operator impersonates a merchant's member, or nobody with a role: to see what they see.

It begins with a reason, lasts an hour at most, changes nothing unless that was ticked, and ends by
itself, with the session, or as soon as the impersonator is the operator's no more. The merchant's
owners hear of each. Decision 0036.
"""

from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import WallTime
from recoup.kit.rights import MAY
from recoup.kit.world import World
from recoup.people.flows.sessions import Session, session_hash
from recoup.people.rules.impersonation import check_minutes, check_reason
from recoup.people.store.impersonations import (
    NewImpersonation,
    begin_impersonation,
    end_impersonation,
    members_to_impersonate,
)
from recoup.people.store.people import is_operator


@frozen
class ImpersonationForm:
    """Form of an impersonation. `whom`: a member's user id, or None for nobody, with `role`."""

    whom: UUID | None
    role: str
    reason: str
    minutes: str
    may_act: bool


async def begin(
    world: World, token: str, session: Session, form: ImpersonationForm, request_id: str
) -> UUID:
    """Begins an impersonation at the merchant that the session looks at.

    Raises: Problem(forbidden) for everybody but the operator's owner and operations;
    Problem(invalid) naming reason, minutes or whom; Problem(conflict) while the session
    impersonates somebody.
    """
    merchant = session.merchant
    if session.behind or not session.is_operator or merchant is None:
        raise Problem(
            "forbidden",
            "Only operator staff can impersonate; nothing was done.",
            "Ask the operator.",
        )
    reason, lasts = check_reason(form.reason), check_minutes(form.minutes)
    if form.whom is None and form.role not in MAY:
        raise invalid("Choose a person or a role.", "whom", "Choose one of the list.")
    now, impersonation_id = world.clocks.wall(), new_id()
    async with world.people.transaction() as tx:
        if not await is_operator(tx, session.user_id, world.name):
            raise Problem(
                "forbidden",
                "You are no longer operator staff; nothing was done.",
                "Ask the operator.",
            )
        role = form.role
        if form.whom:
            members = await members_to_impersonate(
                tx, merchant.merchant_id, session.user_id, world.name, form.whom
            )
            if not members:
                raise invalid(
                    "This person is not a member of the merchant.", "whom", "Reload the page."
                )
            role = members[0].role
        impersonation = NewImpersonation(
            impersonation_id,
            session.user_id,
            world.name,
            merchant.merchant_id,
            form.whom,
            role,
            reason,
            form.may_act,
            request_id,
            now,
            WallTime(now + lasts),
        )
        if not await begin_impersonation(tx, session_hash(world, token), impersonation):
            raise Problem("conflict", "You are already impersonating somebody.", "End that first.")
    return impersonation_id


async def end(world: World, token: str, request_id: str) -> None:
    """Ends the impersonation; again, it changes nothing."""
    await end_impersonation(
        world.people.alone, session_hash(world, token), world.clocks.wall(), "ended", request_id
    )
