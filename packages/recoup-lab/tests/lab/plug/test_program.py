"""A foreign world behind the pipe: what it says is checked, and whatever is wrong ends the run with
the line that broke it."""

import json
import shlex
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lab.plug.small_world import DAY, NOW, SmallWorld, charge
from tests.rings import each

from recoup_lab.plug import pipe, program
from recoup_lab.plug.program import Program
from recoup_lab.world.port import WorldBroke

# Answers each request with what the file has for its kind, word for word.
PLAYER = """
import json, sys
said = json.load(open(sys.argv[1]))
for line in sys.stdin:
    sys.stdout.write(said[json.loads(line)["op"]])
    sys.stdout.flush()
"""
BEFORE = NOW + DAY


def good() -> dict[str, Any]:
    """A right answer to each request of `ask_all`."""
    world = SmallWorld()
    rows, mark = world.history(None, 2)
    orders, more = world.orders(BEFORE, 2)
    sent = [charge(order, f"id-{order.order_id}", BEFORE) for order in orders]
    return {
        "hello": msgspec.to_builtins(world.hello()),
        "history": {"rows": msgspec.to_builtins(rows), "next": mark},
        "orders": {"orders": msgspec.to_builtins(orders), "more": more},
        "charge": {"answers": msgspec.to_builtins(world.charge("a", sent))},
        "signals": {"signals": msgspec.to_builtins(world.signals("a", BEFORE))},
        "end": {"score": msgspec.to_builtins(world.end("a"))},
    }


def player(folder: Path, answers: dict[str, Any]) -> str:
    """The command of a program that says these; text is said as it is."""
    said = {
        op: one if isinstance(one, str) else json.dumps(one) + "\n" for op, one in answers.items()
    }
    (folder / "said.json").write_text(json.dumps(said))
    return shlex.join([sys.executable, "-c", PLAYER, str(folder / "said.json")])


def ask_all(world: Program) -> None:
    world.hello()
    world.history(None, 2)
    orders, _ = world.orders(BEFORE, 2)
    world.charge("a", [charge(order, f"id-{order.order_id}", BEFORE) for order in orders])
    world.signals("a", BEFORE)
    world.end("a")


def broken(command: str, **options: Any) -> str:
    with Program(command, **options) as world:
        with pytest.raises(WorldBroke) as raised:
            ask_all(world)
        with pytest.raises(WorldBroke, match="broke off"):
            world.end("a")
    return str(raised.value)


def test_the_right_answers_pass(tmp_path: Path) -> None:
    with Program(player(tmp_path, good())) as world:
        ask_all(world)


