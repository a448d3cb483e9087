"""The parameters' file: base.toml, any of it overridden by another TOML file."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from recoup.kernel.problem import Problem
from recoup_lab.world.parameters import Parameters, Weight

# Plain lists; the others are tables of quantiles, which need two values.
_ONE_WILL_DO: Final = frozenset({"names", "amounts", "drawn_blocks_hours", "factors"})
_MAY_BE_EMPTY: Final = frozenset({"schedule_days"})
_NEED_NOT_RISE: Final = frozenset({"names", "amounts", "factors"})
_YEARS: Final = range(2000, 2101)
_LONGEST: Final = 64


def read(path: Path | None = None, **general: Any) -> Parameters:
    """The base world, overridden by the file and then by values of [world], like seed=7,
    orders=4000.

    Raises: Problem(invalid) naming file, line and what is allowed.
    """
    found, source = _read_toml("base.toml", base_text()), Source("base.toml", base_text())
    if path is not None:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(
                "invalid",
                f"The world file {path} cannot be read: {error}.",
                field="world",
                cure="Name a text file in UTF-8.",
            ) from None
        found, source = _merged(found, _read_toml(path.name, text)), Source(path.name, text)
    found = _merged(
        found, {"world": {key: value for key, value in general.items() if value is not None}}
    )
    made: Parameters = _build(Parameters, found, source, ())
    return made


def base_text() -> str:
    return (files("recoup_lab.world") / "base.toml").read_text("utf-8")


def shipped() -> dict[str, Path]:
    """The world files that come with Recoup, by name."""
    folder = Path(str(files("recoup_lab.world")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


@dataclass(frozen=True, slots=True)
class Source:
    """The text that a mistake is in."""

    name: str
    text: str

    def refuse(self, place: tuple[str, ...], why: str, cure: str) -> Problem:
        line = _line_of(self.text, place)
        where = f"{self.name}, line {line}" if line else self.name
        return Problem(
            "invalid",
            f"{where}: {'.'.join(place)} {why}.",
            field=".".join(place),
            cure=cure,
            line=line,
        )


def _read_toml(name: str, text: str) -> dict[str, Any]:
    """Its content, each value checked; a part of the parameters will do."""
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Problem(
            "invalid",
            f"{name}: not valid TOML: {error}.",
            field="world",
            cure="Write lines like late_share = 0.2 under [money].",
        ) from None
    _check(Parameters, found, Source(name, text), ())
    return found


def _check(kind: type, found: Mapping[str, Any], source: Source, place: tuple[str, ...]) -> None:
    hints = get_type_hints(kind, include_extras=True)
    for key, value in found.items():
        here = (*place, key)
        if key not in hints:
            raise source.refuse(here, "is unknown", f"There are {', '.join(hints)}.")
        if is_dataclass(hints[key]):
            if not isinstance(value, dict):
                raise source.refuse(here, "is no table", f"Write [{'.'.join(here)}] and its lines.")
            _check(hints[key], value, source, here)
        else:
            _checked(hints[key], value, source, here)


def _build(kind: Any, found: Mapping[str, Any], source: Source, place: tuple[str, ...]) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    values: dict[str, Any] = {}
    for field in fields(kind):
        here, hint = (*place, field.name), hints[field.name]
        if field.name not in found:
            raise source.refuse(here, "is missing", "Write it.")
        value = found[field.name]
        values[field.name] = (
            _build(hint, value, source, here)
            if is_dataclass(hint)
            else _checked(hint, value, source, here)
        )
    weights = [value for key, value in values.items() if hints[key] == Weight]
    if weights and not sum(weights) > 0:
        raise source.refuse(place, "has no weight above 0", "Give one of them a weight.")
    return kind(**values)


def _checked(hint: Any, value: Any, source: Source, here: tuple[str, ...]) -> Any:
    if get_origin(hint) is tuple:
        item, least = (
            get_args(hint)[0],
            1 if here[-1] in _ONE_WILL_DO else 0 if here[-1] in _MAY_BE_EMPTY else 2,
        )
        if not isinstance(value, list | tuple) or not least <= len(value) <= _LONGEST:
            raise source.refuse(
                here, f"is no list of {least} to {_LONGEST} values", f"Each is {_range(item)}."
            )
        values = tuple(_checked(item, one, source, here) for one in value)
        if here[-1] not in _NEED_NOT_RISE and list(values) != sorted(values):
            raise source.refuse(
                here, "has values that fall", "Write them from the least to the most."
            )
        return values
    if get_origin(hint) is Annotated:
        plain, between = get_args(hint)
        fits = isinstance(value, int if plain is int else int | float) and not isinstance(
            value, bool
        )
        if not fits or not between.low <= value <= between.high:
            raise source.refuse(here, f"cannot be {value!r}", f"It is {_range(hint)}.")
        return plain(value)
    if hint is datetime:
        if (
            not isinstance(value, datetime)
            or value.tzinfo is None
            or value.microsecond
            or value.year not in _YEARS
        ):
            raise source.refuse(
                here, f"cannot be {value!s}", "It is an instant like 2027-03-01T00:00:00Z."
            )
        return value.astimezone(UTC)
    if here[-1] == "currency" and not (isinstance(value, str) and re.fullmatch("[A-Z]{3}", value)):
        raise source.refuse(here, f"cannot be {value!r}", "It is three capital letters, like USD.")
    if not isinstance(value, str) or not re.fullmatch(r"[\w .,'-]{1,60}", value):
        raise source.refuse(
            here, f"cannot be {value!r}", "It is a text of 1 to 60 letters, digits and spaces."
        )
    return value


def _range(hint: Any) -> str:
    if get_origin(hint) is not Annotated:
        return "a text"
    plain, between = get_args(hint)
    return f"{'a whole number' if plain is int else 'a number'} in {between}"


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        found[key] = (
            _merged(found[key], value) if isinstance(value, dict) and key in found else value
        )
    return found


def _line_of(text: str, place: tuple[str, ...]) -> int | None:
    """The line on which the key stands, or its table where it is a table itself."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        head = re.match(r"\s*\[([^\[\]]+)\]", line)
        if head:
            table = tuple(part.strip().strip("\"'") for part in head[1].split("."))
            if table == place:
                return number
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if key and (*table, *(part.strip("\"'") for part in key[1].split("."))) == place:
            return number
    return None
