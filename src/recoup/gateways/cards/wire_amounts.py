"""Amounts in a vendor's own minor units, where its decimals differ from ISO 4217. What would have to be rounded is not
carried."""

from collections.abc import Mapping
from types import MappingProxyType

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import UNITS_MAX


class WireAmounts:
    """`decimals`: as the vendor lists them; a code that ISO does not have is not taken."""

    def __init__(self, decimals: Mapping[str, int]) -> None:
        self.decimals = decimals

    def exponent(self, currency: str) -> int | None:
        return self.decimals.get(currency) if currency in EXPONENTS else None

    def wire_amount(self, units: int, currency: str) -> int | None:
        """As the vendor takes it; None for what it cannot carry as it is."""
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
    return MappingProxyType({code: decimals for listed, decimals in codes for code in listed.split()})


def _rescaled(amount: int, decimals: int, wanted: int) -> int | None:
    if wanted >= decimals:
        return amount * int(10 ** (wanted - decimals))
    whole, rest = divmod(amount, int(10 ** (decimals - wanted)))
    return None if rest else whole
