"""What a password costs whoever guesses: the one place where tests use the real hasher."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2.low_level import Type
from tests.quick_passwords import QUICK, REAL

from recoup.flows.people import passwords
from recoup.flows.people.passwords import Passwords, outdated

RIGHT, WRONG, SALT = "correct horse battery", "incorrect horse battery", b"0123456789abcdef"


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(passwords, "_hasher", REAL)
    passwords._nobody.cache_clear()
    yield
    passwords._nobody.cache_clear()


def test_a_guess_costs_64_mib_and_three_passes() -> None:
    assert (REAL.type, REAL.memory_cost, REAL.time_cost) == (Type.ID, 64 * 1024, 3)


def test_only_the_password_fits_and_nobody_costs_as_much() -> None:
    async def story() -> None:
        used = Passwords()
        kept = await used.hashed(RIGHT)
        assert kept.startswith("$argon2id$v=19$m=65536,t=3,")
        assert [await used.fits(RIGHT, kept), await used.fits(WRONG, kept)] == [True, False]
        assert not await used.fits("nobody has this password", None)
        assert passwords._nobody().startswith("$argon2id$v=19$m=65536,t=3,")
        assert not outdated(kept)

    asyncio.run(story())


def test_one_that_was_made_cheaply_is_outdated() -> None:
    assert outdated(QUICK.hash(RIGHT))


def test_what_is_stretched_differs_by_password_salt_and_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        used = Passwords()
        first = await used.stretched(RIGHT, SALT)
        assert first == await used.stretched(RIGHT, SALT)
        others = {await used.stretched(WRONG, SALT), await used.stretched(RIGHT, SALT[::-1])}
        monkeypatch.setattr(passwords, "_hasher", QUICK)
        others.add(await used.stretched(RIGHT, SALT))
        assert len(others | {first}) == 4

    asyncio.run(story())
