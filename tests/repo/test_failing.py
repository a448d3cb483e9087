"""A failing test says what is wrong in few lines: no locals, no frames of what drives it."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
LINES_MAX: Final = 10
FAILING: Final = """
import asyncio
import structlog

def test_it():
    async def story():
        try:
            await asyncio.wait_for(broken(list(range(99))), 9)
        except ZeroDivisionError:
            structlog.get_logger().exception("page failed")
        status = 500
        assert status == 200

    asyncio.run(story())

async def broken(held):
    return len(held) / 0
"""


def test_a_failing_test_says_what_is_wrong_in_ten_lines(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FAILING)
    plugins = [word for name in ("one_loop", "log_lines") for word in ("-p", f"tests.{name}")]
    pytest = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-n", "0", *plugins]
    done = subprocess.run(
        [*pytest, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    _, failure = done.stdout.split(" test_it ", 1)
    failure, log = failure.split("-- Captured stdout call --")
    assert "E   assert 500 == 200" in failure
    assert len(failure.splitlines()) <= LINES_MAX
    log = log.partition("=====")[0]
    assert "ZeroDivisionError: division by zero" in log
    assert "held" in log, "where it broke"
    assert len(log.splitlines()) <= 2 * LINES_MAX, log
