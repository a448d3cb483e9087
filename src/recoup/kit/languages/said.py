"""A sentence of our code in another language: by its key, with its parts said in turn.

The catalogue's keys are the sentences as they stand in the code, with `{0}` or `{amount}` for what
is filled in. What it lacks stays English.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from recoup.kernel.problem import Figure, NearDay, Part, Sentence, noted, text_of
from recoup.kit.languages.catalogues import ENGLISH, catalogue, or_english
from recoup.kit.languages.dates import day_of
from recoup.kit.languages.numbers import as_read, figures_of, number_of
from recoup.kit.languages.slots import ENDS, SLOT, filled
from recoup.networks.code_words import PLAIN_MEANINGS

_ENDS: Final = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")
_FILLED: Final = r"((?:(?![.!?] [A-Z]).)*?)"
_WORD: Final = r"(\S*?)"  # what is filled into a shape that says next to nothing itself
_COUNT: Final = r"([\d−]\S*?)"  # and what such a one begins with
_LITTLE: Final = 5
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_SUM: Final = re.compile(r"(−?[\d.,]+(?: [A-Z]{3,5})? )(.+)")
_DEEP: Final = 2
_LONGEST: Final = (
    1_500  # what is longer holds somebody else's words, and looking for its shape takes seconds
)


# A day or moment that was filled into a sentence: it is read in the order and with the months of
# the language.
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY: Final = re.compile(
    rf"(?:({'|'.join(_WEEKDAYS)}) )?(\d{{1,2}}) ({'|'.join(_MONTHS)})(?: (\d{{4}}))?"
)
_CLOCK: Final = r"(?: \d\d:\d\d(?::\d\d)?)?"
_DAYS: Final = re.compile(
    rf"{_DAY.pattern}{_CLOCK}(?: – {_DAY.pattern}{_CLOCK})?(?:,? [A-Z][\w/+-]*)?"
)


class _Shape(NamedTuple):
    """`names`: each slot's, and the two characters after it."""

    pattern: re.Pattern[str]
    names: tuple[tuple[str, str], ...]
    words: str


def said_by_shape(language: str, text: str) -> str:
    """`text` in that language, sentence by sentence."""
    return text if not text or len(text) > _LONGEST else _said(language, str(text), _DEEP)


@lru_cache(maxsize=1_024)
def _said(language: str, text: str, deep: int) -> str:
    return " ".join(_plain_sentence(language, part, deep) for part in _ENDS.split(text))


def _plain_sentence(language: str, text: str, deep: int) -> str:
    inner = text.strip()
    known = catalogue(language).words
    if inner in known:
        return text.replace(inner, known[inner])
    if (written := as_read(language, inner)) != inner:
        return text.replace(inner, written)
    if _DAYS.fullmatch(inner):
        return _DAY.sub(lambda match: _day(language, match), text)
    if (plain := PLAIN_MEANINGS.get(inner)) in known:
        return text.replace(inner, known[plain])
    if (counted := _SUM.fullmatch(inner)) and counted[2] in known:
        return text.replace(inner, number_of(language, counted[1]) + known[counted[2]])
    if not deep:
        return text
    if ", " in inner and (parts := _listed(language, inner)):
        return text.replace(inner, parts)
    if "; " in inner and (parts := _parted(language, inner, deep)):
        return text.replace(inner, parts)
    for shape in _shapes(language):
        if match := shape.pattern.fullmatch(inner):
            slots = zip(shape.names, match.groups(), strict=True)
            values = {
                name: Figure(value) if _is_number(value, after) else value
                for (name, after), value in slots
            }
            return text.replace(
                inner, filled(shape.words, values, lambda value: _value(language, value, deep - 1))
            )
    return text


def _is_number(value: str, after: str) -> bool:
    """A share, or a count of something, whatever a name may look like."""
    return after == " %" or after[1:].islower() and _THOUSANDS.fullmatch(value) is not None


def _value(language: str, value: str, deep: int) -> str:
    return (
        figures_of(language, value) if isinstance(value, Figure) else _said(language, value, deep)
    )


def _day(language: str, match: re.Match[str]) -> str:
    known, (weekday, day, month, year) = catalogue(language), match.groups()
    shape = known.day_and_year if year else known.day
    before = f"{known.weekdays[_WEEKDAYS.index(weekday)]} " if weekday else ""
    return before + shape.format(day=int(day), month=known.months[_MONTHS.index(month)], year=year)


def _parted(language: str, text: str, deep: int) -> str:
    """Parts between semicolons, all of which say something; else nothing."""
    parts = text.split("; ")
    translated = [_plain_sentence(language, part, deep - 1) for part in parts]
    return "" if any(map(str.__eq__, parts, translated)) else "; ".join(translated)


def _listed(language: str, text: str) -> str:
    """A list, each part of which is known, or a sum of money and then known; else nothing."""
    known, translated = catalogue(language).words, []
    for part in text.removesuffix(".").split(", "):
        amount, words = match.groups() if (match := _SUM.fullmatch(part)) else ("", part)
        if words not in known:
            return ""
        translated.append(number_of(language, amount) + known[words])
    return ", ".join(translated) + ("." if text.endswith(".") else "")


@lru_cache(maxsize=8)
def _shapes(language: str) -> tuple[_Shape, ...]:
    """Shapes of messages; that which says most of itself comes first."""
    shapes = []
    for key, words in catalogue(language).words.items():
        if names := tuple(
            (match[1], key[match.end() : match.end() + 2]) for match in SLOT.finditer(key)
        ):
            literal = re.split(r"\{\w+\}", key)
            length = len("".join(literal).strip())
            pattern = (_FILLED if length > _LITTLE or literal[0] else _WORD).join(
                map(re.escape, literal)
            )
            if pattern.startswith(_WORD):
                pattern = _COUNT + pattern.removeprefix(_WORD)
            shapes.append((length, _Shape(re.compile(pattern, re.S), names, words)))
    return tuple(shape for _, shape in sorted(shapes, key=lambda pair: -pair[0]))


Moment = Callable[[datetime], str]


def said(language: str, text: str, moment: Moment = noted) -> str:
    """`moment`: how its reader reads one. A plain text goes the way of history."""
    if isinstance(text, Sentence):
        return _sentence(language, text, moment)
    if isinstance(text, Figure):
        return as_read(language, text)
    return text if or_english(language) == ENGLISH else said_by_shape(language, text)


def _sentence(language: str, sentence: Sentence, moment: Moment) -> str:
    return filled(
        _looked_up(catalogue(language).words, sentence.key),
        sentence.slots,
        lambda part: _part(language, part, moment),
    )


def _part(language: str, part: Part, moment: Moment) -> str:
    if isinstance(part, Sentence):
        return _sentence(language, part, moment)
    if isinstance(part, datetime):
        return moment(part)
    if isinstance(part, date):
        return day_of(language, part, with_year=not isinstance(part, NearDay))
    if not isinstance(part, str):
        return text_of(part)
    words = part if isinstance(part, Figure) else _looked_up(catalogue(language).words, part)
    return as_read(language, words)


def _looked_up(known: dict[str, str], text: str) -> str:
    """Each of its sentences as it is known."""
    inner = text.strip()
    if not inner or not known:
        return text
    return text.replace(inner, " ".join(_word(known, part) for part in ENDS.split(inner)))


def _word(known: dict[str, str], text: str) -> str:
    return known.get(text) or known.get(PLAIN_MEANINGS.get(text, ""), text)
