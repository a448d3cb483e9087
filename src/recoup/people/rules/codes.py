"""Codes that somebody types as their second factor: of the app, or one of ten recovery codes.

A recovery code is 50 bits in Crockford's base 32: no letter of it looks like another, and one that
is read wrongly (o for 0, l for 1) is understood.
"""

from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.texts import is_digits
from recoup.people.rules.totp import DIGITS

HOW_MANY: Final = 10
LENGTH: Final = 10
TYPED_MAX: Final = 64
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_MEANT: Final = str.maketrans({"o": "0", "i": "1", "l": "1"})
_BETWEEN: Final = str.maketrans("", "", " \t\u00a0-.")


@frozen
class Typed:
    """`text`: six digits of the app, or a recovery code as it is hashed."""

    kind: Literal["app", "recovery"]
    text: str


def read_code(typed: str) -> Typed | None:
    """Reads a code; None for what can be neither. Only ASCII counts: a digit of another script is
    no digit of the app."""
    if len(typed) > TYPED_MAX:
        return None
    text = typed.strip().lower().translate(_BETWEEN)
    if is_digits(text, DIGITS):
        return Typed("app", text)
    text = text.translate(_MEANT)
    if len(text) == LENGTH and set(text) <= set(_ALPHABET):
        return Typed("recovery", text)
    return None


def recovery_code(chance: bytes) -> str:
    """The code that these 7 or more bytes give."""
    number = int.from_bytes(chance[:7], "big")
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(LENGTH))


def shown(code: str) -> str:
    return f"{code[:5]}-{code[5:]}"
