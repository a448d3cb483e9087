"""The part of GraphQL that the stand-in needs: a document of one operation, its variables and
arguments, and what is selected. Nothing else is answered, so a field that a connector forgot to
select is not there."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_TOKEN: Final = re.compile(
    r'\s+|,|#[^\n]*|(\.\.\.|[{}():!$\[\]=]|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*)'
)
_WORDS: Final = {"true": True, "false": False, "null": None}
_DEPTH_MAX: Final = 40


class Variable(NamedTuple):
    """A variable where a value stands."""

    name: str


class Selected(NamedTuple):
    """Field of a query. `on`: a fragment of that type, whose fields count for it alone."""

    name: str
    fields: "tuple[Selected, ...]" = ()
    on: str | None = None
    arguments: Mapping[str, Any] = {}


class Operation(NamedTuple):
    """`variables`: their types, by name."""

    kind: str
    variables: Mapping[str, str]
    fields: tuple[Selected, ...]


def operation_of(document: str) -> Operation:
    """Raises: ValueError for what is no document of one operation."""
    reader = _Reader(document)
    kind = reader.word() if reader.next != "{" else "query"
    if kind not in ("query", "mutation"):
        raise ValueError("no operation")
    if reader.next not in ("(", "{"):
        reader.word()
    variables = dict[str, str]()
    if reader.takes("("):
        while not reader.takes(")"):
            reader.must("$")
            name = reader.word()
            reader.must(":")
            variables[name] = reader.type()
    fields = reader.fields(0)
    if reader.next:
        raise ValueError("more than one operation")
    return Operation(kind, variables, fields)


class _Reader:
    """Each raises: ValueError."""

    def __init__(self, text: str) -> None:
        self._tokens, at = list[str](), 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError(f"an unknown sign at {at}")
            at = found.end()
            if found[1]:
                self._tokens.append(found[1])
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def takes(self, token: str) -> bool:
        found = self.next == token
        self._at += found
        return found

    def must(self, token: str) -> None:
        if not self.takes(token):
            raise ValueError(f"{self.next or 'the end'} instead of {token}")

    def word(self) -> str:
        word = self.next
        if not word.isidentifier():
            raise ValueError(f"{word or 'the end'} is no name")
        self._at += 1
        return word

    def type(self) -> str:
        if self.takes("["):
            found = f"[{self.type()}]"
            self.must("]")
        else:
            found = self.word()
        return found + "!" * self.takes("!")

    def fields(self, depth: int) -> tuple[Selected, ...]:
        if depth > _DEPTH_MAX:
            raise ValueError("too deep")
        self.must("{")
        found = list[Selected]()
        while not self.takes("}"):
            if self.takes("..."):
                self.must("on")
                name = self.word()
                found.append(Selected(name, self.fields(depth + 1), name))
                continue
            name, arguments = self.word(), dict[str, Any]()
            if self.takes("("):
                while not self.takes(")"):
                    argument = self.word()
                    self.must(":")
                    arguments[argument] = self.value(depth + 1)
            inner = self.fields(depth + 1) if self.next == "{" else ()
            found.append(Selected(name, inner, None, arguments))
        return tuple(found)

    def value(self, depth: int) -> Any:
        if depth > _DEPTH_MAX:
            raise ValueError("too deep")
        if self.takes("$"):
            return Variable(self.word())
        if self.takes("["):
            listed = list[Any]()
            while not self.takes("]"):
                listed.append(self.value(depth + 1))
            return listed
        if self.takes("{"):
            given = dict[str, Any]()
            while not self.takes("}"):
                name = self.word()
                self.must(":")
                given[name] = self.value(depth + 1)
            return given
        return self._scalar()

    def _scalar(self) -> Any:
        text = self.next
        self._at += 1
        if text.startswith('"'):
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if text.isidentifier():
            return _WORDS.get(text, text)
        if re.fullmatch(r"-?\d+", text):
            return int(text)
        if re.fullmatch(r"-?\d+\.\d+", text):
            return text
        raise ValueError(f"{text or 'the end'} is no value")


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """Fills in the variables' values."""
    if isinstance(value, Variable):
        return variables.get(value.name)
    if isinstance(value, list):
        return [filled(one, variables) for one in value]
    if isinstance(value, dict):
        return {name: filled(one, variables) for name, one in value.items()}
    return value


def projected(value: Any, fields: tuple[Selected, ...]) -> Any:
    if isinstance(value, list):
        return [projected(one, fields) for one in value]
    if not isinstance(value, dict) or not fields:
        return value
    found: dict[str, Any] = {}
    for field in fields:
        if field.on is None:
            found[field.name] = projected(value.get(field.name), field.fields)
        elif value.get("__typename") == field.on:
            found |= projected(value, field.fields)
    return found
