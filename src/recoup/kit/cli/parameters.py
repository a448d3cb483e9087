"""Parameters of a verb, read off the function that does it: what stands before `*` is an argument,
what stands behind it an option.

- `str`, `int`, `float`, `UUID`: what is typed; `date`, `datetime`: its text.
- `Literal["a", "b"]`: one of these; `bool`: a flag, which takes `--no-` where it may be None.
- `tuple[X, ...]`: the option again and again; `tuple[X, Y]`: two values.
- A dataclass: its fields, as options of their own. Whatever else: JSON.

`Annotated` says more: a text is the help, `Option` says how else it is shown, `Meta` has bounds, a
type of click what is typed. An option without a default is required. A name that Python keeps for
itself has an underscore behind it (`from_`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from inspect import Parameter, signature
from json import loads
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import click
from msgspec import Meta, UnsetType

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid

_NONE: Final = Parameter.empty


class Option:
    """Help of an option, and where they differ its `names`; `settings`: click's."""

    def __init__(self, help: str = "", *names: str, **settings: Any) -> None:
        given = {"help": help, "names": names}
        self.settings = {name: value for name, value in given.items() if value} | settings


SHOWN: Final = Option(show_default=True)


class Parsed(click.ParamType[Any]):
    """What a text stands for. `parse` raises a Problem for what it does not take."""

    name = "text"

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self.parse: Final = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self.parse(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"{value[:80]!r} is not understood: {error}", param, ctx)


def id_of(wrong: str, field: str | None = None, cure: str | None = None) -> Parsed:
    """An id. `wrong`: what is said behind a text that is none."""

    def parse(text: str) -> UUID:
        guid = parse_id(text)
        if guid is None:
            raise invalid(f"{text[:80]!r} {wrong}", field, cure)
        return guid

    return Parsed(parse)


OutFile = Annotated[Path | None, click.Path(path_type=Path, dir_okay=False)]
OutFolder = Annotated[Path, click.Path(path_type=Path, file_okay=False)]
InFile = Annotated[Path, click.Path(path_type=Path, exists=True, dir_okay=False)]


@dataclass(frozen=True, slots=True)
class Parameters:
    """`listed`: as help shows them. `provided`: names of those that no one types, by type.
    `shapes`: dataclasses made of what is typed, by name."""

    listed: list[click.Parameter]
    provided: dict[str, Any]
    shapes: dict[str, Any]

    def made(self, typed: dict[str, Any]) -> dict[str, Any]:
        """The function's keyword arguments, without those that are provided."""
        for name, shape in self.shapes.items():
            typed[name] = shape(**{field: typed.pop(field) for field in get_type_hints(shape)})
        return typed


def parameters_of(
    function: Callable[..., Any], provided: Mapping[Any, Sequence[click.Parameter]]
) -> Parameters:
    """`provided`: types that the caller gives, and what is typed for each."""
    parameters = Parameters([], {}, {})
    hints = get_type_hints(function, include_extras=True)
    for parameter in signature(function).parameters.values():
        hint = hints[parameter.name]
        if hint in provided:
            parameters.provided[parameter.name] = hint
            parameters.listed.extend(provided[hint])
        elif is_dataclass(hint):
            parameters.shapes[parameter.name] = hint
            parameters.listed.extend(_fields(hint))
        elif parameter.kind is Parameter.VAR_KEYWORD:
            continue
        else:
            is_argument = parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
            parameters.listed.append(
                (argument if is_argument else option)(parameter.name, hint, parameter.default)
            )
    return parameters


def _fields(shape: Any) -> Iterator[click.Parameter]:
    defaults = signature(shape).parameters
    for name, hint in get_type_hints(shape, include_extras=True).items():
        yield option(name, hint, defaults[name].default)


def argument(name: str, hint: Any, default: Any = _NONE) -> click.Argument:
    settings = _settings(*_parts(hint))
    settings.pop("help", None)
    if settings.pop("multiple", False):
        settings["nargs"] = -1
    return click.Argument([name], required=default is _NONE, **settings)


def option(name: str, hint: Any, default: Any = _NONE, *, named: str = "") -> click.Option:
    """`named`: its name on the command line, where that is another."""
    kind, metadata = _parts(hint)
    settings = _settings(kind, metadata)
    shown = f"--{(named or name.removesuffix('_')).replace('_', '-')}"
    if kind is bool:
        settings["is_flag"] = True
        if default is None:
            shown = f"{shown}/--no-{shown[2:]}"
            settings["default"] = None  # else it would be False
    if default is _NONE:
        settings["required"] = True
    elif default not in (None, ()):
        settings["default"] = default
    return click.Option([*settings.pop("names", [shown]), name], **settings)


_TYPES: Final = {
    str: str, int: int, float: float, Path: Path, bool: None, UUID: click.UUID,
    date: str, datetime: str,
}  # fmt: skip


def _settings(kind: Any, metadata: Sequence[Any]) -> dict[str, Any]:
    """Click's settings of a parameter."""
    whole, inner = get_origin(kind), get_args(kind)
    if whole is list or whole is tuple and inner[-1] is ...:
        kind, more = _parts(inner[0])
        settings = _settings(kind, more) | {"multiple": True}
    elif whole is tuple:
        settings = {"type": inner}
    elif whole is Literal:
        settings = {"type": click.Choice(inner)}
    else:
        settings = {"type": _TYPES[kind] if kind in _TYPES else Parsed(loads)}
    for part in metadata:
        if isinstance(part, str):
            settings["help"] = part
        elif isinstance(part, Option):
            settings |= part.settings
        elif isinstance(part, click.ParamType):
            settings["type"] = part
        elif isinstance(part, Meta):
            bounds: Any = part.ge, part.le
            settings |= {"help": part.description} if part.description else {}
            settings |= (
                {"type": click.IntRange(*bounds)} if kind is int and bounds != (None, None) else {}
            )
    return settings


def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The kind of value, without None, and what is said of it."""
    if get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        kind, inner = _parts(hint)
        return kind, (*inner, *more)
    if get_origin(hint) in (Union, UnionType):
        kinds = [arg for arg in get_args(hint) if arg not in (NoneType, UnsetType)]
        return _parts(kinds[0]) if len(kinds) == 1 else (hint, ())
    return hint, ()
