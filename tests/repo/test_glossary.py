"""Names that the glossary has replaced do not come back."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| [^|]+ \| [^|]+ \| (?P<gone>[^|]*) \|$", re.M)


def gone() -> frozenset[str]:
    rows = ROW.findall((ROOT / "docs/glossary.md").read_text())
    cells = (re.sub(r"\(now [^)]*\)", "", cell) for cell in rows)
    return frozenset(name for cell in cells for name in re.findall(r"`(\w+)`", cell))


def names(source: str) -> set[str]:
    """Classes, functions and attributes that are defined or used, and modules that are imported."""
    found = set[str]()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                found.add(node.name)
            case ast.Attribute():
                found.add(node.attr)
            case ast.ImportFrom():
                found |= {*(one.name for one in node.names), *(node.module or "").split(".")}
    return found


def test_a_word_that_is_gone_stays_gone() -> None:
    words = gone()
    assert {"worry", "Told", "order_message"} <= words
    again = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / "src/recoup").rglob("*.py"))
        if (found := sorted(words & names(path.read_text())))
    }
    assert again == {}


def test_names_are_found_wherever_they_stand() -> None:
    assert names("from a.told import Said\nclass Told: ...\nasync def worry(): x.calm()") == {
        "a",
        "told",
        "Said",
        "Told",
        "worry",
        "calm",
    }
