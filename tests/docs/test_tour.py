"""The tour is pasted into a shell, block by block, against a Recoup that was just started."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.running import ROOT, clean_environment, running
from tests.docs.tour import as_script, matches, steps

UP_SECONDS = 60
TOUR_SECONDS = 240


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A running `recoup up` on a free port, in a folder of its own."""
    folder = tmp_path / "data"
    with running(folder, tmp_path / "up.log", UP_SECONDS):
        yield folder


@pytest.mark.timeout(UP_SECONDS + TOUR_SECONDS + 30)
def test_the_tour_works_as_it_is_written_and_so_does_the_page_that_takes_its_variables(data_dir: Path) -> None:
    found = steps(ROOT / "docs/tour.md")
    assert len(found) > 8
    found += steps(ROOT / "docs/hand-over-well.md")[:1]
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
