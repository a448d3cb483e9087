"""Texts that somebody sent, checked before they are taken for a number, an id or a token."""

from copy import copy
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem


def is_digits(text: str, low: int, high: int | None = None) -> bool:
    """True for `low` ASCII digits and nothing else, or for `low` to `high` of them."""
    return text.isascii() and text.isdigit() and low <= len(text) <= (high or low)


def parse_whole(text: str, digits_max: int) -> int | None:
    """A whole number of at most so many digits, or None."""
    return int(text) if is_digits(text, 1, digits_max) else None


def known_id(text: str, missing: Problem) -> UUID:
    """The id. Raises: `missing` for a text that is none."""
    known = parse_id(text)
    if known is None:
        raise copy(missing)
    return known


def is_printable(text: str) -> bool:
    """True for a text of printable ASCII, spaces included."""
    return text.isascii() and text.isprintable()
