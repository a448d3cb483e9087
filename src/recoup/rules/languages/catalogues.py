"""Which languages pages and mails speak, and what is known in each. English is the key of everything."""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

ENGLISH: Final = "en"
LANGUAGES: Final[Mapping[str, str]] = {
    ENGLISH: "English", "de": "Deutsch", "es": "Español", "fr": "Français", "zh": "中文",
}  # fmt: skip


class Catalogue(msgspec.Struct, frozen=True):
    """`pages`: what templates say. `words`: what our own code says. `day`: a date from `{day}`, `{month}` and, where it
    is shown, `{year}`; months from January, weekdays from Monday."""

    pages: dict[str, str]
    words: dict[str, str]
    day: str
    day_and_year: str
    months: list[str]
    weekdays: list[str]


@lru_cache(maxsize=8)
def catalogue(language: str) -> Catalogue:
    """Of one of LANGUAGES other than English."""
    return msgspec.json.decode((files(__package__) / f"{language}.json").read_bytes(), type=Catalogue)


def accepted_language(header: str) -> str:
    """The first language of an Accept-Language header that we speak, by its weight; else English.

    Source: RFC 9110 §12.5.4.
    """
    wanted = []
    for number, one in enumerate(header[:400].split(",")):
        name, _, rest = one.strip().partition(";")
        weight = re.fullmatch(r"\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*", rest) if rest else None
        if name and (not rest or weight):
            wanted.append((-float(weight[1]) if weight else -1.0, number, name.split("-")[0].strip().lower()))
    return next((name for weight, _, name in sorted(wanted) if weight and name in LANGUAGES), ENGLISH)
