"""Work that is spread over processes: the answers of one, and nobody is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.backtest.cli.test_backtest_history import history, written

from recoup.backtest.cli.backtest import _of_history
from recoup.backtest.flows import backtest_file
from recoup.backtest.flows.backtest_plain import history_plain
from recoup.backtest.rules import model_word
from recoup.backtest.rules.history import WINDOW
from recoup.imports.rules.answers import Answers
from recoup.insight.flows.processes import spread_over
from recoup.kernel.problem import Problem
from recoup.kernel.spread import parts_of

BEGUN = """
import os, sys, time
from recoup.insight.flows.processes import spread_over
from tests.insight.flows.test_processes import sleeper
if __name__ == "__main__":
    with spread_over(2) as spread:
        print(*spread(sleeper, [0, 0, 0]), flush=True)
        spread(sleeper, [60, 60])
"""


def sleeper(seconds: int) -> int:
    time.sleep(seconds)
    return os.getpid()


def third(number: int) -> float:
    return 3 / number


@pytest.mark.parametrize("processes", [1, 2])
def test_answers_come_in_the_order_of_their_jobs_and_errors_as_they_are(processes: int) -> None:
    with spread_over(processes) as spread:
        assert spread(third, [1, 2, 3]) == [3.0, 1.5, 1.0]
        with pytest.raises(ZeroDivisionError):
            spread(third, [1, 0, 2])


def ended(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_is_killed_is_said() -> None:
    with pytest.raises(Problem, match="was ended"), spread_over(2) as spread:
        spread(ended, [1])


def test_a_long_list_is_cut_into_parts_that_are_all_of_it() -> None:
    assert parts_of([], 3) == []
    assert parts_of("ab", 3) == ["a", "b"]
    assert parts_of(range(10), 4) == [range(2), range(2, 5), range(5, 7), range(7, 10)]


@pytest.mark.prove("engine")
def test_a_back_test_says_the_same_with_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_word, "ERROR_MAX", 1.0)
    file, said = written(tmp_path / "history.csv", history()[:2_400]), list[str]()
    for least in (10**9, 0):
        monkeypatch.setattr(backtest_file, "SPREAD_FROM", least)
        monkeypatch.setattr("recoup.backtest.cli.backtest.cores", lambda: 2)
        report, _ = _of_history(file, Answers(), "engine", None, WINDOW, 0)
        assert report.models is not None
        said.append(json.dumps(history_plain(report)))
    assert said[0] == said[1]


def test_whose_parent_is_killed_ends_too(tmp_path: Path) -> None:
    script = tmp_path / "begun.py"
    script.write_text(BEGUN)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(
        [sys.executable, script],
        text=True,
        env=_paths(),
        **pipes,
    ) as begun:  # type: ignore[call-overload]
        assert begun.stdout is not None
        children = set(map(int, begun.stdout.readline().split()))
        assert children
        assert begun.pid not in children
        begun.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(Path(f"/proc/{one}").exists() for one in children):
        assert time.monotonic() < until, "a process is left"
        time.sleep(0.1)


def _paths() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(["src", ".", "packages/recoup-lab/tests"])}
