"""Build `.venv` from the locked requirements; do nothing when it already matches them.

python3 scripts/setup.py run|dev

Needs nothing but Python's standard library. `dev` holds everything `run` does. The stamp inside
`.venv` names the interpreter, the checkout and the hashes of the locks and of what the packages
declare: when one of them changes, the environment is brought up to date or made anew. Two set-ups
of one checkout wait for each other.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / ".recoup-setup.json"
TELL_SECONDS = 5.0
NEWER = (3, 15)  # than what the lock has wheels for
OURS = "recoup-setup\n"  # what an operator installed under a like name stays
PACKAGES = sorted((ROOT / "packages").glob("*/pyproject.toml"))
ENTRY = (
    "import sys\n\nfrom recoup.main.cli import run\n\nif __name__ == '__main__':\n    "
    "sys.exit(run())\n"
)


def main(kind: str) -> None:
    with only_one():
        wanted = {"checkout": str(ROOT), "python": interpreter(), "packages": digest(*PACKAGES)}
        wanted |= {name: digest(ROOT / f"requirements/{name}.txt") for name in ("run", "dev")}
        have = stamp()
        same_place = all(have.get(key) == wanted[key] for key in ("checkout", "python"))
        satisfied = have.get("dev") == wanted["dev"] or (
            kind == "run" and have.get("run") == wanted["run"]
        )
        linked = have.get("packages") == wanted["packages"] and (VENV / "bin/recoup").exists()
        if same_place and satisfied and linked:
            return
        if kind == "run" and same_place and have.get("dev"):
            kind = "dev"
        STAMP.unlink(missing_ok=True)
        if not (same_place and satisfied):
            install(kind, fresh=not same_place)
        link_checkout()
        installed = wanted if kind == "dev" else {**wanted, "dev": None}
        STAMP.write_text(json.dumps(installed, indent=1) + "\n")


def only_one() -> TextIO:
    """Hold the checkout's lock until the returned file is closed; the lock file is this very
    script."""
    script = Path(__file__).open()  # noqa: SIM115 - held until the caller is done
    fcntl.flock(script, fcntl.LOCK_EX)
    return script


def interpreter() -> str:
    return f"{os.path.realpath(sys.executable)} {sys.version.split()[0]}"


def digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def install(kind: str, *, fresh: bool) -> None:
    lock = str(ROOT / f"requirements/{kind}.txt")
    count = sum(
        bool(re.match(r"[a-z0-9].*==", line, re.IGNORECASE))
        for line in Path(lock).read_text().splitlines()
    )
    print(
        f"Setting up .venv ({kind}) in {VENV}: some minutes the first time, nothing afterwards.",
        flush=True,
    )
    uv = shutil.which("uv")
    if uv:
        say(f"1/2  making the environment with {Path(uv).name}")
        made = not fresh or succeeds(
            uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)
        )
        say(f"2/2  installing about {count} packages")
        locked = ("--quiet", "--python", python(), "--require-hashes", "-r", lock)
        if made and succeeds(uv, "pip", "install", *locked):
            return
        print("uv could not do it; trying venv and pip", flush=True)
        fresh = True
    if fresh or not succeeds(python(), "-c", "import pip"):
        say("1/2  making the environment")
        make_venv()
    say(f"2/2  installing about {count} packages")
    pip_install(lock, count)


def pip_install(lock: str, count: int) -> None:
    """Installs the lock file; reports each package on a terminal, otherwise one now and then.
    Modules are compiled as they are first imported, as uv leaves them: most never are."""
    pip = (
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
        "--require-hashes",
    )
    command = [python(), *pip, "--no-compile", "--no-deps", "-r", lock]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    heard, done, told = [], 0, time.monotonic()
    for line in process.stdout:
        heard.append(line)
        found = re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line)
        done += found is not None
        if found and sys.stdout.isatty():
            print(f"\r\x1b[K     {done}/{count}  {found[1]}", end="", flush=True)
        elif found and time.monotonic() - told > TELL_SECONDS:
            told = time.monotonic()
            say(f"     {done}/{count}  {found[1]}")
        elif line.startswith("Installing"):
            print("\r\x1b[K" if sys.stdout.isatty() else "", end="")
            say("     unpacking them")
    if process.wait():
        print("".join(heard), file=sys.stderr)
        known = (
            ""
            if sys.version_info < NEWER
            else f"; the lock is for Python up to 3.{NEWER[1] - 1} (make PYTHON=...)"
        )
        sys.exit(
            f"setup: pip could not install the locked requirements; its own words are above{known}"
        )


def say(words: str) -> None:
    print(f"  {words}", flush=True)


def make_venv() -> None:
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        sys.exit(
            "setup: this Python cannot make environments; install it: apt-get install python3-venv"
        )
    if not succeeds(sys.executable, "-m", "venv", "--clear", str(VENV)):
        sys.exit("setup: could not make .venv; on Debian and Ubuntu: apt-get install python3-venv")


def link_checkout() -> None:
    """Make `import recoup`, `.venv/bin/recoup` and the packages mean this checkout, without
    building any."""
    ask = [python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip())
    sources = [ROOT / "src", *(declared.parent / "src" for declared in PACKAGES)]
    (site / "recoup.pth").write_text("".join(f"{source}\n" for source in sources))
    for stale in site.glob("recoup_*.dist-info"):
        if (stale / "INSTALLER").is_file() and (stale / "INSTALLER").read_text() == OURS:
            shutil.rmtree(stale)
    for declared in PACKAGES:
        describe(tomllib.loads(declared.read_text())["project"], site)
    script = VENV / "bin/recoup"
    # A #! line breaks on spaces and beyond 127 bytes; sh carries any path.
    script.write_text(f"#!/bin/sh\n'''exec' '{python()}' \"$0\" \"$@\"\n' '''\n{ENTRY}")
    script.chmod(0o755)


def describe(project: dict[str, Any], site: Path) -> None:
    """Write what `importlib.metadata` reads of an installed package: its name, version and entry
    points."""
    folder = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "INSTALLER").write_text(OURS)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (folder / "METADATA").write_text(head)
    lines = []
    for group, entries in project.get("entry-points", {}).items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in entries.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")


def python() -> str:
    return str(VENV / "bin/python")


def succeeds(*command: str) -> bool:
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["run"], ["dev"]):
        sys.exit(__doc__)
    if sys.version_info < (3, 11):  # noqa: UP036 - this very check is for the older ones
        sys.exit(
            f"setup: needs Python 3.11 or newer, not {sys.version.split()[0]} (make PYTHON=...)"
        )
    main(sys.argv[1])
