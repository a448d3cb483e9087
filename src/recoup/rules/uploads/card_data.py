"""Whether a text holds what must never be kept: a card's number or its security code. Source: contract §12."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from recoup.rules.network import card_text
from recoup.rules.network.card_guard import holds_number, is_identifier
from recoup.rules.network.card_text import numbers_in

_CODES: Final = frozenset({
    "cvv", "cvv2", "cvc", "cvc2", "csc", "cvn", "verificationvalue", "securitycode", "cardsecuritycode",
    "cardverificationvalue", "cardcode", "cvvcode", "cvvvalue", "track1", "track2", "trackdata", "pinblock",
})  # fmt: skip
# The quick looks over a row's JSON: what they do not find is not there. An escaped letter may be anything.
_NAME: Final = re.compile(r'"([^"]{1,40})"\s*:')
NO_NUMBER: Final = "looks like a card number. Send the first six and last four digits, or a token of /tokenize"
NO_CODE: Final = "holds a card's security code, which no file may; leave it out"


def may_hold_number(text: str) -> bool:
    """Whether the values of a row need to be looked at for card numbers."""
    return "\\u" in text or card_text.may_hold_number(text)


def may_hold_code(text: str) -> bool:
    """Whether the names in a row need to be looked at."""
    return "\\u00" in text or any(map(is_code, _NAME.findall(text)))


def is_number(text: str) -> bool:
    """Whether there is a card number in it."""
    return holds_number(text)


@lru_cache(maxsize=4096)
def is_code(name: str) -> bool:
    """Whether a field of this name is a card's security code."""
    return re.sub(r"[\W_]+", "", name.lower()) in _CODES


def card_data(
    value: Any, name: str = "", *, numbers: bool = True, like: list[tuple[str, str]] | None = None
) -> tuple[str, str] | None:
    """(field, what it holds) of the first value that may not be kept; the value itself is never told.

    `numbers`: whether anything in it may look like a card number at all. `like`: takes (field, digits) of identifiers
    that look like one, to be compared with the cards that are held; without it they are refused.
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
        elif numbers and isinstance(value, str | int | float):
            identifier = like is not None and is_identifier(name.rpartition(".")[2])
            if holds_number(str(value), identifier=identifier):
                return name, NO_NUMBER
            if like is not None and identifier:
                like += [(name, one.digits) for one in numbers_in(str(value))]
    return None


def card_data_in(
    named: Iterable[tuple[str, str]], like: list[tuple[str, str]] | None = None
) -> tuple[str, str] | None:
    """The same for the cells of a table."""
    return next((found for name, text in named if (found := card_data(text.strip(), name, like=like))), None)


def _inside(outer: str, name: str) -> str:
    told = name[:1].upper() + name[1:64]
    return f"{outer}.{told}" if outer else told
