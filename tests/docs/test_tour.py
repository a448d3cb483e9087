"""The tour is pasted into a shell, block by block, against a Recoup that was just started."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.tour import as_script, matches, steps

ROOT = Path(__file__).resolve().parents[2]
RECOUP = ROOT / ".venv/bin/recoup"
UP_SECONDS = 60
TOUR_SECONDS = 90


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A running `recoup up` on a free port, in a folder of its own."""
    log = tmp_path / "up.log"
    folder = tmp_path / "data"
    with log.open("wb") as out:
        command = [str(RECOUP), "up", "--port", "0", "--data-dir", str(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=clean_environment())
    try:
        give_up = time.monotonic() + UP_SECONDS
        while "keys " not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up, log.read_text()
            time.sleep(0.1)
        yield folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RECOUP_")}


@pytest.mark.timeout(UP_SECONDS + TOUR_SECONDS + 30)
def test_the_tour_works_as_it_is_written(data_dir: Path) -> None:
    found = steps(ROOT / "docs/tour.md")
    assert len(found) > 8
    environment = clean_environment() | {"RECOUP_DATA_DIR": str(data_dir)}
    command = ["bash", "-c", as_script(found)]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TOUR_SECONDS)
    told = f"{ran.stdout}\n{ran.stderr}"
    assert ran.returncode == 0, told
    rest = ran.stdout.splitlines()
    for number, step in enumerate(found):
        end = rest.index(f"--- end of block {number}")
        block, rest = rest[:end], rest[end + 1 :]
        for shown in step.shown:
            place = next((at for at, line in enumerate(block) if matches(shown, line)), None)
            assert place is not None, f"block {number} does not print {shown!r}:\n{told}"
            block = block[place + 1 :]
