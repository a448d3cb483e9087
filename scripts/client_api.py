"""A door's OpenAPI document as its clients see it: nouns, verbs, shapes, lists and error codes.

`client_python` and `client_typescript` write the same reading in their languages.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

Schema = Mapping[str, Any]
Name = tuple[tuple[str, ...], str]  # a noun, a verb
JSON: Final = "application/json"
_BY_ID: Final = {"GET": "get", "PATCH": "update", "PUT": "replace", "DELETE": "delete"}
_ERROR_SHAPE: Final = re.compile(r"Error\d*")


@dataclass(frozen=True, slots=True)
class Operation:
    """One call. `noun` and `verb`: `recoup.<noun>.<verb>()`, words in snake case.

    `body`, `answer`: JSON Schema, None without one. `items`: of a list, the path to its records,
    whose schema is `item`; `parameter`: names the next page in the query, None for one page.
    """

    noun: tuple[str, ...]
    verb: str
    method: str
    path: str
    summary: str
    deprecated: bool
    places: tuple[str, ...]
    query: tuple[Schema, ...]
    body: Schema | None
    body_required: bool
    takes_files: bool
    answer: Schema | None
    answers_file: bool
    keyed: bool
    items: tuple[str, ...] = ()
    item: Schema | None = None
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """`sent`: names of the shapes that callers write.

    `errors`: wire code -> name in snake case, and its meaning.
    """

    name: str
    title: str
    operations: tuple[Operation, ...]
    shapes: Mapping[str, Schema]
    sent: frozenset[str]
    errors: Mapping[str, tuple[str, str]]

    def nouns(self) -> list[tuple[str, ...]]:
        """All of them, outer ones first; `()` is the client itself."""
        known = {one.noun for one in self.operations}
        return sorted({noun[:length] for noun in known for length in range(len(noun) + 1)})

    def of(self, noun: tuple[str, ...]) -> list[Operation]:
        return [one for one in self.operations if one.noun == noun]


def read_api(name: str, document: Schema) -> Api:
    """Raises: ValueError for two operations, or an operation and a noun, of one name."""
    schemas = document["components"]["schemas"]
    paths = {path: told for path, told in document["paths"].items() if "/oauth2/" not in path}
    calls = [(path, method) for path, told in paths.items() for method in told]
    read = [_read(path, method, paths[path][method], schemas, paths) for path, method in calls]
    errors = {}
    for row in document["x-errors"]:
        name_of_code = row["name"] if row["code"].isdigit() else row["code"]
        errors[row["code"]] = name_of_code, row["meaning"]
    return Api(
        name,
        document["info"]["title"],
        _named(read),
        {one: schemas[one] for one in sorted(schemas) if not _ERROR_SHAPE.fullmatch(one)},
        _sent(paths, schemas),
        errors,
    )


def _read(path: str, method: str, told: Schema, schemas: Schema, paths: Schema) -> Operation:
    parameters = told.get("parameters", ())
    in_query = [one for one in parameters if one["in"] == "query"]
    content = told.get("requestBody", {}).get("content", {})
    answers = _answers(told)
    answer = answers.get(JSON, {}).get("schema") if answers else None
    paging = told.get("x-paging", {})
    parameter = paging.get("parameter")
    dropped = {"format"} if answer and len(answers) > 1 else set()  # the other format is a file
    if parameter != "pageNumber":
        dropped.add("pageNumber")
    items, item = (), None
    last = path.rpartition("/")[2]
    if answer and method == "get" and (paging or last.endswith("s")):
        items = tuple(paging.get("items", "data").split("."))
        item = _item(answer, items, schemas)
    noun, verb = _name(path, method.upper(), told, paths, is_list=item is not None)
    return Operation(
        noun=noun,
        verb=verb,
        method=method.upper(),
        path=path,
        summary=told["summary"],
        deprecated=bool(told.get("deprecated")),
        places=tuple(re.findall(r"\{(\w+)\}", path)),
        query=tuple(one for one in in_query if one["name"] not in dropped),
        body=content.get(JSON, {}).get("schema"),
        body_required=bool(told.get("requestBody", {}).get("required")),
        takes_files=len(content) > 1,
        answer=answer,
        answers_file=bool(answers) and answer is None,
        keyed=any(one["name"] == "Idempotency-Key" for one in parameters),
        items=items if item else (),
        item=item,
        parameter=parameter,
    )


def _answers(told: Schema) -> Schema:
    """The content of success; the first where there are several."""
    status = next(one for one in told["responses"] if one.startswith("2"))
    content: Schema = told["responses"][status].get("content", {})
    return content


def _item(answer: Schema, items: tuple[str, ...], schemas: Schema) -> Schema | None:
    """What the answer's list is of; None for an answer that is no list."""
    found: Any = answer
    for name in items:
        shape = schemas[found["$ref"].rpartition("/")[2]] if "$ref" in found else found
        found = shape.get("properties", {}).get(name, {})
    inner: Schema | None = found.get("items") if found.get("type") == "array" else None
    return inner