def put(value: Any, *path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(answers: dict[str, Any]) -> None:
        at: Any = answers
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(answers: dict[str, Any]) -> None:
        at: Any = answers
        for step in path[:-1]:
            at = at[step]
        del at[path[-1]]

    return change


def twice(name: str, member: str) -> Callable[[dict[str, Any]], None]:
    def change(answers: dict[str, Any]) -> None:
        answers[name][member][1] = deepcopy(answers[name][member][0])

    return change


def swapped(answers: dict[str, Any]) -> None:
    answers["charge"]["answers"].reverse()


VISA_OF_NOBODY = "400012" + "0" * 9 + "7"
WRONG = [
    ("hello", "protocol is 2", put(2, "hello", "protocol")),
    ("hello", "`now`", drop("hello", "now")),
    ("hello", "now is not a time", put("2026-03-02T00:00:00+00:00", "hello", "now")),
    ("hello", "now is not a time", put("2026-03-02T00:00:00", "hello", "now")),
    ("hello", "until is not later", put("2026-03-02T00:00:00Z", "hello", "until")),
    ("hello", "currencies", put([], "hello", "currencies")),
    ("hello", "currencies[0]", put(["usd"], "hello", "currencies")),
    ("hello", "orders is -1", put(-1, "hello", "orders")),
    ("hello", "costs.harm", put(1.5, "hello", "costs", "harm")),
    ("hello", "world", put("", "hello", "world")),
    ("history", "`next`", drop("history", "next")),
    ("history", "$.rows[0].amount", put("1000", "history", "rows", 0, "amount")),
    ("history", "rows[1].amount is 0", put(0, "history", "rows", 1, "amount")),
    (
        "history",
        "rows[0].at is not a time",
        put("2026-02-02T00:00:00.5Z", "history", "rows", 0, "at"),
    ),
    ("history", "rows[0].at is later", put("2026-03-02T00:00:01Z", "history", "rows", 0, "at")),
    ("history", "rows[0].propensity", put(1.2, "history", "rows", 0, "propensity")),
    ("history", "rows[0].propensity", put(0, "history", "rows", 0, "propensity")),
    ("history", "rows[0].attempt", put(0, "history", "rows", 0, "attempt")),
    ("history", "rows[0].utcOffsetMinutes", put(900, "history", "rows", 0, "utcOffsetMinutes")),
    (
        "history",
        "rows[0].card.number",
        put("4000880010000001", "history", "rows", 0, "card", "number"),
    ),
    ("history", "next leads nowhere", put([], "history", "rows")),
    (
        "orders",
        "orders has 4 entries",
        lambda said: put(said["orders"]["orders"] * 2, "orders", "orders")(said),
    ),
    ("orders", "came before", twice("orders", "orders")),
    (
        "orders",
        "declinedAt is not before",
        put("2026-03-03T00:00:00Z", "orders", "orders", 0, "declinedAt"),
    ),
    (
        "orders",
        "expiresAt is not later",
        put("2026-03-01T00:00:00Z", "orders", "orders", 0, "expiresAt"),
    ),
    ("orders", "currency is 'EUR'", put("EUR", "orders", "orders", 0, "currency")),
    ("orders", "country", put("usa", "orders", "orders", 0, "country")),
    ("orders", "schemeCode", put("5 1", "orders", "orders", 0, "schemeCode")),
    ("orders", "adviceCode", put("", "orders", "orders", 0, "adviceCode")),
    ("orders", "customerId", put("c" * 101, "orders", "orders", 0, "customerId")),
    ("orders", "card.number", put(VISA_OF_NOBODY, "orders", "orders", 0, "card", "number")),
    ("orders", "the number is of mastercard", put("visa", "orders", "orders", 0, "card", "scheme")),
    ("orders", "scheme", put("elo", "orders", "orders", 0, "card", "scheme")),
    ("orders", "expMonth", put(13, "orders", "orders", 0, "card", "expMonth")),
    ("orders", "more is true", put([], "orders", "orders")),
    ("charge", "1 answers to 2 charges", drop("charge", "answers", 1)),
    ("charge", "answers[0].id", swapped),
    ("charge", "answers[1].id", twice("charge", "answers")),
    ("charge", "state", put("paid", "charge", "answers", 0, "state")),
    ("charge", "state or error", drop("charge", "answers", 0, "state")),
    ("charge", "state or error", put("both", "charge", "answers", 0, "error")),
    ("charge", "schemeCode", drop("charge", "answers", 0, "schemeCode")),
    ("signals", "signals[0].at", put("2026-03-03T00:00:00Z", "signals", "signals", 0, "at")),
    ("signals", "cardNumber", put("1", "signals", "signals", 0, "cardNumber")),
    ("end", "`breaches`", drop("end", "score", "breaches")),
    ("end", "recovered is 11", put(11, "end", "score", "recovered")),
    ("end", "amountShare", put(1.01, "end", "score", "amountShare")),
    ("end", "attempts is -1", put(-1, "end", "score", "attempts")),
]


@pytest.mark.parametrize(
    ("op", "told", "change"), WRONG, ids=[f"{op}-{told}" for op, told, _ in WRONG]
)
def test_an_answer_that_says_what_it_may_not_ends_the_run(
    tmp_path: Path, op: str, told: str, change: Callable[[dict[str, Any]], None]
) -> None:
    answers = good()
    change(answers)
    message = broken(player(tmp_path, answers))
    assert told in message, message
    assert f'broke off at {{"op":"{op}"' in message, message
    assert "The line: {" in message, message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense\n", "no JSON"),
        ("[]\n", "no JSON object"),
        ("\n", "no JSON"),
        ("[" * 50_000 + "\n", "no JSON"),
        ('{"error": "I do not understand"}\n', "I do not understand"),
        (
            json.dumps(good()["orders"]) + "\n" + json.dumps(good()["charge"]) + "\n",
            "nobody asked for",
        ),
        ('{"orders": [], "more": false', "no line within"),
        ("", "It wrote nothing."),
    ],
)
def test_a_line_that_is_none_ends_the_run(tmp_path: Path, line: str, told: str) -> None:
    message = broken(player(tmp_path, good() | {"orders": line}), seconds=2.0)
    assert told in message, message
    assert len(message) < 1_000, "however long the line is"


