"""Texts that somebody sent are numbers or tokens only as they are written here."""

from tests.rings import each

from recoup.kernel.texts import is_digits, is_printable, parse_whole


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
