"""Customers' data in answers to a key that may not read it: masked as people see it whose role does
not need it."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from recoup.kit import personal
from recoup.kit.rights import RIGHTS


def masked(value: Any) -> Any:
    """The same shape."""
    if isinstance(value, list):
        return [masked(member) for member in value]
    if not isinstance(value, Struct):
        return value
    masks, kind, changes = RIGHTS["masks"], type(value).__name__, {}
    for name in value.__struct_fields__:
        mask, old = masks.get(name) or masks.get(f"{kind}.{name}"), getattr(value, name)
        changes[name] = getattr(personal, mask)(old) if mask and old else masked(old)
    return replace(value, **changes)
