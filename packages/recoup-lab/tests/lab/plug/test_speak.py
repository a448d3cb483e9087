"""A world of ours as a program: the same world behind the pipe,
and an answer to whatever comes in."""

import io
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from lab.plug.small_world import NOW, SmallWorld, charge, play

from recoup_lab.plug import wire
from recoup_lab.plug.program import Program
from recoup_lab.plug.speak import speak

TESTS = Path(__file__).resolve().parents[2]
SPEAKER = """
import sys
sys.path[:0] = [{tests!r}]
from recoup_lab.plug.speak import speak
from lab.plug.small_world import SmallWorld
speak(SmallWorld(), sys.stdin.buffer, sys.stdout.buffer)
"""


def as_program() -> str:
    return shlex.join([sys.executable, "-c", SPEAKER.format(tests=str(TESTS))])


def ask(*lines: bytes, world: Any = None) -> list[dict[str, Any]]:
    out = io.BytesIO()
    speak(world or SmallWorld(), io.BytesIO(b"".join(lines)), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_same_world_gives_the_same_play_in_process_and_behind_the_pipe() -> None:
    with Program(as_program()) as world:
        behind = play(world)
    assert behind == play(SmallWorld())
    assert behind != play(SmallWorld(), ("a",))


def test_what_cannot_be_understood_is_answered_and_the_next_request_too() -> None:
    hello = b'{"op":"hello","protocol":1,"more":true}\n'
    bad = (
        b"\n",
        b"nonsense\n",
        b"[]\n",
        b"{}\n",
        b'"\xff"\n',
        b"[" * 100_000 + b"\n",
        b'{"op":"dance"}\n',
        b'{"op":"hello","protocol":2}\n',
        b'{"op":"history","limit":0}\n',
        b'{"op":"history","limit":1000000000}\n',
        b'{"op":"orders","before":"2026-03-02T00:00:00","limit":1}\n',
        b'{"op":"orders","before":"2026-03-02T00:00:00+01:00","limit":1}\n',
        b'{"op":"orders","before":"2026-03-02T00:00:00.5Z","limit":1}\n',
        b'{"op":"end","arm":""}\n',
        b'{"op":"charge","arm":"a","charges":[{"id":"1"}]}\n',
        b'{"op":"charge","arm":"a","charges":{}}\n',
    )
    said = ask(*(line for one in bad for line in (one, hello)))
    assert [set(one) for one in said[::2]] == [{"error"}] * len(bad)
    assert all(one["error"] for one in said[::2])
    assert [one.get("world") for one in said[1::2]] == ["small"] * len(bad)


def test_a_line_without_end_costs_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recoup_lab.plug.speak.LINE_BYTES_MAX", 100)
    hello = b'{"op":"hello","protocol":1}\n'
    said = ask(b"x" * 1_000 + b"\n", hello, b"y" * 101 + b"\n", b"z" * 1_000)
    assert ["longer than 100 bytes" in one["error"] for one in said] == [True, True, True, True]
    assert "the answer is longer" in said[1]["error"], "the answer, too, is bounded"
    assert wire.LINE_BYTES_MAX > 1_000_000


def test_a_world_that_fails_answers_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    class Failing(SmallWorld):
        def end(self, arm: str) -> Any:
            raise RuntimeError("secret of the world")

    said = ask(b'{"op":"end","arm":"a"}\n', b'{"op":"hello","protocol":1}\n', world=Failing())
    assert said[0] == {"error": "the world failed: RuntimeError"}
    assert said[1]["protocol"] == 1
    assert capsys.readouterr().err == ""


def test_every_member_of_a_charge_is_on_the_line() -> None:
    """Those of `POST /charges` that the protocol lists, `initiator` too,
    which is always the same."""
    heard: list[bytes] = []

    class Listening(Program):
        def exchange(self, request: bytes) -> bytes:
            heard.append(request)
            return super().exchange(request)

    with Listening(as_program()) as world:
        order = world.orders(NOW.replace(day=4), 1)[0][0]
        world.charge("a", [charge(order, "1", NOW.replace(day=4))])
    sent = json.loads(heard[-1])
    assert sent["op"] == "charge"
    assert sent["charges"] == [
        {
            "initiator": "merchant",
            "id": "1",
            "orderId": "o0",
            "sentAt": "2026-03-04T00:00:00Z",
            "amount": 900,
            "currency": "USD",
            "acceptorId": "acceptor",
            "card": {
                "number": order.card.number,
                "expMonth": 12,
                "expYear": 2031,
                "scheme": "mastercard",
                "funding": "debit",
            },
        }
    ]
