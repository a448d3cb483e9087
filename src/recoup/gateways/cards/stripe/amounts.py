"""Stripe's amounts: the decimals that its API takes for each currency, where they differ from ISO 4217.

ISK and UGX have two that must be 00; of the three of BHD, JOD, KWD, OMR and TND the last is 0; MGA has none. What would
have to be rounded is not carried.
"""

from types import MappingProxyType
from typing import Final

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import UNITS_MAX

_TWO: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CNY "
    "COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR JMD "
    "KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL THB TJS TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS WST XCD YER ZAR ZMW ISK UGX "
)
_NONE: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE: Final = "BHD JOD KWD OMR TND"
DECIMALS: Final = MappingProxyType(
    {code: decimals for codes, decimals in ((_TWO, 2), (_NONE, 0), (_THREE, 3)) for code in codes.split()}
)


def exponent(currency: str) -> int | None:
    return DECIMALS.get(currency) if currency in EXPONENTS else None


def wire_amount(units: int, currency: str) -> int | None:
    """As Stripe takes it; None for what it cannot carry as it is."""
    decimals = exponent(currency)
    if decimals is None or not 0 < units <= UNITS_MAX:
        return None
    amount = _rescaled(units, EXPONENTS[currency], decimals)
    return None if amount is not None and decimals == 3 and amount % 10 else amount


def units_of(amount: int, currency: str) -> int | None:
    """Stripe's amount, of either sign, in our units; None where it has none there."""
    decimals = exponent(currency)
    return None if decimals is None else _rescaled(amount, decimals, EXPONENTS[currency])


def _rescaled(amount: int, decimals: int, wanted: int) -> int | None:
    if wanted >= decimals:
        return amount * int(10 ** (wanted - decimals))
    whole, rest = divmod(amount, int(10 ** (decimals - wanted)))
    return None if rest else whole
