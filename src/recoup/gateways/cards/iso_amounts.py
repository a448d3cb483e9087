"""Amounts as ISO 4217 has them, for processors that take every currency in its minor unit."""

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import UNITS_MAX


class IsoAmounts:
    """Of a Processor: `exponent` and `carries`."""

    def exponent(self, currency: str) -> int | None:
        return EXPONENTS.get(currency)

    def carries(self, units: int, currency: str) -> bool:
        return currency in EXPONENTS and 0 < units <= UNITS_MAX
