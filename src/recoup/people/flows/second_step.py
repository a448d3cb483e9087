"""The password was right; now the code. A form that is sent twice opens one session, the same
one."""

import base64
from dataclasses import field
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.db.statement import Read, Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.whence import network_of
from recoup.kit.world import World
from recoup.people.flows.account_log import note
from recoup.people.flows.codes import charge_code, spend, typed_code
from recoup.people.flows.sessions import IDLE, ClientInfo, open_session, session_hash
from recoup.people.flows.sign_in import half_hash
from recoup.people.rules.codes import Typed
from recoup.people.store.people import find_session, hold_user
from recoup.people.store.second_factors import HalfSignIn, end_half, half_of, is_half

TWICE: Final = timedelta(minutes=1)  # for how long the same form is answered as the first time
_TOKEN_MAX: Final = 100


@frozen
class CodeGiven:
    """`half`: from the cookie. `old_token`: the session the browser still has, if any."""

    half: str = field(repr=False)
    code: str = field(repr=False)
    address: str
    old_token: str | None = None
    agent: str = ""
    request: str = ""


async def read_half(world: World, half: str) -> UUID | None:
    """The person whose sign-in waits for a code; None for one that is unknown, done or over, or of
    another world."""
    if not _could_be(half):
        return None
    return await is_half(world.people, half_hash(world, half), world.name, world.clocks.wall())


async def give_code(world: World, given: CodeGiven) -> str:
    """The session's token, for the cookie.

    Raises: Problem(unauthenticated) when there is no half to go on with; Problem invalid and
    bad_credentials naming the field `code`; Problem(too_many_requests).
    """
    people = world.people
    half = await _half(people, world, given.half)
    typed = typed_code(given.code)
    await charge_code(world, half.user_id, given.address, typed)
    async with people.transaction() as tx:
        if await hold_user(tx, half.user_id) is None:
            raise _over()
        half = await _half(tx, world, given.half)
        done_by, token = (
            _mac(world, "half done", given.half, typed),
            _token(world, given.half, typed),
        )
        if half.done_at:
            return await _again(tx, world, half, done_by, token)
        await spend(tx, world, half.user_id, typed)
        await end_half(tx, half_hash(world, given.half), done_by, world.clocks.wall())
        await note(
            tx,
            world,
            half.user_id,
            "signed_in",
            request=given.request,
            place=network_of(given.address),
            by="code" if typed.kind == "app" else "recovery code",
        )
        return await open_session(
            tx, world, half.user_id, given.old_token, ClientInfo(given.address, given.agent), token
        )


async def _again(tx: Tx, world: World, half: HalfSignIn, done_by: bytes, token: str) -> str:
    """The session that the same form opened a moment ago, while it is open. Raises:
    Problem(unauthenticated)."""
    now = world.clocks.wall()
    token = world.mark + token
    is_same = half.done_by == done_by and half.done_at is not None and half.done_at > now - TWICE
    if is_same and await find_session(tx, session_hash(world, token), now, now - IDLE):
        return token
    raise _over()


async def _half(connection: Read, world: World, half: str) -> HalfSignIn:
    half_sign_in = None
    if _could_be(half):
        half_sign_in = await half_of(
            connection, half_hash(world, half), world.name, world.clocks.wall()
        )
    if half_sign_in is None:
        raise _over()
    return half_sign_in


def _could_be(half: str) -> bool:
    return 0 < len(half) <= _TOKEN_MAX and half.isascii()


def _over() -> Problem:
    return Problem(
        "unauthenticated",
        "The sign-in expired before the code came: it lasts ten minutes, in one window.",
        "Start again.",
    )


def _token(world: World, half: str, typed: Typed) -> str:
    """The session's token, as unguessable as the half that it is made of."""
    return (
        base64.urlsafe_b64encode(_mac(world, "session of half", half, typed)).rstrip(b"=").decode()
    )


def _mac(world: World, purpose: str, half: str, typed: Typed) -> bytes:
    return world.keys.mac(purpose, f"{half}:{typed.kind}:{typed.text}".encode())
