"""A table's header as an export's: whose it is, and where each field is."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recoup.imports.rules.profile import Profile, nearest, profiles, recognise
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.files.lines import Line
from recoup.kit.files.table import HEADER_WITHIN, Table, plain, shown_names

_ZONE_IN_NAME: Final = re.compile(
    r"\(([A-Za-z]{2,5}|UTC[+-][0-9:]{1,5}|[A-Za-z]+/[A-Za-z_]+)\)\s*$|\b(UTC)$"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """`places`: field -> positions, of which the first filled one counts. `zone`: as the header
    names it. `unread`: columns from which nothing is taken. `header`: its cells, none in a file
    without one."""

    profile: Profile
    places: Mapping[str, tuple[int, ...]]
    zone: str
    unread: tuple[str, ...]
    header: tuple[str, ...]

    def column(self, field: str) -> str:
        """The file's name of a field's column, the first of several."""
        places = self.places.get(field, ())
        return (
            self.header[places[0]] if places else (*self.profile.columns.get(field, ()), field)[0]
        )


def open_table(lines: Iterable[Line], named: str = "") -> Table[Profile]:
    """`named`: the profile that somebody chose. Raises: Problem(invalid) when none of the first
    lines is a header that is known, naming the nearest."""
    return Table(lines, lambda header: _fits(header, named) if len(header) > 2 else None, _unknown)  # noqa: PLR2004


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
        raise invalid(
            Sentence("The profile {0} is unknown.", repr(name[:40])),
            "profile",
            Sentence("Name one of {0}.", known),
        )
    return profile


def layout_of(profile: Profile, header: Sequence[str]) -> Layout:
    positions: dict[str, list[int]] = {}
    for place, name in enumerate(header):
        positions.setdefault(plain(name), []).append(place)
    places = {
        field: found
        for field, names in profile.columns.items()
        if (found := tuple(place for name in names for place in positions.get(name, ())))
    }
    used = {place for found in places.values() for place in found}
    unread = tuple(name for place, name in enumerate(header) if place not in used)
    at = places.get("at", ())
    named = _ZONE_IN_NAME.search(header[at[0]].strip()) if at else None
    zone = (named[1] or named[2]) if named else ""
    return Layout(profile, places, zone, unread, tuple(header))


def _unknown(number: int, header: Sequence[str]) -> Problem:
    profile, lacks = nearest(header)
    return invalid(
        Sentence(
            "None of the first {0} lines is a header that is known; line {1} has {2}.",
            HEADER_WITHIN,
            number,
            shown_names(header),
        ),
        "file",
        Sentence(
            "{0} would also need the columns {1}; see docs/prove-it.md.",
            profile.title,
            ", ".join(lacks[:8]),
        ),
    )
