"""Runs the families of `make prove`, and notes in `tests/prove/took.json` how each went and how long it took.

.venv/bin/python scripts/prove.py [FAMILY ...] [-- PYTEST_ARGS]
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
TOOK: Final = ROOT / "tests/prove/took.json"
sys.path.insert(0, str(ROOT))
ALONE: Final = ("engine", "growth", "mutations", "scale", "simulate")  # they measure, or fill the memory


def main(given: list[str]) -> int:
    from tests.rings import FAMILIES

    split = given.index("--") if "--" in given else len(given)
    wanted, more = given[:split] or list(FAMILIES), given[split + 1 :]
    if unknown := set(wanted) - set(FAMILIES):
        print(f"no family {', '.join(sorted(unknown))}: {', '.join(FAMILIES)}")
        return 2
    took = json.loads(TOOK.read_text()) if TOOK.exists() else {}
    for family in wanted:
        print(f"{family:<12} {last(took.get(family)):<44} {FAMILIES[family]}", flush=True)
    worst = 0
    for family in wanted:
        began = time.monotonic()
        code = run(family, more)
        worst = worst or int(code != 0)  # ended by a signal, it is negative
        took = json.loads(TOOK.read_text()) if TOOK.exists() else {}  # of another run meanwhile
        took[family] = {
            "minutes": round((time.monotonic() - began) / 60, 1),
            "result": "passed" if code == 0 else "failed",
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
            "commit": commit(),
        }
        TOOK.write_text(json.dumps(took, indent=1, sort_keys=True) + "\n")
        print(f"{family}: {last(took[family])}", flush=True)
    return worst


def run(family: str, more: list[str]) -> int:
    workers = "0" if family in ALONE else os.environ.get("WORKERS") or "auto"
    command = [sys.executable, "-m", "pytest", "-n", workers, "--dist", "worksteal", "--timeout=0", "-q", *more]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PROVE_FAMILY": family}, check=False).returncode


def last(run: dict[str, Any] | None) -> str:
    return f"{run['result']} in {run['minutes']} min, {run['on']}, {run['commit']}" if run else "never run"


def commit() -> str:
    asked = ["git", "rev-parse", "--short=8", "HEAD"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
