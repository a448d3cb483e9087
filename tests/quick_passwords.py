"""Passwords that cost next to nothing: a test signs in many people and is seldom about what that
costs."""

from typing import Final

from argon2 import PasswordHasher

from recoup.people.flows import passwords

REAL: Final = passwords._hasher
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


def pytest_configure() -> None:
    passwords._hasher = QUICK
