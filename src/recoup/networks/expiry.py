"""The date on a card, as people type it."""

import re
from typing import Final
from unicodedata import normalize

_EXPIRY_MAX: Final = 16
_EXPIRY: Final = re.compile(r"(0[1-9]|1[0-2]|[2-9]|1(?=\D))[ /.\u2013-]*(?:20)?([0-9]{2})")


def read_expiry(text: str) -> tuple[int, int] | None:
    """Month and year of a card, as people type them: `09/31`, `9-2031`, `0931`, `931`. None for
    what is no such date, or may be two: `131`."""
    match = _EXPIRY.fullmatch(normalize("NFKC", text).strip()) if len(text) <= _EXPIRY_MAX else None
    return (int(match[1]), 2000 + int(match[2])) if match is not None else None
