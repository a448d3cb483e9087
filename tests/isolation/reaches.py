"""Who reaches what in the code: each function with all that it names, through modules and imports.

It reads text, not trees: a thousand modules in a second.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import recoup

ROOT = Path(recoup.__file__).parent

_STRING: Final = re.compile(r'""".*?"""', re.DOTALL)
_DOCSTRING: Final = re.compile(r'(?<=:\n)\s+r?""".*?"""', re.DOTALL)
_COMMENT: Final = re.compile(r"(^\s*|  )# .*$", re.MULTILINE)
# A text in quotes names nothing, but for a dotted name and what an f-string has.
_QUOTED: Final = re.compile(r'(f?)("""|")(.*?)\2', re.DOTALL)
_TOP: Final = re.compile(
    r"^(?:@|(?:async )?def |class |[A-Za-z_]\w*\s*(?::[^=\n]*)?= )", re.MULTILINE
)
_NAMED: Final = re.compile(r"^(?:(?:async )?def |class |)([A-Za-z_]\w*)", re.MULTILINE)
_NAME: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_FROM: Final = re.compile(r"^\s*from (recoup[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


class Named(NamedTuple):
    """What stands at the top of a module, with its decorators' text; a class stands for its
    methods."""

    module: str
    name: str
    text: str
    decorated: str


class Code(NamedTuple):
    """`named_by`: name -> those whose text names it."""

    all: Mapping[str, Named]
    named_by: Mapping[str, frozenset[str]]

    def who_reaches(self, names: Iterable[str], *, not_through: Iterable[str] = ()) -> set[str]:
        """All that reach one of the names, and they."""
        found, closed = set(names), frozenset(not_through)
        waiting = list(found)
        while waiting:
            new = self.named_by.get(waiting.pop(), frozenset()) - found - closed
            found |= new
            waiting += new
        return found


def _imports(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for module, names in _FROM.findall(text):
        for one in re.findall(r"(\w+)(?: as (\w+))?", names):
            found[one[1] or one[0]] = f"{module}.{one[0]}"
    return found


def _unquoted(found: re.Match[str]) -> str:
    if found[1]:
        return " ".join(re.findall(r"\{([^{}]*)\}", found[3]))
    return found[3] if re.fullmatch(r"[\w.]+\.\w+", found[3]) else ""


def _pieces(text: str) -> list[tuple[str, str, str]]:
    """(name, decorators, text) of all at the module's top."""
    text = _STRING.sub(lambda one: one[0].replace("\n", " "), _DOCSTRING.sub("", text))
    starts = [one.start() for one in _TOP.finditer(text)]
    found, before = [], ""
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        piece = text[start:end]
        if piece.startswith("@"):
            before += piece
            continue
        name = _NAMED.match(piece)
        assert name is not None, piece
        found.append((name[1], before, piece))
        before = ""
    return found


def _additions(names: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """Who asks a place reaches what features add to it: each place, and all that the call names."""
    for path in sorted(ROOT.glob("*/feature.py")):
        local = names[".".join(path.relative_to(ROOT.parent).with_suffix("").parts)]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            # To make a channel, as each start does, sends nothing.
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id.isupper()
                and node.func.id != "GATEWAYS"
            ):
                words = [
                    ast.unparse(one)
                    for part in node.args
                    for one in ast.walk(part)
                    if _is_name(one)
                ]
                for first, _, rest in (word.partition(".") for word in words):
                    if first in local and node.func.id in local:
                        yield local[node.func.id], local[first]
                        yield local[node.func.id], f"{local[first]}.{rest.partition('.')[0]}"


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


@cache
def read_code() -> Code:
    every: dict[str, Named] = {}
    names: dict[str, dict[str, str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        names[module] = _imports(text)
        for name, decorated, piece in _pieces(text):
            every[f"{module}.{name}"] = Named(module, name, piece, decorated)
            names[module][name] = f"{module}.{name}"
    named_by: dict[str, set[str]] = defaultdict(set)
    for key, one in every.items():
        local = names[one.module]
        for word in set(
            _NAME.findall(_QUOTED.sub(_unquoted, _COMMENT.sub("", one.decorated + one.text)))
        ):
            first, _, rest = word.partition(".")
            if first in local:
                named_by[local[first]].add(key)
                named_by[f"{local[first]}.{rest.partition('.')[0]}"].add(key)
            elif word in every:
                named_by[word].add(key)
    for place, added in _additions(names):
        named_by[added].add(place)
    for key in every:
        named_by[key].discard(key)
    return Code(every, {name: frozenset(by) for name, by in named_by.items()})
