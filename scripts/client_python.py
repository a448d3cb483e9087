"""The generated half of `clients/python`: shapes, nouns for both kinds of client, error classes."""

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final

from client_api import Api, Operation, Schema, class_name, error_classes, is_answered

_HEAD: Final = '"""Made by scripts/make_client.py; do not edit."""\n'
_CLIENTS: Final = {
    "rescue": ("Recoup", "AppKey", ("base_url", "app_key", "app_secret")),
    "stablecoin": ("RecoupStablecoin", "Signature", ("key_id", "secret")),
}
_PLAIN: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_BASE: Final = ("AsyncPages", "Awaiting", "Noun", "Pages", "Waiting", "segment")
_PLACE: Final = re.compile(r"\{(\w+)\}")


def files(apis: Iterable[Api]) -> dict[str, str]:
    """Name -> text."""
    made = {"errors.py": _errors(apis)}
    for api in apis:
        made[f"{api.name}_shapes.py"] = _shapes(api)
        made[f"{api.name}_calls.py"] = _calls(api)
    return made


def _errors(apis: Iterable[Api]) -> str:
    words, codes = error_classes(apis)
    base = ("NoAnswerError", "RecoupError", "SignatureError", "UnreachableError")
    text = _HEAD + f"\nfrom recoup_client.problem import {', '.join(base)}\n"
    for name, told in words.items():
        text += f'\n\nclass {name}(RecoupError):\n    """{told}"""\n'
    text += "\n\nBY_CODE: dict[str, type[RecoupError]] = {\n"
    text += "".join(f'    "{code}": {name},\n' for code, name in codes.items()) + "}\n"
    named = sorted({*base, *words})
    return text + f"__all__ = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in named)}]\n"


# shapes -----------------------------------------------------------------------------------------


def _shapes(api: Api) -> str:
    made = [_shape(name, schema, name in api.sent) for name, schema in api.shapes.items()]
    head = f"{_HEAD}\nfrom typing import Any, Literal, NotRequired, TypedDict\n\n"
    return head + "\n".join(made)


def _shape(name: str, schema: Schema, sent: bool) -> str:
    """Members in the functional form: some are words of the language."""
    if "enum" in schema:
        return f"{name} = {type_of(schema)}\n"
    members = ""
    for member, inner in schema.get("properties", {}).items():
        kind = type_of(inner)
        always = is_answered(schema, member, sent=sent)
        members += f'    "{member}": {kind if always else f"NotRequired[{kind}]"},\n'
    inside = "{\n" + members + "}" if members else "{}"
    words = schema.get("description") or name
    return f'{name} = TypedDict("{name}", {inside})\n"""{words}"""\n'


def type_of(schema: Schema) -> str:
    """The annotation of a schema; forward references in quotes."""
    if "$ref" in schema:
        return f'"{str(schema["$ref"]).rpartition("/")[2]}"'
    if "anyOf" in schema:
        parts = dict.fromkeys(type_of(one) for one in schema["anyOf"])
        if any(part.startswith('"') for part in parts):
            return '"' + " | ".join(part.strip('"') for part in parts) + '"'
        return " | ".join(parts)
    if "enum" in schema:
        return "Literal[" + ", ".join(map(repr, schema["enum"])) + "]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kind == "object":
        return f"dict[str, {type_of(schema.get('additionalProperties') or {})}]"
    return _PLAIN.get(str(kind), "Any")


# calls ------------------------------------------------------------------------------------------


