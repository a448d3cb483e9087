"""Asks PyPI's advisories about every package that Recoup runs with, and fails on a known
vulnerability that has a fix.

.release/bin/python scripts/audit.py [--needs-network]

Where the advisories cannot be reached, it says that nothing was audited, and fails with
--needs-network alone.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
LOCKS: Final = ("run", "barman")


def main(needs_network: bool) -> int:
    locks = [word for name in LOCKS for word in ("-r", str(ROOT / f"requirements/{name}.txt"))]
    command = [
        f"{Path(sys.executable).parent}/pip-audit",
        "--disable-pip",
        "--require-hashes",
        "--format=json",
    ]
    ran = subprocess.run(
        [*command, "--progress-spinner=off", *locks], capture_output=True, text=True, check=False
    )
    return judged(ran.stdout, ran.stderr, needs_network)


def judged(output: str, errors: str, needs_network: bool) -> int:
    """Prints what pip-audit found, and answers with the exit code."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        packages = []
    audited = [one for one in packages if "vulns" in one]
    if not audited:
        said = (
            f"{len(packages)} packages are unknown there"
            if packages
            else (errors.strip() or "no answer")[-300:]
        )
        print(f"audit: the advisories are not reachable, so nothing was audited ({said})")
        return int(needs_network)
    found = [(one, vulnerability) for one in audited for vulnerability in one["vulns"]]
    for one, vulnerability in found:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no release yet"
        print(f"audit: {one['name']} {one['version']}: {vulnerability['id']}, fixed in {fixed}")
    unknown = len(packages) - len(audited)
    print(
        f"audit: {len(audited)} packages, {len(found)} known vulnerabilities, {unknown} packages "
        f"unknown there"
    )
    return int(
        any(vulnerability["fix_versions"] for _, vulnerability in found)
        or (needs_network and unknown > 0)
    )


if __name__ == "__main__":
    sys.exit(main("--needs-network" in sys.argv[1:]))
