"""Search in a text for what must never be kept: a card's number or its security code. Source:
contract §12."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from recoup.kernel.cached import cached
from recoup.networks import card_text
from recoup.networks.card_guard import holds_number, is_identifier
from recoup.networks.card_text import Room, TooManyDigits, numbers_in

_CODES: Final = frozenset({
    "cvv", "cvv2", "cvc", "cvc2", "csc", "cvn", "verificationvalue", "securitycode",
    "cardsecuritycode",
    "cardverificationvalue", "cardcode", "cvvcode", "cvvvalue", "track1", "track2", "trackdata",
    "pinblock",
})  # fmt: skip
# The quick looks over a row's JSON: what they do not find is not there. What is escaped may be
# anything.
_NAME: Final = re.compile(r'"([^"]{1,40})"\s*:')
NO_NUMBER: Final = (
    "looks like a card number. Send the first six and last four digits, or a token of /tokenize"
)
MANY_DIGITS: Final = (
    "has more long numbers than can be checked for card numbers; leave out what is not needed"
)
ROW_CHARS_MAX: Final = 4_096  # of long numbers in one row
FILE_CHARS_MAX: Final = 32_000_000  # a hundred and more a row of the largest file
NO_CODE: Final = "holds a card's security code, which no file may; leave it out"


def may_hold_number(text: str) -> bool:
    """True when the values of a row need to be looked at for card numbers."""
    return "\\" in text or card_text.may_hold_number(text)


def may_hold_code(text: str) -> bool:
    """True when the names in a row need to be looked at."""
    return "\\" in text or any(map(is_code, _NAME.findall(text)))


def is_number(text: str, room: Room | None = None) -> bool:
    """True when there is a card number in it. Raises: TooManyDigits when there is no `room`
    left."""
    return holds_number(text, room)


@cached(4096)
def is_code(name: str) -> bool:
    """True when a field of this name is a card's security code."""
    return re.sub(r"[\W_]+", "", name.lower()) in _CODES


def card_data(
    value: Any,
    name: str = "",
    *,
    numbers: bool = True,
    like: list[tuple[str, str]] | None = None,
    room: Room | None = None,
) -> tuple[str, str] | None:
    """(field, what it holds) of the first value that may not be kept; the value itself is never
    shown.

    `numbers`: whether anything in it may look like a card number at all. `like`: takes (field,
    digits) of identifiers that look like one, to be compared with the cards that are held; without
    it they are refused. `room`: for the long numbers in all of it; a value for which none is left
    may not be kept.
    """
    waiting, room = [(name, value)], Room(ROW_CHARS_MAX) if room is None else room
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            for key, inner in value.items():
                wrong = _wrong(str(key), False, None, name, room) if numbers else ""
                if wrong:
                    return name or "Row", "has a name that " + wrong
                waiting.append((_inside(name, key), inner))
        elif isinstance(value, list):
            waiting += [(name, inner) for inner in value]
        elif value is None or value == "" or isinstance(value, bool):
            continue
        elif is_code(name.rpartition(".")[2]):
            return name, NO_CODE
        elif numbers and isinstance(value, str | int | float):
            wrong = _wrong(str(value), is_identifier(name.rpartition(".")[2]), like, name, room)
            if wrong:
                return name, wrong
    return None


def card_data_in(
    named: Iterable[tuple[str, str]],
    like: list[tuple[str, str]] | None = None,
    room: Room | None = None,
) -> tuple[str, str] | None:
    """The same for the cells of a table's row."""
    room = Room(ROW_CHARS_MAX) if room is None else room
    cells = (card_data(text.strip(), name, like=like, room=room) for name, text in named)
    return next((cell for cell in cells if cell), None)


def _wrong(
    text: str, identifier: bool, like: list[tuple[str, str]] | None, name: str, room: Room
) -> str:
    """Reason it may not be kept, empty where it may."""
    if not card_text.may_hold_number(text):
        return ""
    try:
        numbers = list(numbers_in(text, room))
    except TooManyDigits:
        return MANY_DIGITS
    if like is None or not identifier:
        return NO_NUMBER if numbers else ""
    like += [(name, number.digits) for number in numbers]
    return NO_NUMBER if any(number.grouped for number in numbers) else ""


def _inside(outer: str, name: str) -> str:
    capitalised = name[:1].upper() + name[1:64]
    return f"{outer}.{capitalised}" if outer else capitalised
