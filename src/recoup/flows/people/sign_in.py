"""Somebody gives an e-mail and a password. Unknown, wrong and blocked are told apart by nobody outside."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg

from recoup.flows.people.passwords import Passwords, outdated
from recoup.flows.people.sessions import open_session
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.store.pool import Database
from recoup.store.read.people import find_user
from recoup.store.write.people import charge_sign_in, forgive_sign_ins, save_password

REMEMBERED: Final = timedelta(minutes=15)
TRIES_EMAIL: Final = 8
TRIES_ADDRESS: Final = 60


@dataclass(frozen=True, slots=True)
class SignIn:
    """What somebody typed, and from where; `old_token` is the session the browser still has, if any."""

    email: str
    password: str
    address: str
    old_token: str | None = None


async def sign_in(world: World, passwords: Passwords, asked: SignIn) -> str:
    """The new session's token, for the cookie.

    Raises: Problem(bad_credentials); Problem(too_many_requests) with the pause after 8 tries for one e-mail or 60 from
    one address in a quarter of an hour, right or wrong.
    """
    people: Database = world.extra["people"]
    email = clean_email(asked.email)
    buckets = [_bucket(world, "email", email), _bucket(world, "address", asked.address)]
    now = world.clocks.wall()
    async with people.connection() as connection:
        for bucket, tries_max in zip(buckets, (TRIES_EMAIL, TRIES_ADDRESS), strict=True):
            tries, until = await charge_sign_in(connection, bucket, now, now + REMEMBERED, tries_max)
            if tries > tries_max:
                seconds = max(1, int((until - now).total_seconds()))
                minutes = -(-seconds // 60)
                message = f"Too many tries. Signing in is possible again in {minutes} min."
                raise Problem("too_many_requests", message, retry_after_seconds=seconds)
        user = await find_user(connection, email)
    right = await passwords.fits(asked.password, user.password_hash if user else None)
    if not right and world.policy.test_mode:
        namesake = await namesake_of(world, passwords, email, asked.password)
        async with people.connection() as connection:
            user = await find_user(connection, namesake)
        right = user is not None and await passwords.fits(asked.password, user.password_hash)
    if user is None or not right or not user.may_sign_in:
        raise Problem("bad_credentials", "E-mail and password do not match.", field="password",
                      cure="Check both; capital letters count.")  # fmt: skip
    fresh = await passwords.hashed(asked.password) if outdated(user.password_hash) else None
    async with people.transaction() as connection:
        if fresh is not None:
            await save_password(connection, user.user_id, fresh)
        await forgive_sign_ins(connection, buckets[:1], now)
        return await open_session(connection, world, user.user_id, asked.old_token)


async def namesake_of(world: World, passwords: Passwords, email: str, password: str) -> str:
    """Under which name a sandbox keeps somebody who signed up with an e-mail that another had. Only their password
    leads to it."""
    return f"{email}#{await passwords.stretched(password, world.keys.mac('namesake', email.encode()))}"


def clean_email(email: str) -> str:
    return email.replace("\x00", "").strip().lower()[:254]


async def charge_email(connection: asyncpg.Connection, world: World, email: str) -> None:
    """A try to sign in with this e-mail, by whatever page. Raises: Problem(too_many_requests)."""
    now = world.clocks.wall()
    tries, until = await charge_sign_in(connection, _bucket(world, "email", email), now, now + REMEMBERED, TRIES_EMAIL)
    if tries > TRIES_EMAIL:
        raise Problem("too_many_requests", "Too many tries with this e-mail.",
                      cure="Try again in a quarter of an hour.",
                      retry_after_seconds=max(1, int((until - now).total_seconds())))  # fmt: skip


def _bucket(world: World, kind: str, value: str) -> str:
    mac: bytes = world.keys.mac("signin", f"{kind}:{value}".encode("utf-8", "replace"))
    return mac.hex()
