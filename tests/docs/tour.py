"""The tour's blocks: what a reader pastes, and what the page says comes out."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
GAP = "…"


@dataclass
class Step:
    """One `bash` block, and the lines of the `text` block that follows it."""

    script: str
    shown: list[str]


def steps(page: Path) -> list[Step]:
    found: list[Step] = []
    for kind, body in _BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "bash":
            found.append(Step(body, []))
        elif kind == "text":
            found[-1].shown = body.splitlines()
    return found


def as_script(found: list[Step]) -> str:
    """All blocks in one shell, in order, with a mark after each."""
    parts = [f"{step.script}\nprintf '\\n--- end of block {number}\\n'\n" for number, step in enumerate(found)]
    return "set -euo pipefail\n" + "".join(parts)


def matches(shown: str, line: str) -> bool:
    """`…` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split(GAP))), line.strip()) is not None
