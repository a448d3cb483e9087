"""Amounts as people and programs write them. The decimal sign is a column's, not a cell's; what may
be either is asked."""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from recoup.kernel.cached import cached
from recoup.kernel.money import UNITS_MAX, decimals_of
from recoup.kernel.problem import Sentence

CHARS_MAX: Final = 60
_DOLLARS: Final = (
    "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP UYU BBD BMD BND BSD BZD FJD GYD JMD KYD LRD NAD "
    "SBD SRD TTD XCD DOP "
    "NIO"
)
# What stands for a currency beside its code; of several the column has to say which.
_SYMBOLS: Final = {
    symbol: frozenset(codes.split())
    for symbol, codes in {
        "$": _DOLLARS,
        "US$": "USD",
        "CA$": "CAD",
        "C$": "CAD NIO",
        "A$": "AUD",
        "AU$": "AUD",
        "NZ$": "NZD",
        "HK$": "HKD",
        "S$": "SGD",
        "MX$": "MXN",
        "NT$": "TWD",
        "R$": "BRL",
        "€": "EUR",
        "£": "GBP GIP FKP SHP EGP LBP",
        "¥": "JPY CNY",
        "CN¥": "CNY",
        "₹": "INR",
        "₩": "KRW KPW",
        "₺": "TRY",
        "₽": "RUB",
        "₴": "UAH",
        "₪": "ILS",
        "฿": "THB",
        "₫": "VND",
        "₱": "PHP",
        "₦": "NGN",
        "zł": "PLN",
        "kč": "CZK",
        "kr": "SEK NOK DKK ISK",
        "kr.": "DKK",
        "rp": "IDR",
        "rm": "MYR",
        "лв": "BGN",
        "лв.": "BGN",
        "ft": "HUF",
        "fr.": "CHF",
    }.items()
}
_MINUS: Final = "\N{MINUS SIGN}-"  # in this order: it stands in brackets of patterns
_NAME: Final = r"[^\W\d_]{1,3}\.?|[^\W\d_]{0,3}[$€£¥₹₩₺₽₴₪฿₫₱₦]"
_SHAPE: Final = re.compile(
    rf"(?P<open>\( ?)?(?P<s1>[+{_MINUS}] ?)?(?P<c1>(?:{_NAME}) ?)?(?P<s2>[+{_MINUS}] ?)?"
    rf"(?P<digits>[.,]?[0-9](?:[0-9.,'’ ]*[0-9])?[.,]?) ?"
    rf"(?P<s3>[+{_MINUS}] ?)?(?P<c2>(?:{_NAME}) ?)?(?P<s4>[+{_MINUS}] ?)?(?P<close>\))?"
)
_APART: Final = re.compile(r"[0-9]{1,3}(?:['’ ][0-9]{3})+(?![0-9])")
_PLAIN: Final = {
    ".": re.compile(r"[0-9]{0,15}(?:\.[0-9]{0,18})?"),
    ",": re.compile(r"[0-9]{0,15}(?:,[0-9]{0,18})?"),
}
_GROUPED: Final = {
    ".": re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]{0,18})?"),
    ",": re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+(?:,[0-9]{0,18})?"),
}
_THREE: Final = 3  # digits behind a sign that may group them


class _Parts(NamedTuple):
    """`digits` with their signs; `currency`: the name or symbol beside them, empty where there is
    none."""

    digits: str
    negative: bool
    currency: str


class NoAmount(NamedTuple):
    """The fault of a cell, and its cure."""

    what: str
    cure: str


