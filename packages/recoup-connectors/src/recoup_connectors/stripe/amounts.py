"""Stripe's amounts: the decimals that its API takes for each currency, where they differ from ISO
4217.

ISK and UGX have two that must be 00; of the three of BHD, JOD, KWD, OMR and TND the last is 0; MGA
has none. What would have to be rounded is not carried.
"""

from typing import Final

from recoup.processors.gateways.wire_amounts import WireAmounts, decimals_by_code

_TWO: Final = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BWP BYN BZD CAD "
    "CDF CHF CNY "
    "COP CRC CVE CZK DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR JMD "
    "KES KGS KHR KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD "
    "NGN NIO NOK "
    "NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SEK SGD SHP SLE SOS SRD STD SZL "
    "THB TJS TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS WST XCD YER ZAR ZMW ISK UGX "
)
_NONE: Final = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE: Final = "BHD JOD KWD OMR TND"
DECIMALS: Final = decimals_by_code((_TWO, 2), (_NONE, 0), (_THREE, 3))
_AMOUNTS: Final = WireAmounts(DECIMALS)
exponent, units_of = _AMOUNTS.exponent, _AMOUNTS.units_of


def wire_amount(units: int, currency: str) -> int | None:
    """The amount as Stripe takes it; None for what it cannot carry as it is."""
    amount = _AMOUNTS.wire_amount(units, currency)
    return None if amount is not None and exponent(currency) == 3 and amount % 10 else amount
