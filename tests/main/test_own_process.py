"""A computation's own process: what it answers, that it ends, and that its command line holds no
secret."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.rings import each

from recoup.main.own_process import NoAnswerError, answer_of

PYTHON = [sys.executable, "-c"]
PARENT = """
import asyncio, os, sys
from recoup.main.own_process import answer_of
print(asyncio.run(answer_of([sys.executable, "-c", sys.argv[1]], os.environ, 60)), flush=True)
"""
# A shell in the background lets its processes ignore the signal; training does not, and neither
# does this.
CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
print(os.getpid(), file=sys.stderr, flush=True)
time.sleep(60)
"""


def answered(*command: str, seconds: float = 30) -> Any:
    return asyncio.run(answer_of(list(command), os.environ, seconds))


def test_what_the_process_answers_is_what_was_found() -> None:
    assert answered(*PYTHON, 'print(\'{"result": "taken"}\')') == {"result": "taken"}


@each(
    ("command", "said"),
    [
        ([*PYTHON, "raise SystemExit(3)"], "ended with 3 and without an answer"),
        ([*PYTHON, "import os; os.kill(os.getpid(), 9)"], "ended with -9"),
        (["/no/such/program"], "could not be started"),
        ([*PYTHON, "print('x' * 100_000)"], "no answer that can be read"),
        ([*PYTHON, "print('[]')"], "no answer that"),
        ([*PYTHON, 'print(\'{"failed": "It is too much."}\')'], "It is too much"),
    ],
)
def test_a_process_that_fails_says_why(command: list[str], said: str) -> None:
    with pytest.raises(NoAnswerError, match=said):
        answered(*command)


def test_a_process_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match="took longer than"):
        answered(*PYTHON, "import time; time.sleep(60)", seconds=0.5)
    assert time.monotonic() - began < 20


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its own alarm ends it")
def test_when_the_worker_is_killed_the_process_ends(tmp_path: Path) -> None:
    parent = subprocess.Popen([*PYTHON, PARENT, CHILD], stderr=subprocess.PIPE, text=True)
    assert parent.stderr is not None
    child = int(parent.stderr.readline())
    parent.kill()
    parent.communicate(timeout=30)
    give_up = time.monotonic() + 20
    while (
        Path(f"/proc/{child}").exists()
        and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]
    ):
        assert time.monotonic() < give_up, "it goes on alone"
        time.sleep(0.05)
