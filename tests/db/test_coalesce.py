"""Calls that share a statement: each gets its own answer, whatever becomes of its neighbours."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from recoup.db.coalesce import Coalescer
from recoup.kernel.measures import BATCHES
from recoup.kernel.problem import Problem


class Writes:
    """A statement that notes what came together; a row `bad` breaks it, `no` is refused in its own
    answer."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def run(self, rows: Sequence[Any]) -> list[Any]:
        self.batches.append(list(rows))
        await self.gate.wait()
        if "bad" in rows:
            raise ValueError("a row breaks the statement")
        if "away" in rows:
            raise Problem("unavailable", "The database is away.")
        if "damaged" in rows:
            raise Problem("unavailable", "A page is damaged.", damaged=True)
        return [Problem("invalid", "no") if row == "no" else ("done", row) for row in rows]


def test_what_waits_while_a_writer_is_busy_goes_together() -> None:
    async def story() -> None:
        writes = Writes()
        writes.gate.clear()
        coalescer = Coalescer(writes.run, max_rows=4, writers=1)
        calls = [asyncio.create_task(coalescer.submit(n)) for n in range(10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        writes.gate.set()
        assert await asyncio.gather(*calls) == [("done", n) for n in range(10)]
        assert writes.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]

    asyncio.run(story())


def test_what_rows_waited_is_added_once_a_batch() -> None:
    counted: list[tuple[str, ...]] = []

    async def story() -> None:
        coalescer = Coalescer(Writes().run, max_rows=4, writers=1)
        await asyncio.gather(*(coalescer.submit(n) for n in range(10)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BATCHES, "add", lambda *values, by: counted.append(values))
        asyncio.run(story())
    assert counted == [("queue",), ("run",)] * 3


def test_a_row_that_breaks_the_statement_stands_alone() -> None:
    async def story() -> None:
        writes = Writes()
        coalescer = Coalescer(writes.run, max_rows=64, writers=1)
        rows: list[Any] = [*range(40), "bad", *range(40, 62), "no"]
        answers = await asyncio.gather(
            *(coalescer.submit(row) for row in rows), return_exceptions=True
        )
        for row, answer in zip(rows, answers, strict=True):
            if row == "bad":
                assert isinstance(answer, ValueError)
            elif row == "no":
                assert isinstance(answer, Problem)
            else:
                assert answer == ("done", row)
        assert len(writes.batches) <= 1 + 2 * 7, "halved, not tried one by one"

    asyncio.run(story())


def test_a_problem_is_everybodys_and_is_not_halved() -> None:
    async def story() -> None:
        writes = Writes()
        coalescer = Coalescer(writes.run, max_rows=64, writers=1)
        answers = await asyncio.gather(
            *(coalescer.submit("away") for _ in range(9)), return_exceptions=True
        )
        assert {type(a) for a in answers} == {Problem}
        assert len(writes.batches) == 1

    asyncio.run(story())


def test_a_damaged_page_refuses_only_those_who_need_it() -> None:
    async def story() -> None:
        coalescer = Coalescer(Writes().run, max_rows=64, writers=1)
        rows: list[Any] = [*range(9), "damaged"]
        answers = await asyncio.gather(
            *(coalescer.submit(row) for row in rows), return_exceptions=True
        )
        assert answers[:-1] == [("done", row) for row in range(9)]
        assert isinstance(answers[-1], Problem)

    asyncio.run(story())


def test_the_queue_is_bounded_and_says_when_to_come_again() -> None:
    async def story() -> None:
        writes = Writes()
        writes.gate.clear()
        coalescer = Coalescer(writes.run, max_rows=1, writers=1, queue_max=3)
        first = asyncio.create_task(coalescer.submit(0))
        await asyncio.sleep(0.01)
        calls = [asyncio.create_task(coalescer.submit(n)) for n in range(1, 4)]
        await asyncio.sleep(0.01)
        with pytest.raises(Problem) as refused:
            await coalescer.submit(9)
        assert (refused.value.code, refused.value.retry_after_seconds) == ("unavailable", 1)
        writes.gate.set()
        assert await asyncio.gather(first, *calls) == [("done", n) for n in range(4)]
        assert await coalescer.submit(5) == ("done", 5)

    asyncio.run(story())


def test_a_caller_that_gives_up_harms_no_other() -> None:
    async def story() -> None:
        writes = Writes()
        writes.gate.clear()
        coalescer = Coalescer(writes.run, max_rows=8, writers=1)
        calls = [asyncio.create_task(coalescer.submit(n)) for n in range(3)]
        await asyncio.sleep(0.01)
        calls[1].cancel()
        writes.gate.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert answers[0] == ("done", 0)
        assert answers[2] == ("done", 2)
        assert isinstance(answers[1], asyncio.CancelledError)

    asyncio.run(story())


def test_a_call_that_comes_as_the_last_writer_leaves_is_not_forgotten() -> None:
    """What the merchant saw: a webhook not recorded for a minute, a moved clock that does not
    return."""

    async def story() -> None:
        writes = Writes()
        writes.gate.clear()
        coalescer = Coalescer(writes.run, writers=1)
        first = asyncio.create_task(coalescer.submit("first"))
        await asyncio.sleep(0.01)

        async def comes_at_the_wrong_moment() -> Any:
            await writes.gate.wait()  # wakes in the same turn as the writer, behind it
            return await coalescer.submit("second")

        second = asyncio.create_task(comes_at_the_wrong_moment())
        await asyncio.sleep(0.01)
        writes.gate.set()
        async with asyncio.timeout(1):
            assert await asyncio.gather(first, second) == [("done", "first"), ("done", "second")]

    asyncio.run(story())


def test_a_few_rows_go_together_and_many_in_further_writers() -> None:
    async def story() -> None:
        writes = Writes()
        writes.gate.clear()
        coalescer = Coalescer(writes.run, writers=3)
        calls = [asyncio.create_task(coalescer.submit(0))]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for n in range(1, 3):
            calls.append(asyncio.create_task(coalescer.submit(n)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert writes.batches == [[0]], "two wait for the one that is out"
        calls.append(asyncio.create_task(coalescer.submit(3)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert writes.batches == [[0], [1, 2, 3]], "three are worth a writer of their own"
        writes.gate.set()
        assert await asyncio.gather(*calls) == [("done", n) for n in range(4)]

    asyncio.run(story())


def test_a_transaction_that_is_held_up_holds_up_no_other_row() -> None:
    """What the merchant saw: one order was locked for seconds, and the next call, of another order,
    took as long."""

    async def story() -> None:
        held, free = asyncio.Event(), asyncio.Event()

        async def run(rows: Sequence[str]) -> list[Any]:
            await (held if "held" in rows else free).wait()
            return [("done", row) for row in rows]

        free.set()
        coalescer = Coalescer(run, writers=3)
        first = asyncio.create_task(coalescer.submit("held"))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(1):
            assert await coalescer.submit("second") == ("done", "second")
            assert await coalescer.submit("third") == ("done", "third")
        assert not first.done()
        held.set()
        assert await first == ("done", "held")

    asyncio.run(story())
