"""What the page of one API shows of each operation."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recoup.doors.docs.fields import Field, fields_of, parameter_fields
from recoup.doors.docs.samples.curl import curl
from recoup.doors.docs.samples.python import python
from recoup.doors.docs.samples.request import SampleRequest, sample_request
from recoup.doors.docs.shapes import filled, shape_of
from recoup.doors.edge.described import JSON, JSON_LINES, Operation
from recoup.doors.edge.dialect import Dialect, ErrorRow, anchor_of
from recoup.doors.edge.example_values import Fresh
from recoup.doors.edge.openapi import document
from recoup.kernel.encode import to_plain


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