class SignEvidence:
    """Evidence for a column's decimal sign: `point`, `comma`, or `doubt` where a cell may have
    either. The first cell of each is kept as an example."""

    def __init__(self) -> None:
        self.point = self.comma = self.doubt = ""
        self.decimals = False

    def look(self, text: str) -> None:
        sign = _sign_of(text)
        if sign == ".":
            self.point = self.point or text
        elif sign == ",":
            self.comma = self.comma or text
        elif sign == "?":
            self.doubt = self.doubt or text
        self.decimals |= sign in (".", ",")

    def sign(self) -> str:
        """The column's, nothing where it is unclear."""
        if self.point and self.comma:
            return ""
        if self.point or self.comma:
            return "." if self.point else ","
        return "" if self.doubt else "."

    def examples(self) -> str:
        """Cells that are the reason to ask."""
        return " · ".join(text[:CHARS_MAX] for text in (self.point, self.comma, self.doubt) if text)


@cached(4_096)
def _sign_of(text: str) -> str:
    """The decimal sign that a cell shows; `?`: either; empty without one, and for what is no
    amount."""
    parts = _parts(text)
    if parts is None:
        return ""
    digits = parts.digits
    dot, comma = digits.rfind("."), digits.rfind(",")
    if (
        dot < 0
        and comma < 0
        or not any(form[sign].fullmatch(digits) for form in (_PLAIN, _GROUPED) for sign in form)
    ):
        return ""
    if dot >= 0 and comma >= 0:
        return "." if dot > comma else ","
    sign, other = (".", ",") if dot >= 0 else (",", ".")
    if digits.count(sign) > 1:
        return other
    return (
        sign if len(digits) - digits.rfind(sign) - 1 != _THREE or digits[:1] in (sign, "0") else "?"
    )


@cached(4_096)
def units_of(
    text: str, asset: str, sign: str, exponent: int | None = None
) -> tuple[int, bool] | NoAmount:
    """(smallest units of the asset, whether it is below zero), else what is wrong with it.
    `exponent`: of an amount in smallest units, as its provider counts them; None for one in major
    units."""
    parts = _parts(text)
    if parts is None:
        return _wrong(sign, Sentence("holds no amount"))
    word = parts.currency
    if (
        word
        and word.upper() != asset
        and asset not in _SYMBOLS.get(word, _SYMBOLS.get(word.lower(), ()))
    ):
        what = Sentence("says {0}, but the currency is {1}", repr(word), asset)
        return NoAmount(what, "correct the amount or the currency: they must agree")
    digits = parts.digits
    if _GROUPED[sign].fullmatch(digits) and not (exponent is not None and sign in digits):
        digits = digits.replace("," if sign == "." else ".", "")
    if not _PLAIN[sign].fullmatch(digits):
        return _wrong(sign, Sentence("holds no amount whose decimal sign is {0}", repr(sign)))
    value, decimals = Decimal(digits.replace(sign, ".")), decimals_of(asset)
    units = value.scaleb(decimals if exponent is None else decimals - exponent)
    if (
        units != units.to_integral_value()
        or exponent is not None
        and value != value.to_integral_value()
    ):
        return _wrong(sign, Sentence("holds more decimals than {0} has", asset))
    if units > UNITS_MAX:
        return _wrong(sign, Sentence("holds an amount that is too large"))
    return int(units), parts.negative


def _wrong(sign: str, what: Sentence) -> NoAmount:
    return NoAmount(what, Sentence("write it like {0}", f"1234{sign}50"))


def _parts(text: str) -> _Parts | None:
    """Parts of an amount; None for what is none: two signs, two currencies, a bracket alone."""
    match = _SHAPE.fullmatch(" ".join(text.split())) if len(text) <= CHARS_MAX else None
    if (
        match is None
        or bool(match["open"]) != bool(match["close"])
        or (match["c1"] and match["c2"])
    ):
        return None
    signs = [sign for name in ("s1", "s2", "s3", "s4") if (sign := match[name])]
    if len(signs) + bool(match["open"]) > 1:
        return None
    digits = match["digits"]
    if any(mark in digits for mark in "' ’"):
        whole = _APART.match(digits)
        if whole is None:
            return None
        digits = re.sub("['’ ]", "", whole[0]) + digits[whole.end() :]
    negative = bool(match["open"]) or bool(signs) and signs[0][0] in _MINUS
    return _Parts(digits, negative, (match["c1"] or match["c2"] or "").strip())
