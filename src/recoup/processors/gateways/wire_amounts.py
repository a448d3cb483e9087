"""Amounts as vendors write them. What would have to be rounded is not carried; no float comes near
them.

`amount_text` and `units_of`: decimal text in the currency's major unit: `45.90`, `500`, `12.500`.
`IsoAmounts`: in ISO 4217's minor unit. `WireAmounts`: in the vendor's own, where its decimals
differ from ISO 4217.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from recoup.kernel.money import EXPONENTS, UNITS_MAX, to_text

_DECIMALS: Final = frozenset({0, 2, 3})
_TEXT: Final = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,6}))?")


def exponent(currency: str) -> int | None:
    """The currency's decimals; None for what has more than such a text may have; tokens are no
    currency."""
    decimals = EXPONENTS.get(currency) if len(currency) == 3 else None
    return decimals if decimals in _DECIMALS else None


def amount_text(units: int, currency: str) -> str | None:
    """The amount as text; None for what is not carried."""
    decimals = exponent(currency)
    return None if decimals is None or not 0 < units <= UNITS_MAX else to_text(units, decimals)


def units_of(text: str, currency: str) -> int | None:
    """The units of an amount with either sign; None for what is none, or finer than the
    currency."""
    match, decimals = _TEXT.fullmatch(text), exponent(currency)
    if match is None or decimals is None:
        return None
    fraction = match[3] or ""
    if fraction[decimals:].strip("0"):
        return None
    units = int(match[2] + fraction[:decimals].ljust(decimals, "0"))
    return -units if match[1] else units


class IsoAmounts:
    """Amounts of a Processor: `exponent` and `carries`."""

    def exponent(self, currency: str) -> int | None:
        return EXPONENTS.get(currency)

    def carries(self, units: int, currency: str) -> bool:
        return currency in EXPONENTS and 0 < units <= UNITS_MAX


class WireAmounts:
    """`decimals`: as the vendor lists them; a code that ISO does not have is not taken."""

    def __init__(self, decimals: Mapping[str, int]) -> None:
        self.decimals = decimals

    def exponent(self, currency: str) -> int | None:
        return self.decimals.get(currency) if currency in EXPONENTS else None

    def wire_amount(self, units: int, currency: str) -> int | None:
        """The amount as the vendor takes it; None for what it cannot carry as it is."""
        decimals = self.exponent(currency)
        if decimals is None or not 0 < units <= UNITS_MAX:
            return None
        return _rescaled(units, EXPONENTS[currency], decimals)

    def units_of(self, amount: int, currency: str) -> int | None:
        """The vendor's amount, of either sign, in our units; None where it has none there."""
        decimals = self.exponent(currency)
        return None if decimals is None else _rescaled(amount, decimals, EXPONENTS[currency])


def decimals_by_code(*codes: tuple[str, int]) -> Mapping[str, int]:
    """`("EUR USD", 2), ("JPY", 0)` by code."""
    return MappingProxyType(
        {code: decimals for listed, decimals in codes for code in listed.split()}
    )


def _rescaled(amount: int, decimals: int, wanted: int) -> int | None:
    if wanted >= decimals:
        return amount * int(10 ** (wanted - decimals))
    whole, rest = divmod(amount, int(10 ** (decimals - wanted)))
    return None if rest else whole
