"""`recoup connector check` and `recoup sandbox processor`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from recoup.kernel.problem import Problem
from recoup.main.cli import cli
from recoup.processors.gateways.kinds import KINDS
from recoup_lab.conformance import run
from recoup_lab.processors.faults import read_faults


def test_a_line_for_each_check_and_the_calls_never_made(tmp_path: Path) -> None:
    command = ["connector", "check", "stripe", "--json", "--calls", "--data-dir", str(tmp_path)]
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 0, done.output
    lines = [json.loads(one) for one in done.output.splitlines()]
    assert [one["check"] for one in lines if "check" in one] == list(range(1, 65))
    never = {one["never_made"] for one in lines if "never_made" in one}
    assert "POST /v1/payment_intents/{id}/confirm" in never
    (tmp_path / "connector-calls.json").write_text(json.dumps({"stripe": sorted(never)}))
    again = CliRunner().invoke(cli, command)
    assert "never_made" not in again.output


def test_a_check_that_fails_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_connectors.stripe.connector.check_mode", lambda key, world: None)
    monkeypatch.setattr(run, "CHECKS", {59: run.CHECKS[59]})
    done = CliRunner().invoke(cli, ["connector", "check", "stripe", "--data-dir", str(tmp_path)])
    assert (done.exit_code, done.output.strip()) == (
        1,
        "59  a live key is refused in the sandbox: it is taken",
    )


def test_the_real_account_is_looked_at_with_a_key_only(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        cli, ["connector", "check", "stripe", "--real", "--data-dir", str(tmp_path)]
    )
    assert isinstance(done.exception, Problem)
    assert KINDS["stripe"].url.startswith("https://")


def test_a_fault_that_there_is_not_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "late", "on": "confirm", "share": 0.1, "times": null}]')
    assert read_faults(file, 1).left[0].times is None
    for text in ('[{"kind": "lat"}]', "{", '[{"kind": "late", "often": 1}]'):
        file.write_text(text)
        with pytest.raises(Problem):
            read_faults(file, 1)


def test_the_stand_in_is_a_process_that_says_where_it_is(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "recoup.main",
        "sandbox",
        "processor",
        "stripe",
        "--data-dir",
        str(tmp_path),
    ]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("http://127.0.0.1:")
        assert (tmp_path / "stripe.sqlite").exists()
    finally:
        running.terminate()
        running.communicate(timeout=30)
