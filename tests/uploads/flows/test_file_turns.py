"""Whose file is read next: whoever had the least reading time lately; small files have places of
their own."""

import asyncio
import gzip
import io
from collections.abc import Callable
from uuid import UUID

import pytest
from tests.rings import each

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.uploads.flows import file_turns
from recoup.uploads.flows.file_turns import (
    AT_ONCE,
    SMALL_BYTES,
    SMALL_MARKS,
    WAITING_MAX,
    Line,
    ReadingTime,
    is_small,
)


class Readers:
    """Who reads in a line, in the order in which they got a place; each until it is told to end."""

    def __init__(self, read: ReadingTime) -> None:
        self.line, self.began, self._ends = Line(read, 7), list[UUID](), dict[UUID, asyncio.Event]()

    async def come(self, merchant_id: UUID) -> asyncio.Task[None]:
        task = asyncio.create_task(self._read(merchant_id))
        await settled()
        return task

    async def _read(self, merchant_id: UUID) -> None:
        async with self.line.place(merchant_id, 60):
            self.began.append(merchant_id)
            await self._ends.setdefault(merchant_id, asyncio.Event()).wait()

    async def end(self, merchant_id: UUID) -> None:
        self._ends[merchant_id].set()
        await settled()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def full_line(
    read: ReadingTime | None = None,
) -> tuple[Readers, list[UUID], list[asyncio.Task[None]]]:
    readers, first = Readers(read or ReadingTime()), [new_id() for _ in range(AT_ONCE)]
    return readers, first, [await readers.come(one) for one in first]


def test_who_had_little_reading_time_goes_before_who_had_much() -> None:
    """Whoever sends one file after the other waits behind everybody else."""

    async def story() -> None:
        read, (much, some, none) = ReadingTime(), (new_id(), new_id(), new_id())
        read.add(much, 900)
        read.add(some, 30)
        readers, first, _ = await full_line(read)
        for one in (much, some, none):
            await readers.come(one)
        await readers.end(first[0])
        await readers.end(none)
        await readers.end(some)
        assert readers.began == [*first, none, some, much]

    asyncio.run(story())


def test_of_equals_who_came_first_goes_first() -> None:
    async def story() -> None:
        readers, first, _ = await full_line()
        waiting = [new_id() for _ in range(3)]
        for one in waiting:
            await readers.come(one)
        for one in [first[0], *waiting]:
            await readers.end(one)
        assert readers.began == [*first, *waiting]

    asyncio.run(story())


def test_a_full_line_turns_away_whose_files_were_read_most_and_says_when_to_come_again() -> None:
    async def story() -> None:
        read, much = ReadingTime(), new_id()
        read.add(much, 900)
        readers, _, _ = await full_line(read)
        heavy = await readers.come(much)
        others = [await readers.come(new_id()) for _ in range(WAITING_MAX)]
        with pytest.raises(Problem, match="as can be read at once") as told:
            await heavy
        assert (told.value.code, told.value.retry_after_seconds) == ("unavailable", 7)
        last = await readers.come(new_id())
        with pytest.raises(Problem, match="as can be read at once"):
            await last
        assert not any(task.done() for task in others)

    asyncio.run(story())


def test_who_waited_in_vain_hears_it_and_leaves_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_turns, "WAIT_SECONDS_MAX", 0)

    async def story() -> None:
        readers, first, _ = await full_line()
        with pytest.raises(Problem, match="nothing of this one was taken"):
            await (await readers.come(new_id()))
        monkeypatch.setattr(file_turns, "WAIT_SECONDS_MAX", 60)
        following = new_id()
        await readers.come(following)
        await readers.end(first[0])
        assert readers.began == [*first, following]

    asyncio.run(story())


@pytest.mark.parametrize("given", [True, False], ids=["its place was just given", "it waits"])
def test_who_hangs_up_in_the_line_takes_no_place_with_them(given: bool) -> None:
    async def story() -> None:
        readers, first, tasks = await full_line()
        gone, following = await readers.come(new_id()), new_id()
        await readers.come(following)
        if given:
            tasks[0].cancel()
            await asyncio.sleep(0)
        gone.cancel()
        await settled()
        if not given:
            await readers.end(first[0])
        assert readers.began == [*first, following]

    asyncio.run(story())


def test_reading_time_adds_up_and_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    hour = 2 * file_turns.HALF_LIFE
    read, one, at = ReadingTime(), new_id(), iter([0.0, 0.0, hour, hour, hour])
    monkeypatch.setattr(file_turns, "monotonic", lambda: next(at))
    read.add(one, 900)
    read.add(one, 100)
    assert read.of(one) == 325


def test_of_more_merchants_than_are_kept_who_read_least_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_turns, "READERS_MAX", 2)
    read, (some, little, much) = ReadingTime(), (new_id(), new_id(), new_id())
    for one, seconds in ((some, 30), (little, 0.2), (much, 900)):
        read.add(one, seconds)
    assert [read.of(one) > 0 for one in (some, little, much)] == [True, False, True]


@each(
    ("content", "small"),
    [
        (lambda: b"[]", True),
        (lambda: b"x" * SMALL_BYTES, True),
        (lambda: b"x" * (SMALL_BYTES + 1), False),
        (lambda: gzip.compress(b"x" * SMALL_BYTES), True),
        (lambda: gzip.compress(b"x" * (SMALL_BYTES + 1)), False),
        (lambda: gzip.compress(b"x" * 100) * 2 + gzip.compress(b"x" * SMALL_BYTES), False),
        (lambda: b"{}" * SMALL_MARKS, True),
        (lambda: b"{}" * SMALL_MARKS + b"\n", False),
        (lambda: gzip.compress(b"1\n" * (SMALL_MARKS + 1)), False),
        (lambda: b"\x1f\x8bnot packed at all", True),
    ],
)
def test_what_a_small_file_is(content: Callable[[], bytes], small: bool) -> None:
    assert is_small(io.BytesIO(content())) is small
