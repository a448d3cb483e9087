"""Somebody who is signed in changes their own account, and proves once more that it is them."""

from datetime import datetime
from typing import Final

from recoup.db.pool import KeyTaken
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.world import World
from recoup.people.flows.account_log import note
from recoup.people.flows.passwords import Passwords, Turn
from recoup.people.flows.sessions import IDLE
from recoup.people.flows.sign_in import login_with
from recoup.people.flows.throttle import TRIES_AGAIN, bucket_of, charge
from recoup.people.flows.who import Oneself
from recoup.people.rules.opaque import opaque
from recoup.people.store import account_log as store
from recoup.people.store.account_log import login_of, open_sessions, password_of
from recoup.people.store.password_links import forget_links
from recoup.people.store.people import hold_user
from recoup.people.store.second_factors import forget_halves

NAME_MAX: Final = 80
SESSIONS_MAX: Final = 100
_TOO_MANY: Final = "Your password was asked too many times. Go on in"


@frozen
class Open:
    """Open session of somebody. `key` names it in a form and opens nothing."""

    key: str
    is_this: bool
    world: str
    begun_at: datetime
    seen_at: datetime
    address: str
    browser: str


async def prove_password(world: World, passwords: Passwords, me: Oneself, password: str) -> str:
    """Answers the hash as it is kept. Raises: Problem(bad_credentials) naming the field `password`;
    Problem(too_many_requests) after ten times in a quarter of an hour, right or wrong."""
    kept = await _charged(world, me)
    if not await passwords.fits(password, kept, _turn(me)):
        raise _wrong("password")
    return kept or ""


async def change_password(
    world: World, passwords: Passwords, me: Oneself, old: str, new: str
) -> None:
    """All other sessions end, and the old one leads nowhere any more, by no page. The same form
    again finds it done.

    Raises: Problem bad_credentials and invalid naming the field `old` or `new`;
    Problem(too_many_requests).
    """
    kept = await _charged(world, me)
    if not await passwords.fits(old, kept, _turn(me)):
        if opaque(old) != opaque(new) and await passwords.fits(new, kept, _turn(me)):
            return
        raise _wrong("old")
    if opaque(old) == opaque(new):
        raise invalid("This is your current password.", "new")
    try:
        hashed = await passwords.hashed(new, _turn(me))
    except Problem as problem:
        if problem.code != "invalid":
            raise
        raise invalid(problem.message, "new") from None
    people = world.people
    known_as = await login_of(people, me.user_id)
    login = await login_with(world, passwords, known_as, new, _turn(me))
    try:
        async with people.transaction() as tx:
            if await hold_user(tx, me.user_id) is None or not await store.exchange_password(
                tx, me.user_id, kept or "", hashed, login
            ):
                raise changed_meanwhile()
            await forget_halves(tx, me.user_id)
            await forget_links(tx, me.user_id)
            await store.end_sessions(tx, me.user_id, world.clocks.wall(), me.session)
            await note(tx, world, me.user_id, "password_changed", request=me.request)
    except KeyTaken:  # another with this e-mail has it
        raise invalid("Choose another password.", "new") from None


def checked_name(text: str) -> str:
    """The name as it is kept. Raises: Problem(invalid)."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= NAME_MAX or not name.isprintable():
        raise invalid(Sentence("A name has 1 to {0} characters.", NAME_MAX), "name")
    return name


async def rename(world: World, me: Oneself, name: str) -> None:
    """Raises: Problem(invalid)."""
    name = checked_name(name)
    async with world.people.transaction() as tx:
        if await store.rename(tx, me.user_id, name):
            await note(tx, world, me.user_id, "renamed", request=me.request)


async def sessions_of(world: World, me: Oneself) -> list[Open]:
    """The one seen last first."""
    now = world.clocks.wall()
    rows = await open_sessions(world.people, me.user_id, now, now - IDLE, SESSIONS_MAX)
    return [
        Open(
            row.session_hash.hex(),
            row.session_hash == me.session,
            row.world,
            row.created_at,
            row.seen_at,
            row.address,
            row.browser,
        )
        for row in rows
    ]


async def end_session(world: World, me: Oneself, key: str) -> None:
    """Ends a session of the person's own; one that is over already stays so."""
    try:
        named = bytes.fromhex(key) if len(key) == 64 else b""
    except ValueError:
        named = b""
    if not named:
        raise invalid("This session is not in the list.", "session", "Reload the page.")
    async with world.people.transaction() as tx:
        if await store.end_session(tx, me.user_id, named, world.clocks.wall()):
            await note(tx, world, me.user_id, "session_ended", request=me.request)


async def end_others(world: World, me: Oneself) -> int:
    """Ends the other sessions, and sign-ins that wait for a code. Answers how many sessions there
    were."""
    async with world.people.transaction() as tx:
        await hold_user(tx, me.user_id)
        await forget_halves(tx, me.user_id)
        ended = await store.end_sessions(tx, me.user_id, world.clocks.wall(), me.session)
        if ended:
            await note(
                tx, world, me.user_id, "other_sessions_ended", request=me.request, ended=ended
            )
    return ended


def _turn(me: Oneself) -> Turn:
    return Turn(str(me.user_id), known=True)


def changed_meanwhile() -> Problem:
    return Problem(
        "conflict",
        "Your account was changed meanwhile in another window; nothing was done.",
        "Reload the page and check.",
    )


async def _charged(world: World, me: Oneself) -> str | None:
    await charge(
        world.people.alone,
        world,
        bucket_of(world, "again", str(me.user_id)),
        TRIES_AGAIN,
        _TOO_MANY,
    )
    return await password_of(world.people, me.user_id)


def _wrong(field: str) -> Problem:
    return Problem(
        "bad_credentials", "The password is wrong.", "Capital letters count.", field=field
    )
