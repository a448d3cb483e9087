"""A plain text in another language: each of its sentences as the catalogue has it, else by its shape.

For the reasons of decisions alone, which are stored as finished texts. A `Sentence` never comes here. What the
catalogue lacks stays English; what people typed never comes here.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from recoup.rules.languages.catalogues import catalogue
from recoup.rules.languages.slots import SLOT, filled
from recoup.rules.network.code_words import PLAIN_MEANINGS

_ENDS: Final = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")
_FILLED: Final = r"((?:(?![.!?] [A-Z]).)*?)"
_WORD: Final = r"(\S*?)"  # what is filled into a shape that says next to nothing itself
_COUNT: Final = r"([\d−]\S*?)"  # and what such a one begins with
_LITTLE: Final = 5
_SUM: Final = re.compile(r"(−?[\d.,]+(?: [A-Z]{3,5})? )(.+)")
_DEEP: Final = 2
_LONGEST: Final = 1_500  # what is longer holds somebody else's words, and looking for its shape takes seconds


# A day or moment that was filled into a sentence: it is read in the order and with the months of the language.
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY: Final = re.compile(rf"(?:({'|'.join(_WEEKDAYS)}) )?(\d{{1,2}}) ({'|'.join(_MONTHS)})(?: (\d{{4}}))?")
_CLOCK: Final = r"(?: \d\d:\d\d(?::\d\d)?)?"
_DAYS: Final = re.compile(rf"{_DAY.pattern}{_CLOCK}(?: – {_DAY.pattern}{_CLOCK})?(?:,? [A-Z][\w/+-]*)?")


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    words: str


def said_by_shape(language: str, text: str) -> str:
    """`text` in that language, sentence by sentence."""
    return text if not text or len(text) > _LONGEST else _said(language, str(text), _DEEP)


@lru_cache(maxsize=1_024)
def _said(language: str, text: str, deep: int) -> str:
    return " ".join(_sentence(language, one, deep) for one in _ENDS.split(text))


def _sentence(language: str, text: str, deep: int) -> str:
    inner = text.strip()
    known = catalogue(language).words
    if inner in known:
        return text.replace(inner, known[inner])
    if _DAYS.fullmatch(inner):
        return _DAY.sub(lambda found: _day(language, found), text)
    if (plain := PLAIN_MEANINGS.get(inner)) in known:
        return text.replace(inner, known[plain])
    if (one := _SUM.fullmatch(inner)) and one[2] in known:
        return text.replace(inner, one[1] + known[one[2]])
    if not deep:
        return text
    if ", " in inner and (parts := _listed(known, inner)):
        return text.replace(inner, parts)
    if "; " in inner and (parts := _parted(language, inner, deep)):
        return text.replace(inner, parts)
    for shape in _shapes(language):
        if found := shape.pattern.fullmatch(inner):
            values = dict(zip(shape.names, found.groups(), strict=True))
            return text.replace(inner, filled(shape.words, values, lambda value: _said(language, value, deep - 1)))
    return text


def _day(language: str, found: re.Match[str]) -> str:
    known, (weekday, day, month, year) = catalogue(language), found.groups()
    shape = known.day_and_year if year else known.day
    before = f"{known.weekdays[_WEEKDAYS.index(weekday)]} " if weekday else ""
    return before + shape.format(day=int(day), month=known.months[_MONTHS.index(month)], year=year)


def _parted(language: str, text: str, deep: int) -> str:
    """Parts between semicolons, all of which say something; else nothing."""
    parts = text.split("; ")
    translated = [_sentence(language, part, deep - 1) for part in parts]
    return "" if any(map(str.__eq__, parts, translated)) else "; ".join(translated)


def _listed(known: Mapping[str, str], text: str) -> str:
    """A list, each part of which is known, or a sum of money and then known; else nothing."""
    translated = []
    for part in text.removesuffix(".").split(", "):
        amount, words = found.groups() if (found := _SUM.fullmatch(part)) else ("", part)
        if words not in known:
            return ""
        translated.append(amount + known[words])
    return ", ".join(translated) + ("." if text.endswith(".") else "")


@lru_cache(maxsize=8)
def _shapes(language: str) -> tuple[_Shape, ...]:
    """What says most of itself comes first."""
    shapes = []
    for key, words in catalogue(language).words.items():
        if names := tuple(found[1] for found in SLOT.finditer(key)):
            literal = re.split(r"\{\w+\}", key)
            length = len("".join(literal).strip())
            pattern = (_FILLED if length > _LITTLE or literal[0] else _WORD).join(map(re.escape, literal))
            if pattern.startswith(_WORD):
                pattern = _COUNT + pattern.removeprefix(_WORD)
            shapes.append((length, _Shape(re.compile(pattern, re.S), names, words)))
    return tuple(shape for _, shape in sorted(shapes, key=lambda one: -one[0]))
