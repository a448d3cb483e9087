"""A `recoup up` on a free port, in a folder of its own, as a user has it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def running(data_dir: Path, log: Path, seconds: float) -> Iterator[str]:
    """What it printed, once it is ready; that takes `seconds` at most."""
    command = [str(ROOT / ".venv/bin/recoup"), "up", "--port", "0", "--data-dir", str(data_dir)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=clean_environment()
        )
    try:
        give_up = time.monotonic() + seconds
        while "keys " not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.1)
        yield log.read_text()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def clean_environment() -> dict[str, str]:
    """Without any setting of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RECOUP_")}


def bare_environment() -> dict[str, str]:
    """Where programs are, and which hour it is."""
    kept = ("PATH", "HOME", "LANG", "LD_PRELOAD", "FAKETIME")
    return {name: os.environ[name] for name in kept if name in os.environ}