@each(
    ("code", "told"),
    [
        ("import time; time.sleep(60)", "no line within 0.5 s"),
        ("raise SystemExit(3)", "the program ended with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "the program ended by signal 9"),
        ("print('half', end='', flush=True); raise SystemExit(0)", "The line: half"),
        ("import os, time; os.close(1); time.sleep(60)", "closed its output"),
        ("input(); print('{}', flush=True); import time; time.sleep(60)", "required field `world`"),
    ],
)
def test_a_program_that_is_silent_or_dead_ends_the_run(code: str, told: str) -> None:
    started = time.monotonic()
    assert told in broken(
        shlex.join([sys.executable, "-c", code]), seconds=0.5 if "0.5" in told else 20
    )
    assert time.monotonic() - started < 10, "what hangs is killed"


@pytest.mark.parametrize("command", ["", "/nowhere/at/all", "'unfinished"])
def test_a_command_that_cannot_be_started_says_so(command: str) -> None:
    with pytest.raises(WorldBroke, match="cannot be started"):
        Program(command)


def test_no_shell_reads_the_command(tmp_path: Path) -> None:
    assert "ended" in broken(f"{sys.executable} -c 'raise SystemExit(0)' ; touch {tmp_path}/made")
    assert not (tmp_path / "made").exists()


def test_a_line_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "LINE_BYTES_MAX", 10_000)
    endless = shlex.join(
        [sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 5000)"]
    )
    assert "longer than 10000 bytes" in broken(endless)


def test_a_request_larger_than_a_pipe_arrives(tmp_path: Path) -> None:
    order = SmallWorld().orders(BEFORE, 1)[0][0]
    many = [charge(order, f"{n:05d}", BEFORE) for n in range(5_000)]
    answers = [{"id": one.id, "state": "unknown"} for one in many]
    with Program(player(tmp_path, good() | {"charge": {"answers": answers}})) as world:
        assert len(world.charge("a", many)) == 5_000


def test_the_history_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "HISTORY_ROWS_MAX", 5)
    with Program(player(tmp_path, good())) as world:
        world.history(None, 2)
        world.history("0", 2)
        with pytest.raises(WorldBroke, match="more than 5 rows"):
            world.history("1", 2)


def test_more_orders_than_were_announced_end_the_run(tmp_path: Path) -> None:
    answers = good()
    answers["hello"]["orders"] = 1
    assert "more orders than the 1" in broken(player(tmp_path, answers))


def test_the_message_holds_no_card_number(tmp_path: Path) -> None:
    answers = good()
    number = answers["orders"]["orders"][0]["card"]["number"]
    answers["orders"] = {"card": number, **answers["orders"], "more": "perhaps"}
    message = broken(player(tmp_path, answers))
    assert number not in message
    assert f"{number[:6]}…{number[-4:]}" in message


def test_what_the_program_started_ends_with_it(tmp_path: Path) -> None:
    """A wrapper that runs the world and ignores the end of its input leaves nothing behind."""
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
for line in sys.stdin: print('{{"error": "no"}}', flush=True)
time.sleep(60)
"""
    assert "does not understand" in broken(shlex.join([sys.executable, "-c", code]))
    status = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
    give_up = time.monotonic() + 10
    while status.exists() and status.read_text().split(") ")[1][0] != "Z":
        assert time.monotonic() < give_up, "it still runs"
        time.sleep(0.05)
