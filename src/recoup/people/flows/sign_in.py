"""Somebody gives an e-mail and a password. Unknown, wrong and blocked get the same answer.

Who has a second factor has half a sign-in then, which is no session: `second_step` makes it one.
"""

import secrets
import unicodedata
from dataclasses import field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kit.whence import network_of
from recoup.kit.world import World
from recoup.people.flows.account_log import note
from recoup.people.flows.devices import device_of, new_device
from recoup.people.flows.passwords import NOBODY, Passwords, Spelling, Turn, outdated
from recoup.people.flows.sessions import ClientInfo, open_session
from recoup.people.flows.throttle import (
    TRIES_DEVICE,
    bucket_of,
    charge,
    charge_stranger,
    forgive_email,
)
from recoup.people.store.account_log import add_failed_sign_in
from recoup.people.store.people import find_user, hold_user, save_password
from recoup.people.store.second_factors import add_half, sealed_secret

HALF_LASTS: Final = timedelta(minutes=10)
SIGN_UP_GOES_ON: Final = timedelta(days=1)  # how long one that died can be gone on with
_TOO_MANY: Final = "Too many attempts. Signing in is possible again in"


@frozen
class SignIn:
    """Sign-in as somebody typed it, and from where; `old_token` is the session the browser still
    has, if any, and `device` by what it is known."""

    email: str
    password: str = field(repr=False)
    address: str
    old_token: str | None = None
    agent: str = ""
    request: str = ""
    device: str = ""


@frozen
class Entered:
    """`token`: of a session, or where `is_half` of a sign-in that waits for a code. `device`: by
    which the browser is known the next time."""

    token: str
    is_half: bool = False
    device: str = ""


async def sign_in(world: World, passwords: Passwords, request: SignIn) -> Entered:
    """Signs in and returns the entry, for the cookie.

    Raises: Problem(bad_credentials); Problem(too_many_requests) with the pause, see `throttle`.
    """
    people = world.people
    email, device = clean_email(request.email), device_of(world, request.device)
    async with people.connection() as connection:
        user = known = await find_user(connection, email)
        if device and (user is None or user.user_id != device.user_id):
            device = None
        if device:
            await charge(
                connection, world, bucket_of(world, "device", device.key), TRIES_DEVICE, _TOO_MANY
            )
        else:
            await charge_stranger(connection, world, email, request.address, _TOO_MANY)
    turn = turn_of(request.address) if device is None else Turn(str(device.user_id), known=True)
    fit = await passwords.fitting(request.password, user.password_hash if user else None, turn)
    if fit is None and world.policy.test_mode:
        namesake = await namesake_of(world, passwords, email, request.password, turn)
        user = await find_user(people, namesake)
        fit = await passwords.fitting(request.password, user.password_hash, turn) if user else None
    if user is None or fit is None or not user.active:
        await add_failed_sign_in(
            people.alone,
            new_id(),
            known.user_id if known else None,
            world.clocks.wall(),
            world.name,
            network_of(request.address),
            request.request,
        )
        raise _refused()
    fresh = await _made_anew(passwords, request.password, user.password_hash, fit, turn)
    async with people.transaction() as tx:
        if await hold_user(tx, user.user_id) != user.password_hash:
            raise _refused()  # it was changed meanwhile
        if fresh is not None:
            await save_password(tx, user.user_id, fresh)
        if user.email == email:  # a namesake, who may be anybody, gives no tries back
            await forgive_email(tx, world, email, request.address)
        client = ClientInfo(request.address, request.agent)
        entered = await enter(tx, world, user.user_id, request.old_token, client, request.request)
    return replace(entered, device=device.token if device else new_device(world, user.user_id))


async def _made_anew(
    passwords: Passwords, password: str, kept: str, fit: Spelling, turn: Turn
) -> str | None:
    """A hash of today's making; None where the kept one is, or where the password could not be set
    today."""
    if fit == "opaque" and not outdated(kept):
        return None
    try:
        return await passwords.hashed(password, turn)
    except Problem as problem:
        if problem.code != "invalid":
            raise
        return None


async def enter(
    tx: Tx,
    world: World,
    user_id: UUID,
    old_token: str | None,
    whence: ClientInfo,
    request: str = "",
) -> Entered:
    """Signs the person in, under their lock; their password was right. Returns a session, or half
    of one."""
    if await sealed_secret(tx, user_id) is None:
        token = await open_session(tx, world, user_id, old_token, whence)
        await note(
            tx,
            world,
            user_id,
            "signed_in",
            request=request,
            by="password",
            place=network_of(whence.address),
        )
        return Entered(token)
    token = world.mark + secrets.token_urlsafe(32)
    await add_half(
        tx, half_hash(world, token), user_id, world.name, world.clocks.wall() + HALF_LASTS
    )
    return Entered(token, is_half=True)


def half_hash(world: World, token: str) -> bytes:
    """The hash of a half sign-in, never that of a session: one cannot stand for the other."""
    return world.keys.secret_hash(f"half:{token}")


async def namesake_of(
    world: World, passwords: Passwords, email: str, password: str, turn: Turn = NOBODY
) -> str:
    """The name under which a sandbox keeps somebody who signed up with an e-mail that another had.
    Only their password leads to it."""
    salt = world.keys.mac("namesake", email.encode())
    return f"{email}#{await passwords.stretched(password, salt, turn)}"


async def login_with(
    world: World, passwords: Passwords, login: str, password: str, turn: Turn
) -> str | None:
    """The login that somebody with this new password is known by from now on; None where that goes
    by the e-mail alone."""
    email, mark, _ = login.rpartition("#")
    return (
        await namesake_of(world, passwords, email, password, turn)
        if mark and "@" in email
        else None
    )


def clean_email(email: str) -> str:
    """The address as stored and looked up, however its characters were composed."""
    return unicodedata.normalize("NFC", email.replace("\x00", "")[:1_000].strip().lower())[:254]


def turn_of(address: str) -> Turn:
    """A stranger's, by their network."""
    return Turn(network_of(address) or address)


def _refused() -> Problem:
    return Problem(
        "bad_credentials",
        "E-mail and password do not match.",
        "Check both; capital letters count.",
        field="password",
    )


def takes_sign_ups(world: World) -> bool:
    """True when strangers may sign up: only where money is simulated, and unless the operator
    closed it."""
    return world.policy.test_mode and world.sign_up
