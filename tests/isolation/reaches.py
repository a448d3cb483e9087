"""Who reaches what in the code: each function with all that it names, through modules and imports."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import recoup

ROOT = Path(recoup.__file__).parent
ROOMS = ("doors", "features/chains", "flows", "moves", "store")


class Named(NamedTuple):
    """A function or class at the top of a module; a class stands for its methods."""

    module: str
    name: str
    node: ast.stmt


class Code(NamedTuple):
    """`named_by`: name -> those whose text names it."""

    all: Mapping[str, Named]
    named_by: Mapping[str, frozenset[str]]

    def who_reaches(self, names: Iterable[str], *, not_through: Iterable[str] = ()) -> set[str]:
        """All that reach one of the names, and they."""
        found, closed = set(names), set(not_through)
        waiting = list(found)
        while waiting:
            for one in self.named_by.get(waiting.pop(), frozenset()):
                if one not in found and one not in closed:
                    found.add(one)
                    waiting.append(one)
        return found


def _imports(tree: ast.AST, module: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.asname or one.name: one.name for one in node.names}
    return found


@cache
def read_code() -> Code:
    every: dict[str, Named] = {}
    names: dict[str, dict[str, str]] = {}
    for path in sorted(one for room in ROOMS for one in (ROOT / room).rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names[module] = _imports(tree, module)
        for node in tree.body:
            made = []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                made = [node.name]
            elif isinstance(node, ast.Assign | ast.AnnAssign):  # a table of functions, too
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                made = [one.id for one in targets if isinstance(one, ast.Name)]
            for name in made:
                every[f"{module}.{name}"] = Named(module, name, node)
                names[module][name] = f"{module}.{name}"
    named_by: dict[str, set[str]] = defaultdict(set)
    for key, one in every.items():
        local = names[one.module]
        for node in ast.walk(one.node):
            if isinstance(node, ast.Name) and node.id in local:
                named_by[local[node.id]].add(key)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                named_by[f"{local.get(node.value.id, '')}.{node.attr}"].add(key)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value:
                named_by[node.value].add(key)
    return Code(every, {name: frozenset(by) for name, by in named_by.items()})


def decorated(node: ast.stmt) -> list[str]:
    """What stands in its decorators, as text."""
    return [ast.unparse(one) for one in getattr(node, "decorator_list", ())]
