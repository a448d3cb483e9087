"""An ordinary day, one call after the other, so that each statement sees the same number of rows
each time."""

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

import asyncpg
from tests.door import APPROVES, FUNDS, GONE, HARD, Caller, Door, transmit_body
from tests.receiver import Receiver

from recoup.db.operation.backlog import read_backlog
from recoup.db.upkeep import retain
from recoup.main.clock import loops_of
from recoup.orders.rules.events import CATALOGUE
from recoup.rescue.flows.run_due import DueWork

AT_ONCE = {"expiryDateUtc": GONE, "transaction__responseCode": "91"}


@dataclass(frozen=True)
class Cost:
    """Of one statement, on average. `buffers`: blocks of eight kilobytes that it looked into.
    `calls`: in a day."""

    sql: str
    calls: float
    buffers: float
    ms: float
    rows: float
    days: int = 1


def subscribed(caller: Caller, receiver: Receiver) -> None:
    body = {"url": receiver.url(), "events": list(CATALOGUE)}
    assert caller.post("/webhooks", body).status_code == 201


def play(caller: Caller) -> None:
    """What a merchant does in a day."""
    token = caller.token_for(APPROVES)
    managed = caller.admit(paymentMethod__cardNumber=token, paymentMethod__Token=True)
    caller.admit(paymentMethod__cardNumber=FUNDS)
    caller.evaluate(paymentMethod__cardNumber=HARD)
    sync = caller.admit(**AT_ONCE)
    work(caller.door)
    refunded = caller.admit(**AT_ONCE)
    caller.evaluate(isMIT=False, expiryDateUtc=GONE, isRecurring=False)
    work(caller.door)
    for body in (
        transmit_body(caller),
        transmit_body(caller, isDeclined=True, transaction__responseCode="51"),
    ):
        assert caller.post("/transmit", body).status_code == 200
    work(caller.door)
    for path in (
        f"/orders/{sync}",
        f"/orders/{managed}",
        "/orders",
        "/orders?limit=50&page=2",
        "/orders?status=7",
        f"/orders/{managed}/outcome",
        "/webhooks",
        "/events",
        "/settlements",
    ):
        answer = caller.get(path)
        assert answer.status_code < 500, answer.text
    assert caller.refund(refunded, {"amountToRefund": 10_00}).status_code == 200
    assert caller.order(refunded)["statusName"] == "COMPLETED"
    caller.post(f"/orders/{managed}/cancel")
    work(caller.door)


def work(door: Door, passes: int = 3) -> None:
    """Each of the worker's loops so many times, and what is out ends."""

    async def once() -> None:
        due = DueWork(door.world, door.orders)
        for _ in range(passes):
            for loop in loops_of(door.world, due, door.deliveries):
                await loop.once()
                await due.drain()
                await door.deliveries.drain()
        async with door.world.db.connection() as connection:
            await read_backlog(connection, door.world.clocks.wall())

    door.run(once())


async def forget_old(dsn: str, *, vacuum: bool = False) -> None:
    """What the start of the product does as the owner. `vacuum`: what the server does by itself,
    some time later."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(
            "SET enable_seqscan = off"
        )  # a table that is small here is read whole otherwise
        await retain(connection, datetime.now(UTC))
        if vacuum:
            await connection.execute("VACUUM requests, alerts, partner_alerts")
    finally:
        await connection.close()


class Statements:
    """What roles run: `pg_stat_statements` of one database, read over a connection of its own. What
    it calls a statement is the same in every clone of a database; its text is not always."""

    def __init__(self, admin: str, database: str) -> None:
        self._admin, self._database = admin, database

    @contextmanager
    def counted(self, into: dict[int, Cost], *roles: str) -> Iterator[None]:
        named = ", ".join(f"'{role}'" for role in roles)
        asyncio.run(self._ask("SELECT pg_stat_statements_reset()"))
        yield
        rows = asyncio.run(
            self._ask(
                "SELECT s.queryid, min(s.query) AS query, sum(calls)::bigint AS calls,"
                " sum(shared_blks_hit + shared_blks_read)::float8 AS buffers,"
                " sum(total_exec_time)::float8 AS ms, sum(rows)::float8 AS rows FROM "
                "pg_stat_statements s"
                " JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid"
                f" WHERE d.datname = '{self._database}' AND r.rolname IN ({named}) GROUP BY 1"
            )
        )
        into |= {
            r["queryid"]: Cost(
                plain(r["query"]),
                r["calls"],
                r["buffers"] / r["calls"],
                r["ms"] / r["calls"],
                r["rows"] / r["calls"],
            )
            for r in rows
        }

    async def _ask(self, sql: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._admin, timeout=10)
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()


def together(days: Sequence[Mapping[int, Cost]]) -> dict[int, Cost]:
    """What several equal days cost: of each statement the least that it read and the least time it
    took. A table that is made longer just then, or another process that is busy, adds to one day
    and not to each."""
    found: dict[int, list[Cost]] = {}
    for which, cost in ((which, cost) for day in days for which, cost in day.items()):
        found.setdefault(which, []).append(cost)
    return {which: _together(costs) for which, costs in found.items()}


def _together(every: Sequence[Cost]) -> Cost:
    calls, usual = (
        median(cost.calls for cost in every),
        median(cost.buffers * cost.calls for cost in every),
    )
    full = [
        cost for cost in every if cost.buffers * cost.calls >= usual / 2
    ]  # on the other days it found nothing
    return Cost(
        every[0].sql,
        calls,
        min(cost.buffers * cost.calls for cost in full) / calls,
        min(cost.ms * cost.calls for cost in full) / calls,
        min(cost.rows * cost.calls for cost in full) / calls,
        len(every),
    )


def plain(query: str) -> str:
    return re.sub(r"\s+", " ", query).strip()


def grown(
    few: Mapping[int, Cost], many: Mapping[int, Cost], *, most: float, slack: float
) -> list[tuple[Cost, Cost]]:
    """Statements that look into more than `most` times as many buffers, and `slack`, where there is
    more history. What runs once may meet a table that is made longer just then, so that as much may
    come once. What a loop does comes in one call or in several, by chance: a call costs more where
    its day does, too."""
    return [
        (before, cost)
        for which, cost in many.items()
        if (before := few.get(which))
        and cost.buffers > before.buffers * most + slack + slack / cost.calls
        and cost.buffers * cost.calls
        > before.buffers * before.calls * most + slack * (cost.calls + 1)
    ]
