"""The one reader of policies: a file's, the portal's, the API's and the database's lines become
terms, or complaints. Pure. Whether what they name exists is asked by `check`: a version that was
stored reads as ever when that is gone."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from recoup.kernel.money import UNITS_MAX
from recoup.kernel.nearest import Nearest, nearest
from recoup.kernel.problem import Sentence
from recoup.policies.rules.policy import Group
from recoup.policies.rules.terms import (
    ARMS,
    ATTRIBUTES,
    DAY_MINUTES,
    DAYS,
    GROUPS,
    LINKS,
    NOTHING_SET,
    Complaint,
    Hours,
    PolicyTerms,
)

TRIES_MAX: Final = 20
GAP_MAX: Final = 60 * DAY_MINUTES
LAST_DAY_MAX: Final = 365
BUDGET_MAX: Final = 10_000_000
COST_MAX: Final = 100_000
LIST_MAX: Final = 100
EXPLORE_MAX, HARM_MAX = 20, 100
_NAME_CHARS_MAX: Final = 64
_HOURS: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\s*[-–]\s*([01]\d|2[0-4]):([0-5]\d)")
_DURATION: Final = re.compile(r"(\d{1,6})\s*([mhd])")
_WHOLE_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTES: Final = {"m": 1, "h": 60, "d": DAY_MINUTES}


class _Wrong(ValueError):
    """Error in a line. `instead`: what could stand there; None: nothing."""

    def __init__(self, why: str, instead: Any = None) -> None:
        super().__init__(why)
        self.why, self.instead = why, instead


def read_policy(plain: object) -> tuple[PolicyTerms, list[Complaint]]:
    """Terms of the lines that can be read, and what is wrong about the others. Never raises."""
    terms, complaints, near = NOTHING_SET, list[Complaint](), Nearest()
    for key, value in flattened(plain).items():
        read = _READ.get(key)
        if read is None:
            close = near.of(key, _READ)
            why = (
                Sentence(
                    "There is no line {0}; the nearest is {1}.", repr(key[:_NAME_CHARS_MAX]), close
                )
                if close
                else Sentence("There is no line {0}.", repr(key[:_NAME_CHARS_MAX]))
            )
            complaints.append(Complaint(key[:_NAME_CHARS_MAX], why, lambda terms: terms))
            continue
        attribute = ATTRIBUTES[key]
        try:
            terms = put(terms, attribute, read(value))
        except _Wrong as wrong:
            instead = wrong.instead
            if instead is not None:
                terms = put(terms, attribute, instead)
            complaints.append(Complaint(key, wrong.why, lambda terms: terms))
    return terms, complaints


def flattened(plain: object) -> dict[str, Any]:
    """The lines by key; what a table holds under its dots. Null is as if the line were not
    there."""
    if not isinstance(plain, Mapping):
        return {"policy": plain} if plain is not None else {}
    flat: dict[str, Any] = {}
    for name, value in list(plain.items())[:LIST_MAX]:
        if isinstance(value, Mapping) and str(name) in _TABLES:
            flat |= {
                f"{name}.{inner}": field
                for inner, field in list(value.items())[:LIST_MAX]
                if field is not None
            }
        elif value is not None:
            flat[str(name)] = value
    return flat


def put(terms: PolicyTerms, attribute: str, value: Any) -> PolicyTerms:
    """The terms with that line; `group_tries.soft` is the group's."""
    if attribute.startswith("group_tries."):
        group = next(known for known in GROUPS if known == attribute.removeprefix("group_tries."))
        kept: dict[Group, int] = {
            name: number for name, number in terms.group_tries.items() if name != group
        }
        if value is not None:
            kept[group] = value
        return replace(terms, group_tries=kept)
    return replace(terms, **{attribute: value})


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _Wrong(Sentence("It must be a whole number from {0} to {1}.", low, high))
        if not low <= value <= high:
            raise _Wrong(
                Sentence("It must be from {0} to {1}.", low, high), min(max(value, low), high)
            )
        return value

    return read


