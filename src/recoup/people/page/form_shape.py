"""Fields of a form: the keyword parameters of the function that takes it, or a class where it is
handed on; and the parameters of a page's address.

A field takes the first value of its name; a name that Python keeps for itself has an underscore
behind it (`from_`).

- `str`: empty where nothing was sent; `str | None`: None there.
- `bool`: whether it says "yes", as boxes that are ticked do; pages from before an upgrade may say
  "1" or "on".
- `UUID`, `Literal["a", "b"]`: what the text stands for, if it does; `UploadFile`: if one was
  chosen.
- `tuple[..., ...]`: all values; those that stand for nothing are left out, unless it is a tuple of
  `X | None`.

`Annotated` says more: `Text` of a text, `As` what one stands for, `AtMost` of a tuple, `Names` of a
mapping, and a `Problem`: the refusal of what stands for nothing. Without a refusal the field is `X
| None`, or has a default; that one stands for an empty text, too.
"""

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from copy import copy
from functools import cache
from inspect import Parameter, signature
from types import NoneType, SimpleNamespace, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)
from uuid import UUID

from starlette.datastructures import UploadFile

from recoup.kernel.frozen import frozen
from recoup.kernel.ids import FORM, parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.texts import parse_whole
from recoup.people.page.forms import NO_KEY

F = TypeVar("F")
Fields = Mapping[str, Sequence[Any]]  # texts; of a form with a file, files too
Take = Callable[[Any], Any]  # a value of the form -> what it stands for, None for nothing
Metadata = tuple[Any, ...]  # what stands beside a hint in `Annotated`


@frozen
class Text:
    """Text of `printable` characters alone, without the spaces at its ends where `strip`, then cut
    where it is longer than `max` characters."""

    max: int | None = None
    strip: bool = False
    printable: bool = False

    def of(self, text: str) -> str:
        if self.printable:
            text = "".join(character for character in text if character.isprintable())
        return (text.strip() if self.strip else text)[: self.max]


@frozen
class As:
    """Meaning that a text stands for; None: nothing."""

    parse: Callable[[str], object]


@frozen
class AtMost:
    """The first so many values are taken."""

    count: int


@frozen
class Names:
    """Names of the form that a mapping has."""

    taken: Callable[[str], object]


def whole(digits_max: int) -> As:
    """Accepts a whole number of so many digits."""
    return As(lambda text: parse_whole(text, digits_max))


def among(values: Collection[str]) -> As:
    """Accepts one of these texts."""
    return As(lambda text: text if text in values else None)


RowNo: TypeAlias = Annotated[int, whole(8)]  # where a page of a list of rows begins


class _Reader(NamedTuple):
    """Reader of a field. `read` gives None for what stands for nothing; `empty`: what is shown
    again then."""

    read: Callable[[Fields], Any]
    empty: Any
    refusal: Problem | None


def read_fields(shape: Callable[..., Any], form: Fields) -> dict[str, Any]:
    """Reads a form by the names of a class's fields, or of a function's keyword parameters. Raises:
    the Problem of the first field that refuses what was sent."""
    values = {}
    for name, reader in readers_of(shape).items():
        values[name] = reader.read(form)
        if values[name] is None and reader.refusal:
            raise copy(reader.refusal)
    return values


def read_shape(shape: type[F], form: Fields) -> F:
    """The form as `shape`, a dataclass. Raises: as `read_fields`."""
    return shape(**read_fields(shape, form))


@overload
def read_again(shape: type[F], form: Fields) -> F: ...


@overload
def read_again(shape: Callable[..., Awaitable[object]], form: Fields) -> Any: ...


def read_again(shape: Callable[..., Any], form: Fields) -> Any:
    """The same, for the page that shows what was typed: what was refused, or not sent, is empty. Of
    a function that takes a form, its fields."""
    made = shape if isinstance(shape, type) else SimpleNamespace
    return made(**_readable(shape, form))


def read_address(shape: Callable[..., Any], address: Mapping[str, str]) -> dict[str, Any]:
    """Reads an address by the names of a function's keyword parameters. What stands for nothing is
    empty, or the default; a name that comes twice is its last value."""
    names = [name.removesuffix("_") for name in readers_of(shape)]
    sent = {name: text for name in names if (text := address.get(name)) is not None}
    return _readable(shape, {name: [text.replace("\0", "")] for name, text in sent.items()})


def _readable(shape: Callable[..., Any], form: Fields) -> dict[str, Any]:
    fields = {name: (reader.read(form), reader.empty) for name, reader in readers_of(shape).items()}
    return {name: empty if value is None else value for name, (value, empty) in fields.items()}


