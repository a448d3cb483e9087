"""A sentence is for people: none is compared with, searched, or taken apart.
What is so is a code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import recoup

_SOURCE = Path(recoup.__file__).parent
_parsed = cache(ast.parse)
_PROSE = re.compile(r"[A-Za-z]{2,}[,:]? [a-z]{2,}")
_SQL = re.compile(r"\b(SELECT|FROM|WHERE|INSERT|UPDATE|JOIN|AND|BY)\b|</?\w+")
_READING = frozenset(
    {
        "startswith",
        "endswith",
        "removeprefix",
        "removesuffix",
        "partition",
        "rpartition",
        "split",
        "replace",
        "find",
        "index",
        "compile",
        "search",
        "match",
        "fullmatch",
        "sub",
    }
)
_EXPRESSION = re.compile(r"\{[{%].*?[%}]\}", re.S)
_COMPARED = re.compile(r"""[!=]= ["']([^"']*)["']|\bin \(([^)]*)\)""")
# Where it is nobody's sentence of ours, or no sentence: file -> what it is.
_MAY = {
    "engine/cli.py": "the name of a way to predict",
    "chains/channels.py": "msgspec says what is wrong with a table in words only",
    "chains/trial.py": "marks around our lines of a settings file",
    "stablecoin/api/fields.py": "msgspec says what is wrong with a body in words only",
    "outside/web/client.py": "aiohttp's parser says which limit was broken in words only; a test "
    "holds them",
    "kernel/scope.py": "how an actor is written: `user:… by operator:…`",
    "main/backup/restore.py": "PostgreSQL says in its log in words only why a recovery ended",
    "db/cells.py": "statements of the schema's files",
    "networks/phrases.py": "what gateways without a list of codes say, in words only",
    "networks/codes.py": "the name of a source document, as `SOURCES` has others",
}


def _texts(node: ast.AST | None) -> Iterator[str]:
    """Of a literal, or of all in a tuple, a set, the keys of a dict or what these are made from."""
    match node:
        case ast.Constant(value=str() as text):
            yield text
        case (
            ast.Tuple(elts=inner)
            | ast.List(elts=inner)
            | ast.Set(elts=inner)
            | ast.Call(args=inner)
        ):
            for one in inner:
                yield from _texts(one)
        case ast.Dict(keys=keys):
            for key in keys:
                yield from _texts(key)
        case ast.JoinedStr(values=parts):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts
            )


def _is_prose(node: ast.AST | None) -> bool:
    return any(_PROSE.search(text) and not _SQL.search(text) for text in _texts(node))


def _named(tree: ast.Module) -> dict[str, ast.expr]:
    """Constants of the module."""
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        value = node.value if isinstance(node, ast.AnnAssign | ast.Assign) else None
        found |= {
            one.id: value for one in targets if isinstance(one, ast.Name) and value is not None
        }
    return found


def _read(node: ast.AST) -> list[ast.expr]:
    """What a text is compared with, searched for or divided by."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others):
            equal = any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in ops)
            return [left, *others] if equal else []
        case ast.Call(func=ast.Attribute(attr=name), args=[first, *_]) if name in _READING:
            return [first]
    return []


def compared(source: str, known: dict[str, ast.expr]) -> list[int]:
    """Lines in which a sentence is. `known`: constants of other modules."""
    tree = _parsed(source)
    imported = {
        alias.asname or alias.name: known[f"{node.module}.{alias.name}"]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in known
    }
    names = imported | _named(tree)
    found = []
    for node in ast.walk(tree):
        for one in _read(node):
            value = names.get(one.id) if isinstance(one, ast.Name) else one
            # A table by name: only what its keys say counts, not a call that makes it.
            if not isinstance(value, ast.Call) and _is_prose(value):
                found.append(one.lineno)
    return found


def compared_in_template(source: str) -> list[str]:
    asked = [
        one for one in _EXPRESSION.findall(source) if not one.lstrip("{%- ").startswith("for ")
    ]
    found = [one for expression in asked for one in _COMPARED.findall(expression)]
    return [text or among for text, among in found if _PROSE.search(text) or _PROSE.search(among)]


def _files(ending: str) -> Iterator[tuple[str, str]]:
    for file in sorted(_SOURCE.rglob(f"*.{ending}")):
        name = file.relative_to(_SOURCE).as_posix()
        if "/languages/" not in name:
            yield name, file.read_text(encoding="utf-8")


def test_no_code_reads_a_sentence() -> None:
    known: dict[str, ast.expr] = {}
    for name, source in _files("py"):
        module = "recoup." + name.removesuffix(".py").replace("/", ".")
        known |= {f"{module}.{key}": value for key, value in _named(_parsed(source)).items()}
    found = {name: lines for name, source in _files("py") if (lines := compared(source, known))}
    assert not {name: lines for name, lines in found.items() if name not in _MAY}
    assert found.keys() == _MAY.keys(), "the list of exceptions names what is none"


def test_no_template_compares_a_sentence() -> None:
    found = {
        name: texts for name, source in _files("html") if (texts := compared_in_template(source))
    }
    assert not found


def test_the_search_finds_what_was_once_there() -> None:
    for line in (
        'cure.startswith("Nothing to do")',
        'UNKNOWN = "siteUrl is not known"\nwarning.startswith(UNKNOWN)',
        '_VENDORS = (" field is required.", " is invalid.")\ntext.endswith(_VENDORS)',
        'message.replace("The body", "The row")',
        'text.split(" With `format: stablecoin`")[0] == "the text"',
        'sentence.replace(f" is {stage} and ends", "")',
        'NAMED = re.compile("The last answer was")',
        'word in ("not done", "done")',
    ):
        assert compared(line, {}), line
    assert not compared(
        'code == "not_done"\nproblem.code in ("invalid", "not_found")\ntext = "It is done."', {}
    )
    for line in (
        '{% if r.why == "waits for the charge" %}',
        '{{ "a" if why in ("stuck", "outcome unknown") }}',
    ):
        assert compared_in_template(line), line
    assert not compared_in_template(
        '<p>in (a few days)</p>{% if r.why == "outcome_unknown" %}Outcome unknown{% endif %}'
    )
