"""An engine process that dies between two steps: a statement, or a call to a processor or
channel."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import asyncpg

from recoup.db.connect import SESSION, speak_json
from recoup.db.pool import Database


class Killer:
    """Ends a process at its k-th step: a statement or a call to the processor.

    `after`: the step still happens, its answer does not arrive. `only`: steps of that name are
    counted, no others. From then on nothing of that process happens any more.
    """

    def __init__(self, at: int, *, after: bool, only: frozenset[str] = frozenset()) -> None:
        self.at, self.after, self.only = at, after, only
        self.steps = 0
        self.armed = self.unwinding = False
        self.dead = asyncio.Event()
        self.open: list[asyncpg.Connection] = []
        self.pids: list[int] = []  # of the server's side of each connection
        self.step_names: list[str] = []

    async def step(self, what: str, do: Callable[[], Awaitable[Any]]) -> Any:
        if self.unwinding:
            raise asyncpg.InterfaceError("this process is dead")
        if self.dead.is_set():
            await asyncio.Event().wait()
        if not self.armed or (self.only and what not in self.only):
            return await do()
        self.steps += 1
        self.step_names.append(what)
        if self.steps != self.at:
            return await do()
        if self.after:
            with suppress(Exception):
                await do()
        self.die()
        return await asyncio.Event().wait()

    def die(self) -> None:
        self.dead.set()
        for connection in self.open:
            if not connection.is_closed():
                connection.terminate()


def _connection_class(killer: Killer) -> type[asyncpg.Connection]:
    class Dying(asyncpg.Connection):  # type: ignore[misc]
        async def execute(
            self,
            query: str,
            *args: Any,
            timeout: float | None = None,  # noqa: ASYNC109
        ) -> str:
            run = super().execute
            if args:  # counted in _execute
                return await run(query, *args, timeout=timeout)  # type: ignore[no-any-return]
            return await killer.step(  # type: ignore[no-any-return]
                query.split("\n")[0][:40], lambda: run(query, timeout=timeout)
            )

        async def _execute(self, query: str, *args: Any, **named: Any) -> Any:
            run = super()._execute
            return await killer.step(
                " ".join(query.split())[:40], lambda: run(query, *args, **named)
            )

    return Dying


class DyingDatabase(Database):
    """A pool whose connections end with their process."""

    def __init__(self, dsn: str, killer: Killer) -> None:
        super().__init__(dsn, size=6, name="dying")
        self._dsn, self._killer = dsn, killer

    async def _connect(self, role: str) -> asyncpg.Connection:
        if self._killer.unwinding:
            raise asyncpg.InterfaceError("this process is dead")
        if self._killer.dead.is_set():
            await asyncio.Event().wait()
        connection = await asyncpg.connect(
            self._dsn,
            timeout=5,
            server_settings={"role": role} | SESSION,
            statement_cache_size=400,
            connection_class=_connection_class(self._killer),
        )
        self._killer.open.append(
            connection
        )  # at once: who dies while it is made ready ends it, too
        armed, self._killer.armed = self._killer.armed, False
        await speak_json(connection)
        self._killer.armed = armed
        self._killer.pids.append(connection.get_server_pid())
        return connection


PROCESSOR: Final = {
    "charge": "charge",
    "modify": "reverse",
    "inquire": "ask",
    "answer_dispute": "answer",
}
BANK: Final = {"send": "to the bank", "answer": "ask the bank"}
MAIL: Final = {"send": "mail"}
CHANNEL: Final = {name: name for name in ("pay", "sweep", "pay_out", "inquire")} | {
    "modify": "reverse"
}


class DyingGateway:
    """A processor or channel as a process that may die sees it: what has left it arrives. `calls`:
    method -> step."""

    def __init__(self, inner: Any, killer: Killer, calls: dict[str, str]) -> None:
        self._inner, self._killer, self._calls = inner, killer, calls

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name not in self._calls:
            return call
        return lambda *args, **named: self._killer.step(
            self._calls[name], lambda: call(*args, **named)
        )


async def run_until_killed(killer: Killer, work: Any) -> Any:
    """Runs `work` and returns its answer, raises its exception, or returns None when the process
    died first. Leaves none of its tasks behind."""
    before = asyncio.all_tasks()
    killer.armed = True
    task = asyncio.create_task(work)
    death = asyncio.create_task(killer.dead.wait())
    await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
    finished = task.done() and not killer.dead.is_set()
    killer.armed, killer.unwinding = False, True
    left = asyncio.all_tasks() - before - {task}
    for one in (task, *left):
        one.cancel()
    await asyncio.gather(task, *left, return_exceptions=True)
    if finished:
        return task.exception() or task.result()
    return None
