"""What a file costs its reader, with a stranger's text in the place of each of its words: twice the
text at most 2.3 times as much, and in the proof a megabyte a second."""

import inspect
import re
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Final

import pytest
from tests.hostile import FAMILY, GROWTH_MAX, TEXTS, cost_of, seconds_of, some
from tests.kit.rules.samples import Sample, reads, samples
from tests.rings import draw, drawn
from tests.subjects import modules_of

from recoup.kit.files.lines import LINE_MAX, Line

BYTES: Final = LINE_MAX - 2_000  # a longer line is read over
LARGE: Final = 1_000_000
SECONDS_MAX: Final = 1.0  # of `LARGE`
SAMPLES: Final = {one.name: one for one in samples()}
WORDS_DRAWN, TEXTS_DRAWN = 6, 1
STRONG: Final = (
    "cards",
    "digits in brackets",
    "words",
    "quotes",
    "letters with marks",
    "thousands",
)


def text_of(name: str, size: int) -> str:
    return TEXTS[name](size * 100 // len(TEXTS[name](100).encode()))


def files_of(
    sample: Sample, span: tuple[int, int], name: str, size: int
) -> list[tuple[str, bytes]]:
    """With one long text, and with a short one in each of many records."""
    many = sample.with_many(span, TEXTS[name], size)
    one = [("once", sample.with_one(span, text_of(name, size)))]
    return one if many is None else [*one, ("often", many)]


@pytest.mark.timeout(900)
@drawn(FAMILY, "name", SAMPLES, 6)
def test_a_text_costs_a_reader_little_wherever_it_stands(name: str) -> None:
    sample, wrong = SAMPLES[name], []
    nothing = partial(reads, sample, sample.whole())
    for span in draw(FAMILY, sample.words(), WORDS_DRAWN, label=name):
        for text in some(TEXTS, TEXTS_DRAWN, f"{name} {span}"):
            made = {size: dict(files_of(sample, span, text, size)) for size in (BYTES, BYTES // 2)}
            for how in made[BYTES]:
                cost = cost_of(
                    lambda size, how=how, made=made: reads(sample, made[size][how]), BYTES, nothing
                )
                if cost.grows(GROWTH_MAX):
                    wrong.append(f"{sample.word(span)}, {text}, {how}: {cost}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.prove(FAMILY)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_megabyte_is_read_in_a_second(name: str) -> None:
    sample, wrong = SAMPLES[name], []
    for span in some(sample.words(), 2, name):
        for text in some(STRONG, 1, f"{name} {span}"):
            for how, content in files_of(sample, span, text, LARGE):
                seconds = seconds_of(partial(reads, sample, content), SECONDS_MAX)
                if seconds > SECONDS_MAX:
                    wrong.append(f"{sample.word(span)}, {text}, {how}: {seconds:.2f} s")
    assert not wrong, "\n".join(wrong)


# no reader is left out
# ------------------------------------------------------------------------------------------------

# Readers that no whole sample comes to -> what they read.
OTHERS: Final = {
    "recoup.kit.files.table._joined": "a record of several lines, which quotes make of one",
    "recoup.certificates.rules.certificate_file._root": "what was read before",
}


def test_every_reader_of_files_has_a_sample() -> None:
    """A function that takes a file's bytes, its chunks or lines is called by one of the samples."""
    wanted = {one.__code__: f"{one.__module__}.{one.__qualname__}" for one in _readers()}
    assert len(wanted) > 15  # noqa: PLR2004
    called = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for sample in SAMPLES.values():
            reads(sample, sample.whole())
    finally:
        sys.setprofile(before)
    left = sorted(name for code, name in wanted.items() if code not in called)
    assert left == sorted(OTHERS)


def _readers() -> list[Any]:
    found = []
    for module in modules_of("rules"):
        for function in vars(module).values():
            if (
                inspect.isfunction(function)
                and function.__module__ == module.__name__
                and _takes_a_file(function)
            ):
                found.append(function)
    return found


def _takes_a_file(function: Callable[..., object]) -> bool:
    hints = [hint for name, hint in function.__annotations__.items() if name != "return"]
    return any(
        (hint if isinstance(hint, str) else str(hint)) in _FILES or hint is Line for hint in hints
    )


_FILES: Final = frozenset(
    {
        "typing.BinaryIO",
        "collections.abc.Iterable[bytes]",
        "collections.abc.Iterable[recoup.kit.files.table.Line]",
        "collections.abc.Callable[[], collections.abc.Iterable[bytes]]",
        "<class 'zipfile.ZipFile'>",
    }
)


def test_a_planted_square_is_found() -> None:
    """In a single call into C, and in lines of its own."""

    def careless(content: bytes) -> None:
        text = re.sub(r"\[[^\]]*\]", "", content.decode())
        for place in range(0, len(text), 20):
            for _ in range(place, len(text), 20):
                pass

    sample, most = Sample("planted", "a,", "b\n", "", careless, str), 12_000
    files = {size: sample.with_one((0, 1), text_of("brackets", size)) for size in (most, most // 2)}
    assert cost_of(lambda size: reads(sample, files[size]), most).grows(GROWTH_MAX)
    assert not cost_of(lambda size: reads(sample, files[size][:100]), most).grows(GROWTH_MAX)
