"""What callers sent is printed by commands: a terminal is shown it, and does not obey it."""

import os
import pty
import subprocess
import sys

from tests.rings import each

from recoup.kernel.unseen import has_unseen, shown_by_number

_SAYS = """
import click
from recoup.main.cli import guard_terminal
guard_terminal()
click.echo("SO-1\\a\\x1b]0;mine\\x07\\u202e1-OS\\x9b2J\\nnext\\tline")
click.echo("no\\x1b[2J", err=True)
"""


def test_a_terminal_does_not_obey_the_order_id_that_a_caller_sent() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", _SAYS],
        stdout=theirs,
        stderr=theirs,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    os.close(theirs)
    said = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 0
    assert said == "SO-1\\x07\\x1b]0;mine\\x07\\u202e1-OS\\x9b2J\r\nnext\tline\r\nno\\x1b[2J\r\n"


def test_a_file_gets_what_there_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SAYS],
        capture_output=True,
        check=True,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout.decode() == "SO-1\a\x1b]0;mine\x07\u202e1-OS\x9b2J\nnext\tline\n"


@each(
    "text",
    [
        "\0",
        "a\x1bb",
        "\x07",
        "\x7f",
        "\x9b",
        "\u202e",
        "\u2066",
        "\u200f",
        "\r",
        "a\nb",
        "\u2028",
    ],
)
def test_what_a_terminal_obeys_stands_in_no_id(text: str) -> None:
    assert has_unseen(text)


def test_ids_in_any_script_and_lines_of_text_stay_as_they_are() -> None:
    for text in ("SO-20931/α", "Bestellung Ü 7", "订单-7", "طلب-٧", "👨\u200d👩\u200d👧"):
        assert not has_unseen(text)
        assert shown_by_number(text) == text
    assert shown_by_number("a\tb\r\nc\nd\re") == "a\tb\r\nc\nd\\x0de"
