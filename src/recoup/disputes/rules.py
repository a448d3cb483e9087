"""The type of an evidence file by its own bytes: names and declared types are only words. Pure."""

import re
from typing import Final

from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.networks.card_guard import refused
from recoup.networks.card_text import Room, TooManyDigits, may_hold_number, numbers_in
from recoup.onboarding.rules import documents

BYTES_MAX: Final = documents.BYTES_MAX
COUNT_MAX: Final = 5
TEXT: Final = "text/plain"
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def evidence_type(content: bytes) -> str:
    """Raises: Problem(invalid) for what is empty, too large, none of the four, or a text with a
    card number."""
    if not content:
        raise invalid("The file is empty.", "Content")
    if len(content) > BYTES_MAX:
        raise invalid(
            Sentence("The file is larger than {0} KiB.", BYTES_MAX >> 10),
            "Content",
            "Scan it at a lower resolution, or send it in parts.",
        )
    try:
        return documents.media_type(content)
    except Problem:
        text = _text(content)
    if text is None:
        raise invalid(
            "The file is not a complete PDF, PNG or JPEG file, nor plain text.",
            "Content",
            "Send one of these four formats.",
        )
    try:
        if may_hold_number(text) and next(numbers_in(text, Room()), None) is not None:
            raise refused(["Content"])
    except TooManyDigits:
        raise invalid(
            "The text has more long numbers than can be checked for card numbers.",
            "Content",
            "Leave tables of numbers out, or send it as a PDF.",
        ) from None
    return TEXT


def _text(content: bytes) -> str | None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _CONTROLS.search(text) else text
