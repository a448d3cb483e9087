"""Concurrent calls share one set-based statement or transaction; the flow brings `run`.

A bad row is a value in its own answer. When the statement itself fails, or meets a damaged page,
the batch is halved until the row that breaks it stands alone. The first row waits for nothing;
whatever queued up while the writers were busy goes together.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

from recoup.db.pool import retrying
from recoup.db.statement import Read
from recoup.kernel.measures import BATCHES
from recoup.kernel.problem import Problem

Row = TypeVar("Row")
Answer = TypeVar("Answer")
# A transaction of three rows costs little more than one of a single row: another writer begins
# beside those that are busy when that many wait for each of these, or when one has waited so long
# that a busy writer may be held up.
ROWS_EACH: Final = 3
PATIENCE_SECONDS: Final = 0.02


class Coalescer(Generic[Row, Answer]):
    """`run(rows)` answers each row in order: a value, or an exception for that row alone.

    Bounds: `max_rows` a statement, `writers` statements at once, `queue_max` rows waiting (beyond:
    unavailable).
    """

    def __init__(
        self,
        run: Callable[[Sequence[Row]], Awaitable[Sequence[Answer | BaseException]]],
        *,
        max_rows: int = 64,
        writers: int = 2,
        queue_max: int = 4096,
    ) -> None:
        self._run, self._max_rows, self._writers, self._queue_max = (
            run,
            max_rows,
            writers,
            queue_max,
        )
        self._waiting: deque[tuple[Row, asyncio.Future[Answer], float]] = deque()
        self._busy: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def submit(self, row: Row) -> Answer:
        if len(self._waiting) >= self._queue_max:
            message = "Too many calls are waiting."
            raise Problem(
                "unavailable",
                message,
                cure="Send the same call again.",
                retry_after_seconds=1,
                full=True,
            )
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((row, future, loop.time()))
        if len(self._waiting) >= ROWS_EACH * len(self._busy):
            self._begin()
        elif self._timer is None and len(self._busy) < self._writers:
            self._timer = loop.call_later(PATIENCE_SECONDS, self._look)
        return await future

    def _begin(self) -> None:
        if len(self._busy) < self._writers:
            task = asyncio.create_task(self._write())
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    def _look(self) -> None:
        """Begins when the row that has waited longest has waited long enough, or looks again
        then."""
        self._timer = None
        if self._waiting:
            loop = asyncio.get_running_loop()
            left = self._waiting[0][2] + PATIENCE_SECONDS - loop.time()
            if left <= 0:
                self._begin()
            else:
                self._timer = loop.call_later(left, self._look)

    async def _write(self) -> None:
        time = asyncio.get_running_loop().time
        while self._waiting:
            batch = [
                self._waiting.popleft() for _ in range(min(self._max_rows, len(self._waiting)))
            ]
            begun = time()
            BATCHES.add("queue", by=sum(begun - since for _, _, since in batch))
            await self._settle([(row, future) for row, future, _ in batch])
            BATCHES.add("run", by=(time() - begun) * len(batch))
        self._busy.discard(asyncio.current_task())  # now: the callback comes a turn later

    async def _settle(self, batch: list[tuple[Row, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._run([row for row, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, the others go on
            is_shared = isinstance(error, Problem) and not error.facts.get("damaged")
            if len(batch) > 1 and not is_shared:
                middle = len(batch) // 2
                await self._settle(batch[:middle])
                await self._settle(batch[middle:])
                return
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)


class Placed(Protocol):
    """A row for one of several keys. `place`: of which, from 1 on."""

    @property
    def place(self) -> int: ...


PlacedT = TypeVar("PlacedT", bound=Placed)
READERS: Final = 4


class Together(Generic[PlacedT]):
    """Reads of single rows by keys of several columns. Who comes while others read is read with the
    rest who wait, by one statement that takes each column as an array; who comes alone waits for
    nobody."""

    def __init__(self, db: Read, read: Callable[..., Awaitable[list[PlacedT]]]) -> None:
        self._db, self._read = db, read
        self._keys: Coalescer[tuple[object, ...], PlacedT | None] = Coalescer(
            self._rows, writers=READERS
        )

    async def get(self, *key: object) -> PlacedT | None:
        return await self._keys.submit(key)

    async def _rows(self, keys: Sequence[tuple[object, ...]]) -> list[PlacedT | None]:
        columns = [list(column) for column in zip(*keys, strict=True)]
        rows = await retrying(lambda: self._read(self._db, *columns))
        by_place = {row.place: row for row in rows}
        return [by_place.get(place) for place in range(1, len(keys) + 1)]
