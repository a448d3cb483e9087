"""Values: compared by their fields and never changed."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T]) -> type[T]:
    """Makes a dataclass whose fields cannot be set again."""
    return dataclass(frozen=True, slots=True)(kind)
