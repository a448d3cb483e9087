"""Runs the families of `make prove`, and notes in `tests/prove/took.json` how each went and how
long it took.

.venv/bin/python scripts/prove.py [FAMILY ...] [-- PYTEST_ARGS]
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
TOOK: Final = ROOT / "tests/prove/took.json"
sys.path.insert(0, str(ROOT))
ALONE: Final = (
    "citus",
    "engine",
    "growth",
    "mutations",
    "scale",
    "simulate",
)  # they measure, or fill the memory


def main(given: list[str]) -> int:
    from tests.rings import FAMILIES

    split = given.index("--") if "--" in given else len(given)
    wanted, more = given[:split] or list(FAMILIES), given[split + 1 :]
    if unknown := set(wanted) - set(FAMILIES):
        print(f"no family {', '.join(sorted(unknown))}: {', '.join(FAMILIES)}")
        return 2
    for family in wanted:
        print(f"{family:<12} {last(noted().get(family)):<44} {FAMILIES[family]}", flush=True)
    worst = 0
    for family in wanted:
        if family == "citus" and (lack := without_citus()):
            print(lack, flush=True)
            continue
        result = with_each_python() if family == "pythons" else timed(partial(run, family, more))
        note(family, result)
        print(f"{family}: {last(result)}", flush=True)
        worst = worst or int(result["result"] != "passed")
    return worst


def without_citus() -> str:
    """Why the family cannot run; "" where it can."""
    from citus import NEEDS, built

    return "" if built() else NEEDS


def with_each_python() -> dict[str, Any]:
    """What became of the family; what became of each Python is noted at once, and kept of those
    that are not here."""
    from tests.passed_on import tree_of

    from pythons import clone_of, interpreters, passes

    whole: dict[str, Any] = {"minutes": 0.0, "result": "passed"}
    for version, program in interpreters().items():
        print(f"Python {version}: {program}", flush=True)
        clone = clone_of(version)
        run = timed(partial(passes, clone, program), at=clone)
        print(f"Python {version}: {last(run)}", flush=True)
        result = "failed" if "failed" in (whole["result"], run["result"]) else "passed"
        whole = run | {"minutes": round(whole["minutes"] + run["minutes"], 1), "result": result}
        each = noted().get("pythons", {}).get("each", {})
        whole["each"] = each | {clone.name: run | {"version": version, "tree": tree_of(clone)}}
        note("pythons", whole)
    return whole


def timed(work: Callable[[], bool], at: Path = ROOT) -> dict[str, Any]:
    commit, began = commit_of(at), time.monotonic()
    result = "passed" if work() else "failed"
    minutes = round((time.monotonic() - began) / 60, 1)
    return {
        "minutes": minutes,
        "result": result,
        "on": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit,
    }


def noted() -> dict[str, Any]:
    return json.loads(TOOK.read_text()) if TOOK.exists() else {}


def note(family: str, result: dict[str, Any]) -> None:
    took = noted() | {family: result}  # of another run meanwhile
    TOOK.write_text(json.dumps(took, indent=1, sort_keys=True) + "\n")


def run(family: str, more: list[str]) -> bool:
    workers = "0" if family in ALONE else os.environ.get("WORKERS") or "auto"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        workers,
        "--dist",
        "worksteal",
        "--timeout=0",
        "-q",
        *more,
    ]
    ran = subprocess.run(command, cwd=ROOT, env={**os.environ, "PROVE_FAMILY": family}, check=False)
    return ran.returncode == 0


def last(run: dict[str, Any] | None) -> str:
    return (
        f"{run['result']} in {run['minutes']} min, {run['on']}, {run['commit']}"
        if run
        else "never run"
    )


def commit_of(folder: Path) -> str:
    asked = ["git", "rev-parse", "--short=8", "HEAD"]
    return subprocess.run(
        asked, cwd=folder, capture_output=True, text=True, check=False
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