def _calls(api: Api) -> str:
    name, credential, keys = _CLIENTS[api.name]
    text = f"{_HEAD}\nfrom collections.abc import Sequence\nfrom functools import cached_property\n"
    text += "from typing import Any, Literal\n\n"
    text += f"import httpx\n\nfrom recoup_client import {api.name}_shapes as s\n"
    text += f"from recoup_client.base import {', '.join(_BASE)}\n"
    text += f"from recoup_client.credentials import {credential}\n"
    for prefix, base, client in (("", "Waiting", "Client"), ("Async", "Awaiting", "AsyncClient")):
        for noun in reversed(api.nouns()):
            children = [one for one in api.nouns() if one[:-1] == noun and one]
            methods = [_noun(one, prefix, api) for one in children]
            methods += [_method(one, prefix) for one in api.of(noun)]
            if noun:
                head = f"class {_class(prefix, noun)}(Noun):"
            else:
                head = f'class {prefix}{name}({base}):\n    """{api.title}."""\n'
                given = ", ".join(f"{key}: str" for key in dict.fromkeys(("base_url", *keys)))
                given += f", client: httpx.{client} | None = None, *"
                given += ", timeout: float = 30.0, max_retries: int = 3"
                passed = f"base_url, {credential}({', '.join(keys)}), client, timeout, max_retries"
                start = (
                    f"    def __init__(self, {given}) -> None:\n        "
                    f"super().__init__({passed})\n"
                )
                methods = [start, *methods]
            text += f"\n\n{head}\n" + "\n".join(methods)
    return text


def _class(prefix: str, noun: tuple[str, ...]) -> str:
    return prefix + class_name("_".join(noun))


def _noun(noun: tuple[str, ...], prefix: str, api: Api) -> str:
    """What `help` shows of it: its verbs and inner nouns."""
    inner = [one[-1] for one in api.nouns() if one[:-1] == noun]
    verbs = ", ".join(_word(one) for one in [*(one.verb for one in api.of(noun)), *inner])
    text = f"    @cached_property\n    def {_word(noun[-1])}(self) -> {_class(prefix, noun)}:\n"
    return text + f'        """{verbs}"""\n        return {_class(prefix, noun)}(self._call)\n'


def _method(one: Operation, prefix: str) -> str:
    arguments = ["self", *(f"{place}: str" for place in one.places)]
    given = [f'f"{_PLACE.sub(_filled, one.path)}"' if one.places else f'"{one.path}"']
    if one.body is not None:
        kind = _in_shapes(one.body) + (" | bytes" if one.takes_files else "")
        arguments.append(f"body: {kind}" if one.body_required else f"body: {kind} | None = None")
    named = [f"{_word(query['name'])}: {_optional(query)}" for query in one.query]
    named += ["idempotency_key: str | None = None"] if one.keyed else []
    arguments += ["*", *named] if named else []
    query = "{" + ", ".join(f'"{q["name"]}": {_word(q["name"])}' for q in one.query) + "}"
    waits = "async " if prefix and one.item is None else ""
    head = f"    {waits}def {_word(one.verb)}({', '.join(arguments)}) -> {{}}:\n"
    head += f'        """{one.summary}."""\n'
    if one.item is not None and one.answer is not None:
        kind = f"{prefix}Pages[{_in_shapes(one.item)}, {_in_shapes(one.answer)}]"
        place = ", ".join([*given, query, repr(one.items), repr(one.parameter)])
        return head.format(kind) + f"        return {prefix}Pages(self._call, {place})\n"
    given.insert(0, f'"{one.method}"')
    if one.body is not None:
        given.append("body=body" if one.body_required else "body={} if body is None else body")
    given += ["key=idempotency_key"] if one.keyed else []
    given += [f"query={query}"] if one.query else []
    called = f"{'await ' if prefix else ''}self._call({', '.join(given)})"
    if one.answer is None and not one.answers_file:
        return head.format("None") + f"        {called}\n"
    kind = _in_shapes(one.answer) if one.answer is not None else "bytes"
    return head.format(kind) + f"        found: {kind} = {called}\n        return found\n"


def _filled(place: re.Match[str]) -> str:
    return "{segment(" + place[1] + ")}"


def _in_shapes(schema: Schema) -> str:
    """The annotation, with its shapes named as in their module."""
    return re.sub(r'"(\w+)"', r"s.\1", type_of(schema))


def _optional(parameter: Mapping[str, Schema]) -> str:
    """`list` is a method beside it."""
    kind = type_of(parameter["schema"]).replace("list[", "Sequence[")
    if parameter.get("required"):
        return kind
    return f"{kind} = None" if "None" in kind else f"{kind} | None = None"


def _word(name: str) -> str:
    """`from` is a word of the language; `pageSize` stays as the wire has it."""
    plain = name.replace("-", "_")
    return plain + "_" if keyword.iskeyword(plain) else plain
