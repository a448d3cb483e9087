"""`recoup up --demo`: loaded once, gone on with after a kill, and everything in it holds."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.docs.running import ROOT, clean_environment

RECOUP = ROOT / ".venv/bin/recoup"
LOAD_SECONDS = 240  # beside other work; alone it takes a twentieth
STATUSES = ("Draft", "Onhold", "Cancelled", "Processing", "Capturerequired", "Returned", "Completed", "part-refunded")


@contextmanager
def up(data_dir: Path, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        command = [str(RECOUP), "up", "--demo", "--port", "0", "--data-dir", str(data_dir)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=clean_environment())
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def mark(data_dir: Path) -> dict[str, object]:
    try:
        kept: dict[str, object] = json.loads((data_dir / "demo.json").read_text())
    except (OSError, ValueError):
        return {}
    return kept


def wait_for(what: str, seen: object, log: Path) -> None:
    assert callable(seen)
    give_up = time.monotonic() + LOAD_SECONDS
    while not seen():
        assert time.monotonic() < give_up, f"no {what}: {log.read_text()}"
        time.sleep(0.05)


def recoup(data_dir: Path, *words: str) -> str:
    ran = subprocess.run([str(RECOUP), *words, "--data-dir", str(data_dir)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.timeout(3 * LOAD_SECONDS)
def test_a_demo_that_was_killed_goes_on_and_ends_as_it_should(tmp_path: Path) -> None:
    data_dir, log, again = tmp_path / "data", tmp_path / "first.log", tmp_path / "again.log"
    with up(data_dir, log) as process:
        wait_for("first points", lambda: mark(data_dir).get("done_seconds") is not None, log)
        process.kill()
    broken_off = mark(data_dir)
    assert broken_off["state"] == "playing"
    with up(data_dir, again):
        wait_for("demo", lambda: "Demo: " in again.read_text(), again)
        told = again.read_text().partition("Demo: ")[2]
        assert all(status in told for status in STATUSES), told
        assert "Not as planned" not in told
        assert mark(data_dir) == {**broken_off, "state": "done", "done_seconds": 22 * 86_400}
        proof = recoup(data_dir, "verify").split()
        assert proof[-1] == "ok"
        files = [(ROOT / "examples" / name).read_text(encoding="utf-8") for name in ("day.jsonl", "customers.jsonl")]
        lines = [json.loads(text.partition("\n")[0])["lines"] for text in files]
        made = sum(told["evaluate"] + told.get("charge", 0) for told in lines)
        assert proof[proof.index("orders") + 1] == str(made), "each decline and each charge is one order"
    third = tmp_path / "third.log"
    with up(data_dir, third):
        wait_for("start", lambda: "keys " in third.read_text(), third)
        time.sleep(2)
        assert "Demo" not in third.read_text()


@pytest.mark.timeout(2 * LOAD_SECONDS)
def test_a_reader_can_send_the_file_twice(tmp_path: Path) -> None:
    data_dir, log = tmp_path / "data", tmp_path / "up.log"
    with log.open("wb") as out:
        command = [str(RECOUP), "up", "--port", "0", "--data-dir", str(data_dir)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for("start", lambda: "keys " in log.read_text(), log)
        day = str(ROOT / "examples/day.jsonl")
        first, second = (json.loads(recoup(data_dir, "sandbox", "play", day)) for _ in range(2))
        assert first["complaints"] == second["complaints"] == []
        assert set(first["evaluate"]) == {"SUBMITTED"}
        assert first["evaluate"] == second["evaluate"]
        customers = json.loads(recoup(data_dir, "sandbox", "play", str(ROOT / "examples/customers.jsonl")))
        assert customers["complaints"] == []
        assert set(customers["evaluate"]) >= {"APPROVED", "DECLINED", "CHALLENGE", "CAPTUREREQUIRED", "SUBMITTED"}
        assert customers["pay"] == {"done": 4}
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
