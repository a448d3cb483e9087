"""Tries of one person and of one address, counted before anything is looked at, right or wrong."""

from datetime import timedelta
from typing import Final

import asyncpg

from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.store.write.people import charge_sign_in, forgive_sign_ins

REMEMBERED: Final = timedelta(minutes=15)
TRIES_EMAIL: Final = 8
TRIES_ADDRESS: Final = 60
# Codes are a million only: whoever has the password gets 5 tries in a quarter of an hour, and 20 in a day.
TRIES_CODE: Final = 5
CODES_REMEMBERED: Final = timedelta(days=1)
TRIES_CODE_DAY: Final = 20
TRIES_AGAIN: Final = 10  # a password that is asked again of somebody who is signed in


def bucket_of(world: World, kind: str, value: str) -> str:
    mac: bytes = world.keys.mac("signin", f"{kind}:{value}".encode("utf-8", "replace"))
    return mac.hex()


async def charge(
    connection: asyncpg.Connection, world: World, bucket: str, tries_max: int, message: str,
    remembered: timedelta = REMEMBERED,
) -> int:  # fmt: skip
    """Answers which try it is. `message` ends with when it goes on. Raises: Problem(too_many_requests)."""
    now = world.clocks.wall()
    tries, until = await charge_sign_in(connection, bucket, now, now + remembered, tries_max)
    if tries > tries_max:
        seconds = max(1, int((until - now).total_seconds()))
        raise Problem("too_many_requests", f"{message} {in_words(seconds)}.", retry_after_seconds=seconds, tries=tries)
    return tries


async def forgive(connection: asyncpg.Connection, *buckets: str) -> None:
    await forgive_sign_ins(connection, sorted(buckets))


def in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
