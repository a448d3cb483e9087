"""Characters that nobody sees, but a terminal or a page obeys: controls (C0 and C1), separators of
lines, and what turns the direction of writing round. An id never has them; what is printed shows
them by their numbers."""

import re
from typing import Final

from recoup.kernel.problem import Sentence, invalid

_OBEYED: Final = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_IN_AN_ID: Final = re.compile(f"[{_OBEYED}]")
_IN_A_TEXT: Final = re.compile(f"(?![\t\n]|\r\n)[{_OBEYED}]")


def has_unseen(text: str) -> bool:
    return _IN_AN_ID.search(text) is not None


def check_seen(text: str, field: str) -> None:
    """Raises: Problem(invalid)."""
    if has_unseen(text):
        raise invalid(
            Sentence("The field {0} contains control characters.", field),
            field,
            "Send only characters that can be seen.",
        )


def shown_by_number(text: str) -> str:
    """`\\x1b` for an escape, `\\u202e` for a turn of direction; lines and tabs stay."""
    return _IN_A_TEXT.sub(_number, text)


def _number(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
