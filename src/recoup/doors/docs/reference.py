"""What the page of one API shows of each operation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from recoup.doors.docs.fields import DEPTH_MAX, Field, Schema, fields_of, parameter_fields, resolved
from recoup.doors.docs.samples.curl import curl
from recoup.doors.docs.samples.python import python
from recoup.doors.docs.samples.request import SampleRequest, sample_request
from recoup.doors.edge.described import JSON, JSON_LINES, Operation
from recoup.doors.edge.dialect import Dialect, ErrorRow, anchor_of
from recoup.doors.edge.example_values import Fresh
from recoup.doors.edge.openapi import document
from recoup.kernel.encode import to_plain

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


@dataclass(frozen=True, slots=True)
class Answer:
    """`sample`: its documented body as text, empty when it has none."""

    status: int
    description: str
    fields: tuple[Field, ...]
    sample: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One operation with everything about it that lasts."""

    operation: Operation
    anchor: str
    path_fields: tuple[Field, ...]
    query_fields: tuple[Field, ...]
    body_fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    errors: tuple[ErrorRow, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """Made for one page: see `Fresh`. `body`: what the form is filled with."""

    request: SampleRequest
    texts: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Reference:
    """`groups` in the order in which the operations name them."""

    dialect: Dialect
    document: Mapping[str, Any]
    groups: Mapping[str, list[Shown]]

    def samples(self, fresh: Fresh) -> dict[str, Sample]:
        """By anchor."""
        shown = [one for several in self.groups.values() for one in several]
        return {one.anchor: _sample(self.dialect, one.operation, fresh) for one in shown}


def make_reference(dialect: Dialect, version: str) -> Reference:
    made = document(dialect, version)
    groups: dict[str, list[Shown]] = {}
    for operation in dialect.operations:
        groups.setdefault(operation.group, []).append(_shown(dialect, operation, made))
    return Reference(dialect, made, groups)


def as_text(value: Any) -> str:
    return json.dumps(to_plain(value), indent=2, ensure_ascii=False)


def _shown(dialect: Dialect, operation: Operation, document: Mapping[str, Any]) -> Shown:
    described = document["paths"][operation.path][operation.method.lower()]
    components, parameters = document["components"]["schemas"], described.get("parameters", [])
    body: Mapping[str, Any] = _schema(described.get("requestBody", {}))
    answers = [
        _answer(operation, status, described["responses"][str(status)], components) for status in operation.answers
    ]
    return Shown(
        operation,
        anchor_of(operation),
        parameter_fields(parameters, "path"),
        parameter_fields(parameters, "query"),
        fields_of(body, components),
        tuple(answers),
        tuple(dialect.errors_of(operation)),
    )


def _schema(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of the JSON, or of the object that each line of a file holds."""
    content: Mapping[str, Any] = holder.get("content", {})
    found: Mapping[str, Any] = (content.get(JSON) or content.get(JSON_LINES) or {}).get("schema", {})
    return found


def _answer(operation: Operation, status: int, response: Mapping[str, Any], components: Mapping[str, Any]) -> Answer:
    """With the example's body and what it leaves out, else one that is made of the schema."""
    bodies = [one.answer for one in operation.examples if one.status == status and one.answer is not None]
    schema = _schema(response)
    body = filled(bodies[0], schema, components) if bodies else shape_of(schema, components)
    return Answer(status, response["description"], fields_of(schema, components), as_text(body) if schema else "")


def _sample(dialect: Dialect, operation: Operation, fresh: Fresh) -> Sample:
    request = sample_request(dialect, operation, fresh)
    texts = {"curl": curl(request), "Python": python(request)}
    return Sample(request, texts, as_text(request.body) if request.body is not None else "")
