"""Amounts as people type them, with a point or a comma before the cents and thousands apart, where
only one reading is possible: `10,50` taken for 1,050 would be a hundred times too much."""

import re
from typing import Final

from recoup.kernel.money import EXPONENTS, from_text
from recoup.kernel.problem import Sentence, invalid

_POINT: Final = re.compile(r"(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?")
_COMMA: Final = re.compile(
    r"(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:\.[0-9]{3})+),([0-9]+)|[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}"
)

_ONE_MARK: Final = re.compile(
    r"[1-9][0-9]{0,2}\.[0-9]{3}"
)  # thousands, where an asset has fewer digits than these


def plain(text: str, asset: str, field: str) -> str:
    """Writes an amount without thousands separators, with a point before the cents.

    Raises: Problem(invalid) for what is no amount of this asset, or may be two.
    """
    text, scale = text.strip(), EXPONENTS[asset]
    readings = set()
    if _POINT.fullmatch(text):
        readings.add(text.replace(",", ""))
    if (match := _COMMA.fullmatch(text)) and len(match[1] or "") <= scale:
        readings.add(text.replace(".", "").replace(",", "."))
    if _ONE_MARK.fullmatch(text) and scale < 3:
        readings.add(text.replace(".", ""))
    if len(readings) != 1:
        message = "{0} can be read in two ways." if readings else "{0} is not an amount in {1}."
        raise invalid(
            Sentence(message, repr(text[:40]), asset),
            field,
            "Write it without thousands separators, like 1234.50.",
        )
    return readings.pop()


def units(text: str, asset: str, field: str) -> int:
    """Reads an amount in the asset's smallest unit. Raises: Problem(invalid), also for more digits
    than the asset has."""
    return from_text(plain(text, asset, field), asset, field).units
