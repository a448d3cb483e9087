"""Passwords as argon2id, made and checked beside the event loop, a few at a time: each takes 64 MiB
and some 50 ms.

Who waits stands in the lane of their network, and lanes take turns: a network that sends many waits
for itself. Who is known on their device goes before strangers. When too many wait, the longest lane
loses its last.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, Literal, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.people.rules.opaque import has_controls, opaque

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 256
GIVEN_MAX: Final = 4 * LENGTH_MAX  # before its characters are composed
Spelling = Literal["opaque", "typed"]
AT_ONCE: Final = 2
LANE_MAX: Final = 8
WAITING_MAX: Final = 256  # strangers; and as many who are known
_hasher: Final = PasswordHasher()
T = TypeVar("T")


@frozen
class Turn:
    """Turn of somebody who waits, in a lane: a network's; of who is `known`, the person's own."""

    key: str = ""
    known: bool = False


NOBODY: Final = Turn()


class _Lanes:
    """Lanes of those who wait, which take turns."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def join(self, key: str) -> asyncio.Future[None]:
        """Raises: Problem(too_many_requests)."""
        own = len(self._lanes.get(key, ()))
        if own >= LANE_MAX:
            raise _full()
        if self._count >= WAITING_MAX:
            longest = max(self._lanes.values(), key=len)
            if len(longest) <= own + 1:
                raise _full()
            last = longest.pop()
            self._count -= 1
            if not last.done():
                last.set_exception(_full())
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lanes.setdefault(key, deque()).append(place)
        self._count += 1
        return place

    def call(self) -> bool:
        """The first of the next lane, which goes behind the others. Who just went away is passed
        over; False when nobody is left."""
        while self._lanes:
            key, lane = next(iter(self._lanes.items()))
            place = lane.popleft()
            self._count -= 1
            if not lane:
                del self._lanes[key]
            if not place.done():
                place.set_result(None)
                if lane:
                    self._lanes.move_to_end(key)
                return True
        return False

    def leave(self, key: str, place: asyncio.Future[None]) -> None:
        """Somebody who waits no longer."""
        lane = self._lanes.get(key)
        if lane is not None and place in lane:
            lane.remove(place)
            self._count -= 1
            if not lane:
                del self._lanes[key]


class Passwords:
    """Password work of an event loop. Bounds how many are worked on and how many wait."""

    def __init__(self) -> None:
        self._working = 0
        # Those of the event loop read files, some for a minute: nobody's file keeps anybody from
        # signing in.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._known, self._strangers = _Lanes(), _Lanes()

    async def hashed(self, password: str, turn: Turn = NOBODY) -> str:
        """Raises: Problem(invalid) for one that is too short or too long, or holds a control
        character; Problem(too_many_requests) when too many wait already."""
        password = opaque(password[:GIVEN_MAX])
        if has_controls(password) or not password.strip():
            message = Sentence("A password cannot hold control characters, or spaces alone.")
            raise invalid(message, "password", "Choose another one.")
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
            message = Sentence("A password has {0} to {1} characters.", LENGTH_MIN, LENGTH_MAX)
            raise invalid(message, "password")
        return await self._in_turn(turn, _hash, password)

    async def stretched(self, password: str, salt: bytes, turn: Turn = NOBODY) -> str:
        """The same for the same password and salt, and as slow to guess as it is to check one.

        Raises: Problem(too_many_requests) when too many wait already.
        """
        return (
            await self._in_turn(turn, _stretch, opaque(password[:GIVEN_MAX])[:LENGTH_MAX], salt)
        ).hex()

    async def fits(self, password: str, kept: str | None, turn: Turn = NOBODY) -> bool:
        """True when it is the password; False, after the same work, when there is none to compare
        with.

        Raises: Problem(too_many_requests) when too many sign-ins wait already.
        """
        return await self.fitting(password, kept, turn) is not None

    async def fitting(
        self, password: str, kept: str | None, turn: Turn = NOBODY
    ) -> Spelling | None:
        """The spelling that fits: normalised, as compared today, or as typed, which older hashes
        used.

        Raises: as `fits`.
        """
        typed = password[:GIVEN_MAX]
        right = await self._in_turn(turn, _verify, kept, opaque(typed)[:LENGTH_MAX])
        if right and kept is not None:
            return "opaque"
        if typed[:LENGTH_MAX] == opaque(typed)[:LENGTH_MAX]:
            return None
        right = await self._in_turn(turn, _verify, kept, typed[:LENGTH_MAX])
        return "typed" if right and kept is not None else None

    async def _in_turn(self, turn: Turn, work: Callable[..., T], *values: object) -> T:
        if self._working < AT_ONCE:
            self._working += 1
        else:
            await self._wait(turn)
        done = asyncio.get_running_loop().run_in_executor(self._threads, work, *values)
        done.add_done_callback(
            self._next
        )  # also when nobody waits for it any more: the work goes on
        return await asyncio.shield(done)

    async def _wait(self, turn: Turn) -> None:
        lanes = self._known if turn.known else self._strangers
        place = lanes.join(turn.key)
        try:
            await place
        except asyncio.CancelledError:
            if (
                place.done() and not place.cancelled() and place.exception() is None
            ):  # it was called
                self._next(place)
            lanes.leave(turn.key, place)
            raise

    def _next(self, done: asyncio.Future[T]) -> None:
        """Somebody's turn is over."""
        if not done.cancelled():
            done.exception()  # the caller that awaited it got it
        if not self._known.call() and not self._strangers.call():
            self._working -= 1


def _full() -> Problem:
    return Problem(
        "too_many_requests",
        "Too many sign-ins at the moment.",
        "Try again in a few seconds.",
        retry_after_seconds=5,
    )


def _hash(password: str) -> str:
    return _hasher.hash(password)


def outdated(kept: str) -> bool:
    """True when it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobody() -> str:
    """The hash that is checked when nobody has this e-mail, so that the answer takes as long."""
    return _hasher.hash("nobody has this password")


def _verify(kept: str | None, password: str) -> bool:
    try:
        return _hasher.verify(kept or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


def _stretch(password: str, salt: bytes) -> bytes:
    return hash_secret_raw(
        password.encode("utf-8", "replace"),
        salt[:16],
        time_cost=_hasher.time_cost,
        memory_cost=_hasher.memory_cost,
        parallelism=_hasher.parallelism,
        hash_len=16,
        type=Type.ID,
    )
