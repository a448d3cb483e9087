"""The fields of a body, query or answer as a reader wants them: read from the OpenAPI document, so that they agree."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]
DEPTH_MAX: Final = 6
_FORMATS: Final = {"uuid": "GUID", "date-time": "ISO 8601 date", "date": "ISO 8601 day", "uri": "URL"}
_JSON_TYPES: Final = {str: "string", bool: "boolean", int: "integer"}
_LIMITS: Final = {
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}", "minLength": "{} characters or more", "maxLength": "at most {} characters",
    "minItems": "{} entries or more", "maxItems": "at most {} entries", "pattern": "like {}",
    "multipleOf": "a multiple of {}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """`kind` in words, `limits` and `choices` as lists; `inside`: the members of an object or of a list's objects."""

    name: str
    kind: str
    required: bool
    meaning: str
    limits: tuple[str, ...]
    choices: tuple[str, ...]
    inside: tuple["Field", ...]


def fields_of(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> tuple[Field, ...]:
    """The members of an object, required ones first; nothing for other schemas."""
    schema = resolved(schema, components)
    required = schema.get("required", ())
    made = [
        _field(name, member, name in required, components, depth)
        for name, member in schema.get("properties", {}).items()
    ]
    return tuple(sorted(made, key=lambda field: not field.required))


def parameter_fields(parameters: list[Schema], place: str) -> tuple[Field, ...]:
    """`place`: path or query."""
    return tuple(
        _field(one["name"], {**one["schema"], "description": one.get("description", "")}, one["required"], {}, 0)
        for one in parameters
        if one["in"] == place
    )


def resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """What a reference or a choice with null stands for, with its own words kept."""
    own = {key: schema[key] for key in ("description", "default") if key in schema}
    if "$ref" in schema:
        return {**resolved(components[schema["$ref"].rpartition("/")[2]], components), **own}
    several = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return {**resolved(several[0], components), **own} if len(several) == 1 else schema


def _field(name: str, schema: Schema, required: bool, components: Mapping[str, Schema], depth: int) -> Field:
    plain = resolved(schema, components)
    item = resolved(plain["items"], components) if isinstance(plain.get("items"), Mapping) else plain
    return Field(
        name=name,
        kind=_kind(plain, components),
        required=required,
        meaning=schema.get("description") or plain.get("description") or "",
        limits=_limits(plain, schema),
        choices=tuple(_word(one) for one in item.get("enum", ()) if one is not None),
        inside=fields_of(item, components, depth + 1) if depth < DEPTH_MAX else (),
    )


def _kind(schema: Schema, components: Mapping[str, Schema]) -> str:
    schema = resolved(schema, components)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one, components) for one in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}), components)}"
    if kind == "string" and schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if kind is None and "enum" in schema:
        kind = _JSON_TYPES.get(type(schema["enum"][0]), "string")
    if kind is None:
        return "anything"
    return {"string": "text", "boolean": "true or false", "null": "null"}.get(kind, str(kind))


def _limits(schema: Schema, outer: Schema) -> tuple[str, ...]:
    found = [
        text.format(_number(schema[key]))
        for key, text in _LIMITS.items()
        if key in schema and (key, schema[key]) != ("minLength", 1)
    ]
    default = outer.get("default")
    if default not in (None, "", [], {}):
        found.append(f"default {str(default).lower() if isinstance(default, bool) else default}")
    return tuple(found)


def _number(limit: Any) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"`{limit}`"


def _word(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)
