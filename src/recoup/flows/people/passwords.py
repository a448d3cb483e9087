"""Passwords as argon2id, made and checked beside the event loop, a few at a time: each takes 64 MiB and some 50 ms."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from recoup.kernel.problem import Problem

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256
AT_ONCE: Final = 2
WAITING_MAX: Final = 64
_hasher: Final = PasswordHasher()
T = TypeVar("T")


class Passwords:
    """One an event loop. Bounds how many are worked on and how many wait."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hashed(self, password: str) -> str:
        """Raises: Problem(invalid) for one that is too short or too long."""
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
            message = f"A password has {LENGTH_MIN} to {LENGTH_MAX} characters."
            raise Problem("invalid", message, field="password")
        return await asyncio.to_thread(_hasher.hash, password)

    async def stretched(self, password: str, salt: bytes) -> str:
        """The same for the same password and salt, and as slow to guess as it is to check one.

        Raises: Problem(too_many_requests) when too many wait already.
        """
        return (await self._in_turn(_stretch, password[:LENGTH_MAX], salt)).hex()

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the password; False, after the same work, when there is none to compare with.

        Raises: Problem(too_many_requests) when too many sign-ins wait already.
        """
        right = await self._in_turn(_verify, kept, password[:LENGTH_MAX])
        return right and kept is not None

    async def _in_turn(self, work: Callable[..., T], *values: object) -> T:
        if self._waiting >= WAITING_MAX:
            raise Problem("too_many_requests", "Many people sign in just now.", retry_after_seconds=5,
                          cure="Try again in a few seconds.")  # fmt: skip
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work, *values)
        finally:
            self._waiting -= 1


def outdated(kept: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobody() -> str:
    """What is checked when nobody has this e-mail, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


def _verify(kept: str | None, password: str) -> bool:
    try:
        return _hasher.verify(kept or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


def _stretch(password: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        password.encode("utf-8", "replace"), salt[:16], time_cost=_hasher.time_cost, memory_cost=_hasher.memory_cost,
        parallelism=_hasher.parallelism, hash_len=16, type=Type.ID,
    )  # fmt: skip
