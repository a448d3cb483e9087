"""A call's body and query against the Structs that describe them."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from recoup.kernel.problem import Problem

Shape = TypeVar("Shape", bound=msgspec.Struct)
QUERY_FIELDS_MAX: Final = 100
_PATH: Final = re.compile(r" - at (?:`?key`? in )?`\$\.?([^`]*)`$")
_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")


def read(value: Any, shape: type[Shape]) -> Shape:
    """Raises: Problem(malformed) for what is no object; Problem(invalid) naming the field."""
    if not isinstance(value, dict):
        raise Problem("malformed", "The body must be a JSON object.")
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        raise _problem(str(error)) from None


def _problem(text: str) -> Problem:
    """The checker's words hold kinds and limits, never values, when they begin with `Expected`."""
    found = _PATH.search(text)
    field = (found[1] if found else "").partition("[")[0]
    missing = _MISSING.match(text)
    if missing:
        field = f"{field}.{missing[1]}" if field else missing[1]
        return Problem("invalid", f"The field {field} is required.", field=field)
    told = _PATH.sub("", text).replace("`", "")
    reason = f" {told}." if told.startswith("Expected") else ""
    what = f"The field {field}" if field else "A field"
    return Problem("invalid", f"{what} is not allowed as it is.{reason}", field=field or None)


def read_query(raw: bytes) -> Mapping[str, str]:
    """By name; of a name that comes twice the first counts. Raises: Problem(invalid)."""
    query: dict[str, str] = {}
    try:
        pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        raise Problem("invalid", f"The query has more than {QUERY_FIELDS_MAX} parameters.") from None
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
        raise Problem("invalid", f"The parameter {name} must be a whole number from {low} on.", field=name)
    return min(int(text), high)
