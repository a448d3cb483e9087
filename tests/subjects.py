"""The source by subject, and by what a file of it is: `rules`, `store`, `moves`, `flows`, `api`,
`page` or `cli`."""

import io
import tokenize
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Final

import recoup

SOURCE: Final = Path(recoup.__file__).parent
DOORS: Final = ("api", "page", "cli")
_NO_TEXT: Final = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
KINDS: Final = (*DOORS, "flows", "moves", "store", "gateways", "rules")
# Subjects, and folders of the kit, that are of one kind.
_ONE_KIND: Final = {
    "networks": "rules",
    "db": "store",
    "outside": "gateways",
    "checkout": "page",
    "docs": "page",
    "kit/edge": "api",
    "kit/proofs": "store",
    "kit/files": "rules",
    "kit/languages": "rules",
    "kit/lists": "rules",
}


def kind_of(name: str) -> str:
    """`flows` for `refunds/flows/refund.py`; empty where a file is of no kind."""
    subject, inner = (name.removesuffix(".py").split("/") + [""])[:2]
    if name == "kit/lists/bounded.py" or inner.endswith("store"):
        return "store"
    return (
        inner
        if inner in KINDS
        else _ONE_KIND.get(subject) or _ONE_KIND.get(f"{subject}/{inner}", "")
    )


def files_of(*kinds: str) -> Iterator[Path]:
    """The Python files of these kinds, in order of their names."""
    for file in sorted(SOURCE.rglob("*.py")):
        if kind_of(file.relative_to(SOURCE).as_posix()) in kinds:
            yield file


def tokens_of(file: Path) -> int:
    """The size of a Python file, however its lines are broken. Comments do not count."""
    read = io.StringIO(file.read_text()).readline
    return sum(token.type not in _NO_TEXT for token in tokenize.generate_tokens(read))


def modules_of(*kinds: str) -> Iterator[ModuleType]:
    for file in files_of(*kinds):
        parts = file.relative_to(SOURCE.parent).with_suffix("").parts
        yield import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
