"""Contents of the page of one API, for each operation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from recoup.docs.samples.curl import curl
from recoup.docs.samples.python import python
from recoup.docs.samples.request import SampleRequest, sample_request
from recoup.kernel.encode import to_plain
from recoup.kernel.frozen import frozen
from recoup.kit.edge.described import JSON, JSON_LINES, Operation
from recoup.kit.edge.dialect import Dialect, ErrorRow, anchor_of
from recoup.kit.edge.example_values import Fresh
from recoup.kit.edge.openapi import document

Schema = Mapping[str, Any]
DEPTH_MAX: Final = 6
_FORMAT_WORDS: Final = {
    "uuid": "GUID",
    "date-time": "ISO 8601 date",
    "date": "ISO 8601 day",
    "uri": "URL",
}
_JSON_TYPES: Final = {str: "string", bool: "boolean", int: "integer"}
_LIMITS: Final = {
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}", "minLength": "{} characters or more",
    "maxLength": "at most {} characters",
    "minItems": "{} entries or more", "maxItems": "at most {} entries", "pattern": "like {}",
    "multipleOf": "a multiple of {}",
}  # fmt: skip


@frozen
class Field:
    """`kind` in words, `limits` and `choices` as lists; `inside`: the members of an object or of a
    list's objects."""

    name: str
    kind: str
    required: bool
    meaning: str
    limits: tuple[str, ...]
    choices: tuple[str, ...]
    inside: tuple["Field", ...]


def fields_of(
    schema: Schema, components: Mapping[str, Schema], depth: int = 0
) -> tuple[Field, ...]:
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
        _field(
            parameter["name"],
            {**parameter["schema"], "description": parameter.get("description", "")},
            parameter["required"],
            {},
            0,
        )
        for parameter in parameters
        if parameter["in"] == place
    )


def resolved(schema: Schema, components: Mapping[str, Schema]) -> Schema:
    """The schema that a reference or a choice with null stands for, with its own words kept."""
    own = {key: schema[key] for key in ("description", "default") if key in schema}
    if "$ref" in schema:
        return {**resolved(components[schema["$ref"].rpartition("/")[2]], components), **own}
    several = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return {**resolved(several[0], components), **own} if len(several) == 1 else schema


def _field(
    name: str, schema: Schema, required: bool, components: Mapping[str, Schema], depth: int
) -> Field:
    plain = resolved(schema, components)
    item = (
        resolved(plain["items"], components) if isinstance(plain.get("items"), Mapping) else plain
    )
    return Field(
        name=name,
        kind=_kind(plain, components),
        required=required,
        meaning=schema.get("description") or plain.get("description") or "",
        limits=_limits(plain, schema),
        choices=tuple(_word(value) for value in item.get("enum", ()) if value is not None),
        inside=fields_of(item, components, depth + 1) if depth < DEPTH_MAX else (),
    )


def _kind(schema: Schema, components: Mapping[str, Schema]) -> str:
    schema = resolved(schema, components)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(kind, components) for kind in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}), components)}"
    if kind == "string" and schema.get("format") in _FORMAT_WORDS:
        return _FORMAT_WORDS[schema["format"]]
    if kind is None and "enum" in schema:
        kind = _JSON_TYPES.get(type(schema["enum"][0]), "string")
    if kind is None:
        return "anything"
    return {"string": "text", "boolean": "true or false", "null": "null"}.get(kind, str(kind))


def _limits(schema: Schema, outer: Schema) -> tuple[str, ...]:
    limits = [
        text.format(_number(schema[key]))
        for key, text in _LIMITS.items()
        if key in schema and (key, schema[key]) != ("minLength", 1)
    ]
    default = outer.get("default")
    if default not in (None, "", [], {}):
        limits.append(f"default {str(default).lower() if isinstance(default, bool) else default}")
    return tuple(limits)


def _number(limit: Any) -> str:
    return f"{limit:,}" if isinstance(limit, int) else f"`{limit}`"


def _word(choice: Any) -> str:
    return choice if isinstance(choice, str) else json.dumps(choice)


_FORMATS: Final = {
    "uuid": "91f7a1b0-3c55-4c6e-a0b1-2d3e4f5a6b7c",
    "date-time": "2026-03-02T09:20:12.120Z",
}
_LEFT_OUT: Final = object()
_TYPES: Final[Mapping[str, Any]] = {"string": "…", "boolean": True, "null": None}


def filled(example: Any, schema: Schema, components: Mapping[str, Schema]) -> Any:
    """An example that shows only what matters, with the members that the answer has besides."""
    plain = resolved(schema, components)
    if isinstance(example, list):
        return [filled(member, plain.get("items") or {}, components) for member in example]
    members = plain.get("properties")
    if not isinstance(example, Mapping) or not members:
        return example
    whole = {}
    for name, inner in members.items():
        if name in example:
            whole[name] = filled(example[name], inner, components)
        elif (
            made := _usual(inner, name in plain.get("required", ()), components)
        ) is not _LEFT_OUT:
            whole[name] = made
    return whole | {name: value for name, value in example.items() if name not in whole}


