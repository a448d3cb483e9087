"""The OpenAPI 3.1 document of a door, from the Structs that it reads bodies by. Source: OpenAPI
3.1.0."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from recoup.kernel.encode import to_plain
from recoup.kit.edge.described import JSON, JSON_LINES, Example, Operation
from recoup.kit.edge.dialect import Dialect, ErrorRow, variables_of, words_of
from recoup.kit.edge.field_texts import say_fields

_REF: Final = "#/components/schemas/{name}"
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
}
_CURSORS: Final = ("after", "before", "below", "offset", "pageNumber")
_FILE: Final = {"type": "string", "description": "A file; its first line names the columns."}
Schema = Mapping[str, Any]
Refs = Mapping[type[msgspec.Struct], Schema]


def document(dialect: Dialect, version: str, server: str = "/") -> dict[str, Any]:
    """`server`: the address that the paths are relative to."""
    refs, components = _schemas(dialect)
    paths: dict[str, dict[str, Any]] = {}
    for operation in dialect.operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            dialect, operation, refs
        )
    groups = dict.fromkeys(operation.group for operation in dialect.operations if operation.group)
    return {
        "openapi": "3.1.0",
        "info": {"title": dialect.title, "version": version, "description": dialect.text},
        "servers": [{"url": server}],
        "tags": [{"name": group} for group in groups],
        "paths": paths,
        "webhooks": {
            name: {"post": _webhook(refs[shape])} for name, shape in dialect.webhooks.items()
        },
        "components": {"schemas": components, "securitySchemes": dict(dialect.schemes)},
        "x-errors": [_listed_error(row) for row in dialect.error_table],
    }


def query_schema(shape: type[msgspec.Struct]) -> Schema:
    """The schema of a query's Struct, whose properties become parameters."""
    _, components = msgspec.json.schema_components([shape], ref_template=_REF)
    say_fields([shape], components)
    schema: Schema = components[shape.__name__]
    return schema


def _schemas(dialect: Dialect) -> tuple[Refs, dict[str, Any]]:
    """References to all bodies and answers, and what they refer to; together, so that equal names
    stay distinct."""
    bodies = [
        shape
        for operation in dialect.operations
        for shape in (operation.body, *operation.answers.values())
    ]
    shapes = list(
        dict.fromkeys(shape for shape in (*bodies, *dialect.webhooks.values()) if shape is not None)
    )
    refs, components = msgspec.json.schema_components(shapes, ref_template=_REF)
    for schema in components.values():
        if "description" in schema:  # a docstring, with its lines' indents
            schema["description"] = " ".join(schema["description"].split())
    say_fields(shapes, components)
    components |= {
        name: {"type": "string", "enum": [*words]} for name, words in dialect.words.items()
    }
    for name in _strict_alone(dialect, dict(zip(shapes, refs, strict=True)), components):
        components[name] = {**components[name], "additionalProperties": False}
    errors = {_error_name(status): schema for status, schema in dialect.error_schemas.items()}
    return dict(zip(shapes, refs, strict=True)), {**components, **errors}


def _strict_alone(dialect: Dialect, refs: Refs, components: Mapping[str, Any]) -> set[str]:
    """Objects that come in bodies of strict operations, and nowhere else."""
    strict: set[str] = set()
    other: set[str] = set()
    for operation in dialect.operations:
        if operation.body is not None:
            _reach(refs[operation.body], components, other if operation.lenient else strict)
        for answer in operation.answers.values():
            if answer is not None:
                _reach(refs[answer], components, other)
    return {name for name in strict - other if components[name].get("type") == "object"}


