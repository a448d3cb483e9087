"""Money is an integer of an asset's smallest unit. No float comes near it.

Decimal places of each asset are frozen from ISO 4217 (a test compares); USDT and USDC have those of the book.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from recoup.kernel.problem import Problem, Sentence, invalid

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


UNITS_MAX: Final = 10**15  # of one amount: a sum of thousands of them stays inside 64 bits
_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "CAD": "CA$", "AUD": "A$", "MXN": "MX$", "BRL": "R$"}


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`units` in the smallest unit of `asset` (ISO 4217 code or token). Mixing assets raises TypeError."""

    units: int
    asset: str

    def __post_init__(self) -> None:
        if type(self.units) is not int:
            raise TypeError(f"money takes whole units, not {type(self.units).__name__}")
        if self.asset not in EXPONENTS:
            raise ValueError(f"unknown asset {self.asset!r}")

    def _same(self, other: "Money") -> None:
        if self.asset != other.asset:
            raise TypeError(f"{self.asset} and {other.asset} do not mix")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.units + other.units, self.asset)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.units - other.units, self.asset)

    def __neg__(self) -> "Money":
        return Money(-self.units, self.asset)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.units < other.units

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.units <= other.units

    def text(self) -> str:
        """As people write it: `45.90`, `500`, `12.500`."""
        return shown(self.units, self.asset)


def to_text(units: int, scale: int) -> str:
    sign, digits = ("-" if units < 0 else ""), str(abs(units))
    if scale == 0:
        return sign + digits
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def shown(units: int, asset: str, like: str | None = None) -> str:
    """Exact decimal text for people and callers alike, with as many decimals as the sender's text `like` has, else as
    are customary for the asset; more only where they are not zero."""
    whole, dot, fraction = to_text(units, decimals_of(asset)).partition(".")
    if not dot:
        return whole
    scale = CUSTOMARY.get(asset, decimals_of(asset)) if like is None else len(like.partition(".")[2])
    kept = fraction[:scale] + fraction[scale:].rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def apart(text: str) -> str:
    """A decimal text with its thousands apart: `1200.5` as `1,200.5`."""
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def money(units: int, asset: str, like: str | None = None) -> str:
    """For people: exact, in the scale of the sender's text `like` or the customary one, thousands apart; with a real
    minus sign."""
    text = shown(abs(units), asset, like) if was_currency(asset) else str(abs(units))
    return ("\N{MINUS SIGN}" if units < 0 else "") + apart(text)


def from_text(text: str, asset: str, field: str) -> Money:
    """Exact decimal text to Money. Raises: Problem(invalid) for exponents, signs, blanks, more digits than the asset
    has, or more than UNITS_MAX."""
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        cure = "Send a plain decimal like 19.99."
        raise Problem("invalid", Sentence("The field {0} is invalid.", field), field=field, cure=cure, verbatim=True)
    scale = EXPONENTS[asset]
    whole, _, fraction = text.partition(".")
    if fraction[scale:].strip("0"):
        message = Sentence(
            "The field {0} has more than {1} decimal places, which {2} does not have.", field, scale, asset
        )
        raise invalid(
            message, field, Sentence("Round it to {0} decimal places.", scale) if scale else "Leave them out."
        )
    units = int(whole + fraction[:scale].ljust(scale, "0"))
    if units > UNITS_MAX:
        most = f"{apart(to_text(UNITS_MAX, scale).partition('.')[0])} {asset}"
        raise invalid(
            Sentence("The field {0} is more than {1}.", field, most), field, Sentence("Send at most {0}.", most)
        )
    return Money(units, asset)


def symbol(asset: str) -> str:
    return _SYMBOLS.get(asset, asset)
