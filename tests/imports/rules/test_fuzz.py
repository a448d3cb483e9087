"""Whatever a file holds: a refusal that says what to do, or a reason for each line; never another
exception, and never a card number."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.imports.rules.reading import UNTIL, look

from recoup.imports.rules.answers import Answers
from recoup.imports.rules.attempt import STATES, Attempt, BadLine, Skipped
from recoup.kernel.problem import Problem

FILES = [
    file
    for file in sorted((Path(__file__).parent / "golden").iterdir())
    if file.suffix in (".csv", ".jsonl")
]
EVERY_ANSWER = Answers(zone="Europe/Berlin", order="day", decimal=",", units="major")
VISA = "4242" * 4
SPACED = " ".join(["4242"] * 4)
CARD = re.compile(rf"(?<!\d){VISA}(?!\d)")
ODD = [
    b"",
    b"\0",
    b"\n",
    b'"',
    b"'",
    b",",
    b";",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"=cmd()",
    b"-1",
    b"9" * 30,
    b"4.2E+15",
    b"{",
    b"[",
    b"}",
    b"\\ud800",
    b"1e999",
    b"NaN",
    b"\xe2\x80\xae",
    VISA.encode(),
    SPACED.encode(),
    b"02/30/2026",
    b"\r",
]


def shows_card(text: object) -> bool:
    return CARD.search(repr(text)) is not None


def check_problem(problem: Problem) -> None:
    assert problem.code in ("invalid", "too_large")
    assert problem.message
    assert not shows_card((problem.message, problem.cure))


def check(content: bytes) -> None:
    try:
        looked = look(content, EVERY_ANSWER)
        outcomes = list(looked.read(UNTIL, world=False))
    except Problem as problem:
        check_problem(problem)
        return
    assert not looked.questions or {one.name for one in looked.questions} <= {
        "zone",
        "order",
        "decimal",
        "units",
    }
    for one in outcomes:
        assert isinstance(one, Attempt | BadLine | Skipped)
        assert not shows_card(one)
        if isinstance(one, BadLine):
            assert one.code
            assert one.why
        if isinstance(one, Attempt):
            assert one.state in STATES
            assert one.units > 0
            assert one.ref
            assert one.at <= UNTIL
    assert not shows_card((looked.notes, looked.questions))


@given(st.binary(max_size=400))
def test_random_bytes(content: bytes) -> None:
    check(content)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_an_export_with_anything_changed_in_it(file: Path, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - no secret
    content = bytearray(file.read_bytes())
    for _ in range(drawn.randrange(1, 12)):
        at, odd = drawn.randrange(len(content)), drawn.choice(ODD)
        end = at + drawn.choice([0, 1, len(odd), drawn.randrange(40)])
        content[at:end] = odd
    check(bytes(content))


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.suffix == ".csv"], ids=lambda file: file.name
)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_a_header_with_columns_lost_renamed_doubled_and_reordered(file: Path, seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - no secret
    header, *rows = [line.split(b",") for line in file.read_bytes().splitlines()]
    for _ in range(drawn.randrange(1, 5)):
        at = drawn.randrange(len(header))
        header[at] = drawn.choice(
            [drawn.choice(header), drawn.choice(ODD), b"", header[at].upper()]
        )
    if drawn.random() < 0.5:
        drawn.shuffle(header)
    check(b"\n".join(b",".join(line) for line in (header, *rows)))