def _tries(low: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value > TRIES_MAX:
            raise _Wrong(
                Sentence("A plan of more than {0} attempts never ends.", TRIES_MAX), TRIES_MAX
            )
        return _whole(low, TRIES_MAX)(value)

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(Sentence("It must be true or false."))
    return value


def _hours(value: Any) -> tuple[Hours, ...]:
    return tuple(sorted({_hour(text) for text in _texts(value)}))


def _hour(text: str) -> Hours:
    match = _HOURS.fullmatch(text.strip())
    start, end = (
        (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4]))
        if match
        else (0, 0)
    )
    if match is None or start in (end, DAY_MINUTES) or max(start, end) > DAY_MINUTES:
        raise _Wrong(Sentence("{0} is no span of hours like 07:00-22:00.", repr(text[:20])))
    return Hours(start, end)


def _days(value: Any) -> tuple[int, ...]:
    given = {text.strip().lower(): text for text in _texts(value)}
    names = {
        day for day, whole in zip(DAYS, _WHOLE_DAYS, strict=True) if {day, whole} & given.keys()
    }
    unknown = next(
        (text for word, text in given.items() if word not in (*DAYS, *_WHOLE_DAYS)), None
    )
    if unknown is not None:
        known = tuple(day for day, name in enumerate(DAYS) if name in names)
        raise _Wrong(
            Sentence("{0} is no day; days are {1}.", repr(unknown), ", ".join(DAYS)), known or None
        )
    return tuple(day for day, name in enumerate(DAYS) if name in names)


def _gap(value: Any) -> int:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise _Wrong(Sentence("It must be a duration like 90m, 6h or 2d."))
    minutes = int(match[1]) * _MINUTES[match[2]]
    if minutes > GAP_MAX:
        raise _Wrong(Sentence("It must be {0} days at most.", GAP_MAX // DAY_MINUTES), GAP_MAX)
    return minutes


def _amounts(value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or not all(
        isinstance(units, int) and not isinstance(units, bool) and 0 <= units <= UNITS_MAX
        for units in value.values()
    ):
        raise _Wrong(
            Sentence("It must give each currency a whole number of minor units, like USD = 50000.")
        )
    if len(value) > LIST_MAX:
        raise _Wrong(Sentence("It must name from {0} to {1}.", 1, LIST_MAX))
    return {str(name).upper(): units for name, units in value.items()}


def _names(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text.strip() for text in _texts(value)))


def _harm(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= HARM_MAX:
        raise _Wrong(Sentence("It must be a percentage from {0} to {1}.", 0, HARM_MAX))
    return round(value * 100)


def _one_of(words: Sequence[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            close = nearest(value, words) if isinstance(value, str) else None
            raise _Wrong(Sentence("It must be one of {0}.", ", ".join(words)), close)
        return str(value)

    return read


def _texts(value: Any) -> list[str]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list | tuple) or not all(
        isinstance(name, str) and 0 < len(name.strip()) <= _NAME_CHARS_MAX and name.isprintable()
        for name in given
    ):
        raise _Wrong(Sentence("It must be a list of texts."))
    if not given or len(given) > LIST_MAX:
        raise _Wrong(Sentence("It must name from {0} to {1}.", 1, LIST_MAX))
    return list(given)


_TABLES: Final = frozenset(
    {"tries", "when", "amounts", "codes", "routes", "budget", "cost", "engine"}
)
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    "off": _flag, "link": _one_of(LINKS), "tries.all": _tries(1),
    **{f"tries.{name}": _tries(0) for name in GROUPS},
    "when.hours": _hours, "when.days": _days, "when.gap": _gap,
    "when.last": _whole(1, LAST_DAY_MAX),
    "amounts.min": _amounts, "amounts.max": _amounts, "routes.only": _names,
    "codes.never": lambda value: tuple(dict.fromkeys(text.upper() for text in _names(value))),
    "budget.sends": _whole(0, BUDGET_MAX), "cost.send": _whole(0, COST_MAX), "cost.harm": _harm,
    "engine.arm": _one_of(ARMS), "engine.share": _whole(0, 100),
    "engine.explore": _whole(0, EXPLORE_MAX),
}  # fmt: skip
