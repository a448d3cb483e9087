"""Whether a text holds what must never be kept: a card's number or its security code. Source: contract §12."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from recoup.kernel.ids import parse_id
from recoup.rules.network.card import numbers_in

_CODES: Final = frozenset({
    "cvv", "cvv2", "cvc", "cvc2", "csc", "cvn", "verificationvalue", "securitycode", "cardsecuritycode",
    "cardverificationvalue", "cardcode", "cvvcode", "cvvvalue", "track1", "track2", "trackdata", "pinblock",
})  # fmt: skip
# The quick looks over a row's JSON: what they do not find is not there. An escaped letter may be anything.
_ROOM: Final = re.compile(r"[0-9][0-9 -]{12,}[0-9]", re.ASCII)
_NAME: Final = re.compile(r'"([^"]{1,40})"\s*:')
NO_NUMBER: Final = "looks like a card number. Send the first six and last four digits, or a token of /tokenize"
NO_CODE: Final = "holds a card's security code, which no file may; leave it out"


def may_hold_number(text: str) -> bool:
    """Whether the values of a row need to be looked at for card numbers."""
    return "\\u00" in text or any(sum(map(str.isdigit, run)) >= 14 for run in _ROOM.findall(text))


def may_hold_code(text: str) -> bool:
    """Whether the names in a row need to be looked at."""
    return "\\u00" in text or any(map(is_code, _NAME.findall(text)))


def is_number(text: str) -> bool:
    """Whether there is a card number in it. A GUID of digits is none."""
    return parse_id(text.strip()) is None and any(True for _ in numbers_in(text))


@lru_cache(maxsize=4096)
def is_code(name: str) -> bool:
    """Whether a field of this name is a card's security code."""
    return re.sub(r"[\W_]+", "", name.lower()) in _CODES


def card_data(value: Any, name: str = "", *, numbers: bool = True) -> tuple[str, str] | None:
    """(field, what it holds) of the first value that may not be kept; the value itself is never told.

    `numbers`: whether anything in it may look like a card number at all.
    """
    waiting = [(name, value)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if numbers and is_number(str(key)):
                    return name or "Row", "has a name that " + NO_NUMBER
                waiting.append((_inside(name, key), inner))
        elif isinstance(value, list):
            waiting += [(name, inner) for inner in value]
        elif value is None or value == "" or isinstance(value, bool):
            continue
        elif is_code(name.rpartition(".")[2]):
            return name, NO_CODE
        elif numbers and isinstance(value, str | int | float) and is_number(str(value)):
            return name, NO_NUMBER
    return None


def card_data_in(named: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """The same for the cells of a table."""
    return next((found for name, text in named if (found := card_data(text.strip(), name))), None)


def _inside(outer: str, name: str) -> str:
    told = name[:1].upper() + name[1:64]
    return f"{outer}.{told}" if outer else told
