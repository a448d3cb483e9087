"""A value made of another that has the same fields, as rows, facts and messages have of each
other."""

from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
_NOTHING: Final = object()


def filled(kind: type[T], source: object, /, **others: Any) -> T:
    """A `kind` with what `source` has under the same names; `others`: the rest.

    Raises: TypeError for a field that neither has and that has no default.
    """
    for name in _names(cast(Any, kind)):
        if name not in others:
            value = getattr(source, name, _NOTHING)
            if value is not _NOTHING:
                others[name] = value
    return kind(**others)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    """Field names of a dataclass, a NamedTuple or a Struct."""
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind) if field.init)
    return tuple(kind._fields if issubclass(kind, tuple) else kind.__struct_fields__)
