"""Amounts as people write them, `>50` or `20..99.90`, and what they are in each asset's smallest
unit."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from recoup.desk.store.order_filter import UnitRange
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Sentence

_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,12})?")
# A comma before the decimals, with points between thousands or without; thousands apart by a space
# or an apostrophe.
_COMMA: Final = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]{1,15}),(?:[0-9]{1,2}|[0-9]{4,12})")
_APART: Final = re.compile("[0-9]{1,3}(?:[ \u00a0\u202f’'][0-9]{3})+(?:[.,][0-9]{1,12})?")
_UNITS_MAX: Final = 2**63 - 1
_SCALES: Final[dict[int, tuple[str, ...]]] = {
    scale: tuple(asset for asset, of in EXPONENTS.items() if of == scale)
    for scale in sorted(set(EXPONENTS.values()))
}


class Amounts(NamedTuple):
    """Empty: all. With `above` or `below` the end itself is not meant."""

    low: Decimal | None = None
    high: Decimal | None = None
    above: bool = False
    below: bool = False

    def text(self) -> str:
        if self.low is None and self.high is None:
            return ""
        if self.low == self.high and not self.above and not self.below:
            return f"{self.low:f}"
        if self.high is None:
            return f"{'>' if self.above else '>='}{self.low:f}"
        if self.low is None:
            return f"{'<' if self.below else '<='}{self.high:f}"
        return f"{self.low_text()}..{self.high_text()}"

    def low_text(self) -> str:
        """The lower end as text for a form's field."""
        return "" if self.low is None else f"{'>' if self.above else ''}{self.low:f}"

    def high_text(self) -> str:
        return "" if self.high is None else f"{'<' if self.below else ''}{self.high:f}"

    def words(self) -> str:
        if self.low is not None and self.low == self.high:
            return f"{self.low:f}"
        if self.high is None:
            return Sentence("{0} {1}", "more than" if self.above else "at least", f"{self.low:f}")
        if self.low is None:
            return Sentence("{0} {1}", "less than" if self.below else "at most", f"{self.high:f}")
        return Sentence(
            "{0}{1} to {2}{3}",
            "over " if self.above else "",
            f"{self.low:f}",
            "under " if self.below else "",
            f"{self.high:f}",
        )

    def units(self, asset: str) -> tuple[int | None, int | None]:
        """The range in this asset's smallest unit, both ends included."""
        return self._units(EXPONENTS[asset])

    def ranges(self) -> tuple[UnitRange, ...]:
        """The same of every asset."""
        return tuple(UnitRange(assets, *self._units(scale)) for scale, assets in _SCALES.items())

    def _units(self, scale: int) -> tuple[int | None, int | None]:
        low = high = None
        if self.low is not None:
            exact = self.low.scaleb(scale)
            low = (
                int(exact.to_integral_value(ROUND_FLOOR)) + 1
                if self.above
                else int(exact.to_integral_value(ROUND_CEILING))
            )
        if self.high is not None:
            exact = self.high.scaleb(scale)
            high = (
                int(exact.to_integral_value(ROUND_CEILING)) - 1
                if self.below
                else int(exact.to_integral_value(ROUND_FLOOR))
            )
        return (None if low is None else min(low, _UNITS_MAX)), (
            None if high is None else min(high, _UNITS_MAX)
        )


def read_amounts(text: str) -> Amounts:
    """`50`, `>50`, `>=50`, `<50`, `<=50`, `20..50`. Raises: ValueError."""
    text = text.strip()
    low, dots, high = text.partition("..")
    if dots:
        return between(low, high)
    for sign in (">=", "<=", ">", "<"):
        if text.startswith(sign):
            number = read_number(text[len(sign) :])
            return (
                Amounts(number, None, sign == ">")
                if ">" in sign
                else Amounts(None, number, below=sign == "<")
            )
    return Amounts(read_number(text), read_number(text))


def between(low: str, high: str) -> Amounts:
    """Reads a range, both ends included, but after `>` and `<`; one of them may be empty. Raises:
    ValueError, also for ends that have nothing between them."""
    low, high = low.strip(), high.strip()
    if not low and not high:
        raise ValueError(low)
    least, most = (
        read_number(low.lstrip(">")) if low else None,
        read_number(high.lstrip("<")) if high else None,
    )
    if least is not None and most is not None and least > most:
        raise ValueError(low)
    return Amounts(least, most, low.startswith(">"), high.startswith("<"))


def read_number(text: str) -> Decimal:
    """Decimals after a point or a comma, and thousands apart: `1,200.50`, `1.200,50`, `86,50`. A
    comma before three digits stands between thousands, a point alone never. Raises: ValueError."""
    plain = (
        re.sub("[ \u00a0\u202f’']", "", text.strip())
        if _APART.fullmatch(text.strip())
        else text.strip()
    )
    if _COMMA.fullmatch(plain):
        plain = plain.replace(".", "").replace(",", ".")
    plain = re.sub(r",(?=[0-9]{3}(?:[,.]|$))", "", plain)
    if not plain.isascii() or not _NUMBER.fullmatch(plain):
        raise ValueError(text)
    return Decimal(plain)
