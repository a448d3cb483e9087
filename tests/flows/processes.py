"""Other processes over the database of a test's world, some of which die."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import asyncpg
from tests.worlds import KEYRING, Shop

from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.tokenize import Vault
from recoup.flows.cards.transmit import Transmit
from recoup.flows.known import Merchants
from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.gateways.cards.sandbox.processor import SandboxProcessor
from recoup.kernel.world import World
from recoup.store.pool import Database, _prepare


class Killer:
    """Ends a process at its k-th step: a statement or a call to the processor.

    `after`: the step still happens, its answer does not arrive. From then on nothing of that process happens any more.
    """

    def __init__(self, at: int, *, after: bool) -> None:
        self.at, self.after = at, after
        self.steps = 0
        self.armed = self.unwinding = False
        self.dead = asyncio.Event()
        self.open: list[asyncpg.Connection] = []
        self.told: list[str] = []

    async def step(self, what: str, do: Any) -> Any:
        if self.unwinding:
            raise asyncpg.InterfaceError("this process is dead")
        if self.dead.is_set():
            await asyncio.Event().wait()
        if not self.armed:
            return await do()
        self.steps += 1
        self.told.append(what)
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
        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109
            run = super().execute
            if args:  # counted in _execute
                return await run(query, *args, timeout=timeout)  # type: ignore[no-any-return]
            return await killer.step(query.split("\n")[0][:40], lambda: run(query, timeout=timeout))  # type: ignore[no-any-return]

        async def _execute(self, query: str, *args: Any, **named: Any) -> Any:
            run = super()._execute
            return await killer.step(" ".join(query.split())[:40], lambda: run(query, *args, **named))

    return Dying


class DyingDatabase(Database):
    """A pool whose connections end with their process."""

    def __init__(self, dsn: str, killer: Killer) -> None:
        super().__init__(dsn, size=6, name="dying")
        self._killer = killer

    async def _connect(self) -> asyncpg.Connection:
        if self._killer.unwinding:
            raise asyncpg.InterfaceError("this process is dead")
        if self._killer.dead.is_set():
            await asyncio.Event().wait()
        connection = await asyncpg.connect(
            self._dsn, timeout=5, server_settings={"role": "recoup_app", "timezone": "UTC", "jit": "off"},
            statement_cache_size=400, connection_class=_connection_class(self._killer),
        )  # fmt: skip
        armed, self._killer.armed = self._killer.armed, False
        await _prepare(connection)
        self._killer.armed = armed
        self._killer.open.append(connection)
        return connection


class DyingProcessor:
    """The sandbox's processor as a process that may die sees it: what has left it arrives."""

    def __init__(self, inner: SandboxProcessor, killer: Killer) -> None:
        self._inner, self._killer = inner, killer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def charge(self, charge: Any) -> Any:
        return await self._killer.step("charge", lambda: self._inner.charge(charge))

    async def reverse(self, reversal: Any) -> Any:
        return await self._killer.step("reverse", lambda: self._inner.reverse(reversal))

    async def inquire(self, id: Any) -> Any:
        return await self._killer.step("ask", lambda: self._inner.inquire(id))

    async def answer_dispute(self, answer: Any) -> Any:
        return await self._killer.step("answer", lambda: self._inner.answer_dispute(answer))


class DyingChannel:
    """A payment channel as a process that may die sees it."""

    CALLS = frozenset({"pay", "reverse", "sweep", "pay_out", "inquire"})

    def __init__(self, inner: Any, killer: Killer) -> None:
        self._inner, self._killer = inner, killer

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._inner, name)
        if name not in self.CALLS:
            return call
        return lambda *args: self._killer.step(name, lambda: call(*args))


@asynccontextmanager
async def second_process(world: World) -> AsyncIterator[World]:
    """Another process of the same installation: own connections, own memory, the same database and keys."""
    db = await Database(world.extra["dsn"], size=8, name="second").open()
    processor = SandboxProcessor(world.extra["dsn"], mac_key=KEYRING.mac("issuer", b"book"), acceptor_id="sandbox")
    try:
        yield replace(world, db=db, processors={processor.name: processor})
    finally:
        await processor.close()
        await db.close()


@asynccontextmanager
async def dying_process(shop: Shop, killer: Killer) -> AsyncIterator[Shop]:
    """The same merchant, served by a process that `killer` ends."""
    db = await DyingDatabase(shop.world.extra["dsn"], killer).open()
    inner: Any = shop.world.processors["sandbox"]
    channels = {code: DyingChannel(channel, killer) for code, channel in shop.world.channels.items()}
    world = replace(shop.world, db=db, processors={"sandbox": DyingProcessor(inner, killer)}, channels=channels)
    orders, merchants = Orders(world), Merchants(world)
    try:
        yield replace(
            shop, world=world, orders=orders, deliveries=Deliveries(world), merchants=merchants,
            evaluate=Evaluate(world, orders, merchants, Vault(world)), transmit=Transmit(world, orders, merchants),
        )  # fmt: skip
    finally:
        killer.dead.set()
        await db.close()
        killer.die()


async def run_until_killed(killer: Killer, work: Any) -> Any:
    """What `work` answered, its exception, or None when the process died first. Leaves none of its tasks behind."""
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
