"""A collection for API clients that import them: each operation with its example, and a script that proves who calls.

Source: Postman Collection Format v2.1.0.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.dialect import Dialect
from recoup.doors.edge.example_values import NAME, Fresh, in_path
from recoup.kernel.encode import to_plain

_SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_VARIABLES: Final = {"token": ("app_key", "app_secret"), "signature": ("key_id", "secret")}
_FRESH: Final = Fresh("{{number}}", "{{now}}", "{{expiry}}")
_CURLY: Final = re.compile(r"\{\{([a-z_]+)\}\}")
_SCRIPTS: Final = Path(__file__).parent / "scripts"


def collection(dialect: Dialect, base_url: str) -> dict[str, Any]:
    """Groups become folders. Credentials and ids are variables without a value: the importer fills them in."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for operation in dialect.operations:
        folders.setdefault(operation.group or dialect.title, []).append(_item(operation))
    items = [{"name": name, "item": several} for name, several in folders.items()]
    script = "".join((_SCRIPTS / f"{name}.js").read_text() for name in ("fresh", dialect.proof)).splitlines()
    variables = dict.fromkeys((*_VARIABLES[dialect.proof], *_names_in(items)))
    made: dict[str, Any] = {
        "info": {"name": f"Recoup: {dialect.title}", "description": dialect.text, "schema": _SCHEMA},
        "item": items,
        "event": [{"listen": "prerequest", "script": {"type": "text/javascript", "exec": script}}],
        "variable": [{"key": "base_url", "value": base_url}, *({"key": name, "value": ""} for name in variables)],
    }
    if dialect.proof == "token":
        made["auth"] = {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]}
    return made


def _names_in(items: list[dict[str, Any]]) -> list[str]:
    """The variables that the requests name, but for those that the script makes."""
    found = _CURLY.findall(json.dumps(items))
    return [name for name in found if name not in ("base_url", "number", "now", "expiry", "token")]


def _item(operation: Operation) -> dict[str, Any]:
    example = operation.examples[0] if operation.examples else Example("")
    given = _FRESH.in_body(to_plain(example.request))
    request: dict[str, Any] = {
        "method": operation.method.upper(),
        "header": [],
        "url": _url(operation, given if operation.body is None and isinstance(given, Mapping) else {}),
        "description": operation.text,
    }
    if operation.credential is None:
        request["auth"] = {"type": "noauth"}
    if operation.credential == "partner":
        token = {"key": "token", "value": "{{partner_token}}", "type": "string"}
        request["auth"] = {"type": "bearer", "bearer": [token]}
    if operation.body is not None:
        request["header"] = [{"key": "Content-Type", "value": "application/json"}]
        raw = _curly(json.dumps(given, indent=2, ensure_ascii=False))
        request["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    return {"name": operation.summary, "request": request, "response": []}


def _url(operation: Operation, query: Mapping[str, Any]) -> dict[str, Any]:
    path = _curly(in_path(operation.path))
    pairs = [(name, one) for name, value in query.items() for one in (value if isinstance(value, list) else [value])]
    query_rows = [{"key": name, "value": _curly(str(value))} for name, value in pairs]
    text = "&".join(f"{one['key']}={one['value']}" for one in query_rows)
    raw = "{{base_url}}" + path + (f"?{text}" if text else "")
    return {"raw": raw, "host": ["{{base_url}}"], "path": path.strip("/").split("/"), "query": query_rows}


def _curly(text: str) -> str:
    """`$ORDER_ID` -> `{{order_id}}`."""
    return NAME.sub(lambda found: "{{" + found[1].lower() + "}}", text)
