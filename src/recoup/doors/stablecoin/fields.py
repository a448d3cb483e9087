"""A call's body and query against the Structs that describe them."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from recoup.doors.stablecoin.complaints import complaint
from recoup.kernel.problem import Problem

Shape = TypeVar("Shape", bound=msgspec.Struct)
QUERY_FIELDS_MAX: Final = 100
LIMIT_MAX: Final = 200
OFFSET_MAX: Final = 1_000_000
Limit = Annotated[int, Meta(ge=1, description=f"Page size; more than {LIMIT_MAX} is {LIMIT_MAX}.")]
Offset = Annotated[int, Meta(ge=0, description=f"Records to skip; more than {OFFSET_MAX:,} are {OFFSET_MAX:,}.")]


def read(value: Any, shape: type[Shape]) -> Shape:
    """Raises: Problem(malformed) for what is no object; Problem(invalid) naming the field."""
    if not isinstance(value, dict):
        raise Problem("malformed", "The body must be a JSON object.", cure="Put the fields in braces: {…}.")
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        raise complaint(str(error), shape) from None


def read_query(raw: bytes) -> Mapping[str, str]:
    """By name; of a name that comes twice the first counts. Raises: Problem(invalid)."""
    query: dict[str, str] = {}
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        message = f"The query has more than {QUERY_FIELDS_MAX} parameters."
        raise Problem("invalid", message, cure="Leave out those that are not needed.") from None
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Problem("invalid", "The query has a NUL character.", cure="Leave it out.")
        query.setdefault(name, value)
    return query


def whole(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A number of the query; above `high` it is taken for `high`. Raises: Problem(invalid)."""
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= low):
        message = f"The parameter {name} must be a whole number from {low} on."
        raise Problem("invalid", message, field=name, cure=f"Send a number like {max(low, default)}, or leave it out.")
    return min(int(text), high)
