"""Writes the generated half of `clients/python` from the OpenAPI documents that the doors serve.

make client
"""

import json
import keyword
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from recoup.doors.edge.openapi import document
from recoup.main.docs import dialects

ROOT: Final = Path(__file__).resolve().parent.parent
HOME: Final = ROOT / "clients/python/src/recoup_client"
CLASSES: Final = {"rescue": "Recoup", "stablecoin": "RecoupStablecoin"}
_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_TO_ONE: Final = {"GET": "get", "PATCH": "change", "PUT": "replace", "DELETE": "delete", "POST": "create"}
_PLACE: Final = re.compile(r"\{(\w+)\}")
_HEAD: Final = '"""Made by scripts/make_client.py; do not edit."""\n'
Schema = Mapping[str, Any]


def main() -> None:
    """Writes what differs, each file at once: several processes may do so side by side."""
    for dialect in dialects():
        told = document(dialect, "0")
        for name, text in (("shapes", shapes(told)), ("calls", calls(told, dialect.name))):
            path = HOME / f"{dialect.name}_{name}.py"
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                part = path.with_suffix(f".{os.getpid()}")
                part.write_text(text, encoding="utf-8")
                part.replace(path)


# shapes ---------------------------------------------------------------------------------------------------------


def shapes(told: Schema) -> str:
    known = told["components"]["schemas"]
    sent = _reachable(told)
    objects = [_shape(name, known[name], name in sent) for name in sorted(known) if not re.match(r"Error\d*$", name)]
    return f"{_HEAD}\nfrom typing import Any, Literal, NotRequired, TypedDict\n\n" + "\n".join(objects)


def _shape(name: str, schema: Schema, sent: bool) -> str:
    """Members in the functional form: some are words of the language. An answer has all of its members."""
    required = set(schema.get("required", ()))
    members = ""
    for member, inner in schema.get("properties", {}).items():
        kind = type_of(inner)
        members += f'    "{member}": {f"NotRequired[{kind}]" if sent and member not in required else kind},\n'
    inside = "{\n" + members + "}" if members else "{}"
    return f'{name} = TypedDict("{name}", {inside})\n"""{schema.get("description") or name}"""\n'


def _reachable(told: Schema) -> set[str]:
    """The shapes that callers write."""
    bodies = [operation.get("requestBody") for path in told["paths"].values() for operation in path.values()]
    found: set[str] = set()
    left = _names_in(bodies)
    while left:
        found |= left
        left = _names_in([told["components"]["schemas"][name] for name in left]) - found
    return found


def _names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"].rpartition("/")[2]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_names_in, value.values()))
    return set().union(*map(_names_in, value)) if isinstance(value, list) else set()


def type_of(schema: Schema) -> str:
    """As an annotation; forward references in quotes."""
    if "$ref" in schema:
        return f'"{str(schema["$ref"]).rpartition("/")[2]}"'
    if "anyOf" in schema:
        parts = dict.fromkeys(type_of(one) for one in schema["anyOf"])
        if any(part.startswith('"') for part in parts):
            return '"' + " | ".join(part.strip('"') for part in parts) + '"'
        return " | ".join(parts)
    if "enum" in schema:
        return "Literal[" + ", ".join(json.dumps(one) for one in schema["enum"]) + "]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kind == "object":
        return f"dict[str, {type_of(schema.get('additionalProperties') or {})}]"
    return _PLAIN.get(str(kind), "Any")


# calls ----------------------------------------------------------------------------------------------------------


