"""Amounts as exports write them. The decimal sign is a column's, not a cell's; what may be either is asked."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import UNITS_MAX

_MARKS: Final = re.compile(r"[\s\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'’$€£¥]|[A-Z]{3}")
_PLAIN: Final = {".": re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?"), ",": re.compile(r"[0-9]{1,15}(?:,[0-9]{1,6})?")}
_GROUPED: Final = {
    ".": re.compile(r"[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}(?:\.[0-9]{1,6})?"),
    ",": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]{1,6})?"),
}
CHARS_MAX: Final = 40


class SignEvidence:
    """Which decimal sign a column speaks for: `point`, `comma`, or `doubt` where a cell may have either. The first cell
    of each is kept as an example."""

    def __init__(self) -> None:
        self.point = self.comma = self.doubt = ""
        self.decimals = False

    def look(self, text: str) -> None:
        dot, comma = text.rfind("."), text.rfind(",")
        if dot < 0 and comma < 0:
            return
        if dot >= 0 and comma >= 0:
            self._speaks("." if dot > comma else ",", text)
            return
        sign = "." if dot >= 0 else ","
        if text.count(sign) > 1:
            self._speaks("," if sign == "." else ".", text)
        elif len(text) - text.rfind(sign) - 1 - (text[-1:] == ")") != 3:
            self._speaks(sign, text)
        else:
            self.doubt = self.doubt or text * _is_amount(text)

    def _speaks(self, sign: str, text: str) -> None:
        if (self.point if sign == "." else self.comma) or not _is_amount(text):
            return
        self.decimals = True
        if sign == ".":
            self.point = self.point or text
        else:
            self.comma = self.comma or text

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


def _is_amount(text: str) -> bool:
    """With either sign: what is none costs its line, and says nothing of its column."""
    digits = _digits(text)[0]
    return any(form[sign].fullmatch(digits) for form in (_PLAIN, _GROUPED) for sign in form)


def _digits(text: str) -> tuple[str, bool]:
    """(without currency and sign, whether it is below zero)."""
    digits = _MARKS.sub("", text[:CHARS_MAX])
    negative = digits.startswith(("-", "\N{MINUS SIGN}")) or digits.startswith("(") and digits.endswith(")")
    return digits.strip("+-\N{MINUS SIGN}()"), negative


@lru_cache(maxsize=65_536)
def units_of(text: str, asset: str, sign: str, exponent: int | None) -> tuple[int, bool] | None:
    """(smallest units of the asset, whether it is below zero); None for what is no amount, or finer than the asset.
    `exponent`: of an amount in smallest units, as its provider counts them; None for one in major units."""
    if len(text) > CHARS_MAX:
        return None
    digits, negative = _digits(text)
    if _GROUPED[sign].fullmatch(digits) and not (exponent is not None and sign in digits):
        digits = digits.replace("," if sign == "." else ".", "")
    if not _PLAIN[sign].fullmatch(digits):
        return None
    value = Decimal(digits.replace(sign, "."))
    scale = EXPONENTS[asset] if exponent is None else EXPONENTS[asset] - exponent
    if exponent is not None and value != value.to_integral_value():
        return None
    units = value.scaleb(scale)
    if units != units.to_integral_value() or units > UNITS_MAX:
        return None
    return int(units), negative
