"""The same three merchants after few orders and after many: a busy one, a steady one, and a quiet
one whose own history never grows. Their day costs the same."""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import asyncpg
from tests.door import Caller, Door, opened_door
from tests.growth.day import Cost, Statements, forget_old, play, subscribed, together, work
from tests.growth.history import Copies, multiply
from tests.growth.people import (
    People,
    begin,
    finish,
    gathered,
    look_round,
    open_doors,
    run_desks,
    sell,
)
from tests.partner import Partner
from tests.receiver import receiving
from tests.worlds import Shop, owner

from recoup.db.connect import PLANS
from recoup.db.roles import APP, READ
from recoup.db.server import EmbeddedServer, ServerAddress
from recoup.db.statement import PEOPLE, STATEMENTS
from recoup.kernel.ids import first_id_of
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.transmit import Transmit

DAYS = 2  # that are played and then multiplied
# orders that a merchant and its neighbours take in SPAN; more orders are more years of the same
FEW = 1_000
SPAN = timedelta(days=31)
NAMES = ("busy", "steady", "quiet")
FLOW_CONNECTIONS = 6  # of the eight that a world of the tests has


@dataclass(frozen=True)
class CountingServer(ServerAddress):
    log: Path


@dataclass(frozen=True)
class Played:
    """A database to clone, its merchants, and how many orders each has."""

    database: str
    shops: tuple[Shop, ...]
    partners: tuple[Partner, ...]
    orders: Mapping[UUID, int]


@dataclass(frozen=True)
class Measured:
    """What statements cost on a day of each merchant, and at the start of the product; how each is
    planned; how those of a day ran, with what functions run inside; how many blocks a look-up in
    each index goes through, from its root down; and the indexes that no day and no plan of any
    declared statement read, but for those that keep rows unique."""

    days: Mapping[str, Mapping[int, Cost]]
    plans: Mapping[str, str]
    runs: Sequence[str]
    levels: Mapping[str, int]
    unread: frozenset[str]


@contextmanager
def counting_server() -> Iterator[CountingServer]:
    """One of its own, which counts what its statements do and can write down how they ran."""
    folder = Path(tempfile.mkdtemp(prefix="recoup-growth-"))
    running = EmbeddedServer(folder, durable=False)
    try:
        _as_admin(
            running.start(),
            "ALTER SYSTEM SET shared_preload_libraries = pg_stat_statements, auto_explain",
        )
        running.stop()
        running = EmbeddedServer(folder, durable=False)
        address = running.start()
        _as_admin(address, "CREATE EXTENSION pg_stat_statements")
        _as_admin(address, "ALTER SYSTEM SET auto_explain.log_nested_statements = on")
        yield CountingServer(address.host, address.port, address.user, running.log)
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def written_down(server: CountingServer) -> Iterator[list[str]]:
    """Each statement that runs meanwhile, with its plan."""
    runs: list[str] = []
    begin = server.log.stat().st_size
    for least in ("0", "-1"):
        _as_admin(server, f"ALTER SYSTEM SET auto_explain.log_min_duration = {least}")
        _as_admin(server, "SELECT pg_reload_conf()")
        if least == "0":
            yield runs
    with server.log.open("rb") as log:
        log.seek(begin)
        lines = log.read().decode()
    runs.extend(
        one
        for one in re.split(r"^(?=\d{4}-\d\d-\d\d )", lines, flags=re.M)
        if "Query Text: " in one
    )


