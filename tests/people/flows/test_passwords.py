"""What a password costs whoever guesses: the one place where tests use the real hasher."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2.low_level import Type
from tests.quick_passwords import QUICK, REAL

from recoup.kernel.problem import Problem
from recoup.people.flows import passwords
from recoup.people.flows.passwords import Passwords, outdated

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


def test_what_is_stretched_differs_by_password_salt_and_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def story() -> None:
        used = Passwords()
        first = await used.stretched(RIGHT, SALT)
        assert first == await used.stretched(RIGHT, SALT)
        others = {await used.stretched(WRONG, SALT), await used.stretched(RIGHT, SALT[::-1])}
        monkeypatch.setattr(passwords, "_hasher", QUICK)
        others.add(await used.stretched(RIGHT, SALT))
        assert len(others | {first}) == 4

    asyncio.run(story())


def test_a_password_is_the_same_however_its_characters_were_composed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that was set on a phone (NFC) was refused from a Mac (NFD)."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    composed, typed = "Gr\u00fc\u00dfe an Zo\u00eb 12", "Gru\u0308\u00dfe an\u00a0Zoe\u0308\u300012"

    async def story() -> None:
        used, wrong = Passwords(), []
        for name, kept, given, expected in (
            ("set composed", await used.hashed(composed), typed, "opaque"),
            ("set decomposed", await used.hashed(typed), composed, "opaque"),
            ("kept as it was typed before", QUICK.hash(typed), typed, "typed"),
            ("the same, typed otherwise", QUICK.hash(typed), composed, None),
            ("a capital letter", await used.hashed(composed), typed.upper(), None),
            (
                "a compatible letter is another",
                await used.hashed("\ufb01ve good words"),
                "five good words",
                None,
            ),
        ):
            if await used.fitting(given, kept) != expected:
                wrong.append(name)
        assert not wrong
        assert await used.stretched(composed, SALT) == await used.stretched(typed, SALT)
        for bad in (
            "twelve\tletters",
            "\x00" * 20,
            "\u00a0" * 20,
            "e\u0308" * 11,
            " ",
            "half \ud83d of a sign",
        ):
            with pytest.raises(Problem) as caught:
                await used.hashed(bad)
            assert (caught.value.code, caught.value.field) == ("invalid", "password")

    asyncio.run(story())
