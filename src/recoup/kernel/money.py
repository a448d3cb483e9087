"""Money is an integer of an asset's smallest unit. No float comes near it.

Decimal places of each asset are frozen from ISO 4217 (a test compares); USDT and USDC have those of
the book.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from recoup.kernel.problem import Problem, Sentence, invalid

_CURRENCIES: Final = tomllib.loads(Path(__file__).with_name("currencies.toml").read_text("utf-8"))
CUSTOMARY: Final[dict[str, int]] = _CURRENCIES["customary"]
EXPONENTS: Final[dict[str, int]] = _CURRENCIES["exponents"]
WITHDRAWN: Final[dict[str, tuple[int, date]]] = {
    asset: (row["decimals"], row["last"]) for asset, row in _CURRENCIES["withdrawn"].items()
}
_ZONES: Final = timedelta(days=1)  # the last day ends later elsewhere


def decimals_of(asset: str) -> int:
    """Decimal places, of a withdrawn currency too. Raises: KeyError."""
    return EXPONENTS[asset] if asset in EXPONENTS else WITHDRAWN[asset][0]


def was_currency(asset: str) -> bool:
    """True when it is a currency, or was one that files of the past may hold."""
    return asset in EXPONENTS or asset in WITHDRAWN


def withdrawn_by(asset: str, at: datetime) -> date | None:
    """The last day of a currency that had ended by then."""
    last = WITHDRAWN[asset][1] if asset in WITHDRAWN else None
    return last if last is not None and (at - _ZONES).date() > last else None


UNITS_MAX: Final = 10**15  # of one amount: a sum of thousands of them stays inside 64 bits
_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_SYMBOLS: Final = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "CAD": "CA$",
    "AUD": "A$",
    "MXN": "MX$",
    "BRL": "R$",
}


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`units` in the smallest unit of `asset` (ISO 4217 code or token). Mixing assets raises
    TypeError."""

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
        """The amount as people write it: `45.90`, `500`, `12.500`."""
        return shown(self.units, self.asset)


def to_text(units: int, scale: int) -> str:
    sign, digits = ("-" if units < 0 else ""), str(abs(units))
    if scale == 0:
        return sign + digits
    digits = digits.rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def shown(units: int, asset: str, like: str | None = None) -> str:
    """Exact decimal text for people and callers alike, with as many decimals as the sender's text
    `like` has, else as are customary for the asset; more only where they are not zero."""
    whole, dot, fraction = to_text(units, decimals_of(asset)).partition(".")
    if not dot:
        return whole
    scale = (
        CUSTOMARY.get(asset, decimals_of(asset)) if like is None else len(like.partition(".")[2])
    )
    kept = fraction[:scale] + fraction[scale:].rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def apart(text: str) -> str:
    """A decimal text with its thousands apart: `1200.5` as `1,200.5`."""
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def money(units: int, asset: str, like: str | None = None) -> str:
    """The amount for people: exact, in the scale of the sender's text `like` or the customary one,
    thousands apart; with a real minus sign."""
    text = shown(abs(units), asset, like) if was_currency(asset) else str(abs(units))
    return ("\N{MINUS SIGN}" if units < 0 else "") + apart(text)


def from_text(text: str, asset: str, field: str) -> Money:
    """Exact decimal text to Money. Raises: Problem(invalid) for exponents, signs, blanks, more
    digits than the asset has, or more than UNITS_MAX."""
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        cure = "Send a plain decimal like 19.99."
        raise Problem(
            "invalid",
            Sentence("The field {0} is invalid.", field),
            cure,
            field=field,
            verbatim=True,
        )
    scale = EXPONENTS[asset]
    whole, _, fraction = text.partition(".")
    if fraction[scale:].strip("0"):
        message = Sentence(
            "The field {0} has more than {1} decimal places, which {2} does not have.",
            field,
            scale,
            asset,
        )
        raise invalid(
            message,
            field,
            Sentence("Round it to {0} decimal places.", scale) if scale else "Leave them out.",
        )
    units = int(whole + fraction[:scale].ljust(scale, "0"))
    if units > UNITS_MAX:
        most = f"{apart(to_text(UNITS_MAX, scale).partition('.')[0])} {asset}"
        raise invalid(
            Sentence("The field {0} is more than {1}.", field, most),
            field,
            Sentence("Send at most {0}.", most),
        )
    return Money(units, asset)


def symbol(asset: str) -> str:
    return _SYMBOLS.get(asset, asset)
