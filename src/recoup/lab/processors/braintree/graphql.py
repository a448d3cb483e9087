"""As much of GraphQL as the stand-in needs: a document's one field, and what is selected of it. Nothing else is
answered, so a field that a connector forgot to select is not there."""

import re
from typing import Any, Final, NamedTuple

_TOKEN: Final = re.compile(r"\.\.\.|[{}():!$,\[\]]|\"[^\"]*\"|[\w.-]+")


class Selected(NamedTuple):
    """`on`: a fragment of that type, whose fields count for it alone."""

    name: str
    fields: "tuple[Selected, ...]" = ()
    on: str | None = None


def selection_of(document: str) -> tuple[Selected, ...]:
    """Raises: ValueError for what is no document of one operation."""
    tokens = _TOKEN.findall(document)
    if not tokens or tokens[0] not in ("query", "mutation") or "{" not in tokens:
        raise ValueError("no operation")
    at = _behind_arguments(tokens, 2) if len(tokens) > 2 and tokens[2] == "(" else tokens.index("{")
    found, end = _fields(tokens, at + 1)
    if end != len(tokens):
        raise ValueError("more than one operation")
    return found


def _behind_arguments(tokens: list[str], at: int) -> int:
    """The place behind the bracket that opens here."""
    depth = 0
    for number in range(at, len(tokens)):
        depth += (tokens[number] == "(") - (tokens[number] == ")")
        if not depth:
            return number + 1
    raise ValueError("an open bracket")


def _fields(tokens: list[str], at: int) -> tuple[tuple[Selected, ...], int]:
    found = list[Selected]()
    while at < len(tokens) and tokens[at] != "}":
        on = tokens[at + 2] if tokens[at] == "..." else None
        name, at = (on or tokens[at]), at + (3 if on else 1)
        if at < len(tokens) and tokens[at] == "(":
            at = _behind_arguments(tokens, at)
        inner: tuple[Selected, ...] = ()
        if at < len(tokens) and tokens[at] == "{":
            inner, at = _fields(tokens, at + 1)
        found.append(Selected(name, inner, on))
    if at >= len(tokens):
        raise ValueError("an open brace")
    return tuple(found), at + 1


def projected(value: Any, fields: tuple[Selected, ...]) -> Any:
    if isinstance(value, list):
        return [projected(one, fields) for one in value]
    if not isinstance(value, dict) or not fields:
        return value
    found: dict[str, Any] = {}
    for one in fields:
        if one.on is None:
            found[one.name] = projected(value.get(one.name), one.fields)
        elif value.get("__typename") == one.on:
            found |= projected(value, one.fields)
    return found
