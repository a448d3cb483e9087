"""Our own world behind the pipe is the same world as in process."""

import json
import shlex
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lab.plug.small_world import DAY, charge
from tests.docs.running import clean_environment

from recoup_lab.plug.program import Program
from recoup_lab.world.parameter_file import read
from recoup_lab.world.port import World, WorldAnswer, WorldOrder
from recoup_lab.world.world import build

SMALL = "[world]\norders = 150\nintake_days = 20\n[history]\ndays = 30\n"


def command(folder: Path, *more: str) -> str:
    file = folder / "world.toml"
    file.write_text(SMALL)
    return shlex.join(
        [sys.executable, "-m", "recoup.main", "lab", "world", "--world", str(file), *more]
    )


def play(world: World, arms: Sequence[str] = ("one", "two")) -> tuple[str, int]:
    """Each order every other day until it is paid, in the second arm every fifth. The hash of all
    that was said, and how many orders were paid."""
    hello = world.hello()
    told: list[Any] = [hello]
    after: str | None = None
    while True:
        rows, after = world.history(after, 500)
        told += rows
        if after is None:
            break
    came: list[WorldOrder] = []
    paid: dict[str, set[str]] = {arm: set() for arm in arms}
    days = (hello.until - hello.now).days + 31
    for day in range(1, days):
        now, more = hello.now + day * DAY, True
        while more:
            orders, more = world.orders(now, 40)
            came += orders
        for arm, every in zip(arms, (2, 5), strict=True):
            left = [
                order
                for order in came
                if order.order_id not in paid[arm] and now < order.expires_at
            ]
            due = [
                charge(order, f"{order.order_id}.{day}", now)
                for order in left
                if (now - order.declined_at).days % every == 0
            ]
            answers: Sequence[WorldAnswer] = world.charge(arm, due)
            paid[arm] |= {
                one.order_id
                for one, said in zip(due, answers, strict=True)
                if said.state == "approved"
            }
            told += [*answers, *world.signals(arm, now)]
    told += [*came, *(world.end(arm) for arm in arms)]
    return sha256(msgspec.json.encode(told)).hexdigest(), sum(map(len, paid.values()))


def test_our_world_behind_the_pipe_gives_the_same_hash_as_in_process(tmp_path: Path) -> None:
    with Program(command(tmp_path, "--seed", "7")) as world:
        behind, paid = play(world)
    assert paid > 50
    assert (behind, paid) == play(build(read(tmp_path / "world.toml", seed=7)))
    assert behind != play(build(read(tmp_path / "world.toml", seed=8)))[0], (
        "another seed, another world"
    )


def compared(*options: str) -> subprocess.CompletedProcess[str]:
    verb = [
        sys.executable,
        "-m",
        "recoup.main",
        "lab",
        "compare",
        "--sends",
        "1",
        "--processes",
        "1",
        *options,
    ]
    return subprocess.run(
        verb, capture_output=True, text=True, env=clean_environment(), timeout=100
    )


@pytest.mark.prove("engine")
def test_policies_compared_in_our_world_and_behind_the_pipe_have_the_same_hash(
    tmp_path: Path,
) -> None:
    program = command(tmp_path, "--seed", "{seed}")
    inside = compared("--arms", "daily,next-day", "--world", str(tmp_path / "world.toml"))
    behind = compared("--arms", "daily,next-day", "--world-command", program)
    assert (inside.returncode, behind.returncode) == (0, 0), inside.stderr + behind.stderr
    assert inside.stdout.splitlines()[-1] == behind.stdout.splitlines()[-1]
    assert len(inside.stdout.splitlines()[-1]) == 64


@pytest.mark.parametrize(
    ("code", "seconds", "told"),
    [
        ("import time; time.sleep(60)", "1", "no line within 1 s. It wrote nothing."),
        (
            "import sys; print('Hello, world', flush=True); sys.stdin.read()",
            "30",
            "The line: Hello, world",
        ),
    ],
)
def test_a_comparison_ends_with_the_line_that_broke_it(code: str, seconds: str, told: str) -> None:
    program = shlex.join([sys.executable, "-c", code])
    ran = compared("--arms", "daily", "--world-seconds", seconds, "--world-command", program)
    assert ran.returncode == 1
    assert told in ran.stderr
    assert '{"op":"hello","protocol":1}' in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_world_file_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[world]\norders = 'many'\n")
    verb = [sys.executable, "-m", "recoup.main", "lab", "world", "--world", str(file)]
    ran = subprocess.run(
        verb,
        input='{"op":"hello","protocol":1}\n',
        text=True,
        capture_output=True,
        env=clean_environment(),
    )
    assert ran.returncode == 1
    assert "wrong.toml, line 2" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not ran.stdout


def test_the_verb_answers_what_cannot_be_understood(tmp_path: Path) -> None:
    ran = subprocess.run(
        shlex.split(command(tmp_path)),
        input='nonsense\n{"op":"hello","protocol":1}\n',
        text=True,
        capture_output=True,
        env=clean_environment(),
    )
    first, second = map(json.loads, ran.stdout.splitlines())
    assert "no JSON" in first["error"]
    assert second["world"] == "base"
    assert (ran.returncode, ran.stderr) == (0, "")
