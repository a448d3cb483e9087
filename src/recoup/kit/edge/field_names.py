"""Field names in whatever case they come: clients write `AppKey`, `appKey` and `zipcode` (contract
§18.1)."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

from recoup.kernel.frozen import frozen
from recoup.kernel.nearest import Nearest

UNKNOWN_NAMED_MAX: Final = 20
UnreadFields = Annotated[
    list[str] | msgspec.UnsetType,
    msgspec.Meta(description="Fields of the body that nobody reads; absent without one."),
]
# A field's name as we write it -> the names inside it; None when it holds no object whose names we
# know.
Names = Mapping[str, "Names | None"]


@frozen
class Folding:
    """Names in lower case, and as we write them -> (canonical name, what is inside)."""

    fields: Mapping[str, tuple[str, "Folding | None"]]
    exact: Mapping[str, tuple[str, "Folding | None"]]
    deep: Sequence[tuple[str, "Folding"]]  # of those that hold objects whose names we know


def folding(names: Names) -> Folding:
    """Prepares names for `fold_keys`, once per endpoint. A list of objects is written as its
    object. Raises: ValueError when two names differ in case only."""
    fields = {
        name.lower(): (name, folding(inner) if inner else None) for name, inner in names.items()
    }
    if len(fields) != len(names):
        raise ValueError("two names differ in case only")
    deep = [(name, below) for name, below in fields.values() if below is not None]
    return Folding(fields, {known[0]: known for known in fields.values()}, deep)


def names_of(shape: type[msgspec.Struct]) -> Names:
    """The wire names of a Struct and of the Structs inside it, also in lists, dicts' values
    aside."""
    names: dict[str, Names | None] = {}
    for field in msgspec.structs.fields(shape):
        inner = _struct_in(field.type)
        names[field.encode_name] = names_of(inner) if inner else None
    return names


def fold_keys(value: Any, fold: Folding) -> Any:
    """The value with known names in their canonical case; unknown names and everything else stay as
    they came. An object whose names are all right stays itself.

    When a name comes in two spellings the last one counts, as with the same name twice.
    """
    if isinstance(value, list):
        return [fold_keys(member, fold) for member in value]
    if not isinstance(value, dict):
        return value
    if value.keys() <= fold.exact.keys():
        for name, below in fold.deep:
            inner = value.get(name)
            if inner is not None:
                value[name] = fold_keys(inner, below)
        return value
    folded: dict[str, Any] = {}
    exact, fields = fold.exact, fold.fields
    for name, inner in value.items():
        known = exact.get(name) or fields.get(name.lower())
        if known is None:
            folded[name] = inner
        else:
            canonical, inside = known
            folded[canonical] = fold_keys(inner, inside) if inside is not None else inner
    return folded


def unknown_names(
    value: Any, fold: Folding, prefix: str = "", like: Nearest | None = None
) -> Iterator[tuple[str, str | None]]:
    """(name with its path, the known name that is most like it) of every name that `fold_keys` did
    not know."""
    like = like or Nearest()
    for member in value if isinstance(value, list) else [value]:
        for name, inner in member.items() if isinstance(member, dict) else ():
            known = fold.exact.get(name)
            if known is None:
                alike = like.of(name[:64].lower(), fold.fields)
                yield prefix + name[:64], fold.fields[alike][0] if alike is not None else None
            elif known[1] is not None:
                yield from unknown_names(inner, known[1], f"{prefix}{name}.", like)


def unread_fields(body: Any, fold: Folding | None) -> list[str]:
    """A sentence for each field that nobody reads, of the first ones. An operation without fields
    reads none."""
    return [_unread(name, alike) for name, alike in _first_unknown(body, fold)]


def misspelt_fields(body: Any, fold: Folding | None) -> dict[str, str]:
    """The same sentences by field, of those alone that are like one that is read: beside a refusal,
    which they may explain."""
    return {name: _unread(name, alike) for name, alike in _first_unknown(body, fold) if alike}


def _first_unknown(body: Any, fold: Folding | None) -> Iterator[tuple[str, str | None]]:
    unknown = unknown_names(body, fold) if fold is not None and fold.fields else iter(())
    return islice(unknown, UNKNOWN_NAMED_MAX)


def _unread(name: str, alike: str | None) -> str:
    return f"There is no field {name!r}, so it was not read." + (
        f" Did you mean {alike}?" if alike else ""
    )


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    if get_origin(kind) is Annotated:
        return _struct_in(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType, list, tuple):
        inner = [_struct_in(arg) for arg in get_args(kind) if arg not in (NoneType, ...)]
        return next((shape for shape in inner if shape is not None), None)
    return kind if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else None
