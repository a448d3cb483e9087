"""Decimal places of each asset, frozen from ISO 4217 (a test compares); USDT and USDC in book scale."""

from datetime import date, datetime, timedelta
from typing import Final

# Decimal places that people write, where they are fewer than the book's.
CUSTOMARY: Final[dict[str, int]] = {"USDC": 2, "USDT": 2}
EXPONENTS: Final[dict[str, int]] = {
    "AED": 2,
    "AFN": 2,
    "ALL": 2,
    "AMD": 2,
    "AOA": 2,
    "ARS": 2,
    "AUD": 2,
    "AWG": 2,
    "AZN": 2,
    "BAM": 2,
    "BBD": 2,
    "BDT": 2,
    "BHD": 3,
    "BIF": 0,
    "BMD": 2,
    "BND": 2,
    "BOB": 2,
    "BOV": 2,
    "BRL": 2,
    "BSD": 2,
    "BTN": 2,
    "BWP": 2,
    "BYN": 2,
    "BZD": 2,
    "CAD": 2,
    "CDF": 2,
    "CHE": 2,
    "CHF": 2,
    "CHW": 2,
    "CLF": 4,
    "CLP": 0,
    "CNY": 2,
    "COP": 2,
    "COU": 2,
    "CRC": 2,
    "CUP": 2,
    "CVE": 2,
    "CZK": 2,
    "DJF": 0,
    "DKK": 2,
    "DOP": 2,
    "DZD": 2,
    "EGP": 2,
    "ERN": 2,
    "ETB": 2,
    "EUR": 2,
    "FJD": 2,
    "FKP": 2,
    "GBP": 2,
    "GEL": 2,
    "GHS": 2,
    "GIP": 2,
    "GMD": 2,
    "GNF": 0,
    "GTQ": 2,
    "GYD": 2,
    "HKD": 2,
    "HNL": 2,
    "HTG": 2,
    "HUF": 2,
    "IDR": 2,
    "ILS": 2,
    "INR": 2,
    "IQD": 3,
    "IRR": 2,
    "ISK": 0,
    "JMD": 2,
    "JOD": 3,
    "JPY": 0,
    "KES": 2,
    "KGS": 2,
    "KHR": 2,
    "KMF": 0,
    "KPW": 2,
    "KRW": 0,
    "KWD": 3,
    "KYD": 2,
    "KZT": 2,
    "LAK": 2,
    "LBP": 2,
    "LKR": 2,
    "LRD": 2,
    "LSL": 2,
    "LYD": 3,
    "MAD": 2,
    "MDL": 2,
    "MGA": 2,
    "MKD": 2,
    "MMK": 2,
    "MNT": 2,
    "MOP": 2,
    "MRU": 2,
    "MUR": 2,
    "MVR": 2,
    "MWK": 2,
    "MXN": 2,
    "MXV": 2,
    "MYR": 2,
    "MZN": 2,
    "NAD": 2,
    "NGN": 2,
    "NIO": 2,
    "NOK": 2,
    "NPR": 2,
    "NZD": 2,
    "OMR": 3,
    "PAB": 2,
    "PEN": 2,
    "PGK": 2,
    "PHP": 2,
    "PKR": 2,
    "PLN": 2,
    "PYG": 0,
    "QAR": 2,
    "RON": 2,
    "RSD": 2,
    "RUB": 2,
    "RWF": 0,
    "SAR": 2,
    "SBD": 2,
    "SCR": 2,
    "SDG": 2,
    "SEK": 2,
    "SGD": 2,
    "SHP": 2,
    "SLE": 2,
    "SOS": 2,
    "SRD": 2,
    "SSP": 2,
    "STN": 2,
    "SVC": 2,
    "SYP": 2,
    "SZL": 2,
    "THB": 2,
    "TJS": 2,
    "TMT": 2,
    "TND": 3,
    "TOP": 2,
    "TRY": 2,
    "TTD": 2,
    "TWD": 2,
    "TZS": 2,
    "UAH": 2,
    "UGX": 0,
    "USD": 2,
    "USDC": 6,
    "USDT": 6,
    "USN": 2,
    "UYI": 0,
    "UYU": 2,
    "UYW": 4,
    "UZS": 2,
    "VED": 2,
    "VES": 2,
    "VND": 0,
    "VUV": 0,
    "WST": 2,
    "XAD": 2,
    "XAF": 0,
    "XCD": 2,
    "XCG": 2,
    "XOF": 0,
    "XPF": 0,
    "YER": 2,
    "ZAR": 2,
    "ZMW": 2,
    "ZWG": 2,
}
# Withdrawn from ISO 4217; files of the past still hold them: decimal places, and the last day on which one could pay in
# it. Source: ISO 4217 list three (historic denominations, SIX as its maintenance agency, read 2026-11) and the laws by
# which they ended.
WITHDRAWN: Final[dict[str, tuple[int, date]]] = {
    "ANG": (2, date(2025, 6, 30)),  # XCG since 31 Mar 2025
    "BGN": (2, date(2025, 12, 31)),  # EUR
    "BYR": (0, date(2016, 12, 31)),  # BYN
    "CUC": (2, date(2021, 6, 30)),  # CUP
    "EEK": (2, date(2010, 12, 31)),  # EUR
    "HRK": (2, date(2022, 12, 31)),  # EUR
    "LTL": (2, date(2014, 12, 31)),  # EUR
    "LVL": (2, date(2013, 12, 31)),  # EUR
    "MRO": (2, date(2018, 6, 30)),  # MRU since 1 Jan 2018
    "SLL": (2, date(2024, 3, 31)),  # SLE
    "STD": (2, date(2018, 6, 30)),  # STN since 1 Jan 2018
    "VEF": (2, date(2018, 8, 20)),  # VES
    "ZMK": (2, date(2012, 12, 31)),  # ZMW
    "ZWL": (2, date(2024, 8, 31)),  # ZWG
}
_ZONES: Final = timedelta(days=1)  # the last day ends later elsewhere


def decimals_of(asset: str) -> int:
    """Decimal places, of a withdrawn currency too. Raises: KeyError."""
    return EXPONENTS[asset] if asset in EXPONENTS else WITHDRAWN[asset][0]


def was_currency(asset: str) -> bool:
    """Whether it is one, or was one that files of the past may hold."""
    return asset in EXPONENTS or asset in WITHDRAWN


def withdrawn_by(asset: str, at: datetime) -> date | None:
    """The last day of a currency that had ended by then."""
    last = WITHDRAWN[asset][1] if asset in WITHDRAWN else None
    return last if last is not None and (at - _ZONES).date() > last else None
