"""A password as it is compared: the same text, whichever way a keyboard or a system composed its
characters.

Source: RFC 8265 §4.2 (OpaqueString): other spaces become U+0020, then NFC; case, width and
everything else stays.
"""

import unicodedata
from typing import Final

# Controls, and halves of characters: nobody means to type them, and few fields can repeat them.
_REFUSED: Final = frozenset({"Cc", "Cs"})


def opaque(password: str) -> str:
    """Changes nothing twice."""
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in password)
    return unicodedata.normalize("NFC", spaced)


def has_controls(password: str) -> bool:
    return any(unicodedata.category(letter) in _REFUSED for letter in password)
