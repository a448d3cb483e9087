"""Somebody forgot their password: a link by mail, or from the operator, sets another. It works
once, one hour.

Neither answer nor timing reveals whether an e-mail has an account: the page does the same work for
both, and the mail leaves later. A second factor stays as it is, and is required at the sign-in that
follows.
"""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.pool import KeyTaken
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.texts import is_printable
from recoup.kit.whence import network_of
from recoup.kit.world import World
from recoup.people.flows.account_log import mail_world, note
from recoup.people.flows.passwords import Passwords
from recoup.people.flows.sign_in import clean_email, login_with, turn_of
from recoup.people.flows.throttle import (
    TRIES_AGAIN,
    bucket_of,
    charge,
    charge_stranger,
    forgive_email,
)
from recoup.people.store.account_log import end_sessions, exchange_password
from recoup.people.store.password_links import (
    PasswordLink,
    add_ask,
    add_link,
    find_link,
    forget_links,
    is_unanswered,
    take_link,
)
from recoup.people.store.people import charge_sign_in, find_user, hold_user
from recoup.people.store.second_factors import forget_halves

LASTS: Final = timedelta(hours=1)
TWICE: Final = timedelta(minutes=1)  # for how long the same form finds its work done
MAILS_MAX: Final = 3  # to one e-mail, within an hour
PLACE: Final = "/signin/password"
_TOKEN_MAX: Final = 100
_TOO_MANY: Final = "Too many links were asked for. Ask again in"
_TOO_OFTEN: Final = "Too many attempts. Go on in"


async def ask_for_link(
    world: World, email: str, address: str, language: str, request_id: str
) -> None:
    """A mail is owed to the user with this e-mail, unless blocked; beyond three in an hour none is,
    silently.

    Raises: Problem(too_many_requests), whether or not somebody has it.
    """
    people = world.people
    email, now = clean_email(email), world.clocks.wall()
    async with people.connection() as connection:
        await charge_stranger(connection, world, email, address, _TOO_MANY, page="password")
    async with people.transaction() as tx:
        requests, _ = await charge_sign_in(
            tx, bucket_of(world, "password-mail", email), now, now + LASTS, MAILS_MAX
        )
        user = await find_user(tx, email)
        gets = (
            user is not None and user.active and bool(user.password_hash) and requests <= MAILS_MAX
        )
        user_id = user.user_id if user and gets else None
        way = await mail_world(tx, world, user_id or new_id())
        await add_ask(tx, new_id(), user_id, way, language, network_of(address), request_id, now)


async def link_of_ask(
    tx: Tx, world: World, ask_id: UUID, user_id: UUID, *, is_first: bool, **facts: str
) -> str | None:
    """The address that the mail carries: a token of its own for each try of it. None for somebody
    who is blocked, or has set a password meanwhile."""
    if await hold_user(tx, user_id) is None or not await is_unanswered(tx, ask_id):
        return None
    if is_first:
        await note(tx, world, user_id, "password_link_asked", actor="worker", **facts)
    return await _make(tx, world, user_id, "mail")


async def link_by_operator(world: World, email: str, actor: str) -> str:
    """Makes a link for an operator at the shell, who checks the recipient. The person gets a mail.

    Raises: Problem(not_found) for nobody; Problem(forbidden) for somebody who is blocked.
    """
    user_id = await find_for_link(world, email)
    async with world.people.transaction() as tx:
        if await hold_user(tx, user_id) is None:
            raise _blocked()
        await note(tx, world, user_id, "password_link_made", actor=actor)
        return await _make(tx, world, user_id, actor)


async def find_for_link(world: World, email: str) -> UUID:
    """The person that `link_by_operator` would make a link for. Raises: as that."""
    user = await find_user(world.people, clean_email(email))
    if user is None:
        raise Problem("not_found", "No account has this e-mail.", "Check how it is written.")
    if not user.active:
        raise _blocked()
    return user.user_id


