"""An e-mail address and a phone number in the form by which one customer is counted once, however
they are written."""

import re
import unicodedata
from typing import Final

PHONE_DIGITS: Final = (
    8  # the last ones: with or without the country's code and a leading zero it is one number
)


_DIGITS: Final = re.compile(r"\d")


_DOTS_DO_NOT_COUNT: Final = ("gmail.com", "googlemail.com")


def email_counted(email: str) -> str:
    """Empty where it is no address. Lower case, full-width letters as plain ones, without what
    stands after a `+`, without the dots that Google Mail does not read."""
    local, at, domain = unicodedata.normalize("NFKC", email).strip().casefold().rpartition("@")
    local, domain = local.partition("+")[0] or local, domain.rstrip(".")
    if domain in _DOTS_DO_NOT_COUNT:
        local, domain = local.replace(".", ""), _DOTS_DO_NOT_COUNT[0]
    return f"{local}@{domain}" if at and local and domain else ""


def phone_counted(phone: str) -> str:
    """Empty where it is no number: too short, or a filler such as 000000000."""
    digits = "".join(str(unicodedata.digit(digit)) for digit in _DIGITS.findall(phone))
    tail = digits[-PHONE_DIGITS:]
    return (
        tail
        if len(tail) == PHONE_DIGITS and len(set(tail)) > 1 and tail not in "01234567890123456789"
        else ""
    )
