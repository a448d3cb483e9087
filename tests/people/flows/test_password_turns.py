"""Passwords are looked at in turn, and strangers who send many keep nobody else waiting behind all
of them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from recoup.kernel.problem import Problem
from recoup.people.flows.passwords import AT_ONCE, LANE_MAX, WAITING_MAX, Passwords, Turn


async def settled() -> None:
    """All that could be put into the queue is there."""
    for _ in range(5):
        await asyncio.sleep(0)


class Begun(ThreadPoolExecutor):
    """Notes whose password is handed to a thread, in which order. Threads may end in any other on a
    busy machine."""

    def __init__(self) -> None:
        super().__init__(AT_ONCE)
        self.names: list[str] = []

    def submit(self, work: Any, /, *values: Any, **named: Any) -> Any:
        self.names.extend(values[-1:])  # the password
        return super().submit(work, *values, **named)


class Desk:
    """Notes whose password was looked at. Closed at first: what is begun there waits until it
    opens."""

    def __init__(self) -> None:
        self.passwords, self._open, self._threads = Passwords(), threading.Event(), Begun()
        self.passwords._threads = self._threads
        self.begun = self._threads.names
        self.done: list[str] = []
        self.refused: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._first = [
            asyncio.create_task(self.passwords._in_turn(Turn(), self._open.wait))
            for _ in range(AT_ONCE)
        ]

    async def comes(self, name: str, *, known: bool = False, times: int = 1) -> None:
        await settled()
        for _ in range(times):
            self.tasks.append(asyncio.create_task(self._one(name, known)))
        await settled()

    async def _one(self, name: str, known: bool) -> None:
        try:
            await self.passwords.fits(name, None, Turn(name, known))
        except Problem as problem:
            if problem.code != "too_many_requests":
                raise
            self.refused.append(name)
        else:
            self.done.append(name)

    async def over(self) -> None:
        self._open.set()
        await asyncio.gather(*self._first, *self.tasks, return_exceptions=True)


def test_one_network_that_sends_many_is_one_among_others() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.comes("203.0.113.0/24", times=40)
        assert len(desk.refused) == 40 - LANE_MAX, "few of one network wait"
        await desk.comes("198.51.100.0/24")
        await desk.over()
        assert desk.begun.index("198.51.100.0/24") == 1
        assert len(desk.done) == LANE_MAX + 1

    asyncio.run(story())


def test_ninety_strangers_do_not_starve_who_comes_after_them() -> None:
    """Of ninety that sent two each the sixty-fifth and all after it were refused, whoever they
    were."""

    async def story() -> None:
        desk = Desk()
        for n in range(90):
            await desk.comes(f"10.0.{n}.0/24", times=LANE_MAX)
        await desk.comes("198.51.100.0/24")
        await desk.comes("ann", known=True)
        await desk.over()
        assert "198.51.100.0/24" in desk.done
        assert desk.begun.index("ann") == 0, "who is known on a device waits for no stranger"
        assert desk.begun.index("198.51.100.0/24") <= 91, "one round of the networks at most"

    asyncio.run(story())


def test_who_sends_many_on_known_devices_is_one_among_the_known() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.comes("eve", known=True, times=LANE_MAX)
        await desk.comes("ann", known=True)
        await desk.over()
        assert desk.begun.index("ann") == 1
        assert not desk.refused

    asyncio.run(story())


def test_the_queue_is_bounded_and_empties() -> None:
    async def story() -> None:
        desk = Desk()
        for n in range(WAITING_MAX + 50):
            await desk.comes(f"10.{n // 200}.{n % 200}.0/24")
        assert len(desk.refused) == 50
        await desk.over()
        assert len(desk.done) == WAITING_MAX
        await desk.comes("late")
        await desk.over()
        assert desk.done[-1] == "late"

    asyncio.run(story())


def test_who_goes_away_while_waiting_leaves_the_place_to_others() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.comes("a", times=4)
        for task in desk.tasks[1:]:
            task.cancel()
        await desk.comes("b")
        await desk.over()
        assert sorted(desk.done) == ["a", "b"]
        await desk.comes("c", times=LANE_MAX)
        await desk.over()
        assert desk.done.count("c") == LANE_MAX

    asyncio.run(story())


def test_who_goes_away_as_they_are_called_takes_no_turn_with_them() -> None:
    """The turn was lost for ever, and after two such nobody signed in any more."""

    async def story() -> None:
        desk = Desk()
        await desk.comes("a", times=AT_ONCE)
        await desk.comes("b")
        turns = [asyncio.get_running_loop().create_future() for _ in range(AT_ONCE)]
        try:
            for task, turn in zip(desk.tasks, turns, strict=False):
                task.cancel()
                turn.set_result(None)
                desk.passwords._working += 1  # somebody whose turn is over now
                desk.passwords._next(turn)
        finally:
            await desk.over()
        await settled()
        assert (desk.done, desk.passwords._working) == (["b"], 0)

    asyncio.run(story())


def test_who_goes_away_as_they_are_refused_ends_nobody_elses_turn() -> None:
    async def story() -> None:
        desk = Desk()
        await desk.comes("a", times=LANE_MAX)
        for n in range(WAITING_MAX - LANE_MAX):
            await desk.comes(f"10.0.{n}.0/24")
        last = desk.tasks[LANE_MAX - 1]
        desk.tasks.append(asyncio.create_task(desk._one("b", known=False)))
        asyncio.get_running_loop().call_soon(
            last.cancel
        )  # b has come, and the last of a is not yet told
        await settled()
        waiting = len(desk.passwords._strangers)
        await desk.over()
        assert last.cancelled()
        assert waiting == WAITING_MAX, "nobody was called: all turns are taken"

    asyncio.run(story())


def test_who_goes_away_leaves_room_in_a_full_queue_at_once() -> None:
    """Whoever came in that moment was answered with an error of ours."""

    async def story() -> None:
        desk = Desk()
        await desk.comes("a", times=LANE_MAX)
        for n in range(WAITING_MAX - LANE_MAX):
            await desk.comes(f"10.0.{n}.0/24")
        desk.tasks[LANE_MAX - 1].cancel()
        try:
            place = desk.passwords._strangers.join("b")
            await settled()
            waiting = len(desk.passwords._strangers)
            place.cancel()
        finally:
            await desk.over()
        assert (waiting, desk.refused) == (WAITING_MAX, [])

    asyncio.run(story())


def test_a_new_password_waits_its_turn_too() -> None:
    """Signing up took 64 MiB each beside the queue, as many at once as came."""

    async def story() -> None:
        used = Passwords()
        made = [
            asyncio.create_task(used.hashed(f"a good password {n}", Turn(f"10.0.{n}.0/24")))
            for n in range(WAITING_MAX + AT_ONCE + 1)
        ]
        await settled()
        with pytest.raises(Problem, match="Too many sign-ins"):
            await made[-1]
        assert all(await asyncio.gather(*made[:-1]))

    asyncio.run(story())


def test_who_signs_in_does_not_wait_for_files_that_are_read() -> None:
    async def story() -> None:
        read = threading.Event()
        files = ThreadPoolExecutor(2)
        asyncio.get_running_loop().set_default_executor(files)
        reading = [asyncio.create_task(asyncio.to_thread(read.wait, 30)) for _ in range(4)]
        await settled()
        try:
            async with asyncio.timeout(10):
                assert await Passwords().fits("a password of somebody", None) is False
            assert not any(one.done() for one in reading)
        finally:
            read.set()
            await asyncio.gather(*reading)

    asyncio.run(story())
