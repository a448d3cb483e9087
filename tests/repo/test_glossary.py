"""Names that the glossary has replaced do not come back."""

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# "What was told" and "what was asked" say neither what a thing is nor whose: these words name
# nothing here.
VAGUE = frozenset({"told", "asked"})
FILES = {
    path.relative_to(source).as_posix(): path
    for source in (ROOT / "src", *ROOT.glob("packages/*/src"))
    for path in sorted(source.rglob("*.py"))
}
# packages whose names are still to be replaced
NOT_YET = ("recoup/rescue/rules/", "recoup/engine/", "recoup_lab/compare/")
ELSEWHERE = {  # names on the wire, and of packages that are not done
    "recoup/webhooks/api/hooks.py": {"asked"},
    "recoup/switches/api/switches.py": {"told"},
}
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| (?P<gone>[^|]*) \|$", re.M)


def gone() -> frozenset[str]:
    rows = ROW.findall((ROOT / "docs/contributing/glossary.md").read_text())
    cells = (re.sub(r"\(now [^)]*\)", "", cell) for cell in rows)
    return frozenset(name for cell in cells for name in re.findall(r"`(\w+)`", cell))


def names(nodes: Iterable[ast.AST]) -> set[str]:
    """Classes, functions and attributes that are defined or used, and modules that are imported."""
    found = set[str]()
    for node in nodes:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.Attribute():
                found.add(node.attr)
            case ast.ImportFrom():
                found |= {*(one.name for one in node.names), *(node.module or "").split(".")}
    return found


def vague(nodes: Iterable[ast.AST]) -> set[str]:
    """Variables, parameters, functions, classes and attributes whose name has such a word in it."""
    found = set[str]()
    for node in nodes:
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.Name():
                found.add(node.id)
            case ast.arg():
                found.add(node.arg)
            case ast.Attribute():
                found.add(node.attr)
            case ast.alias():
                found.add(node.asname or node.name)
    return {name for name in found if VAGUE & {word.lower() for word in WORDS.findall(name)}}


@cache
def in_files() -> dict[str, tuple[set[str], set[str]]]:
    """Names and vague names of each file."""
    found = {}
    for place, path in FILES.items():
        nodes = list(ast.walk(ast.parse(path.read_text())))
        found[place] = names(nodes), vague(nodes)
    return found


def test_names_say_what_a_thing_is_and_a_word_that_is_gone_stays_gone() -> None:
    """Each exception is still needed: what is done leaves the lists."""
    words, vague_in = gone(), {place: found for place, (_, found) in in_files().items()}
    assert {"worry", "Told", "order_message"} <= words
    assert {
        place: again for place, (used, _) in in_files().items() if (again := sorted(words & used))
    } == {}
    again = {place: found - ELSEWHERE.get(place, set()) for place, found in vague_in.items()}
    assert {
        place: names for place, names in again.items() if names and not place.startswith(NOT_YET)
    } == {}
    assert [
        place
        for place in NOT_YET
        if not any(vague_in[name] for name in vague_in if name.startswith(place))
    ] == []
    assert {
        place: names for place, names in ELSEWHERE.items() if not names <= vague_in[place]
    } == {}


def test_names_are_found_wherever_they_stand() -> None:
    source = "from a.told import Answered\nclass Told: ...\nasync def worry(): x.calm()"
    assert names(ast.walk(ast.parse(source))) == {
        "a",
        "told",
        "Answered",
        "Told",
        "worry",
        "calm",
    }


def test_vague_words_are_found_in_every_kind_of_name() -> None:
    source = (
        "class WhatTold: ...\ndef f(asked, *, told_by=None): x._told = asked.TOLD_MAX; "
        "retold = masked"
    )
    assert vague(ast.walk(ast.parse(source))) == {
        "WhatTold",
        "asked",
        "told_by",
        "_told",
        "TOLD_MAX",
    }
