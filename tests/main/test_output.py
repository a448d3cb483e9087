"""What a process prints holds nobody up: not a full disk, not a closed pipe, not a reader that
stands still."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

_SAYS = """
import sys, time
from recoup.kernel.lines import line
from recoup.main.logs import start_logs
from recoup.main.output import guard_output
guard_output(stdout=False)
start_logs("info")
began = time.monotonic()
for number in range(40_000):
    line("call", number=number, text="x" * 100)
print("printed", file=sys.stderr)
took = time.monotonic() - began
print(f"{took < 20} {sys.stderr.waiting_bytes <= 4 << 20}", flush=True)
"""


_FILLS = """
import resource, sys
from recoup.main.metrics import REGISTRY
from recoup.main.output import guard_output
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_050, most))
guard_output(stdout=False)
for number in range(200):
    print(f"{number:099}", file=sys.stderr)
sys.stderr.finish(20)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
print("room again", file=sys.stderr)
sys.stderr.finish(20)
print(int(REGISTRY.get_sample_value("recoup_log_lines_lost_total")))
"""


def says(stderr: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", _SAYS], stdout=subprocess.PIPE, stderr=stderr, timeout=60, check=True
    )
    return done.stdout.decode().strip()


def test_a_reader_that_stands_still_holds_nobody_up() -> None:
    reads, writes = os.pipe()
    try:
        assert says(writes) == "True True"
    finally:
        os.close(reads)
        os.close(writes)


def test_a_closed_pipe_ends_nothing() -> None:
    reads, writes = os.pipe()
    os.close(reads)
    try:
        assert says(writes) == "True True"
    finally:
        os.close(writes)


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="the system has no disk that is always full"
)
def test_a_full_disk_ends_nothing() -> None:
    with open("/dev/full", "wb") as full:
        assert says(full.fileno()) == "True True"


def test_a_reader_that_goes_on_gets_each_line_whole_and_hears_how_many_were_lost() -> None:
    reads, writes = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", _SAYS], stdout=subprocess.PIPE, stderr=writes)
    os.close(writes)
    time.sleep(1.5)
    with open(reads, "rb") as pipe:
        lines = pipe.read().split(b"\n")
    process.communicate(timeout=60)
    assert lines.pop() == b""
    told = [one for one in lines if b"log lines lost" in one]
    calls = [one for one in lines if one.startswith(b'{"event":"call"')]
    assert lines[-1] == b"printed"
    assert len(told) + len(calls) + 1 == len(lines), "no line is torn"
    if len(calls) < 40_000:
        assert told


def test_what_a_full_disk_lost_is_counted_and_said_once_there_is_room(tmp_path: Path) -> None:
    with open(tmp_path / "log", "ab") as log:
        command = [sys.executable, "-c", _FILLS]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, timeout=60, check=True)
    *written, torn, told, last = (tmp_path / "log").read_text().split("\n")[:-1]
    assert (len(written), len(torn)) == (50, 50)
    assert (json.loads(told), last) == (
        {"event": "log lines lost", "level": "warning", "lines": 150},
        "room again",
    )
    assert int(done.stdout) == 150
