"""The same three merchants after few orders and after many: a busy one, a steady one, and a quiet one whose own history
never grows. Their day costs the same."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import asyncpg
from tests.doors.rescue.door import Caller, Door, opened_door
from tests.doors.rescue.receiver import receiving
from tests.growth.day import Cost, Statements, forget_old, play, subscribed, work
from tests.growth.history import multiply
from tests.worlds import Shop, owner

from recoup.store.pool import PLANS
from recoup.store.server import EmbeddedServer, ServerAddress

DAYS = 3  # that are played and then multiplied
NAMES = ("busy", "steady", "quiet")


@dataclass(frozen=True)
class Played:
    """A database to clone, its merchants, and how many orders each has."""

    database: str
    shops: tuple[Shop, ...]
    orders: Mapping[UUID, int]


@dataclass(frozen=True)
class Measured:
    """What statements cost on a day of each merchant, and at the start of the product; and how each is planned."""

    days: Mapping[str, Mapping[str, Cost]]
    plans: Mapping[str, str]


@contextmanager
def counting_server() -> Iterator[ServerAddress]:
    """One of its own, which counts what its statements do."""
    folder = Path(tempfile.mkdtemp(prefix="recoup-growth-"))
    running = EmbeddedServer(folder, durable=False)
    try:
        _as_admin(running.start(), "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        running.stop()
        running = EmbeddedServer(folder, durable=False)
        address = running.start()
        _as_admin(address, "CREATE EXTENSION pg_stat_statements")
        yield address
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _as_admin(server: ServerAddress, sql: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.dsn("postgres"), timeout=10)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(run())


def played(server: ServerAddress) -> Played:
    """By real calls."""
    with opened_door(server, keep=True) as door, receiving(door) as receiver:
        callers = [door.shop(name=name) for name in NAMES]
        for caller in callers:
            subscribed(caller, receiver)
            play(caller)
        for caller in callers[:2] * (DAYS - 1):
            play(caller)
        rows = door.sql("SELECT merchant_id, count(*) AS n FROM orders GROUP BY 1")
        counts = {r["merchant_id"]: r["n"] for r in rows}
        return Played(door.world.extra["database"], tuple(c.shop for c in callers), counts)


def measured(server: ServerAddress, before: Played, orders: int) -> Measured:
    """After so many orders, nine of ten the busy one's."""
    with opened_door(server, template=before.database) as door, receiving(door) as receiver:
        busy, steady, _ = before.shops

        async def fill() -> None:
            async with owner(door.world) as connection:
                await multiply(connection, {shop.merchant_id: orders * share // 10 // before.orders[shop.merchant_id]
                                            for shop, share in ((busy, 9), (steady, 1))})  # fmt: skip
                await connection.execute("UPDATE endpoints SET url = $1", receiver.url())

        door.run(fill())
        callers = dict(zip(NAMES, (_caller(door, shop) for shop in before.shops), strict=True))
        for caller in [*callers.values()] * 2:
            play(caller)  # connections make their plans
        work(door)
        statements = Statements(server.dsn("postgres"), door.world.extra["database"])
        days: dict[str, dict[str, Cost]] = {name: {} for name in (*NAMES, "owner")}
        for name, caller in callers.items():
            door.sql("UPDATE rescue_watches SET checked_at = 'epoch'")
            with statements.counted(days[name]):
                play(caller)
        with statements.counted(days["owner"]):
            asyncio.run(forget_old(door.world.extra["dsn"]))
        every = sorted({sql for name in NAMES for sql in days[name]})
        return Measured(days, asyncio.run(_plans(door.world.extra["dsn"], every)))


def _caller(door: Door, shop: Shop) -> Caller:
    services = door.services
    here = replace(shop, world=door.world, orders=door.orders, deliveries=door.deliveries, merchants=services.merchants,
                   evaluate=services.evaluate, transmit=services.transmit)  # fmt: skip
    caller = Caller(door, here)
    caller.sign_in()
    return caller


async def _plans(dsn: str, statements: list[str]) -> dict[str, str]:
    """As our connections plan: one for all values. What cannot be prepared as it was noted is left out."""
    plans = {}
    connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0, server_settings=PLANS)
    try:
        for sql in statements:
            nothing = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", sql)), default=0))
            try:
                await connection.execute(f"PREPARE one AS {sql}")
            except asyncpg.PostgresError:
                continue
            rows = await connection.fetch("EXPLAIN (COSTS OFF) EXECUTE one" + (f" ({nothing})" if nothing else ""))
            plans[sql] = "\n".join(r[0] for r in rows)
            await connection.execute("DEALLOCATE one")
    finally:
        await connection.close()
    return plans
