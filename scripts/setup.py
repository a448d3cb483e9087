"""Build `.venv` from the locked requirements; do nothing when it already matches them.

    python3 scripts/setup.py run|dev

Needs nothing but Python's standard library. `dev` holds everything `run` does. The stamp inside `.venv` names
the interpreter, the checkout and the lock's hash: when one of them changes, the environment is brought up to
date or made anew. Two set-ups of one checkout wait for each other.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".recoup-setup.json"
ENTRY = "import sys\n\nfrom recoup.main.cli import run\n\nif __name__ == '__main__':\n    sys.exit(run())\n"


def main(kind: str) -> None:
    with only_one():
        wanted = {"checkout": str(ROOT), "python": interpreter(), "run": digest("run"), "dev": digest("dev")}
        have = stamp()
        same_place = all(have.get(key) == wanted[key] for key in ("checkout", "python"))
        satisfied = have.get("dev") == wanted["dev"] or (kind == "run" and have.get("run") == wanted["run"])
        if same_place and satisfied and (VENV / "bin/recoup").exists():
            return
        if kind == "run" and same_place and have.get("dev"):
            kind = "dev"
        STAMP.unlink(missing_ok=True)
        install(kind, fresh=not same_place)
        link_checkout()
        installed = wanted if kind == "dev" else {**wanted, "dev": None}
        STAMP.write_text(json.dumps(installed, indent=1) + "\n")


def only_one() -> TextIO:
    """Hold the checkout's lock until the returned file is closed; the lock file is this very script."""
    script = Path(__file__).open()  # noqa: SIM115 - held until the caller is done
    fcntl.flock(script, fcntl.LOCK_EX)
    return script


def interpreter() -> str:
    return f"{os.path.realpath(sys.executable)} {sys.version.split()[0]}"


def digest(kind: str) -> str:
    return hashlib.sha256((ROOT / f"requirements/{kind}.txt").read_bytes()).hexdigest()


def stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def install(kind: str, *, fresh: bool) -> None:
    print(f"setting up .venv ({kind}) ...", flush=True)
    lock = str(ROOT / f"requirements/{kind}.txt")
    uv = shutil.which("uv")
    if uv:
        made = not fresh or succeeds(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV))
        locked = ("--quiet", "--python", python(), "--require-hashes", "-r", lock)
        if made and succeeds(uv, "pip", "install", *locked):
            return
        print("uv could not do it; trying venv and pip", flush=True)
        fresh = True
    if fresh or not succeeds(python(), "-c", "import pip"):
        make_venv()
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps")
    done = subprocess.run([python(), *pip, "-r", lock], check=False, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        sys.exit("setup: pip could not install the locked requirements; its own words are above")


def make_venv() -> None:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        sys.exit("setup: this Python cannot make environments; install it: apt-get install python3-venv")
    if not succeeds(sys.executable, "-m", "venv", "--clear", str(VENV)):
        sys.exit("setup: could not make .venv; on Debian and Ubuntu: apt-get install python3-venv")


def link_checkout() -> None:
    """Make `import recoup` and `.venv/bin/recoup` mean this checkout, without building a package."""
    ask = [python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    (site / "recoup.pth").write_text(f"{ROOT / 'src'}\n")
    script = VENV / "bin/recoup"
    # A #! line breaks on spaces and beyond 127 bytes; sh carries any path.
    script.write_text(f"#!/bin/sh\n'''exec' '{python()}' \"$0\" \"$@\"\n' '''\n{ENTRY}")
    script.chmod(0o755)


def python() -> str:
    return str(VENV / "bin/python")


def succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["run"], ["dev"]):
        sys.exit(__doc__)
    if sys.version_info < (3, 11):  # noqa: UP036 - this very check is for the older ones
        sys.exit(f"setup: needs Python 3.11 or newer, not {sys.version.split()[0]} (make PYTHON=...)")
    main(sys.argv[1])
