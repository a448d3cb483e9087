"""Rules for the values of a body, and what each is read as: this dialect takes a number for its
text, digits in a text for a number, and a blank for nothing. A Struct's field has the rule of its
type, or the one that its Meta names."""

import re
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.time import of_these_days
from recoup.kernel.unseen import has_unseen
from recoup.kit.files.moments import read_moment
from recoup.networks.card_text import numbers_in

TEXT_MAX: Final = 256
GUID: Final = "must be a GUID like 5f0d3c52-8a6e-4c0b-9a55-0f8a1b7e2c41"
_DATE_CURE: Final = "Send an ISO 8601 date and time like 2026-03-23T00:00:00Z."
_DIGITS: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_MOMENT_MAX: Final = 64
_UNIX_MAX: Final = 10**16


class Wrong(NamedTuple):
    """`what` is wrong with a field; or `text`, the whole sentence about it. `hint`: as
    `Complaints.add` has it."""

    what: str
    text: str | None = None
    hint: str | None = None


class Limits(NamedTuple):
    """Of a number its bounds, of a text or a list its length; `words`: what an enumerated text may
    be."""

    low: int = 0
    high: int = TEXT_MAX
    words: tuple[str, ...] = ()


# Answers None for a blank, which counts as a field that is missing.
Rule = Callable[[Any, Limits], Any]


def text(value: Any, limits: Limits) -> str | Wrong | None:
    if type(value) is int:
        value = str(value)
    elif not isinstance(value, str):
        return Wrong("must be text in quotes")
    value = value.strip()
    if len(value) > limits.high:
        return Wrong(f"must be at most {limits.high} characters long")
    return value or None


def text_or_blank(value: Any, limits: Limits) -> str | Wrong:
    """Reads a text where a blank says something."""
    read = text(value, limits)
    return "" if read is None else read


def reference(value: Any, limits: Limits) -> str | Wrong | None:
    """An id that the caller chose, which people read and programs print."""
    read = text(value, limits)
    if isinstance(read, str) and has_unseen(read):
        return Wrong("contains control characters")
    return read


def device(value: Any, limits: Limits) -> dict[str, str] | Wrong | None:
    """Identifies a device by whatever is told of it; nothing that could be a card number, which a
    serial number may look like."""
    if not isinstance(value, dict):
        return Wrong("must be an object")
    texts = {name: value.get(name) for name in ("deviceId", "fingerprint")}
    return {
        name: word
        for name, word in texts.items()
        if isinstance(word, str)
        and 0 < len(word) <= TEXT_MAX
        and not has_unseen(word)
        and not any(numbers_in(word))
    } or None


def flag(value: Any, limits: Limits) -> bool | Wrong:
    return value if isinstance(value, bool) else Wrong("must be true or false")


def whole(value: Any, limits: Limits, what: str = "a whole number") -> int | Wrong | None:
    """Reads a whole number within bounds; or its digits in a text, as the vendor takes them."""
    if isinstance(value, str):
        given = value.strip()
        if not given:
            return None
        value = int(given) if _DIGITS.fullmatch(given) else given
    if not isinstance(value, int) or isinstance(value, bool):
        return Wrong(f"must be {what}")
    if not limits.low <= value <= limits.high:
        return Wrong(f"must be between {limits.low} and {limits.high}")
    return value


def cents(value: Any, limits: Limits) -> int | Wrong | None:
    """An amount in minor units."""
    return whole(value, limits, "a whole number of cents: 4590 for 45.90")


def decimal(value: Any, limits: Limits) -> str | Wrong:
    """Whole currency (19.99), as it was written: a JSON number or decimal text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Wrong("must be a decimal like 19.99")
    if isinstance(value, float):
        exact = Decimal(repr(value))
        value = format(exact, "f") if exact.is_finite() else "nan"
        value = value.rstrip("0").rstrip(".") if "." in value else value
    given = str(value).strip()
    if not any(letter.isdigit() for letter in given):
        return Wrong("must be a decimal like 19.99")
    if given.startswith("-") or not any(letter in "123456789" for letter in given):
        return Wrong("must be more than zero, like 19.99")
    return given


def within(low: int, high: int) -> Rule:
    """A number with other bounds than the documented ones: another check says more about it."""
    return lambda value, limits: whole(value, Limits(low, high))


def up_to(most: int) -> Rule:
    """A text that may be longer than documented: another check says more about it."""
    return lambda value, limits: text(value, Limits(high=most))


def digits(low: int, high: int) -> Rule:
    """A number that the Struct has as text, because of its leading zeros."""

    def read(value: Any, limits: Limits) -> str | Wrong | None:
        number = whole(value, Limits(low, high))
        return str(number) if isinstance(number, int) else number

    return read


def identifier(value: Any, limits: Limits) -> UUID | Wrong | None:
    if value == "":
        return None
    return (parse_id(value) if isinstance(value, str) else None) or Wrong(GUID)


def needed_identifier(value: Any, limits: Limits) -> UUID | Wrong | None:
    """Reads an identifier that has to be there: blanks are nothing."""
    read = text(value, Limits())
    return read if read is None or isinstance(read, Wrong) else identifier(value, limits)


def moment(value: Any, limits: Limits) -> datetime | Wrong:
    """ISO 8601 or RFC 1123, without a zone UTC. The complaint is the vendor's sentence; what to do
    is a hint."""
    return (parse_moment(value) if isinstance(value, str) else None) or Wrong(
        "is invalid", hint=_DATE_CURE
    )


def timestamp(value: Any, limits: Limits) -> datetime | None:
    """Reads a time as `moment`, or Unix time. What cannot be read is absent; who needs it warns of
    that."""
    if type(value) in (int, float) and 0 < value < _UNIX_MAX:
        value = f"{value:.0f}"
    return parse_moment(value) if isinstance(value, str) else None


def currency(value: Any, limits: Limits) -> str | Wrong | None:
    code = text(value, Limits())
    if not isinstance(code, str):
        return code
    code = code.upper()
    return (
        code
        if code in EXPONENTS
        else Wrong("", f"The currency {code[:8]!r} is not an ISO 4217 code like USD.")
    )


def choice(value: Any, limits: Limits) -> str | Wrong | None:
    """Reads one of some words, in any case."""
    word = text(value, limits)
    if not isinstance(word, str):
        return word
    word = word.lower()
    return word if word in limits.words else Wrong("must be one of " + ", ".join(limits.words))


def base64(value: Any, limits: Limits) -> bytes | Wrong | None:
    read = text(value, limits)
    if not isinstance(read, str):
        return read
    try:
        return b64decode(read, validate=True)
    except ValueError:
        return Wrong("must be base64, with the alphabet of RFC 4648 §4 and its padding")


def names(what: str, most: int | None = None) -> Rule:
    """A list of texts, as they come."""

    def read(value: Any, limits: Limits) -> list[str] | Wrong:
        fits = isinstance(value, list) and all(isinstance(text, str) for text in value)
        fits = fits and (most is None or len(value) <= most)
        return value if fits else Wrong(what)

    return read


def parse_moment(given: str) -> datetime | None:
    given = given.strip()
    if len(given) > _MOMENT_MAX:
        return None
    if given.replace(".", "", 1).isdecimal():  # Unix time, or a date without its marks
        read = read_moment(given, "")
        return of_these_days(read.at) if read is not None else None
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        try:
            at = parsedate_to_datetime(given)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return of_these_days(at)
