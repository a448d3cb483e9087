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
from tests.docs.running import clean_environment
from tests.lab.plug.small_world import DAY, charge

from recoup.lab.plug.program import Program
from recoup.lab.world.parameter_file import read
from recoup.lab.world.port import World, WorldAnswer, WorldOrder
from recoup.lab.world.world import build

SMALL = "[world]\norders = 150\nintake_days = 20\n[history]\ndays = 30\n"


def command(folder: Path, *more: str) -> str:
    file = folder / "world.toml"
    file.write_text(SMALL)
    return shlex.join([sys.executable, "-m", "recoup.main", "lab", "world", "--world", str(file), *more])


def play(world: World, arms: Sequence[str] = ("one", "two")) -> tuple[str, int]:
    """Each order every other day until it is paid, in the second arm every fifth. The hash of all that was said, and
    how many orders were paid."""
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
            left = [order for order in came if order.order_id not in paid[arm] and now < order.expires_at]
            due = [charge(order, f"{order.order_id}.{day}", now) for order in left
                   if (now - order.declined_at).days % every == 0]  # fmt: skip
            answers: Sequence[WorldAnswer] = world.charge(arm, due)
            paid[arm] |= {one.order_id for one, said in zip(due, answers, strict=True) if said.state == "approved"}
            told += [*answers, *world.signals(arm, now)]
    told += [*came, *(world.end(arm) for arm in arms)]
    return sha256(msgspec.json.encode(told)).hexdigest(), sum(map(len, paid.values()))


def test_our_world_behind_the_pipe_gives_the_same_hash_as_in_process(tmp_path: Path) -> None:
    with Program(command(tmp_path, "--seed", "7")) as world:
        behind, paid = play(world)
    assert paid > 50
    assert (behind, paid) == play(build(read(tmp_path / "world.toml", seed=7)))
    assert behind != play(build(read(tmp_path / "world.toml", seed=8)))[0], "another seed, another world"


def test_a_world_file_that_cannot_be_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text("[world]\norders = 'many'\n")
    verb = [sys.executable, "-m", "recoup.main", "lab", "world", "--world", str(file)]
    ran = subprocess.run(verb, input='{"op":"hello","protocol":1}\n', text=True, capture_output=True,
                         env=clean_environment())  # fmt: skip
    assert ran.returncode == 1
    assert "wrong.toml, line 2" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not ran.stdout


def test_the_verb_answers_what_cannot_be_understood(tmp_path: Path) -> None:
    ran = subprocess.run(shlex.split(command(tmp_path)), input='nonsense\n{"op":"hello","protocol":1}\n', text=True,
                         capture_output=True, env=clean_environment())  # fmt: skip
    first, second = map(json.loads, ran.stdout.splitlines())
    assert "no JSON" in first["error"]
    assert second["world"] == "base"
    assert (ran.returncode, ran.stderr) == (0, "")
