"""A value of a schema, where no example has one: what an answer looks like."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.doors.docs.fields import DEPTH_MAX, Schema, resolved

_FORMATS: Final = {"uuid": "91f7a1b0-3c55-4c6e-a0b1-2d3e4f5a6b7c", "date-time": "2026-03-02T09:20:12.120Z"}
_LEFT_OUT: Final = object()
_TYPES: Final[Mapping[str, Any]] = {"string": "…", "boolean": True, "null": None}


def filled(example: Any, schema: Schema, components: Mapping[str, Schema]) -> Any:
    """An example that shows only what matters, with the members that the answer has besides."""
    plain = resolved(schema, components)
    if isinstance(example, list):
        return [filled(one, plain.get("items") or {}, components) for one in example]
    members = plain.get("properties")
    if not isinstance(example, Mapping) or not members:
        return example
    whole = {}
    for name, inner in members.items():
        if name in example:
            whole[name] = filled(example[name], inner, components)
        elif (made := _usual(inner, name in plain.get("required", ()), components)) is not _LEFT_OUT:
            whole[name] = made
    return whole | {name: value for name, value in example.items() if name not in whole}


def _usual(schema: Schema, required: bool, components: Mapping[str, Schema]) -> Any:
    """What a member mostly is: as its field's example says, else its default or null, else something of its type."""
    plain = resolved(schema, components)
    if plain.get("examples"):
        return plain["examples"][0]
    if "default" in plain:
        return plain["default"]
    if any(one.get("type") == "null" for one in schema.get("anyOf", ())):
        return None
    return shape_of(schema, components) if required else _LEFT_OUT


def shape_of(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> Any:
    """The field's own example where it has one, else its first choice, its default, something of its type."""
    schema = resolved(schema, components)
    if schema.get("examples"):
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("default") not in (None, [], {}):
        return schema["default"]
    kind = schema.get("type")
    if kind == "object":
        members = schema.get("properties", {}) if depth < DEPTH_MAX else {}
        return {name: shape_of(inner, components, depth + 1) for name, inner in members.items()}
    if kind == "array":
        return [shape_of(schema["items"], components, depth + 1)] if schema.get("items") and depth < DEPTH_MAX else []
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(str(kind)))
