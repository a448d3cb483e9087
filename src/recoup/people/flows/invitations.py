"""Somebody is invited to a partner or merchant, joins by the link of a mail, or is not let in any
more.

The link works once and for seven days. Used, revoked, expired and unknown links get the same
answer.
"""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.texts import is_printable
from recoup.kit.rights import MAY
from recoup.kit.world import World
from recoup.orders.rules.notices import is_address
from recoup.people.flows.oneself import checked_name
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sessions import NOWHERE, ClientInfo, open_session
from recoup.people.flows.sign_in import clean_email, turn_of
from recoup.people.store.invitations import (
    OpenInvitation,
    add_invitation,
    count_invitations,
    count_sent,
    join,
    lock_inviting,
    open_invitation,
    revoke_invitation,
    take_invitation,
)
from recoup.people.store.memberships import lock_ownership, note_membership
from recoup.people.store.people import add_user

LASTS: Final = timedelta(days=7)
OPEN_MAX: Final = 50
SENT_MAX: Final = 100  # by one person in a day, wherever they are an owner
SENT_WITHIN: Final = timedelta(days=1)
_TOKEN_MAX: Final = 100


@frozen
class Subject:
    """`kind` partner or merchant."""

    kind: str
    id: UUID
    name: str

    @property
    def key(self) -> tuple[str, UUID]:
        return self.kind, self.id


async def invite(
    world: World, subject: Subject, user_id: UUID, email: str, role: str, *, request_id: str
) -> UUID:
    """The invitation; its mail is owed. The answer does not reveal whether the e-mail has an
    account.

    Raises: Problem(invalid) for an address or role that is none; Problem(forbidden) for somebody
    who is no owner any more; Problem(too_many_requests) for too many that wait there, or that this
    person sent.
    """
    email, now = clean_email(email), world.clocks.wall()
    if not is_address(email):
        raise invalid("This is not an e-mail address.", "email")
    if role not in MAY:
        raise invalid("Choose a role.", "role", Sentence("One of {0}.", ", ".join(MAY)))
    invitation_id, token = new_id(), world.mark + secrets.token_urlsafe(32)
    async with world.people.transaction() as tx:
        await lock_inviting(tx, user_id, subject.key)
        if not await lock_ownership(tx, user_id, *subject.key, world.name):
            raise Problem(
                "forbidden", "You are not an owner there; nobody was invited.", "Ask its owner."
            )
        if await count_invitations(tx, *subject.key, now - LASTS) >= OPEN_MAX:
            raise Problem(
                "too_many_requests",
                Sentence("{0} invitations wait already.", OPEN_MAX),
                "Revoked invitations count for a week.",
                retry_after_seconds=3600,
            )
        if await count_sent(tx, user_id, now - SENT_WITHIN) >= SENT_MAX:
            raise Problem(
                "too_many_requests",
                Sentence("You sent {0} invitations in one day.", SENT_MAX),
                "Try again tomorrow; revoked invitations count, too.",
                retry_after_seconds=3600,
            )
        await add_invitation(
            tx,
            invitation_id=invitation_id,
            token_hash=_hash(world, token),
            sealed_token=world.keys.seal_secret(token_context(invitation_id), token.encode()),
            email=email,
            subject_kind=subject.kind,
            subject_id=subject.id,
            subject_name=subject.name,
            role=role,
            world=world.name,
            invited_by=user_id,
            created_at=now,
            expires_at=now + LASTS,
            mail_due_at=now,
        )
        await note_membership(
            tx,
            subject.key,
            None,
            invitation_id,
            role,
            "invited",
            by=user_id,
            request_id=request_id,
            at=now,
        )
    return invitation_id


async def revoke(
    world: World, subject: Subject, user_id: UUID, invitation_id: UUID, *, request_id: str
) -> None:
    """Raises: Problem(not_found), also for what is somebody else's, used or revoked."""
    async with world.people.transaction() as tx:
        wall = world.clocks.wall()
        role = await revoke_invitation(tx, invitation_id, *subject.key, wall, user_id)
        if role is None:
            raise Problem("not_found", "There is no such open invitation.", "Reload the page.")
        await note_membership(
            tx,
            subject.key,
            None,
            invitation_id,
            role,
            "revoked",
            by=user_id,
            request_id=request_id,
            at=wall,
        )


async def read_invitation(world: World, token: str) -> OpenInvitation:
    """Raises: Problem(not_found), the same for used, revoked, over and unknown ones."""
    invitation = None
    if _could_be(token):
        invitation = await open_invitation(
            world.people, _hash(world, token), world.name, world.clocks.wall()
        )
    if invitation is None:
        raise _over()
    return invitation


async def join_as(world: World, token: str, user_id: UUID, *, request_id: str) -> None:
    """The signed-in user becomes a member, once, in the world of the invitation. Raises:
    Problem(not_found)."""
    async with world.people.transaction() as tx:
        await _take(tx, world, token, user_id, request_id)


async def join_new(
    world: World,
    passwords: Passwords,
    token: str,
    name: str,
    password: str,
    whence: ClientInfo = NOWHERE,
    *,
    request_id: str,
) -> str:
    """A new user with the invitation's e-mail, signed in; answers the session's token.

    Raises: Problem not_found; invalid for name or password; conflict when somebody has this e-mail:
    who signs in joins.
    """
    invitation, name = await read_invitation(world, token), checked_name(name)
    hashed, user_id = await passwords.hashed(password, turn_of(whence.address)), new_id()
    async with world.people.transaction() as tx:
        if await add_user(tx, user_id, invitation.email, name, hashed, world.clocks.wall()) is None:
            raise Problem(
                "conflict",
                "You already have an account here.",
                "Sign in, then open the link again.",
            )
        await _take(tx, world, token, user_id, request_id)
        return await open_session(tx, world, user_id, None, whence)


def token_context(invitation_id: UUID) -> str:
    """The place where a sealed token belongs."""
    return f"invitation:{invitation_id}"


async def _take(tx: Tx, world: World, token: str, user_id: UUID, request_id: str) -> None:
    now = world.clocks.wall()
    taken = (
        await take_invitation(tx, _hash(world, token), world.name, now, user_id)
        if _could_be(token)
        else None
    )
    if taken is None:
        raise _over()
    subject = (taken.subject_kind, taken.subject_id)
    await join(tx, user_id, *subject, taken.role, now, world.name)
    await note_membership(
        tx,
        subject,
        user_id,
        taken.invitation_id,
        taken.role,
        "joined",
        by=user_id,
        request_id=request_id,
        at=now,
    )


def _could_be(token: str) -> bool:
    return 0 < len(token) <= _TOKEN_MAX and is_printable(token)


def _over() -> Problem:
    return Problem(
        "not_found",
        "This invitation is not valid: it was used, has expired, or never existed.",
        "Ask whoever invited you for a new one.",
    )


def _hash(world: World, token: str) -> bytes:
    return world.keys.secret_hash(token)
