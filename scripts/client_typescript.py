"""The generated half of `clients/typescript`: shapes, nouns, error classes."""

import json
import re
from collections.abc import Iterable
from typing import Final

from client_api import Api, Operation, Schema, class_name, error_classes, is_answered

_HEAD: Final = "// Made by scripts/make_client.py; do not edit.\n"
_CLIENTS: Final = {"rescue": ("Recoup", "AppKey"), "stablecoin": ("RecoupStablecoin", "Signature")}
_SAME: Final = ("string", "number", "boolean", "null")
_PLAIN: Final = {"integer": "number"} | {name: name for name in _SAME}
_NAME: Final = re.compile(r"[A-Za-z_]\w*")


def files(apis: Iterable[Api]) -> dict[str, str]:
    """Name -> text."""
    made = {"errors.ts": _errors(apis)}
    for api in apis:
        made[f"{api.name}-shapes.ts"] = _HEAD + "".join(
            _shape(name, schema, name in api.sent) for name, schema in api.shapes.items()
        )
        made[f"{api.name}-calls.ts"] = _calls(api)
    return made


def _errors(apis: Iterable[Api]) -> str:
    words, codes = error_classes(apis)
    text = f'{_HEAD}\nimport {{ RecoupError }} from "./problem.js";\n'
    text += '\nexport * from "./problem.js";\n'
    for name, lines in words.items():
        text += f"\n{_comment(lines)}export class {name} extends RecoupError {{}}\n"
    text += "\nexport const BY_CODE: Readonly<Record<string, typeof RecoupError>> = {\n"
    return text + "".join(f'  "{code}": {name},\n' for code, name in codes.items()) + "};\n"


def _shape(name: str, schema: Schema, sent: bool) -> str:
    if "enum" in schema:
        return f"\nexport type {name} = {type_of(schema)};\n"
    text = f"\n{_comment(schema.get('description') or name)}export interface {name} {{\n"
    for member, inner in schema.get("properties", {}).items():
        sign = "" if is_answered(schema, member, sent=sent) else "?"
        text += _comment(inner.get("description", ""), "  ")
        text += f"  {_property(member)}{sign}: {type_of(inner)};\n"
    return text + "}\n"


def type_of(schema: Schema, where: str = "") -> str:
    """`where`: before names of shapes."""
    if "$ref" in schema:
        return where + str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(one, where) for one in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"Array<{type_of(schema.get('items', {}), where)}>"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {type_of(values, where) if values else 'any'}>"
    return _PLAIN.get(str(kind), "any")


# calls ------------------------------------------------------------------------------------------


def _calls(api: Api) -> str:
    name, credential = _CLIENTS[api.name]
    base = "type CallOptions, Client, type ClientOptions, type KeyedOptions, Noun, Pages, segment"
    text = f'{_HEAD}\nimport {{ {base} }} from "./base.js";\n'
    text += f'import {{ {credential}, type {credential}Options }} from "./credentials.js";\n'
    text += f'import type * as s from "./{api.name}-shapes.js";\n'
    for noun in api.nouns():
        if noun:
            text += f"\nexport class {class_name('_'.join(noun))} extends Noun {{\n"
        else:
            text += f"\n/** {api.title}. */\nexport class {name} extends Client {{\n"
        children = [one for one in api.nouns() if one and one[:-1] == noun]
        parts = [
            f"  readonly {_camel(one[-1])} = new {class_name('_'.join(one))}(this.call);\n"
            for one in children
        ]
        if not noun:
            options = f"ClientOptions & {credential}Options"
            parts.append(
                f"\n  constructor(options: {options}) {{\n    super(options, new "
                f"{credential}(options));\n  }}\n"
            )
        methods = [_method(one) for one in api.of(noun)]
        text += "".join(parts) + ("\n" if parts and methods else "") + "\n".join(methods) + "}\n"
    return text


def _method(one: Operation) -> str:
    arguments = [f"{place}: string" for place in one.places]
    filled = re.sub(r"\{(\w+)\}", r"${segment(\1)}", one.path)
    target = f"`{filled}`" if one.places else f'"{one.path}"'
    given = []
    if one.body is not None:
        kind = type_of(one.body, "s.") + (" | string | Uint8Array" if one.takes_files else "")
        arguments.append(f"body: {kind}" + ("" if one.body_required else " = {}"))
        given.append("body")
    if one.query:
        members = "; ".join(_parameter(query) for query in one.query)
        needed = any(query.get("required") for query in one.query)
        arguments.append(f"query: {{ {members} }}" + ("" if needed else " = {}"))
        given.append("query")
    arguments.append(f"options: {'Keyed' if one.keyed else 'Call'}Options = {{}}")
    head = _comment(f"{one.summary}.{' @deprecated' if one.deprecated else ''}", "  ")
    head += f"  {_camel(one.verb)}({', '.join(arguments)}): "
    answer = "Uint8Array" if one.answers_file else "void"
    if one.answer is not None:
        answer = type_of(one.answer, "s.")
    if one.item is not None:
        place = [target, "query" if one.query else "{}"]
        place += [json.dumps(one.items), json.dumps(one.parameter), "options"]
        kind = f"Pages<{type_of(one.item, 's.')}, {answer}>"
        return head + f"{kind} {{\n    return new Pages(this.call, {', '.join(place)});\n  }}\n"
    more = f"{{ {', '.join(given)}, ...options }}" if given else "options"
    called = f'this.call("{one.method}", {target}, {more})'
    return head + f"Promise<{answer}> {{\n    return {called};\n  }}\n"


def _parameter(query: Schema) -> str:
    sign = "" if query.get("required") else "?"
    return f"{_property(query['name'])}{sign}: {type_of(query['schema'])}"


def _property(name: str) -> str:
    return name if _NAME.fullmatch(name) else json.dumps(name)


def _camel(snake: str) -> str:
    head, *rest = snake.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _comment(words: str, indent: str = "") -> str:
    words = " ".join(words.replace("*/", "* /").split())
    return f"{indent}/** {words} */\n" if words else ""
