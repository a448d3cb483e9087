"""A call's body and query against the Structs that describe them."""

import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from recoup.kernel.problem import Problem, invalid
from recoup.kernel.texts import parse_whole

_PATH: Final = re.compile(r" - at (?:`?key`? in )?`\$\.?([^`]*)`$")
_MISSING: Final = re.compile(r"Object missing required field `([^`]+)`")
_KIND: Final = re.compile(r"Expected `([a-z |]+)`, got `([a-z]+)`")
_LENGTH: Final = re.compile(r"Expected `(str|array|object)` of length (<=|>=|==) ([0-9]+)")
_BOUND: Final = re.compile(r"Expected `(?:int|float)` (<=|>=|<|>) ([0-9.-]+)")
_KINDS: Final = {
    "str": "text in quotes", "int": "a whole number", "float": "a number", "bool": "true or false",
    "null": "null", "object": "an object in braces", "array": "a list in brackets",
}  # fmt: skip
_LIMITS: Final = {
    "<=": "at most",
    ">=": "at least",
    "<": "less than",
    ">": "more than",
    "==": "exactly",
}
_PIECES: Final = {"str": "characters", "array": "entries", "object": "entries"}


def complaint(text: str, shape: type[msgspec.Struct]) -> Problem:
    """The checker's words hold kinds and limits; values of the caller are never repeated."""
    path_match = _PATH.search(text)
    path = path_match[1] if path_match else ""
    field, plain = path.partition("[")[0], _PATH.sub("", text)
    missing = _MISSING.match(plain)
    if missing:
        field = f"{field}.{missing[1]}" if field else missing[1]
        return invalid(f"The field {field} is required.", field, "Send it with a value.")
    what = f"The field {field}" if field else "A field"
    if "[" in path:
        what = f"An entry of {what[:1].lower()}{what[1:]}"
    must, cure = _must(plain, shape, field)
    return invalid(f"{what} {must}.", field or None, cure)


def _must(plain: str, shape: type[msgspec.Struct], field: str) -> tuple[str, str]:
    if kind := _KIND.match(plain):
        wanted = [name for name in kind[1].split(" | ") if name != "null"]
        must = " or ".join(_KINDS.get(name, name) for name in wanted)
        cure = (
            'Write it like "49.90", in quotes.'
            if wanted == ["str"] and kind[2] in ("int", "float")
            else ("Leave it out where there is none." if kind[2] == "null" else f"Send {must}.")
        )
        return f"must be {must}, not {_KINDS.get(kind[2], kind[2])}", cure
    if length := _LENGTH.match(plain):
        size = f"{_LIMITS[length[2]]} {length[3]} {_PIECES[length[1]]}"
        return f"must have {size}", "Send a longer one." if length[
            2
        ] == ">=" else "Send a shorter one."
    if bound := _BOUND.match(plain):
        return (
            f"must be {_LIMITS[bound[1]]} {bound[2]}",
            f"Send a number that is {_LIMITS[bound[1]]} {bound[2]}.",
        )
    values = _values(shape, field)
    if values:
        return "has a value that is not allowed", "One of " + ", ".join(values) + "."
    return "is not allowed as it is", "The reference in /docs says what it takes."


def _values(shape: type[msgspec.Struct], field: str) -> list[str]:
    """Values of an enumerated field."""
    kind: Any = msgspec.inspect.type_info(shape)
    for name in field.split("."):
        members = {member.encode_name: member.type for member in getattr(kind, "fields", ())}
        kind = members.get(name)
    kinds = getattr(kind, "types", (kind,))
    return [str(value) for choice in kinds for value in getattr(choice, "values", ())]


Shape = TypeVar("Shape", bound=msgspec.Struct)
QUERY_FIELDS_MAX: Final = 100
LIMIT: Final = 20
LIMIT_MAX: Final = 200
OFFSET_MAX: Final = 1_000_000
Limit = Annotated[int, Meta(ge=1, description=f"Page size; more than {LIMIT_MAX} is {LIMIT_MAX}.")]
Offset = Annotated[
    int, Meta(ge=0, description=f"Records to skip; more than {OFFSET_MAX:,} are {OFFSET_MAX:,}.")
]


def read(value: Any, shape: type[Shape]) -> Shape:
    """Raises: Problem(malformed) for what is no object; Problem(invalid) naming the field."""
    if not isinstance(value, dict):
        raise Problem(
            "malformed", "The body must be a JSON object.", "Put the fields in braces: {…}."
        )
    try:
        return msgspec.convert(value, shape, strict=True)
    except msgspec.ValidationError as error:
        raise complaint(str(error), shape) from None


def read_query(raw: bytes) -> Mapping[str, str]:
    """Query parameters by name; of a name that comes twice the first counts. Raises:
    Problem(invalid)."""
    query: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            raw.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX
        )
    except ValueError:
        raise Problem(
            "invalid",
            f"The query has more than {QUERY_FIELDS_MAX} parameters.",
            "Leave out those that are not needed.",
        ) from None
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Problem("invalid", "The query has a NUL character.", "Leave it out.")
        query.setdefault(name, value)
    return query


def limit_and_offset(query: Mapping[str, str]) -> tuple[int, int]:
    """Raises: Problem(invalid)."""
    limit = _whole(query, "limit", LIMIT, 1, LIMIT_MAX)
    return limit, _whole(query, "offset", 0, 0, OFFSET_MAX)


def choice(query: Mapping[str, str], name: str, words: Collection[str]) -> str | None:
    """One of these words; None where none was sent. Raises: Problem(invalid)."""
    text = query.get(name) or None
    if text is not None and text not in words:
        cure = f"It is one of {', '.join(words)}."
        raise invalid(f"The parameter {name} is not known.", name, cure)
    return text


def _whole(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    """A number of the query; above `high` it is taken for `high`. Raises: Problem(invalid)."""
    text = query.get(name)
    if text is None:
        return default
    number = parse_whole(text, 18)
    if number is None or number < low:
        message = f"The parameter {name} must be a whole number from {low} on."
        raise invalid(message, name, f"Send a number like {max(low, default)}, or leave it out.")
    return min(number, high)
