"""Amounts as decimal text in the currency's major unit: `45.90`, `500`, `12.500`. No float comes near them."""

import re
from typing import Final

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import UNITS_MAX, to_text

_DECIMALS: Final = frozenset({0, 2, 3})
_TEXT: Final = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,6}))?")


def exponent(currency: str) -> int | None:
    """None for what has more decimals than such a text may have; tokens are no currency."""
    decimals = EXPONENTS.get(currency) if len(currency) == 3 else None
    return decimals if decimals in _DECIMALS else None


def amount_text(units: int, currency: str) -> str | None:
    """None for what is not carried."""
    decimals = exponent(currency)
    return None if decimals is None or not 0 < units <= UNITS_MAX else to_text(units, decimals)


def units_of(text: str, currency: str) -> int | None:
    """Of an amount with either sign; None for what is none, or finer than the currency."""
    found, decimals = _TEXT.fullmatch(text), exponent(currency)
    if found is None or decimals is None:
        return None
    fraction = found[3] or ""
    if fraction[decimals:].strip("0"):
        return None
    units = int(found[2] + fraction[:decimals].ljust(decimals, "0"))
    return -units if found[1] else units
