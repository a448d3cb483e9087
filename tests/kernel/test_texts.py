"""Texts that somebody sent are numbers or tokens only as they are written here."""

from uuid import UUID

import pytest
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.kernel.texts import is_digits, is_printable, known_id, parse_whole

ID = UUID(int=7)


@each(
    ("text", "number"),
    [
        ("0", 0),
        ("007", 7),
        ("1234", 1234),
        ("12345", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1_0", None),
        ("1.0", None),
        ("٣", None),
        ("²", None),
        ("1\n", None),
    ],
)
def test_a_whole_number_is_ascii_digits_and_not_too_many(text: str, number: int | None) -> None:
    assert parse_whole(text, 4) == number
    assert is_digits(text, 1, 4) == (number is not None)


def test_as_many_digits_as_are_asked_for() -> None:
    assert [is_digits(text, 3) for text in ("12", "123", "1234")] == [False, True, False]
    assert [is_digits(text, 3, 4) for text in ("12", "123", "1234", "12345")] == [
        False,
        True,
        True,
        False,
    ]


@each(
    ("text", "fits"),
    [("a b~", True), ("", True), ("a\tb", False), ("ä", False), ("\0", False), ("\x7f", False)],
)
def test_printable_is_what_ascii_shows(text: str, fits: bool) -> None:
    assert is_printable(text) is fits


def test_an_id_that_is_none_is_what_its_caller_says_of_it() -> None:
    missing = Problem("not_found", "There is no such stamp.", cure="Look at the list.")
    assert known_id(str(ID), missing) == ID
    with pytest.raises(Problem, match="no such stamp") as raised:
        known_id("x", missing)
    assert raised.value is not missing
