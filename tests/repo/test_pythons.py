"""The Pythons that are promised, those that a run says were tried, and the environment that set-up
leaves."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from scripts import setup
from scripts.pythons import interpreters
from tests.passed_on import RECORD, told, tree_of
from tests.repo.test_house import ROOT


def test_every_place_promises_the_same_pythons() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = [line.rpartition(" ")[2] for line in declared["classifiers"] if ":: 3." in line]
    assert declared["requires-python"] == f">={promised[0]}"
    assert f"Python {promised[0]} to {promised[-1]}" in (ROOT / "README.md").read_text()
    tried = re.search(r"python: (\[.*\])", (ROOT / ".github/workflows/ci.yml").read_text())
    assert tried
    assert json.loads(tried[1]) == promised
    assert [f"3.{minor}" for minor in range(int(promised[0][2:]), setup.NEWER[1])] == promised


def test_set_up_leaves_the_locks_pip_and_setuptools() -> None:
    """It left those that the Python brought: of 3.11 a pip and a setuptools
    with known weaknesses."""
    for name in ("pip", "setuptools"):
        for lock in ("run", "dev"):
            (line,) = re.findall(
                rf"^{name}==(\S+)", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE
            )
            assert version(name) == line, name


def test_each_python_of_the_machine_is_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer, pyenv = (
        tmp_path / "older",
        tmp_path / "newer",
        tmp_path / "pyenv/versions/3.13.5/bin",
    )
    programs = {
        older / "python3.12": "echo 3 12 1 /older",
        newer / "python3.12": "echo 3 12 9 /with a blank",
        older / "python3.10": "echo 3 10 9 /too-old",
        older / "python3.14": "exit 127",  # a shim of a version that is off, or no module venv
        older / "python3.13-config": "echo 3 13 1 /no-python",
        pyenv / "python3.13": "echo 3 13 5 /pyenv",
    }
    for program, script in programs.items():
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{older}:{newer}")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("PYTHONS", raising=False)
    assert interpreters() == {"3.12.9": "/with a blank", "3.13.5": "/pyenv"}
    monkeypatch.setenv("PYTHONS", "3.13")
    assert list(interpreters()) == ["3.13.5"]
    monkeypatch.setenv("PYTHONS", "3.13 3.14")
    with pytest.raises(SystemExit, match=r"no 3\.14, only 3\.12, 3\.13"):
        interpreters()


def test_a_run_says_on_which_tree_each_python_passed(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        named = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *named, *words], cwd=tmp_path, check=True, capture_output=True)

    def commit(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        git("add", name)
        git("commit", "--message", name)

    git("init")
    commit("a.py", "1")
    assert told(tmp_path) == "Pythons: passed on none yet (make prove FAMILY=pythons)"
    run = {
        "commit": "c0ffee00",
        "minutes": 1,
        "on": "2026-11-29",
        "result": "passed",
        "tree": tree_of(tmp_path),
    }
    each = {
        "3.12": {**run, "version": "3.12.1"},
        "3.9": {**run, "version": "3.9.2", "result": "failed"},
        "3.13": {**run, "version": "3.13.0", "tree": "0" * 16},
    }
    commit(RECORD, json.dumps({"pythons": {"each": each}}))  # which does not make it another tree
    other = "another tree (c0ffee00, 2026-11-29)"
    said = (
        f"Pythons: 3.9.2 failed on this tree, 3.12.1 passed on this tree, 3.13.0 passed on {other}"
    )
    assert told(tmp_path) == said
    (tmp_path / "a.py").write_text("2")
    assert told(tmp_path) == said + "; not all of this is committed"
    commit("a.py", "2")
    assert told(tmp_path) == said.replace("this tree", other)
