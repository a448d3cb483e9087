"""Calls and answers against the OpenAPI document that the door itself serves, by a checker that
knows nothing of us."""

import json
from functools import cached_property
from typing import Any

import httpx
import jsonschema
import msgspec

from recoup.kit.edge.described import JSON, JSON_LINES, Operation
from recoup.kit.edge.dialect import Dialect
from recoup.kit.edge.openapi import document


class Told:
    """One dialect's document. `heard`: how often which operation gave which status."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.heard: dict[tuple[str, str, int], int] = {}

    @cached_property
    def document(self) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(msgspec.json.encode(document(self.dialect, "0")))
        return made

    def operation(self, operation: Operation) -> dict[str, Any]:
        found: dict[str, Any] = self.document["paths"][operation.path][operation.method.lower()]
        return found

    def allows(self, operation: Operation, body: Any) -> bool:
        """Whether the document allows this body."""
        told = self.operation(operation)["requestBody"]
        if body is None:
            return not told["required"]
        return not list(self._validator(told["content"][JSON]["schema"]).iter_errors(body))

    def check(self, operation: Operation, answer: httpx.Response) -> None:
        """The status, the content type and the body are told."""
        told, status = self.operation(operation)["responses"], str(answer.status_code)
        where = f"{operation.method} {operation.path}: {status} {answer.text[:300]}"
        key = (operation.method, operation.path, answer.status_code)
        self.heard[key] = self.heard.get(key, 0) + 1
        assert status in told, where
        content = told[status].get("content")
        if content is None:
            assert answer.content == b"", where
            return
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in content, where
        texts = (
            answer.text.splitlines()
            if kind == JSON_LINES
            else [answer.text]
            if kind == JSON
            else []
        )
        for text in texts:
            errors = list(self._validator(content[kind]["schema"]).iter_errors(json.loads(text)))
            assert not errors, f"{errors[0].message} at {list(errors[0].absolute_path)} in {where}"

    def _validator(self, schema: Any) -> Any:
        return jsonschema.Draft202012Validator(
            {"components": self.document["components"], **schema}
        )
