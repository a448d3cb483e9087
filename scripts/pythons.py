"""README's two commands with each Python that this machine has: `make run` until it is ready, then
`make test`, which holds the first two rings. Each Python has a clone of the commit with a `.venv`
of its own under `.pythons`, both kept between runs. `PYTHONS="3.12 3.13"` takes some of them.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CLONES: Final = ROOT / ".pythons"
LEAST: Final = (3, 11)
READY_SECONDS: Final = 900.0  # set-up included, beside other work
OF_THIS_RUN: Final = (
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
    "PROVE_FAMILY",
    "PROVE_DRAW",
    "PYTEST_ARGS",
    "VIRTUAL_ENV",
)
ASK: Final = """
import ensurepip, os, sys, venv
print(*sys.version_info[:3], os.path.realpath(sys.executable))
"""


def interpreters() -> dict[str, str]:
    """Version and path of the newest Python of each minor version that can make environments."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [*os.get_exec_path(), *map(str, sorted(pyenv.glob("versions/*/bin")))]
    found: dict[tuple[int, ...], tuple[int, str]] = {}
    for program in {path for folder in folders for path in Path(folder).glob("python3.*")}:
        if not re.fullmatch(r"python3\.\d+", program.name):
            continue
        asked = subprocess.run(
            [program, "-c", ASK], capture_output=True, text=True, check=False, env=environment()
        )
        if asked.returncode:  # a shim of a version that is off, or a Python without venv
            continue
        major, minor, patch, where = asked.stdout.strip().split(" ", 3)
        if (version := (int(major), int(minor))) >= LEAST:
            found[version] = max(found.get(version, (-1, "")), (int(patch), where))
    wanted = os.environ.get("PYTHONS", "").split()
    named = {f"{major}.{minor}": found[major, minor] for major, minor in sorted(found)}
    if missing := [name for name in wanted if name not in named]:
        sys.exit(f"pythons: this machine has no {', '.join(missing)}, only {', '.join(named)}")
    return {
        f"{name}.{patch}": where
        for name, (patch, where) in named.items()
        if not wanted or name in wanted
    }


def environment() -> dict[str, str]:
    """This process's environment without what belongs to its own run."""
    return {name: value for name, value in os.environ.items() if name not in OF_THIS_RUN}


def clone_of(version: str) -> Path:
    """The Python's clone, at the commit of this checkout. A lock that has changed gets a new
    environment: set-up leaves in an old one what is locked no more."""
    clone = CLONES / version.rpartition(".")[0]
    if not (clone / ".git").exists():
        shutil.rmtree(clone, ignore_errors=True)
        _git("clone", "--quiet", "--no-checkout", str(ROOT), str(clone), at=ROOT)
    _git("fetch", "--quiet", str(ROOT), "HEAD", at=clone)
    lock = ("git", "diff", "--quiet", "HEAD", "FETCH_HEAD", "--", "requirements")
    if subprocess.run(lock, cwd=clone, check=False).returncode:
        shutil.rmtree(clone / ".venv", ignore_errors=True)
    _git("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", at=clone)
    _git("clean", "--quiet", "--force", "-d", at=clone)
    return clone


def passes(clone: Path, program: str) -> bool:
    """Whether both commands hold with that Python."""
    return _runs(clone, program) and _make(clone, program, "test").wait() == 0


def _runs(clone: Path, program: str) -> bool:
    """Whether `make run` gets ready, from an empty data folder."""
    shutil.rmtree(clone / ".recoup", ignore_errors=True)
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port = any_port.getsockname()[1]
    run = _make(clone, program, "run", f"PORT={port}")
    try:
        ready = _is_ready(run, f"http://127.0.0.1:{port}/readyz")
    finally:
        run.send_signal(signal.SIGTERM)
        try:
            run.wait(120)
        except subprocess.TimeoutExpired:
            run.kill()
    shutil.rmtree(clone / ".recoup", ignore_errors=True)
    return ready


def _is_ready(run: subprocess.Popen[bytes], url: str) -> bool:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and run.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - of our own making
                print(f"make run: {url} answers {answer.status}", flush=True)
                return True
        except OSError:  # not up yet, or not ready
            time.sleep(1)
    print("make run: did not get ready", flush=True)
    return False


def _make(clone: Path, program: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["make", f"PYTHON={program}", *words], cwd=clone, env=environment())


def _git(*words: str, at: Path) -> None:
    subprocess.run(["git", *words], cwd=at, check=True)
