"""Mutations drawn at random over rules, moves and store: each is found by a ring, and the table
says by which.

Again: `PROVE_MUTANTS=50 make prove FAMILY=mutations`. Each mutant stands in a copy of the sources;
what survives `make check`'s tests meets the others, of each ring first those that import it or one
of its importers. A survivor is looked at by a person: it may change nothing that counts.
"""

import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.rings import ROOT, seed
from tests.subjects import files_of

from recoup.kernel.feature import features

MUTANTS = int(os.environ.get("PROVE_MUTANTS", "12"))
SURVIVORS_MAX = 0.15
KINDS = ("rules", "moves", "store")
SOURCES = ROOT / "src/recoup"
_SUBJECTS = sorted(one for one in (ROOT / "tests").iterdir() if (SOURCES / one.name).is_dir())
_FAST = [one / kind for one in _SUBJECTS for kind in ("rules", "store") if (one / kind).is_dir()]
_FAST += [ROOT / "tests" / one for one in ("kernel", "networks", "db")]
RINGS = {
    "check": [str(one.relative_to(ROOT)) for one in _FAST],
    "test": [*(str(one.relative_to(ROOT)) for one in _SUBJECTS), "tests/isolation", "packages"],
}
IMPORTED = re.compile(r"^from ([\w.]+) import (\([^)]*\)|.+)$", re.M)
COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COMPUTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult}


def mutations(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Places in a module that can be changed, by the number that `changed` takes, and what is
    there."""
    for number, node in enumerate(ast.walk(tree)):
        kinds = (
            [type(node.ops[0])]
            if isinstance(node, ast.Compare)
            else [type(getattr(node, "op", None))]
        )
        numeric = isinstance(node, ast.Constant) and type(node.value) is int
        negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        if (
            kinds[0] in COMPARED
            or kinds[0] in COMPUTED
            or isinstance(node, ast.BoolOp)
            or negated
            or numeric
        ):
            yield number, f"line {getattr(node, 'lineno', 0)}: {ast.unparse(node)[:60]}"


def changed(source: str, number: int) -> str:
    """The source with one node written anew, and everything else as it was."""
    node = copy.deepcopy(list(ast.walk(ast.parse(source)))[number])
    if isinstance(node, ast.Compare):
        node.ops[0] = COMPARED[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp):
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif isinstance(node, ast.BinOp | ast.AugAssign):
        node.op = COMPUTED[type(node.op)]()
    elif isinstance(node, ast.Constant):
        node.value = int(node.value) + 1  # type: ignore[arg-type]
    elif isinstance(node, ast.UnaryOp):
        node = node.operand
    text = ast.unparse(node) if isinstance(node, ast.AugAssign) else f"({ast.unparse(node)})"
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:line])) for line in range(len(lines))]
    place = list(ast.walk(ast.parse(source)))[number]
    begin, end = (
        starts[place.lineno - 1] + place.col_offset,
        starts[place.end_lineno - 1] + place.end_col_offset,
    )
    whole = source.encode()
    return (whole[:begin] + text.encode() + whole[end:]).decode()


def drawn() -> Iterator[tuple[Path, int, str]]:
    chance = random.Random(seed())
    sources = sorted(
        {
            *files_of(*KINDS),
            *(file for one in features() for file in one.folder.rglob("*.py") if one.folder),
        }
    )
    while True:
        file = chance.choice(sources)
        if found := list(mutations(ast.parse(file.read_text()))):
            number, what = chance.choice(found)
            yield file, number, what


@cache
def importers() -> dict[str, set[Path]]:
    """Module -> the files of the tree that name it."""
    found: dict[str, set[Path]] = {}
    for folder in ("src/recoup", "tests", "packages"):
        for file in (ROOT / folder).rglob("*.py"):
            for package, names in IMPORTED.findall(file.read_text()):
                for name in (
                    package,
                    *(f"{package}.{one.strip()}" for one in names.strip("()").split(",")),
                ):
                    found.setdefault(name, set()).add(file)
    return found


def near(mutated: Path, folders: list[str]) -> list[str]:
    """The ring's tests that import the module or one that does; of a feature, which is loaded by
    name, its own."""
    users = importers().get(module_of(mutated), set())
    users = users.union(
        *(importers().get(module_of(one), set()) for one in users if one.is_relative_to(SOURCES))
    )
    tests = sorted(str(one.relative_to(ROOT)) for one in users if one.name.startswith("test_"))
    subject = mutated.relative_to(SOURCES).parts[0]
    own = [f"tests/{subject}"] if subject in {one.name for one in features() if one.folder} else []
    return [
        one
        for one in (*own, *tests)
        if any(f"{one}/".startswith(f"{folder}/") for folder in folders)
    ]


def module_of(file: Path) -> str:
    return ".".join(("recoup", *file.relative_to(SOURCES).with_suffix("").parts)).removesuffix(
        ".__init__"
    )


class Copy:
    """Of the sources, where one module is changed at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        environment = {name: value for name, value in os.environ.items() if name != "PROVE_FAMILY"}
        self._environment = environment | {"PYTHONPATH": str(folder / "src"), "PROVE_DRAW": seed()}
        leave = shutil.ignore_patterns(
            ".git", ".venv", ".recoup", "__pycache__", ".mypy_cache", ".hypothesis"
        )
        shutil.copytree(ROOT, folder, ignore=leave, symlinks=True)

    def caught_by(self, file: Path, number: int) -> tuple[str, str] | None:
        """The ring and the test that finds it: one that passes without the change and fails with
        it, also alone."""
        place, original = self._folder / file.relative_to(ROOT), file.read_text()
        mutant = changed(original, number)
        place.write_text(mutant)
        try:
            for ring, folders in RINGS.items():
                spared: list[str] = []
                for some in filter(None, (near(file, folders), folders)):
                    while (
                        found := self._failed(*some, *(f"--deselect={one}" for one in spared))
                    ) is not None:
                        place.write_text(original)
                        honest = self._failed(found) is None
                        place.write_text(mutant)
                        if honest and self._failed(found) is not None:
                            return ring, found
                        spared.append(found)
        finally:
            place.write_text(original)
        return None

    def _failed(self, *tests: str) -> str | None:
        """The first that does; what cannot be collected is named as it was given."""
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-n",
            "2",
            "-p",
            "no:cacheprovider",
            *tests,
        ]
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return None
        found = re.search(
            r"^(?:FAILED|ERROR) ((?:tests|packages)/.+?)(?: - .*)?$", done.stdout, re.M
        )
        assert found is not None or done.returncode in (3, 4), done.stdout[
            -2000:
        ]  # nothing could be run at all
        return found[1] if found is not None else tests[0]


def test_what_is_changed_at_random_is_found(tmp_path: Path) -> None:
    copied = Copy(tmp_path / "recoup")
    found = Counter[str]()
    for (file, number, what), _ in zip(drawn(), range(MUTANTS), strict=False):
        ring, test = copied.caught_by(file, number) or ("SURVIVED", "")
        found[ring] += 1
        print(f"{ring:<9} {file.relative_to(ROOT)} {what}  {test}", flush=True)
    print(dict(found))
    assert found["SURVIVED"] <= SURVIVORS_MAX * MUTANTS, found
