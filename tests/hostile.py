"""Texts that cost a careless reader most, of any length, and what reading them costs.

The proof measures processor time of this process; `make test` counts lines that run, which are the
same on every machine, and leaves single calls into C to `tests/repo/test_patterns.py`. A cost that
grows with the square shows between `n` and `2n`: four times as much. What only adds, as the rest of
a call does, is taken off by a call without any such text.
"""

import gc
import random
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any, Final, TypeVar

from tests.rings import proving, seed

T = TypeVar("T")
FAMILY: Final = "growth-of-input"
GROWTH_MAX: Final = 2.3  # from n to 2n
SLACK_SECONDS: Final = 0.004  # of a clock and of a heap, beside what is measured
SEEN_SECONDS: Final = 0.02  # from which on it is said that a cost grows: a square is soon beyond it
SEEN_LINES, SLACK_LINES = (
    100_000,
    500,
)  # what else a call does is less, and differs from call to call
SURE_SECONDS: Final = 0.5  # no machine is as slow as that by chance
AGAIN: Final = 4  # a machine that does something else makes no reader slow twice


def _pieces(*pieces: str) -> Callable[[int], str]:
    """These in turn, again and again."""
    whole = "".join(pieces)
    return lambda length: (whole * (length // len(whole) + 1))[:length]


# name -> a text of so many characters
TEXTS: Final[dict[str, Callable[[int], str]]] = {
    "letters": _pieces("a"),
    "both cases": _pieces("aA"),
    "words": _pieces("ab "),
    "digits": _pieces("7"),
    "noughts": _pieces("0"),
    "digits apart": _pieces("7 "),
    "numbers": _pieces("4242 "),
    "cards": _pieces("4242 ", "4242-", "4242 ", "4242, "),
    "thousands": _pieces("1", ",999" * 40),
    "hex": _pieces("0a"),
    "quotes": _pieces(' "a'),
    "other quotes": _pieces(" 'a", " `a", " “a"),
    "pairs of quotes": _pieces('""'),
    "brackets": _pieces("["),
    "pairs of brackets": _pieces("[]"),
    "braces": _pieces("{"),
    "slots": _pieces("{0}"),
    "places": _pieces("a[0]."),
    "digits in brackets": _pieces("[0"),
    "angles": _pieces("<"),
    "comments": _pieces("<!--"),
    "entities": _pieces("&amp;"),
    "blanks": _pieces(" "),
    "lines": _pieces("\n"),
    "tabs and lines": _pieces("\t\r\n"),
    "blanks nobody sees": _pieces("\u200b\u00a0\u2028"),
    "dots": _pieces("."),
    "commas": _pieces(","),
    "dashes": _pieces("-"),
    "low lines": _pieces("_a"),
    "slashes": _pieces("/"),
    "backslashes": _pieces("\\"),
    "questions": _pieces("?2"),
    "colons": _pieces(":a"),
    "at signs": _pieces("a@a."),
    "equal signs": _pieces("a=a;"),
    "signs of money": _pieces("€ 1"),
    "days": _pieces("2026-11-29 "),
    "ids": _pieces("0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d "),
    "letters with marks": _pieces("a\u0301"),
    "marks": _pieces("a", "\u0301" * 500),
    "other scripts": _pieces("é٣字"),
    "letters that grow": _pieces("İß\ufb03"),
    "wide letters": _pieces("😀"),
    "exponents": _pieces("1e9"),
    "percent signs": _pieces("%41"),
}  # fmt: skip


def some(cases: Iterable[T], count: int, label: str) -> list[T]:
    """Also the proof gives each place a few: each comes to many places, and others with each
    commit."""
    every = list(cases)
    return random.Random(f"{seed()} {label}").sample(every, min(count, len(every)))


@dataclass(frozen=True)
class Cost:
    """Of `n` and of `2n`. Nothing is said of less than `seen`;
    `slack`: what a clock is wrong by."""

    half: float
    whole: float
    seen: float
    slack: float

    def grows(self, most: float = GROWTH_MAX) -> bool:
        return self.whole > self.seen and self.whole > most * self.half + self.slack

    def __str__(self) -> str:
        if self.seen == SEEN_LINES:
            return f"{self.half:,.0f} -> {self.whole:,.0f} lines"
        return f"{self.half * 1000:.1f} -> {self.whole * 1000:.1f} ms"


def seconds_of(work: Callable[[], object], most: float = 0.0) -> float:
    """Processor time of the fastest of some runs, of which the first that takes no more than `most`
    is the last."""
    least = float("inf")
    gc.disable()  # it looks through all that the tests hold
    try:
        for _ in range(AGAIN):
            began = time.process_time()
            work()
            least = min(least, time.process_time() - began)
            if least <= most or least > SURE_SECONDS + 2 * most:
                break
    finally:
        gc.enable()
    return least


def lines_of(work: Callable[[], object]) -> int:
    """Lines of Python that run meanwhile in this thread."""
    count = 0

    def note(_frame: FrameType, _event: str, _value: Any) -> Any:
        nonlocal count
        count += 1
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def cost_of(
    work: Callable[[int], object], length: int, nothing: Callable[[], object] | None = None
) -> Cost:
    """`work` takes a length; `nothing` does the same without any text, and what it costs is not
    counted."""
    if proving != FAMILY:
        least = lines_of(nothing) if nothing else 0
        for _ in range(2):  # what is done only once is not there again
            half, whole = (lines_of(partial(work, size)) - least for size in (length // 2, length))
            cost = Cost(half, whole, SEEN_LINES, SLACK_LINES)
            if not cost.grows():
                break
        return cost
    for _ in range(AGAIN):  # a clock that runs slow for a while does not do so each time
        base = min(seconds_of(nothing), SURE_SECONDS / 10) if nothing else 0.0
        whole = seconds_of(lambda: work(length), SEEN_SECONDS + base) - base
        half = whole if whole <= SEEN_SECONDS else seconds_of(lambda: work(length // 2)) - base
        cost = Cost(half, whole, SEEN_SECONDS, SLACK_SECONDS)
        if not cost.grows() or whole > SURE_SECONDS:
            break
    return cost
