"""Dataclasses that are stored as JSON and read again without loss."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from types import NoneType
from typing import Any, Final, Self

from msgspec import ValidationError, convert

_AS_THEY_ARE: Final = frozenset(
    {str, int, float, bool, NoneType}
)  # most values, and quicker than by their kinds


def plain(value: Any) -> Any:
    """JSON-able: fields by name, moments in ISO 8601. `dataclasses.asdict` would copy each value
    deeply."""
    if value.__class__ in _AS_THEY_ARE:
        return value
    if isinstance(value, tuple | list):
        return [plain(member) for member in value]
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    return (
        {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        if is_dataclass(value)
        else value
    )


class Stored:
    """A dataclass without personal data, of which `features` is stored and `from_dict` gives the
    same back."""

    __slots__ = ()

    def features(self) -> dict[str, Any]:
        return dict(plain(self))

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Raises: ValueError for what no such value was stored as."""
        try:
            made = convert(stored, cls)
        except ValidationError as error:
            raise ValueError(str(error)) from error
        for unknown in _beyond(stored, plain(made)):
            raise ValueError(f"{cls.__name__} has no {unknown}")
        return made


def _beyond(stored: Any, kept: Any) -> Iterator[str]:
    """Names that were stored and are not kept, at any depth."""
    if isinstance(stored, Mapping) and isinstance(kept, Mapping):
        for name, value in stored.items():
            yield from _beyond(value, kept[name]) if name in kept else [name]
    elif isinstance(stored, Sequence) and isinstance(kept, list):
        for stored_part, other in zip(stored, kept, strict=False):
            yield from _beyond(stored_part, other)