def calls(told: Schema, door: str) -> str:
    methods = [
        (path, method.upper(), operation)
        for path, by_method in told["paths"].items()
        for method, operation in by_method.items()
        if "/oauth2/" not in path
    ]
    names = [name_of(method, path) for path, method, _ in methods]
    doubled = {name for name in names if names.count(name) > 1}
    if doubled:
        raise ValueError(f"two operations would be {sorted(doubled)}")
    both = []
    for prefix, base, way in (("", "Waiting", "def"), ("Async", "Awaiting", "async def")):
        body = "\n".join(
            _method(name, method, path, operation, way)
            for name, (path, method, operation) in zip(names, methods, strict=True)
        )
        both.append(f'\n\nclass {prefix}{CLASSES[door]}({base}):\n    """{told["info"]["title"]}."""\n\n{body}')
    head = f"{_HEAD}\nfrom typing import Any, Literal\n\nfrom recoup_client import {door}_shapes as s\n"
    return head + "from recoup_client.base import Awaiting, Waiting, segment\n" + "".join(both)


def _method(name: str, method: str, path: str, operation: Schema, way: str) -> str:
    places = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    arguments = ["self", *(f"{place}: str" for place in places)]
    given = []
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        plain = content.get("application/json")
        arguments.append(f"body: {_in_shapes(type_of(plain['schema'])) if plain else 'bytes'}")
        given.append("body=body")
    query = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    keyed = any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", ()))
    named = [f"{_word(one['name'])}: {_optional(one)}" for one in query]
    named += ["idempotency_key: str | None = None"] if keyed else []
    arguments += ["*", *named] if named else []
    given += ["key=idempotency_key"] if keyed else []
    if query:
        given.append("query={" + ", ".join(f'"{one["name"]}": {_word(one["name"])}' for one in query) + "}")
    answer = _answer(operation)
    wait = "await " if way.startswith("async") else ""
    target = f'f"{_PLACE.sub(_filled, path)}"' if places else f'"{path}"'
    called = f"{wait}self._call({', '.join([json.dumps(method), target, *given])})"
    lines = [
        f"    {way} {name}({', '.join(arguments)}) -> {answer}:",
        f'        """{operation["summary"]}."""',
        f"        {called}" if answer == "None" else f"        found: {answer} = {called}",
    ]
    return "\n".join(lines if answer == "None" else [*lines, "        return found"]) + "\n"


def _filled(place: re.Match[str]) -> str:
    return "{segment(" + place[1] + ")}"


def _answer(operation: Schema) -> str:
    """What success gives; the first where there are several."""
    status = next(one for one in operation["responses"] if one.startswith("2"))
    content = operation["responses"][status].get("content")
    if not content:
        return "None"
    return _in_shapes(type_of(content["application/json"]["schema"])) if "application/json" in content else "bytes"


def _in_shapes(kind: str) -> str:
    return f"s.{kind.strip(chr(34))}" if kind.startswith('"') else kind


def _optional(parameter: Schema) -> str:
    kind = type_of(parameter["schema"])
    return kind if parameter.get("required") else f"{kind} = None" if "None" in kind else f"{kind} | None = None"


def _word(name: str) -> str:
    """`from` is a word of the language; `pageSize` and `external_order_id` stay as the wire has them."""
    plain = name.replace("-", "_")
    return plain + "_" if keyword.iskeyword(plain) else plain


def name_of(method: str, path: str) -> str:
    """`GET /v1/orders/{id}` is get_order, `POST /v1/orders/{id}/refund` refund_order, `GET /v1/orders` list_orders.
    What an id follows is one of its kind."""
    parts = [part for part in path.split("/") if part and part not in ("v1", "api")]
    words = [
        (_one(part) if following.startswith("{") else part).replace("-", "_")
        for part, following in zip(parts, [*parts[1:], ""], strict=True)
        if not part.startswith("{")
    ]
    if parts[-1].startswith("{"):
        return "_".join([_TO_ONE[method], *words])
    *outer, last = words
    many = _one(last) != last
    if method == "GET":
        return "_".join(["list" if many else "get", *outer, last])
    if method == "PUT":
        return "_".join(["set", *outer, last])
    return "_".join([_TO_ONE[method], *outer, _one(last)] if many else [last, *outer])


def _one(word: str) -> str:
    for many, one in (("ies", "y"), ("ches", "ch"), ("s", "")):
        if word.endswith(many) and not word.endswith("ss"):
            return word.removesuffix(many) + one
    return word


if __name__ == "__main__":
    main()
