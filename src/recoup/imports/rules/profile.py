"""Profiles of exports: whose a file is, known by the set of its columns, never by their order, and
where each field is. Each is a data file with a version."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from recoup.imports.rules.attempt import SKIPPED, State
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kit.files.ids import plain_cell
from recoup.kit.files.lines import LINE_MAX, Line
from recoup.kit.files.table import HEADER_WITHIN, Table, plain, shown_names
from recoup.uploads.rules.rows import JsonRows

HISTORY: Final = "recoup-history"
_FIELDS: Final = frozenset({
    "ref", "payment", "customer", "subscription", "at", "zone", "modified_at", "amount", "currency",
    "type", "status", "mode", "paid", "livemode", "refunded", "refunded_id", "network_status",
    "outcome_type", "answer", "code", "success", "fraud", "test", "approved", "failed_later",
    "guessed", "gateway_id", "method", "brand", "funding", "debit", "country", "card", "token",
    "method_processor", "method_id", "method_customer", "acceptor", "mit", "first6", "last4",
    "number", "exp_month", "exp_year", "expiry", "scheme_code", "leading_code", "advice_code",
    "advice_word", "processor_code", "processor", "provider", "text", "attempt_no", "attempt_count",
    "utc_offset", "propensity",
})  # fmt: skip


class StateRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`equal`, `starts`: field -> words in lower case; `has`: fields that are filled. All have to
    hold; the first rule of a profile that does decides. `state` empty: the row is skipped for the
    reason `skip`."""

    equal: Mapping[str, frozenset[str]] = {}
    starts: Mapping[str, tuple[str, ...]] = {}
    has: tuple[str, ...] = ()
    state: Literal["", State, "as_status"] = ""
    stage: Literal["open", "answered", "afterwards"] = "answered"
    failed_later: bool = False
    skip: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that the rule asks for."""
        return (*self.equal, *self.starts, *self.has)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A data file. `needs`: columns that a file of it has, all of them; `one_of`: of each group
    one; `never`: none of these. Columns are named in lower case without blanks and marks. `amount`:
    in which units; `zone`, `order`: what the provider documents, empty where it does not. `digits`:
    of a code, to which a shorter one is padded. `cards`: how it names a card, beside the networks'
    names."""

    name: str
    version: int
    title: str
    provider: str
    needs: frozenset[str]
    amount: Literal["major", "minor", "unsure"]
    columns: Mapping[str, tuple[str, ...]]
    states: tuple[StateRule, ...]
    source: str = ""
    one_of: tuple[frozenset[str], ...] = ()
    never: frozenset[str] = frozenset()
    written: Literal["", "words", "snake"] = ""
    zone: str = ""
    order: Literal["", "day", "month"] = ""
    digits: int = 0
    no_reasons: bool = False
    cards: frozenset[str] = frozenset()
    exponents: Mapping[str, int] = {}

    def __post_init__(self) -> None:
        """Raises: ValueError for a field or reason that there is not: a data file is checked when
        it is read."""
        if unknown := set(self.columns) - _FIELDS:
            raise ValueError(f"{self.name} maps {sorted(unknown)}, which nothing reads")
        for rule in self.states:
            if unknown := set(rule.fields) - set(self.columns):
                raise ValueError(f"a state of {self.name} asks for {sorted(unknown)}")
            if not rule.state and rule.skip not in SKIPPED:
                raise ValueError(f"{self.name} names the reason {rule.skip!r}")

    @property
    def key(self) -> str:
        return f"{self.name}/{self.version}"

    def lacks(self, names: frozenset[str]) -> list[str]:
        """The columns by which it would be known and that are not there."""
        missing = sorted(self.needs - names)
        return missing + [sorted(group)[0] for group in self.one_of if not group & names]


def recognise(header: Sequence[str]) -> list[Profile]:
    """The profiles that a header fits, the most telling first; none when it is no header of
    theirs."""
    names = frozenset(plain(name) for name in header)
    snake = any("_" in name for name in header)
    fits = [
        profile
        for profile in profiles().values()
        if not profile.lacks(names)
        and not profile.never & names
        and (not profile.written or (profile.written == "snake") == snake)
    ]
    return sorted(
        fits, key=lambda profile: (-len(profile.needs) - len(profile.one_of), profile.name)
    )


def nearest(header: Sequence[str]) -> tuple[Profile, list[str]]:
    """The profile of which the fewest columns are missing, and those."""
    names = frozenset(plain(name) for name in header)
    every = [
        (len(lacks := profile.lacks(names)), profile.name, profile, lacks)
        for profile in profiles().values()
    ]
    _, _, profile, lacks = min(
        every, key=lambda entry: (entry[0] / (len(entry[2].needs) + len(entry[2].one_of)), entry[1])
    )
    return profile, lacks


@lru_cache(maxsize=1)
def profiles() -> Mapping[str, Profile]:
    """Profiles by their names, as the package has them."""
    folder = files("recoup.imports.rules") / "data"
    every = (
        msgspec.toml.decode(file.read_text("utf-8"), type=Profile)
        for file in sorted(folder.iterdir(), key=lambda path: path.name)
        if file.name.endswith(".toml")
    )
    return {profile.name: profile for profile in every}


LEVELS_MAX: Final = 4
MEMBERS_MAX: Final = 200
Object = tuple[int, Mapping[str, str] | None, str, str]


def objects(texts: Iterator[str]) -> Iterator[Object]:
    """(line, members, code, why). Raises: Problem(invalid) for what is no JSON from its first
    character on."""
    for record in JsonRows(texts):
        if record.text is None:
            yield record.line, None, record.code, record.why
            continue
        if len(record.text) > LINE_MAX:
            yield (
                record.line,
                None,
                "too_long",
                Sentence("is longer than {0} characters", figure(LINE_MAX)),
            )
            continue
        members = dict[str, str]()
        try:
            value = json.loads(record.text)
            fits = _flatten(value, "", members, LEVELS_MAX)
        except (ValueError, RecursionError):
            yield record.line, None, "broken", Sentence("is no JSON that can be read")
            continue
        if not fits:
            yield record.line, None, "broken", Sentence("has more than {0} members", MEMBERS_MAX)
        elif any("\0" in text for text in members.values()):
            yield record.line, None, "broken", Sentence("holds a NUL byte")
        else:
            yield record.line, members, "", ""


def _flatten(value: Any, name: str, into: dict[str, str], levels: int) -> bool:
    """Flattens the value's members into `into`; False for too many. Lists, and objects inside
    others inside others, are kept as their texts, to be looked at for card numbers."""
    if isinstance(value, dict) and levels:
        return all(
            _flatten(inner, f"{name}{plain(str(key))}", into, levels - 1)
            for key, inner in value.items()
        )
    if len(into) >= MEMBERS_MAX:
        return False
    if value is None:
        text = ""
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float) and value.is_integer() and abs(value) < 1e20:
        text = str(int(value))
    elif isinstance(value, str | int | float):
        text = plain_cell(str(value))
    else:
        text = json.dumps(value, ensure_ascii=False)
    into.setdefault(name[:200], text)
    return True


_ZONE_IN_NAME: Final = re.compile(
    r"\(([A-Za-z]{2,5}|UTC[+-][0-9:]{1,5}|[A-Za-z]+/[A-Za-z_]+)\)\s*$|\b(UTC)$"
)


@frozen
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
    return Table(lines, lambda header: _fits(header, named) if len(header) > 2 else None, _unknown)


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
        field: columns
        for field, names in profile.columns.items()
        if (columns := tuple(place for name in names for place in positions.get(name, ())))
    }
    used = {place for columns in places.values() for place in columns}
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
