"""`recoup up --demo`: loaded once, gone on with after a kill, and everything in it holds."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.docs.running import ROOT, clean_environment

pytestmark = pytest.mark.prove("docs")

RECOUP = ROOT / ".venv/bin/recoup"
DESKS = {
    "/disputes": ("count hot",), "/refunds": ("Stuck",), "/approvals": ("Sam Support",),
    "/unknown-outcomes": ("FIT-13001-01",), "/settlements": ("Confirmed",), "/bank": ("021000021",),
    "/webhooks": ("/inbound/sandbox/webhooks", "hooks.demo.example"),
}  # fmt: skip
LOAD_SECONDS = 400  # beside other work; alone it takes a twentieth
FILES = ("day.jsonl", "customers.jsonl", "no-answer.jsonl")


@contextmanager
def up(data_dir: Path, log: Path, months: int = 0) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as out:
        command = [
            str(RECOUP),
            "up",
            "--demo",
            "--demo-months",
            str(months),
            "--port",
            "0",
            "--data-dir",
            str(data_dir),
        ]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=clean_environment()
        )
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
    ran = subprocess.run(
        [str(RECOUP), *words, "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        timeout=60,
    )
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
        wait_for("demo", lambda: "Demo  Recovered " in again.read_text(), again)
        assert "Not as planned" not in again.read_text()
        assert mark(data_dir) == {**broken_off, "state": "done", "done_seconds": 31 * 86_400}
        proof = recoup(data_dir, "verify").split()
        assert proof[-1] == "ok"
        files = [(ROOT / "examples" / name).read_text(encoding="utf-8") for name in FILES]
        lines = [json.loads(text.partition("\n")[0])["lines"] for text in files]
        made = sum(told["evaluate"] + told.get("charge", 0) for told in lines)
        assert proof[proof.index("orders") + 1] == str(made), (
            "each decline and each charge is one order"
        )
        assert_every_desk_has_a_case(data_dir, again)
    third = tmp_path / "third.log"
    with up(data_dir, third):
        wait_for("start", lambda: "keys " in third.read_text(), third)
        time.sleep(2)
        assert "Demo" not in third.read_text()


@contextmanager
def portal_of(data_dir: Path, log: Path) -> Iterator[httpx.Client]:
    """As the owner of the shop sees it."""
    keys = json.loads((data_dir / "bootstrap.json").read_text())
    address = re.search(r"http://127\S+", log.read_text())
    assert address is not None
    with httpx.Client(base_url=address[0], follow_redirects=True, timeout=60) as portal:
        page = portal.get("/signin").text
        token = re.search(r'name="csrf" value="([^"]+)"', page)
        form = {"email": keys["portal_user"], "password": keys["portal_password"]}
        if token:
            form["csrf"] = token[1]
        assert portal.post("/signin", data=form).status_code == 200
        yield portal


def assert_every_desk_has_a_case(data_dir: Path, log: Path) -> None:
    """Each case by the words that its page has for it."""
    with portal_of(data_dir, log) as portal:
        for path, words in DESKS.items():
            text = portal.get(path).text
            for word in words:
                assert word in text, f"{path} lacks {word!r}"
        by_day = (
            portal.get("/overview").text.partition("Numbers by day")[2].partition("</tbody>")[0]
        )
        assert by_day.count('<tr><th scope="row">') >= 28, "a month of orders, not two bars"


def some_orders_of(day: Path) -> Iterator[str]:
    """What the file says of each sixth order, whole."""
    about, *lines = day.read_text(encoding="utf-8").splitlines(keepends=True)
    yield about
    orders = dict.fromkeys(json.loads(line)["order"] for line in lines)
    chosen = set(list(orders)[::6])
    yield from (line for line in lines if json.loads(line)["order"] in chosen)


@pytest.mark.timeout(2 * LOAD_SECONDS)
def test_a_reader_can_send_the_file_twice(tmp_path: Path) -> None:
    data_dir, log = tmp_path / "data", tmp_path / "up.log"
    with log.open("wb") as out:
        command = [str(RECOUP), "up", "--port", "0", "--data-dir", str(data_dir)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for("start", lambda: "keys " in log.read_text(), log)
        day, part = ROOT / "examples/day.jsonl", tmp_path / "part.jsonl"
        part.write_text("".join(some_orders_of(day)))
        first, second = (
            json.loads(recoup(data_dir, "sandbox", "play", str(part))) for _ in range(2)
        )
        assert first["complaints"] == second["complaints"] == []
        assert set(first["evaluate"]) == {"SUBMITTED"}
        assert first["evaluate"] == second["evaluate"]
        customers = json.loads(
            recoup(data_dir, "sandbox", "play", str(ROOT / "examples/customers.jsonl"))
        )
        assert customers["complaints"] == []
        assert set(customers["evaluate"]) >= {
            "APPROVED",
            "DECLINED",
            "CHALLENGE",
            "CAPTUREREQUIRED",
            "SUBMITTED",
        }
        assert customers["pay"] == {"done": 4}
        recoup(data_dir, "clock", "advance", "21d")
        weeks_later = json.loads(recoup(data_dir, "sandbox", "play", str(day)))
        assert weeks_later["complaints"] == [], (
            "its dates are counted from the merchant's clock, not from the wall's"
        )
        assert set(weeks_later["evaluate"]) == {"SUBMITTED"}
        assert weeks_later["evaluate"]["SUBMITTED"] > 3 * first["evaluate"]["SUBMITTED"], (
            "the whole file, once"
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