@cache
def readers_of(shape: Callable[..., Any]) -> Mapping[str, _Reader]:
    """Raises: AssertionError naming a field that no form can hold."""
    hints = get_type_hints(shape, include_extras=True)
    taken = [
        parameter
        for parameter in signature(shape).parameters.values()
        if isinstance(shape, type) or parameter.kind is _KEYWORD
    ]
    return {field.name: _reader(field.name, hints[field.name], field.default) for field in taken}


_KEYWORD: Final = Parameter.KEYWORD_ONLY


def _reader(name: str, hint: Any, usual: Any) -> _Reader:
    kind, optional, metadata = _parts(hint)
    sent_as, origin = name.removesuffix("_"), get_origin(kind)
    refusal = next((mark for mark in metadata if isinstance(mark, Problem)), None)
    assert refusal is None or refusal.field in (None, sent_as), (
        f"{name}: its refusal is of another field"
    )
    if origin is tuple and get_args(kind)[-1] is Ellipsis:
        return _Reader(_all_values(sent_as, get_args(kind)[0], metadata), (), refusal)
    if origin is Mapping:
        return _Reader(_by_name(name, get_args(kind)[1], metadata), {}, refusal)
    take = _take(name, kind, metadata)
    if usual is not Parameter.empty:
        return _Reader(
            _one_value(sent_as, lambda value: _or_usual(take(value), usual), ""), usual, refusal
        )
    takes_all = kind is bool or kind is str and not any(isinstance(mark, As) for mark in metadata)
    assert takes_all or optional or refusal, f"{name}: say what is refused, or that it may be None"
    absent = None if optional and kind is str else ""
    return _Reader(_one_value(sent_as, take, absent), None if optional else "", refusal)


def _or_usual(taken: Any, usual: Any) -> Any:
    """The default stands for nothing, not for a value that is false."""
    return usual if taken is None or taken == "" else taken


def _one_value(name: str, take: Take, absent: str | None) -> Callable[[Fields], Any]:
    def read(form: Fields) -> Any:
        value = next(iter(form.get(name, ())), absent)
        return None if value is None else take(value)

    return read


def _all_values(name: str, element: Any, metadata: Metadata) -> Callable[[Fields], Any]:
    kind, keeps_none, more = _parts(element)
    take, most = (
        _take(name, kind, (*more, *metadata)),
        next((mark.count for mark in metadata if isinstance(mark, AtMost)), None),
    )

    def read(form: Fields) -> Any:
        taken = [take(value) for value in form.get(name, ())[:most]]
        return tuple(value for value in taken if keeps_none or value is not None)

    return read


def _by_name(name: str, kind: Any, metadata: Metadata) -> Callable[[Fields], Any]:
    take, (names,) = (
        _take(name, kind, metadata),
        [mark for mark in metadata if isinstance(mark, Names)],
    )

    def read(form: Fields) -> Any:
        taken = {name: take(values[0]) for name, values in form.items() if names.taken(name)}
        return {name: value for name, value in taken.items() if value is not None}

    return read


def _parts(hint: Any) -> tuple[Any, bool, Metadata]:
    """The parts of a hint: the kind, whether it may be None, and its metadata."""
    metadata: Metadata = ()
    if get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        metadata = tuple(more)
    if get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint):
        (kind,) = (arg for arg in get_args(hint) if arg is not NoneType)
        kind, _, inner = _parts(kind)
        return kind, True, (*inner, *metadata)
    return hint, False, metadata


def _take(name: str, kind: Any, metadata: Metadata) -> Take:
    cut = next((mark for mark in metadata if isinstance(mark, Text)), Text())
    if kind is UploadFile:
        return _chosen
    parse = next((mark.parse for mark in metadata if isinstance(mark, As)), None)
    if parse is None:
        parse = among(get_args(kind)).parse if get_origin(kind) is Literal else _PARSERS.get(kind)
    assert parse, f"{name}: no form holds {kind}"
    return lambda value: parse(cut.of(value) if isinstance(value, str) else "")


def _chosen(value: object) -> UploadFile | None:
    return value if isinstance(value, UploadFile) and value.filename else None


_PARSERS: Final[Mapping[Any, Callable[[str], object]]] = {
    str: lambda text: text,
    bool: lambda text: text in ("yes", "1", "on"),
    UUID: parse_id,
}


_KEY: Final = re.compile(r"[0-9a-f]{32}")


def fresh_key() -> str:
    return secrets.token_hex(16)


def is_key(text: str) -> bool:
    """True when `fresh_key` may have made it."""
    return _KEY.fullmatch(text) is not None


FormKey: TypeAlias = Annotated[str, As(lambda text: text if is_key(text) else None), NO_KEY]
FormKeyId: TypeAlias = Annotated[UUID, NO_KEY]  # an id, whose time is when the page was made


def request_key(key: str) -> str:
    """The key as flows know it, apart from the keys of the API's callers."""
    return f"{FORM}{key}"
