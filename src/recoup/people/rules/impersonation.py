"""Reason that somebody of the operator must give before they impersonate somebody, and for how long
they may."""

from datetime import timedelta
from typing import Final

from recoup.kernel.problem import Sentence, invalid
from recoup.networks.card_text import numbers_in

MINUTES: Final = (15, 30, 60)
REASON_MIN: Final = 10
REASON_MAX: Final = 300


def check_reason(text: str) -> str:
    """The reason as it is kept. Raises: Problem(invalid)."""
    text = " ".join(text.replace("\0", "").split())
    if not REASON_MIN <= len(text) <= REASON_MAX or not text.isprintable():
        raise invalid(
            Sentence("Say why, in {0} to {1} characters.", REASON_MIN, REASON_MAX),
            "reason",
            "The merchant's owner can read it: enter the case and your purpose.",
        )
    check_no_card(text, "reason")
    return text


def check_no_card(text: str, field: str) -> None:
    """Raises: Problem(invalid)."""
    if next(numbers_in(text), None):
        raise invalid(
            "This looks like a card number; it must not be kept here.",
            field,
            "The last four digits are enough.",
        )


def check_minutes(text: str) -> timedelta:
    """Raises: Problem(invalid)."""
    if text not in {str(minutes) for minutes in MINUTES}:
        raise invalid(
            Sentence("Choose {0} minutes.", ", ".join(str(minutes) for minutes in MINUTES)),
            "minutes",
        )
    return timedelta(minutes=int(text))
