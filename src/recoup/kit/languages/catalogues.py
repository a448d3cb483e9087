"""Which languages pages and mails speak, and what is known in each. English is the key of
everything; packages add others by entry points of the group `recoup.languages`, and features what
they say themselves."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from recoup.kernel.cached import cached
from recoup.kernel.extensions import load_all
from recoup.kernel.feature import Place, bad, features
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.languages.slots import faults

ENGLISH: Final = "en"
GROUP: Final = "recoup.languages"


class Catalogue(msgspec.Struct, frozen=True):
    """`pages`: what templates say. `words`: what our own code says. `day`: a date from `{day}`,
    `{month}` and, where it is shown, `{year}`; months from January, weekdays from Monday.
    `checkout`: the payer's pages. `errors`: the codes of the stablecoin API."""

    pages: dict[str, str]
    words: dict[str, str]
    day: str
    day_and_year: str
    months: list[str]
    weekdays: list[str]
    checkout: dict[str, str] = {}
    errors: dict[str, str] = {}


class OwnWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A feature's translations of its own, as in a Catalogue, which says what both have."""

    pages: dict[str, str] = {}
    words: dict[str, str] = {}
    checkout: dict[str, str] = {}


CATALOGUE: Final = Place[Mapping[str, Traversable]]("catalogue")  # language -> OwnWords, as JSON
_ENGLISH: Final = Catalogue(
    {},
    {},
    "{day} {month}",
    "{day} {month} {year}",
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
)


@frozen
class Language:
    """`name`: in the language itself. `countries`: ISO 3166 alpha-2, where nearly everybody reads
    it. `file`: its Catalogue, as JSON."""

    name: str
    countries: tuple[str, ...]
    file: Traversable


@cache
def _installed() -> tuple[Mapping[str, Language], tuple[Problem, ...]]:
    """Languages by code, and why others that are installed cannot be used."""
    return load_all(GROUP, Language)


def broken_languages() -> tuple[Problem, ...]:
    return _installed()[1]


@cache
def languages() -> Mapping[str, str]:
    """The name of each language that pages speak, by its code."""
    return {ENGLISH: "English"} | {
        code: language.name for code, language in _installed()[0].items()
    }


def or_english(language: str) -> str:
    """`language`, or English where it is not installed."""
    return language if language in languages() else ENGLISH


@cached(32)
def catalogue(language: str) -> Catalogue:
    """English, which translates nothing, where `language` is not installed."""
    known = _installed()[0].get(language)
    if known is None:
        return _ENGLISH
    whole = msgspec.json.decode(known.file.read_bytes(), type=Catalogue)
    for _, code, file in _of_features():
        if code == language:
            own = _read(file)
            texts = {
                name: getattr(own, name) | getattr(whole, name) for name in own.__struct_fields__
            }
            whole = msgspec.structs.replace(whole, **texts)
    return whole


def _of_features() -> Iterator[tuple[str, str, Traversable]]:
    for feature in features():
        for files in feature.added(CATALOGUE):
            yield from ((feature.name, language, file) for language, file in files.items())


def _read(file: Traversable) -> OwnWords:
    return msgspec.json.decode(file.read_bytes(), type=OwnWords)


def check_translations() -> None:
    """Raises: Problem(invalid), in one line, for a feature's translations that cannot be used."""
    for name, language, file in _of_features():
        if language not in _installed()[0]:
            message = f"The feature {name} is translated to {language!r}, which is not installed."
            raise bad(
                message, "Install the package that has it, like recoup-languages, or leave it out."
            )
        try:
            own = _read(file)
        except (OSError, msgspec.DecodeError) as error:
            message = f"The feature {name}'s translation to {language!r} cannot be read ({error})."
            raise bad(
                message, "Write pages, words and checkout as JSON: English to translation."
            ) from error
        for said, words in (own.pages | own.words | own.checkout).items():
            if wrong := faults(said, words):
                message = (
                    f"The feature {name} translates {said!r} to {language!r} wrongly: "
                    f"{'; '.join(wrong)}."
                )
                raise bad(message, "Fill in what the English does.")


@cache
def _by_country() -> Mapping[str, str]:
    return {
        country: code
        for code, language in _installed()[0].items()
        for country in language.countries
    }


def language_in(country: str) -> str:
    """The language of a country; English where nothing is known, and for what is no code of a
    country."""
    return _by_country().get(country.strip().upper(), ENGLISH)


def accepted_language(header: str) -> str:
    """The first language of an Accept-Language header that we speak, by its weight; else English.

    Source: RFC 9110 §12.5.4.
    """
    wanted = []
    for number, choice in enumerate(header[:400].split(",")):
        name, _, rest = choice.strip().partition(";")
        weight = re.fullmatch(r"\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*", rest) if rest else None
        if name and (not rest or weight):
            wanted.append(
                (-float(weight[1]) if weight else -1.0, number, name.split("-")[0].strip().lower())
            )
    return next(
        (name for weight, _, name in sorted(wanted) if weight and name in languages()), ENGLISH
    )