def _as_admin(server: ServerAddress, sql: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(server.dsn("postgres"), timeout=10)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(run())


def played(server: CountingServer) -> Played:
    """By real calls."""
    with (
        opened_door(server, keep=True) as door,
        receiving(door) as receiver,
        open_doors(door) as client,
    ):
        callers = [door.shop(name=name) for name in NAMES]
        partners = [begin(caller) for caller in callers]
        people = [gathered(door, client, *both) for both in zip(callers, partners, strict=True)]
        for caller in callers:
            subscribed(caller, receiver)
        for one in (*people, *people[:2] * (DAYS - 1)):
            _day(one)
        work(door)
        rows = door.sql("SELECT merchant_id, count(*) AS n FROM orders GROUP BY 1")
        counts = {r["merchant_id"]: r["n"] for r in rows}
        return Played(door.world.database, tuple(c.shop for c in callers), tuple(partners), counts)


def _day(people: People, *, looking: bool = False) -> None:
    play(people.caller)
    sell(people)
    run_desks(people)
    work(people.door)
    if looking:
        look_round(people)
    finish(people)


def measured(
    server: CountingServer, before: Played, orders: int, *, counted: int = 1, warm: bool = False
) -> Measured:
    """After so many orders, nine of ten the busy one's: as many a day, however many there are.
    `counted`: days of each merchant. `warm`: what is read was read before, and what was made is on
    the disk, so that times say something."""
    with (
        opened_door(server, template=before.database) as door,
        receiving(door) as receiver,
        open_doors(door) as client,
    ):
        door.run(fill(door, before, orders, receiver.url()))
        if warm:
            _as_admin(server, "CHECKPOINT")
            os.sync()
        people = {}
        for name, shop, partner in zip(NAMES, before.shops, before.partners, strict=True):
            again = replace(
                partner, door=door
            ).sign_in()  # to make the history may take longer than a token lasts
            people[name] = gathered(door, client, caller_of(door, shop), again)
        for one in people.values():
            _day(one, looking=warm)  # connections make their plans
        door.run(learn_erasures(door))
        asyncio.run(forget_old(door.world.dsn, vacuum=True))  # it was forgotten day by day
        work(door)
        statements = Statements(server.dsn("postgres"), door.world.database)
        every_day: dict[str, list[dict[int, Cost]]] = {name: [] for name in NAMES}
        for _, (name, one) in product(range(counted), people.items()):
            door.sql("UPDATE rescue_watches SET checked_at = 'epoch'")
            every_day[name].append({})
            with statements.counted(every_day[name][-1], APP, READ):
                _day(one, looking=True)
        days = {name: together(every) for name, every in every_day.items()} | {
            "owner": dict[int, Cost]()
        }
        with statements.counted(days["owner"], server.user):
            asyncio.run(forget_old(door.world.dsn))
        with written_down(server) as runs:
            _day(people["busy"])
        every, dsn = (
            sorted({cost.sql for name in NAMES for cost in days[name].values()}),
            door.world.dsn,
        )
        declared = [one.sql for one in STATEMENTS if one.home is not PEOPLE]
        return Measured(
            days,
            asyncio.run(_plans(dsn, every)),
            runs,
            asyncio.run(_levels(dsn)),
            asyncio.run(_unread(dsn, declared)),
        )


async def learn_erasures(door: Door) -> None:
    """A day erases once, on any connection; what the first call on one reads is the catalogue and
    no history."""
    nobody, none = UUID(int=0), list[UUID]()
    async with AsyncExitStack() as held:
        for _ in range(FLOW_CONNECTIONS):
            connection = await held.enter_async_context(door.world.db.connection())
            undone = connection.transaction()
            await undone.start()
            await connection.execute("SELECT erase_orders($1, $2)", nobody, none)
            await connection.execute("SELECT erase_payer($1, $2, $3)", nobody, nobody, nobody)
            await undone.rollback()


async def fill(door: Door, before: Played, orders: int, hook_url: str) -> None:
    """So many orders; webhooks go to `hook_url` from now on."""
    busy, steady, _ = before.shops
    copies = {}
    for shop, share in ((busy, 9), (steady, 1)):
        usual, wanted = (
            all_ * share // 10 // before.orders[shop.merchant_id] for all_ in (FEW, orders)
        )
        copies[shop.merchant_id] = Copies(wanted, SPAN / usual)
    async with owner(door.world) as connection:
        await multiply(connection, copies)
        # What came in is counted a minute later: that of the history has been, that of the days
        # played has not.
        await connection.execute(
            "UPDATE fact_clocks f SET transmit_id = t.transmit_id FROM merchants m"
            " CROSS JOIN LATERAL (SELECT transmit_id FROM transmissions WHERE merchant_id = "
            "m.merchant_id"
            "   AND transmit_id < $1 ORDER BY transmit_id DESC LIMIT 1) t"
            " WHERE f.merchant_id = m.merchant_id",
            first_id_of(datetime.now(UTC) - timedelta(hours=1)),
        )
        await connection.execute("UPDATE endpoints SET url = $1", hook_url)


def caller_of(door: Door, shop: Shop) -> Caller:
    services = door.services
    here = replace(
        shop,
        world=door.world,
        orders=door.orders,
        deliveries=door.deliveries,
        merchants=services.merchants,
        evaluate=services.get(Evaluate),
        transmit=services.get(Transmit),
    )
    caller = Caller(door, here)
    caller.sign_in()
    return caller


async def _plans(dsn: str, statements: list[str]) -> dict[str, str]:
    """As our connections plan: one for all values. What cannot be prepared as it was noted is left
    out."""
    plans = {}
    connection = await asyncpg.connect(
        dsn, timeout=10, statement_cache_size=0, server_settings=PLANS
    )
    try:
        for sql in statements:
            nothing = ", ".join(["NULL"] * max(map(int, re.findall(r"\$(\d+)", sql)), default=0))
            try:
                await connection.execute(f"PREPARE one AS {sql}")
                rows = await connection.fetch(
                    "EXPLAIN (COSTS OFF) EXECUTE one" + (f" ({nothing})" if nothing else "")
                )
            except asyncpg.PostgresError:
                continue
            finally:
                await connection.execute("DEALLOCATE ALL")
            plans[sql] = "\n".join(r[0] for r in rows)
    finally:
        await connection.close()
    return plans


async def _levels(dsn: str) -> dict[str, int]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
        rows = await connection.fetch(
            "SELECT c.relname, (bt_metap(c.relname)).level + 1 AS levels"
            " FROM pg_class c JOIN pg_am a ON a.oid = c.relam"
            " WHERE a.amname = 'btree' AND c.relkind = 'i'"
            " AND c.relnamespace = ANY(current_schemas(false)::regnamespace[])"
        )
    finally:
        await connection.close()
    return {row["relname"]: row["levels"] for row in rows}


# An index of a partitioned table is read where one of its partitions' is.
_INDEXES = """
SELECT c.relname::text AS name, array_agg(p.relname::text) AS names,
  sum(pg_stat_get_numscans(p.oid)) AS scans
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
CROSS JOIN LATERAL (
  SELECT c.oid UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid) k
JOIN pg_class p ON p.oid = k.oid
WHERE c.relnamespace = ANY(current_schemas(false)::regnamespace[]) AND NOT c.relispartition
  AND NOT i.indisunique
GROUP BY c.oid, c.relname
"""


async def _unread(dsn: str, statements: list[str]) -> frozenset[str]:
    read = set(re.findall(r"\w+", "\n".join((await _plans(dsn, statements)).values())))
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        rows = await connection.fetch(_INDEXES)
    finally:
        await connection.close()
    return frozenset(r["name"] for r in rows if not r["scans"] and read.isdisjoint(r["names"]))
