"""The code stands in its formatter's shape; only tables of data are laid out by hand."""

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator

from tests.repo.test_house import ROOT, name_of, project_files

DATA = ast.Dict | ast.List | ast.Set | ast.Tuple


def tables(body: Iterable[ast.stmt]) -> Iterator[range]:
    """The lines of each constant of a module or class that is a literal of several values."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from tables(node.body)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            value: ast.expr = node.value
            if isinstance(value, ast.Call) and len(value.args) == 1:
                value = value.args[0]
            if isinstance(value, DATA):
                yield range(node.lineno, (node.end_lineno or node.lineno) + 1)


def laid_out_elsewhere(source: str) -> list[int]:
    if "fmt: " not in source:
        return []
    comments = (
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT and "fmt: " in token.string
    )
    by_hand = [token.start[0] for token in comments]
    known = list(tables(ast.parse(source).body)) if by_hand else []
    return [line for line in by_hand if not any(line in rows for rows in known)]


def test_the_formatter_would_change_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--quiet", "--diff", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[:2_000] + done.stderr


def test_only_tables_of_data_are_laid_out_by_hand() -> None:
    found = [
        f"{name_of(file)}:{line}"
        for file in project_files()
        if file.suffix == ".py"
        for line in laid_out_elsewhere(file.read_text())
    ]
    assert not found, f"the formatter's shape is good enough for these: {found}"


def test_a_call_in_a_function_is_no_table() -> None:
    assert laid_out_elsewhere("A = {\n 1: 2,\n}  # fmt: skip\n") == []
    assert laid_out_elsewhere("def f():\n    return {1: 2,\n            }  # fmt: skip\n") == [3]
    assert laid_out_elsewhere("A = print(1,\n          2)  # fmt: skip\n") == [2]
