"""A table's header, wherever it stands in the first lines: whose export it is, and where each field is."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.imports.profile import Profile, nearest, plain, profiles, recognise
from recoup.rules.money.encodings import Line
from recoup.rules.network.card_text import masked_numbers

HEADER_WITHIN: Final = 20  # lines
COLUMNS_MAX: Final = 400
NAME_MAX: Final = 60
DELIMITERS: Final = (",", ";", "\t", "|")
_ZONE_IN_NAME: Final = re.compile(r"\(([A-Za-z]{2,5}|UTC[+-][0-9:]{1,5}|[A-Za-z]+/[A-Za-z_]+)\)\s*$|\b(UTC)$")


@dataclass(frozen=True, slots=True)
class Layout:
    """`places`: field -> positions, of which the first filled one counts. `zone`: as the header names it. `unread`:
    columns from which nothing is taken. `header`: its cells, to know it again. `line`: where it stands, 0 in a file
    without one."""

    profile: Profile
    delimiter: str
    places: Mapping[str, tuple[int, ...]]
    width: int
    zone: str
    unread: tuple[str, ...]
    header: tuple[str, ...]
    line: int


def find_layout(lines: Iterator[Line], named: str = "") -> Layout:
    """Reads up to the header. `named`: the profile that somebody chose.

    Raises: Problem(invalid) when none of the first lines is a header that is known, naming the nearest.
    """
    widest: tuple[int, list[str]] = (0, [])
    unread = False
    for count, line in enumerate(lines):
        unread |= line.text is None
        if line.text and line.text.strip():
            for delimiter in DELIMITERS:
                header = cells_of(line.text, delimiter) or []
                if len(header) > 2 and len(header) <= COLUMNS_MAX and (fits := _fits(header, named)):
                    return layout_of(fits, header, delimiter, line.number)
                if len(header) > len(widest[1]) and len(header) <= COLUMNS_MAX:
                    widest = (line.number, header)
        if count + 1 >= HEADER_WITHIN:
            break
    if unread and not widest[0]:
        raise Problem("invalid", "The file is no text.", field="file", cure="Export it as CSV.")
    raise _unknown(*widest)


def _fits(header: Sequence[str], named: str) -> Profile | None:
    if named:
        profile = profile_named(named)
        return profile if not profile.lacks(frozenset(map(plain, header))) else None
    return next(iter(recognise(header)), None)


def profile_named(name: str) -> Profile:
    """Raises: Problem(invalid)."""
    profile = profiles().get(name)
    if profile is None:
        known = ", ".join(profiles())
        raise Problem(
            "invalid",
            Sentence("The profile {0} is unknown.", repr(name[:40])),
            field="profile",
            cure=Sentence("Name one of {0}.", known),
        )
    return profile


def layout_of(profile: Profile, header: Sequence[str], delimiter: str, line: int) -> Layout:
    positions: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        positions.setdefault(plain(name), []).append(place)
    places = {
        field: found
        for field, names in profile.columns.items()
        if (found := tuple(place for name in names for place in positions.get(name, ())))
    }
    used = {place for found in places.values() for place in found}
    unread = tuple(shown_name(name) for place, name in enumerate(header) if place not in used)
    at = places.get("at", ())
    named = _ZONE_IN_NAME.search(header[at[0]].strip()) if at else None
    zone = (named[1] or named[2]) if named else ""
    return Layout(profile, delimiter, places, len(header), zone, unread, tuple(header), line)


def shown_name(name: str) -> str:
    """A column's name as it may be shown: anybody may have written it."""
    return masked_numbers(name.strip()[:NAME_MAX]) or "(no name)"


def cells_of(text: str, delimiter: str) -> list[str] | None:
    """The cells of one record, which may have line breaks in its quotes; None where the quotes do not fit."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        rows = list(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _unknown(number: int, header: Sequence[str]) -> Problem:
    if not number:
        return Problem("invalid", "The file is empty.", field="file", cure="It needs a header and rows.")
    profile, lacks = nearest(header)
    have = ", ".join(shown_name(name) for name in header[:20])
    return Problem(
        "invalid",
        Sentence(
            "None of the first {0} lines is a header that is known; line {1} has {2}.", HEADER_WITHIN, number, have
        ),
        field="file",
        cure=Sentence(
            "{0} would also need the columns {1}; docs/import.md lists them all.", profile.title, ", ".join(lacks[:8])
        ),
    )
