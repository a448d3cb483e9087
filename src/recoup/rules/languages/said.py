"""A sentence of our code in another language: by its key, with its parts said in turn.

The catalogue's keys are the sentences as they stand in the code, with `{0}` or `{amount}` for what is filled in. What
it lacks stays English.
"""

from collections.abc import Callable
from datetime import date, datetime

from recoup.kernel.sentence import NearDay, Part, Sentence, noted, text_of
from recoup.rules.languages.by_shape import said_by_shape
from recoup.rules.languages.catalogues import ENGLISH, catalogue, or_english
from recoup.rules.languages.dates import day_of
from recoup.rules.languages.slots import ENDS, filled
from recoup.rules.network.code_words import PLAIN_MEANINGS

Moment = Callable[[datetime], str]


def said(language: str, text: str, moment: Moment = noted) -> str:
    """`moment`: how its reader reads one. A plain text goes the way of history."""
    if isinstance(text, Sentence):
        return _sentence(language, text, moment)
    return text if or_english(language) == ENGLISH else said_by_shape(language, text)


def _sentence(language: str, sentence: Sentence, moment: Moment) -> str:
    return filled(
        _looked_up(catalogue(language).words, sentence.key), sentence.slots, lambda part: _part(language, part, moment)
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
    return _looked_up(catalogue(language).words, part)


def _looked_up(known: dict[str, str], text: str) -> str:
    """Each of its sentences as it is known."""
    inner = text.strip()
    if not inner or not known:
        return text
    return text.replace(inner, " ".join(_word(known, one) for one in ENDS.split(inner)))


def _word(known: dict[str, str], text: str) -> str:
    return known.get(text) or known.get(PLAIN_MEANINGS.get(text, ""), text)