def _blocked() -> Problem:
    return Problem(
        "forbidden",
        "This person is blocked: no password signs them in.",
        "Let them in again first.",
    )


async def read_link(world: World, token: str) -> PasswordLink:
    """Raises: Problem(not_found), the same for used, over and unknown ones."""
    link = await _find(world, token)
    if link is None or link.used_at:
        raise _over()
    return link


async def set_password(
    world: World, passwords: Passwords, token: str, password: str, address: str, request_id: str
) -> str:
    """All sessions, sign-ins that wait for a code and other links of the person end. Answers the
    e-mail. The same form sent twice finds it done.

    Raises: Problem not_found; invalid naming the field `password`; too_many_requests.
    """
    link = await _find(world, token)
    if link is None:
        raise _over()
    if link.used_at:
        return await _again(world, passwords, link, password, address)
    turn, people = turn_of(address), world.people
    hashed = await passwords.hashed(password, turn)
    login = await login_with(world, passwords, link.login, password, turn)
    try:
        async with people.transaction() as tx:
            kept = await hold_user(tx, link.user_id)
            is_ours = kept is not None and await take_link(
                tx, _hash(world, token), world.clocks.wall()
            )
            if is_ours and kept is not None:
                await _set(tx, world, link, kept, hashed, login, token, request_id)
                if login is None:
                    await forgive_email(tx, world, link.login, address)
    except KeyTaken:  # another with this e-mail has it
        raise invalid("Choose another password.", "password") from None
    if not is_ours:
        now_found = await _find(world, token)
        if now_found is None or now_found.used_at is None:
            raise _over()
        return await _again(world, passwords, now_found, password, address)
    return link.login.partition("#")[0]


async def _set(
    tx: Tx,
    world: World,
    link: PasswordLink,
    kept: str,
    hashed: str,
    login: str | None,
    token: str,
    request_id: str,
) -> None:
    """Sets the password under the person's lock, with a link that is theirs."""
    await exchange_password(tx, link.user_id, kept, hashed, login)
    await forget_links(tx, link.user_id, but=_hash(world, token))
    await forget_halves(tx, link.user_id)
    await end_sessions(tx, link.user_id, world.clocks.wall())
    by = "mail" if link.made_by == "mail" else "operator"
    await note(tx, world, link.user_id, "password_set", request=request_id, by=by)


async def _again(
    world: World, passwords: Passwords, link: PasswordLink, password: str, address: str
) -> str:
    """The same form sent twice. Raises: Problem(not_found) for another one, or later."""
    if link.used_at is None or link.used_at <= world.clocks.wall() - TWICE:
        raise _over()
    await charge(
        world.people.alone,
        world,
        bucket_of(world, "link-again", str(link.user_id)),
        TRIES_AGAIN,
        _TOO_OFTEN,
    )
    if not await passwords.fits(password, link.password_hash, turn_of(address)):
        raise _over()
    return link.login.partition("#")[0]


async def _make(tx: Tx, world: World, user_id: UUID, made_by: str) -> str:
    """Makes a link by the address that the operator set for this Recoup, whatever a caller says."""
    token, now = world.mark + secrets.token_urlsafe(32), world.clocks.wall()
    await add_link(tx, _hash(world, token), user_id, made_by, now, now + LASTS)
    return f"{world.url}{PLACE}/{token}"


async def _find(world: World, token: str) -> PasswordLink | None:
    if not (0 < len(token) <= _TOKEN_MAX and is_printable(token)):
        return None
    return await find_link(world.people, _hash(world, token), world.clocks.wall())


def _hash(world: World, token: str) -> bytes:
    """The hash of a link's token, never that of a session or of half a sign-in: one cannot stand
    for the other."""
    return world.keys.secret_hash(f"password:{token}")


def _over() -> Problem:
    return Problem(
        "not_found",
        "This link is not valid: it was used, has expired, or never existed.",
        "Ask for a new one on the sign-in page: “Forgot password?”",
    )