def _name(path: str, method: str, told: Schema, paths: Schema, *, is_list: bool) -> Name:
    """`GET /v1/orders` is orders.list, `PUT /v1/policy` policy.set, `POST …/{id}/refund`
    orders.refund."""
    parts = [part for part in path.split("/") if part and part not in ("v1", "api")]
    words = tuple(part.replace("-", "_") for part in parts if not part.startswith("{"))
    if parts[-1].startswith("{"):
        return words, _BY_ID[method]
    if words[-1] == "list":
        return words[:-1], "list"
    if method == "GET":
        return words, "list" if is_list else "get"
    if method == "PUT":
        return words, "set"
    one_of_them = re.compile(re.escape(path) + r"/\{\w+\}")
    holds = any(one_of_them.fullmatch(other) and "get" in paths[other] for other in paths)
    if holds or (words[-1].endswith("s") and "201" in told["responses"]):
        return words, "create"
    return words[:-1], words[-1]


def _named(operations: list[Operation]) -> tuple[Operation, ...]:
    """Each with a name of its own: `evaluate.check` becomes `check_evaluate` beside `evaluate`, and
    `webhooks.rotate` without an id `webhooks.rotate_all` beside the one with an id."""
    actions = {one.verb for one in operations if not one.noun}
    with_id = {(one.noun, one.verb) for one in operations if one.places}
    made = []
    for one in operations:
        noun, verb = one.noun, one.verb
        if noun and noun[0] in actions:
            noun, verb = (), "_".join([verb, *noun])
        elif not one.places and (noun, verb) in with_id:
            verb += "_all"
        made.append(replace(one, noun=noun, verb=verb))
    names = [(*one.noun, one.verb) for one in made] + list({one.noun for one in made})
    doubled = sorted(".".join(name) for name in set(names) if names.count(name) > 1)
    if doubled:
        raise ValueError(f"two things would be {doubled}")
    return tuple(made)


def _sent(paths: Schema, schemas: Schema) -> frozenset[str]:
    """The shapes that callers write."""
    operations = [told for by_method in paths.values() for told in by_method.values()]
    bodies = [told.get("requestBody") for told in operations]
    found: set[str] = set()
    left = set(_names_in(bodies))
    while left:
        found |= left
        left = set(_names_in([schemas[name] for name in left])) - found
    return frozenset(found)


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for inner in value.values():
            yield from _names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names_in(inner)


def class_name(snake: str, ending: str = "") -> str:
    """`over_remainder` as OverRemainderError; `internal_error` too ends once."""
    return "".join(word.capitalize() for word in snake.split("_")).removesuffix(ending) + ending


def is_answered(schema: Schema, member: str, *, sent: bool) -> bool:
    """Whether the member is always there: an answer has its defaults, a body may leave them out."""
    inner = schema["properties"][member]
    return member in schema.get("required", ()) or (not sent and "default" in inner)


def error_classes(apis: Iterable[Api]) -> tuple[dict[str, str], dict[str, str]]:
    """The words of each class, and the class of each code. APIs share the class of a name."""
    words: dict[str, list[str]] = {}
    codes: dict[str, str] = {}
    for api in apis:
        for code, (name, meaning) in api.errors.items():
            codes[code] = class_name(name, "Error")
            words.setdefault(codes[code], []).append(f"`{code}`: {meaning}.")
    return {name: " ".join(lines) for name, lines in words.items()}, codes
