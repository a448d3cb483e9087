"""The Pythons on which a tree last passed both rings, as `make prove FAMILY=pythons` has noted."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
RECORD: Final = "tests/prove/took.json"


def tree_of(root: Path = ROOT) -> str:
    """A hash of what the commit holds without the record, which would change it."""
    lines = _git(root, "ls-tree", "-r", "HEAD").splitlines()
    held = "\n".join(line for line in lines if not line.endswith(f"\t{RECORD}"))
    return hashlib.sha256(held.encode()).hexdigest()[:16]


def told(root: Path = ROOT) -> str:
    """A line for the head of a run."""
    record = root / RECORD
    noted: dict[str, Any] = json.loads(record.read_text()) if record.exists() else {}
    each = noted.get("pythons", {}).get("each", {})
    if not each:
        return "Pythons: passed on none yet (make prove FAMILY=pythons)"
    tree = tree_of(root)
    said = []
    for run in sorted(
        each.values(), key=lambda run: [int(part) for part in run["version"].split(".")]
    ):
        where = (
            "this tree" if run["tree"] == tree else f"another tree ({run['commit']}, {run['on']})"
        )
        said.append(f"{run['version']} {run['result']} on {where}")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", f":!{RECORD}")
    return f"Pythons: {', '.join(said)}" + ("; not all of this is committed" if changed else "")


def _git(root: Path, *words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False)
    return ran.stdout
