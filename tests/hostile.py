"""Texts that cost a careless reader most, of any length, and what reading them costs: processor time of this process.

A cost that grows with the square shows between `n` and `2n`: four times as much. What only adds, as the rest of a call
does, is taken off by a call without any such text.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

GROWTH_MAX: Final = 2.3  # from n to 2n
SLACK_SECONDS: Final = 0.004  # of a clock and of a heap, beside what is measured
SEEN_SECONDS: Final = 0.02  # from which on it is said that a cost grows: a square is soon beyond it
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
    "cards": _pieces("4242 4242-4242 4242, "),
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


@dataclass(frozen=True)
class Cost:
    """Seconds of `n` and of `2n`."""

    half: float
    whole: float

    def grows(self, most: float = GROWTH_MAX) -> bool:
        return self.whole > SEEN_SECONDS and self.whole > most * self.half + SLACK_SECONDS

    def __str__(self) -> str:
        return f"{self.half * 1000:.1f} -> {self.whole * 1000:.1f} ms"


def seconds_of(work: Callable[[], object], most: float = 0.0) -> float:
    """Processor time of the fastest of some runs, of which the first that takes no more than `most` is the last."""
    least = float("inf")
    gc.disable()  # it looks through all that the tests hold
    try:
        for _ in range(AGAIN):
            began = time.process_time()
            work()
            least = min(least, time.process_time() - began)
            if least <= most or least > SURE_SECONDS:
                break
    finally:
        gc.enable()
    return least


def cost_of(work: Callable[[int], object], length: int, nothing: float = 0.0) -> Cost:
    """`work` takes a length; `nothing`: what it takes without any text, in seconds."""
    whole = seconds_of(lambda: work(length), SEEN_SECONDS + nothing) - nothing
    if whole <= SEEN_SECONDS:
        return Cost(whole, whole)
    return Cost(seconds_of(lambda: work(length // 2)) - nothing, whole)