def _usual(schema: Schema, required: bool, components: Mapping[str, Schema]) -> Any:
    """The usual value of a member: as its field's example says, else its default or null, else
    something of its type."""
    plain = resolved(schema, components)
    if plain.get("examples"):
        return plain["examples"][0]
    if "default" in plain:
        return plain["default"]
    if any(kind.get("type") == "null" for kind in schema.get("anyOf", ())):
        return None
    return shape_of(schema, components) if required else _LEFT_OUT


def shape_of(schema: Schema, components: Mapping[str, Schema], depth: int = 0) -> Any:
    """The field's own example where it has one, else its first choice, its default, something of
    its type."""
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
        return (
            [shape_of(schema["items"], components, depth + 1)]
            if schema.get("items") and depth < DEPTH_MAX
            else []
        )
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(str(kind)))


@frozen
class Answer:
    """`sample`: its documented body as text, empty when it has none."""

    status: int
    description: str
    fields: tuple[Field, ...]
    sample: str


@frozen
class Shown:
    """An operation with everything about it that lasts."""

    operation: Operation
    anchor: str
    path_fields: tuple[Field, ...]
    query_fields: tuple[Field, ...]
    body_fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    errors: tuple[ErrorRow, ...]


@frozen
class ShownWebhook:
    """A webhook's own fields: of an event those of its data."""

    name: str
    anchor: str
    meaning: str
    fields: tuple[Field, ...]


@frozen
class Sample:
    """Made for one page: see `Fresh`. `body`: what the form is filled with."""

    request: SampleRequest
    texts: Mapping[str, str]
    body: str


@frozen
class Reference:
    """`groups` in the order in which the operations name them."""

    dialect: Dialect
    document: Mapping[str, Any]
    groups: Mapping[str, list[Shown]]
    webhooks: Sequence[ShownWebhook]

    def samples(self, fresh: Fresh) -> dict[str, Sample]:
        """Samples by anchor."""
        shown = [entry for several in self.groups.values() for entry in several]
        return {entry.anchor: _sample(self.dialect, entry.operation, fresh) for entry in shown}


def make_reference(dialect: Dialect, version: str) -> Reference:
    made = document(dialect, version)
    groups: dict[str, list[Shown]] = {}
    for operation in dialect.operations:
        groups.setdefault(operation.group, []).append(_shown(dialect, operation, made))
    webhooks = [_webhook(name, call["post"], made) for name, call in made["webhooks"].items()]
    return Reference(dialect, made, groups, webhooks)


def as_text(value: Any) -> str:
    return json.dumps(to_plain(value), indent=2, ensure_ascii=False)


def _shown(dialect: Dialect, operation: Operation, document: Mapping[str, Any]) -> Shown:
    described = document["paths"][operation.path][operation.method.lower()]
    components, parameters = document["components"]["schemas"], described.get("parameters", [])
    body: Mapping[str, Any] = _schema(described.get("requestBody", {}))
    answers = [
        _answer(operation, status, described["responses"][str(status)], components)
        for status in operation.answers
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


def _webhook(name: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> ShownWebhook:
    components = document["components"]["schemas"]
    schema = _schema(operation["requestBody"])
    fields = fields_of(schema, components)
    data = next((field.inside for field in fields if field.inside), fields)
    anchor = "webhook-" + name.replace(".", "-")
    return ShownWebhook(name, anchor, resolved(schema, components)["description"], data)


def _schema(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    """Schema of the JSON, or of the object that each line of a file holds."""
    content: Mapping[str, Any] = holder.get("content", {})
    schema: Mapping[str, Any] = (content.get(JSON) or content.get(JSON_LINES) or {}).get(
        "schema", {}
    )
    return schema


def _answer(
    operation: Operation, status: int, response: Mapping[str, Any], components: Mapping[str, Any]
) -> Answer:
    """The answer with the example's body and what it leaves out, else one that is made of the
    schema."""
    bodies = [
        example.answer
        for example in operation.examples
        if example.status == status and example.answer is not None
    ]
    schema = _schema(response)
    body = filled(bodies[0], schema, components) if bodies else shape_of(schema, components)
    return Answer(
        status,
        response["description"],
        fields_of(schema, components),
        as_text(body) if schema else "",
    )


def _sample(dialect: Dialect, operation: Operation, fresh: Fresh) -> Sample:
    request = sample_request(dialect, operation, fresh)
    texts = {"curl": curl(request), "Python": python(request)}
    return Sample(request, texts, as_text(request.body) if request.body is not None else "")