def _reach(schema: Any, components: Mapping[str, Any], names: set[str]) -> None:
    """Names of all that a schema refers to."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in names:
                names.add(name)
                waiting.append(components[name])
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _operation(dialect: Dialect, operation: Operation, refs: Refs) -> dict[str, Any]:
    head, *rest = words_of(operation)
    made: dict[str, Any] = {
        "operationId": head + "".join(word[:1].upper() + word[1:] for word in rest),
        "summary": operation.summary,
        "tags": [operation.group] if operation.group else [],
        "security": [dict(credential) for credential in dialect.credentials[operation.credential]]
        if operation.credential
        else [],
        "responses": _answers(operation, refs) | _errors(dialect, operation),
    }
    if operation.deprecated:
        made["deprecated"] = True
    text = " ".join(
        filter(None, (operation.text, operation.needs and f"Needs `{operation.needs}`."))
    )
    if text:
        made["description"] = text
    if parameters := _parameters(operation):
        made["parameters"] = parameters
    if paging := _paging(operation):
        made["x-paging"] = paging
    if operation.body is not None:
        content = {"schema": _body(operation, refs)} | _examples(
            {
                example.name: example.request
                for example in operation.examples
                if example.request is not None
            }
        )
        files = {kind: {"schema": _FILE} for kind in operation.takes if kind != JSON}
        made["requestBody"] = {
            "required": _must_be_sent(operation),
            "content": {JSON: content} | files,
        }
    return made


def _webhook(schema: Schema) -> Schema:
    body = {"required": True, "content": {JSON: {"schema": schema}}}
    return {"requestBody": body, "responses": {"2XX": {"description": "Taken."}}}


def _must_be_sent(operation: Operation) -> bool:
    if operation.body_optional is not None or operation.body is None:
        return not operation.body_optional
    return any(field.required for field in msgspec.structs.fields(operation.body))


def _body(operation: Operation, refs: Refs) -> Schema:
    """`unevaluatedProperties` where the same object is no strict one elsewhere, and so cannot say
    it itself."""
    assert operation.body is not None
    return (
        {**refs[operation.body], "unevaluatedProperties": False}
        if not operation.lenient
        else refs[operation.body]
    )


_KEY: Final[Mapping[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "maxLength": 128},
    "description": (
        "A repeat with the same key and content is the same call, and is answered alike."
    ),
}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in variables_of(operation.path)
    ]
    if operation.keyed:
        made.append(dict(_KEY))
    if operation.query is not None:
        schema = query_schema(operation.query)
        required = schema.get("required", ())
        for name, member in schema["properties"].items():
            plain = {key: value for key, value in member.items() if key != "description"}
            parameter = {"name": name, "in": "query", "required": name in required, "schema": plain}
            made.append(
                parameter
                | ({"description": member["description"]} if "description" in member else {})
            )
    return made


def _paging(operation: Operation) -> Schema | None:
    """The parameter that names the next page, and the path to the answer's records. Beside these
    stands `next`, which the parameter takes; an offset grows by their number, a page number by
    one."""
    if operation.query is None:
        return None
    names = {field.encode_name for field in msgspec.structs.fields(operation.query)}
    parameter = next((name for name in _CURSORS if name in names), None)
    return {"parameter": parameter, "items": operation.items} if parameter else None


def _answers(operation: Operation, refs: Refs) -> dict[str, Any]:
    made = {}
    for status, shape in operation.answers.items():
        answer: dict[str, Any] = {"description": _STATUS_WORDS.get(status, "Answered")}
        if shape is not None:
            examples = {
                example.name: example.answer
                for example in answered(operation, status)
                if example.answer is not None
            }
            answer["content"] = {
                kind: _content(kind, refs[shape], examples) for kind in operation.types
            }
        made[str(status)] = answer
    return made


def _content(kind: str, schema: Schema, examples: Mapping[str, Any]) -> dict[str, Any]:
    """A file of JSON lines is described by the object on each line."""
    if kind == JSON:
        return {"schema": schema, **_examples(examples)}
    return {
        "schema": {**schema, "description": "One such object a line."}
        if kind == JSON_LINES
        else _FILE
    }


def answered(operation: Operation, status: int) -> list[Example]:
    return [example for example in operation.examples if example.status == status]


def _errors(dialect: Dialect, operation: Operation) -> dict[str, Any]:
    """Errors by status: one status may stand for several codes."""
    by_status: dict[int, list[ErrorRow]] = {}
    for row in dialect.errors_of(operation):
        if row.status not in operation.answers:
            by_status.setdefault(row.status, []).append(row)
    made = {}
    for status, rows in sorted(by_status.items()):
        known = status if status in dialect.error_schemas else 0
        content = {"schema": {"$ref": _REF.format(name=_error_name(known))}}
        answer: dict[str, Any] = {
            "description": "; ".join(f"{row.wire_code}: {row.meaning}" for row in rows),
            "content": {JSON: content | _examples({row.code: row.sample for row in rows})},
        }
        made[str(status)] = answer | ({"headers": _RETRY_AFTER} if status in (429, 503) else {})
    return made


def _listed_error(row: ErrorRow) -> Schema:
    said = {"code": row.wire_code, "name": row.code.partition("/")[0], "status": row.status}
    return said | {"meaning": row.meaning, "cure": row.cure}


def _error_name(status: int) -> str:
    return f"Error{status or ''}"


def _examples(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values:
        return {}
    return {"examples": {name: {"value": to_plain(value)} for name, value in values.items()}}


_STATUS_WORDS: Final = {200: "Done", 201: "Made", 202: "Taken", 204: "Done; no body"}
