"""NMI's amounts: `x.xx` in every currency, so what has a third decimal is not carried."""

from typing import Final

from recoup.kernel.money import EXPONENTS
from recoup.processors.gateways import wire_amounts
from recoup.processors.gateways.wire_amounts import WireAmounts

_AMOUNTS: Final = WireAmounts(
    dict.fromkeys((one for one in EXPONENTS if wire_amounts.exponent(one) is not None), 2)
)
exponent, units_of = _AMOUNTS.exponent, wire_amounts.units_of


def amount_text(units: int, currency: str) -> str | None:
    """The amount as NMI takes it; None for what is not carried."""
    cents = _AMOUNTS.wire_amount(units, currency)
    return None if cents is None else f"{cents // 100}.{cents % 100:02}"
