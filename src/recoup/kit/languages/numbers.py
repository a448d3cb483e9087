"""Numbers as their reader writes them: `1,234.50` is `1.234,50` to a German."""

import re
from typing import Final

from recoup.kernel.problem import Figure
from recoup.kit.languages.catalogues import or_english

_SWAPPED: Final = str.maketrans(",.", ".,")
_MARKS: Final = {
    "de": _SWAPPED,
    "es": _SWAPPED,
    "fr": str.maketrans(",.", "\N{NARROW NO-BREAK SPACE},"),
}
# What a text that is no Figure must be to be read as one: a name like `7.11` or `1,000` is not.
_SUM: Final = re.compile(r"[+\-\N{MINUS SIGN}]?\d{1,3}(?:,\d{3}){0,9}(?:\.\d{1,18})? [A-Z]{3,5}")
_FIGURES: Final = re.compile(r"\d{1,3}(?:,\d{3})*(?:\.\d+)?")


def number_of(language: str, text: str) -> str:
    """`text`: in English, thousands apart or not."""
    return text.translate(_MARKS.get(or_english(language), {}))


def as_read(language: str, part: str) -> str:
    """Writes a figure or a sum of money that was filled into a sentence in the reader's way; the
    rest stays."""
    is_figure = isinstance(part, Figure) or len(part) <= 40 and _SUM.fullmatch(part)
    return number_of(language, part) if is_figure else part


def figures_of(language: str, text: str) -> str:
    """`text` with each of its numbers as they are read: `1,234.50 USD, 7.5 %`."""
    return _FIGURES.sub(lambda match: number_of(language, match[0]), text)
